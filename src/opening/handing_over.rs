//! A new parcel is put into every queue in its reach.

use super::Opening;
use crate::pause::{self, Step};
use crate::sync::{Ordering, fence};
use crate::wait_list::WaitList;

impl<M> Opening<M> {
    /// Hands the parcel over to every queue in reach. The first thread that meets the opening does so; those that come
    /// later may do it again.
    pub(crate) fn complete(&self, readers: &WaitList) {
        if self.parcel.is_ready() {
            return;
        }
        self.settle();
        let in_reach = || (self.reaches()).filter_map(|(queue, reaches)| reaches.then_some(queue));
        for queue in in_reach() {
            queue.hand_over(&self.parcel);
        }
        for (queue, entry) in self.evicts() {
            queue.evict(entry);
        }
        readers.wake_all_after_fence(); // those that the parcel was handed to, and those that lose its envelopes
        pause::at(Step::HandedOver);
        self.parcel.mark_ready();
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
