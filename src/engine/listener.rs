//! A listener: a subscriber with a filter, or a group, as the subscriber list has it.
//!
//! The list and the index share it. A change of its patterns puts another one in its place.
//!
//! The tests are in `tests/library/routing.rs`.

use std::sync::Arc;

use crate::engine::filter::Filter;
use crate::queue::direct::DirectQueue;
use crate::queue::terms::Terms;

/// A subscriber with a filter, or a group.
pub(crate) struct Listener<M> {
    /// The version of the list with which it came: later subscribers have higher numbers.
    pub(crate) number: u64,
    pub(crate) queue: Arc<DirectQueue<M>>,
    pub(crate) filter: Filter<M>,
    /// Whether publishers wait for room in the queue. Kept here, because a publish has the listener at hand long before
    /// it needs the queue.
    pub(crate) blocks: bool,
}

impl<M> Listener<M> {
    pub(crate) fn new(number: u64, queue: Arc<DirectQueue<M>>, filter: Filter<M>) -> Arc<Self> {
        Arc::new(Listener {
            number,
            blocks: queue.blocks(),
            queue,
            filter,
        })
    }

    /// Whether a subscriber may join this group. None if it is another's; an error names the term that differs.
    pub(crate) fn invites(
        &self,
        wanted: &Terms,
        filter: &Filter<M>,
    ) -> Option<Result<(), &'static str>> {
        let terms = self.queue.terms();
        if terms.group != wanted.group || self.queue.is_evicted() {
            return None;
        }
        Some(if terms.capacity != wanted.capacity {
            Err("capacity")
        } else if terms.overflow != wanted.overflow {
            Err("overflow policy")
        } else if !self.filter.is_same(filter) {
            Err("filter")
        } else {
            Ok(())
        })
    }
}
