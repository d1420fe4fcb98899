//! A new segment is put into every queue in its reach.

use super::Head;
use crate::support::failpoints::{self, Step};
use crate::support::sync::{Ordering, fence};
use crate::support::wait_list::WaitList;

impl<M> Head<M> {
    /// Hands the segment over to every queue in reach. The first thread that meets the opening does so; those that come
    /// later may do it again.
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
        readers.wake_all_after_fence(); // those that the segment was handed to, and those that lose its envelopes
        failpoints::at(Step::HandedOver);
        self.segment.mark_ready();
    }

    /// Something was lost for those that had no room: wakes those that have received all since, and sleep. Not to be
    /// called under a lock.
    #[inline]
    pub(crate) fn wake_vacated(&self, readers: &WaitList) {
        if self.drops.is_empty() {
            return;
        }
        // Against the fence of a subscriber that goes to sleep: it has been seen to be full, may
        // have received all since, and not have learned of this loss.
        fence(Ordering::SeqCst);
        if self.vacated().next().is_some() {
            readers.wake_all();
        }
    }
}
