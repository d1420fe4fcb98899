//! Several heads for one segment: a change of the list or of a grant, without a new segment.
//!
//! The segment's word has an *epoch*, which says through which head slots may be claimed. The next head of the same
//! segment has the next epoch. First it is installed. Then it is [settled](Head::settle): the segment is put into the
//! queues of the newcomers, and the epoch is raised. The newcomers start at the slot after those claimed by then.
//!
//! * **Each claim belongs to one head**: the one whose epoch the word had. So an envelope is for the subscribers of
//!   that head's list, and for no others.
//! * **A head is settled before the next is installed**, by the thread that installs the next. So the place where the
//!   epoch began is read before it is overwritten.
//! * **A newcomer's start is written once, and before `subscribe` returns.** A publisher that claims through the head
//!   has seen the raised epoch, and the segment was in the newcomer's queue before that.
//! * **Nobody claims through an earlier head** once this one is settled. That makes leaving and revoking barriers.
//! * A segment's reach does not change: a queue that was left out stays so until the next segment.
//!
//! The models in `tests/core_loom_changes.rs` show this.

use std::sync::Arc;

use super::Head;
use super::accounts::WatchedQueue;
use crate::engine::retained::Retained;
use crate::engine::subscriber_list::SubscriberList;
use crate::queue::segment::LAST_EPOCH;
use crate::support::sync::Ordering;

impl<M> Head<M> {
    /// The next head of the same segment, with this list. None if the segment cannot have one: it takes no more, is not
    /// ready, or keeps nothing; it has no room for a newcomer; nobody would be left to read it; or something is
    /// retained.
    pub(crate) fn next_of_same_segment(
        &self,
        subscribers: &Arc<SubscriberList<M>>,
    ) -> Option<Self> {
        let (filled, slots) = (self.segment.filled(), self.segment.slots());
        let retains = !(self.subscribers.rules.is_empty() && subscribers.rules.is_empty());
        if filled.is_final
            || slots == 0
            || !self.segment.is_ready()
            || subscribers.closed
            || retains
            || self.epoch == LAST_EPOCH
        {
            return None;
        }
        let free = slots - filled.claimed;
        let mut newcomers = subscribers.shared.above(self.subscribers.version);
        if newcomers.any(|queue| queue.terms().capacity < free) {
            return None;
        }
        let others = (self.others.iter()).filter(|other| subscribers.lists(other.queue.terms()));
        let others: Box<[_]> = others.cloned().collect();
        let out_of_reach = (others.iter()).filter(|other| !other.entry.is_in_reach());
        let in_reach = subscribers.shared.len() - out_of_reach.count();
        if in_reach == 0 && subscribers.direct.is_empty() {
            return None;
        }
        let (segment, list) = (Arc::clone(&self.segment), Arc::clone(subscribers));
        // No queue to evict: they were evicted before the segment was ready.
        Some(Head {
            epoch: self.epoch + 1,
            others,
            in_reach,
            narrow: WatchedQueue::among(&self.narrow, subscribers),
            drops: WatchedQueue::among(&self.drops, subscribers),
            growth: self.growth,
            ..Self::reaching_nobody(segment, list, self.subscribers.version, Retained::nothing())
        })
    }

    /// Begins claims through this head, ends those through earlier ones, and tells newcomers where they start. Every
    /// thread that meets the head calls this, and it may be repeated.
    #[inline]
    pub(crate) fn settle(&self) {
        // Acquire, against the release in `settle_now`: newcomers have a start.
        if !self.is_settled.load(Ordering::Acquire) {
            self.settle_now();
        }
    }

    #[cold]
    fn settle_now(&self) {
        let newcomers = || self.subscribers.shared.above(self.after);
        if self.epoch > 0 {
            // The first head's segment is handed over to every queue in its reach before it is ready.
            for queue in newcomers() {
                queue.hand_over(&self.segment);
            }
        }
        // None: a later head has begun. This one was settled before that was installed.
        if let Some(began) = self.segment.raise_epoch(self.epoch) {
            let start = self.segment.base() + began as u64;
            for queue in newcomers() {
                queue.state().begin(start);
            }
        }
        self.is_settled.store(true, Ordering::Release);
    }
}
