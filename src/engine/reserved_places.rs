//! Reserved places: one in each direct queue that a publish waits for, taken before the envelope is published.
//!
//! So an envelope is put into all of these queues or into none. The places are given back if the publish does not
//! happen. The models are in `engine/tests/core_loom_policies.rs`, the tests in `tests/library/blocking.rs`.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::engine::attempt::Attempt;
use crate::engine::refusal::Refusal;
use crate::queue::credits::NoPlace;
use crate::queue::direct::DirectQueue;

/// Places that were reserved before an envelope is published, so that it is in all queues or in none. Dropped, it gives
/// back what is not used. The queues are used in the order in which they were reserved. Here they stand in reverse, so
/// that the next one is the last.
pub(crate) struct ReservedPlaces<'a, M>(SmallVec<[&'a DirectQueue<M>; 4]>);

impl<'a, M> ReservedPlaces<'a, M> {
    /// Reserves a place in each of these queues that the attempt waits for, or in none. All of them block.
    pub(crate) fn reserve(
        queues: impl Iterator<Item = &'a Arc<DirectQueue<M>>>,
        attempt: &Attempt,
    ) -> Result<Self, Refusal> {
        let mut reserved = ReservedPlaces(SmallVec::new());
        for queue in queues.filter(|it| attempt.waits_for(it.terms())) {
            match queue.hold(attempt.is_patient()) {
                Ok(()) => reserved.0.push(queue),
                Err(NoPlace::Full) => return Err(Refusal::Full(Arc::clone(queue.terms()))),
                Err(NoPlace::Gone) => {}
            }
        }
        reserved.0.reverse();
        Ok(reserved)
    }

    /// Uses the place that is reserved in this queue. False if there is none.
    pub(crate) fn take(&mut self, queue: &DirectQueue<M>) -> bool {
        let is_reserved = (self.0.last()).is_some_and(|next| std::ptr::eq(*next, queue));
        if is_reserved {
            self.0.pop();
        }
        is_reserved
    }
}

impl<M> Drop for ReservedPlaces<'_, M> {
    fn drop(&mut self) {
        for queue in &self.0 {
            queue.release();
        }
    }
}
