//! The hand-over of a new segment to every queue in its reach.
//!
//! This is *helping*, as lock-free algorithms know it: any thread that meets a head completes its hand-over. So a
//! publisher that is preempted in the middle delays nobody.
//!
//! The tests in `engine/tests/core_stopped/` stop a publisher at each step and let the others go on.

use super::Head;
use crate::support::failpoints::{self, Step};
use crate::support::wait_list::WaitList;

impl<M> Head<M> {
    /// Hands the segment over to every queue in reach. The first thread that meets the head does so; later ones may do
    /// it again.
    pub(crate) fn complete(&self, readers: &WaitList) {
        if self.segment.is_ready() {
            return;
        }
        self.settle();
        let in_reach = || (self.reaches()).filter_map(|(queue, reaches)| reaches.then_some(queue));
        for queue in in_reach() {
            queue.hand_over(&self.segment);
        }
        for (queue, entry) in self.evicts() {
            queue.evict(entry);
        }
        readers.wake_all_after_fence(); // those the segment was handed to, and those that lose its envelopes
        failpoints::at(Step::HandedOver);
        self.segment.mark_ready();
    }

    /// Wakes the readers after envelopes were appended. Not to be called under a lock.
    #[inline]
    pub(crate) fn wake(&self, readers: &WaitList) {
        if self.drops.is_empty() {
            // What the readers wait for lies in the segment, so both sides have changed its word.
            readers.wake_all();
        } else {
            // A reader whose queue was seen to be full may have received everything since, and have looked before this
            // loss. No word that it has changed tells it of that.
            readers.wake_all_after_fence();
        }
    }
}
