//! The two kinds of queue, as publishers see them.
//!
//! A subscriber without a filter has a [shared queue](crate::queue::shared): segments go into its channel, and its
//! cursor reads what is appended to them. A subscriber with a filter has a [direct queue](crate::queue::direct): each
//! envelope that matches is put in by itself. A group has a direct queue too, because its members cannot share a
//! segment.
//!
//! The tests in `tests/library/stats.rs` hold both kinds to the same accounts.

use std::sync::Arc;

use crate::engine::filter::Filter;
use crate::queue::direct::DirectQueue;
use crate::queue::inbox::Inbox;
use crate::queue::segment::MAX_SLOTS;
use crate::queue::shared::SharedQueue;
use crate::queue::terms::Terms;
use crate::queue::vacancy::Vacancy;
use crate::support::wait_list::{Occupied, WaitList};

/// The publishers' end of a queue.
pub(crate) enum Queue<M> {
    Shared(Arc<SharedQueue<M>>),
    Direct(Arc<DirectQueue<M>>, Filter<M>),
}

impl<M> Clone for Queue<M> {
    fn clone(&self) -> Self {
        match self {
            Queue::Shared(queue) => Queue::Shared(Arc::clone(queue)),
            Queue::Direct(queue, filter) => Queue::Direct(Arc::clone(queue), filter.clone()),
        }
    }
}

impl<M> Queue<M> {
    pub(crate) fn terms(&self) -> &Arc<Terms> {
        match self {
            Queue::Shared(queue) => queue.terms(),
            Queue::Direct(queue, _) => queue.terms(),
        }
    }

    /// What the subscriber listens to. None if it listens to everything.
    pub(crate) fn filter(&self) -> Option<&Filter<M>> {
        match self {
            Queue::Shared(_) => None,
            Queue::Direct(_, filter) => Some(filter),
        }
    }
}

/// Makes both ends of a new queue. Where `chooses` says that the filter may change later, it is a direct queue from the
/// start.
pub(crate) fn queue<M>(
    mut terms: Terms,
    filter: Filter<M>,
    chooses: bool,
    readers: &Arc<WaitList>,
    occupied: &Arc<Occupied>,
) -> (Arc<Terms>, Queue<M>, Inbox<M>) {
    let is_shared = !chooses && filter.is_none() && terms.group.is_none();
    if terms.blocks() {
        let batch = if is_shared {
            terms.capacity.min(2 * MAX_SLOTS)
        } else {
            (terms.capacity / 4).clamp(1, 32)
        };
        terms.vacancy = Some(Arc::new(Vacancy::new(batch, readers.how())));
    }
    let terms = Arc::new(terms);
    if is_shared {
        let (queue, cursor) = SharedQueue::new(&terms, readers);
        (terms, Queue::Shared(queue), Inbox::Shared(cursor))
    } else {
        let (queue, receiver) = DirectQueue::new(&terms, occupied, readers.how());
        (terms, Queue::Direct(queue, filter), Inbox::Direct(receiver))
    }
}
