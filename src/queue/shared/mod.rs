//! A shared queue, on the publishers' side: the queue of a subscriber without a filter.
//!
//! Such a subscriber receives everything, so it reads the bus's segments in place, and a publish that appends to a
//! segment does not touch its queue. When the next [head](crate::engine::head) is made, the queue says how many
//! envelopes it has room for, and the segment is [handed over](crate::queue::segment_channel) to it. A queue without
//! room is left out of the segment, and the loss is a range of sequence numbers. Its accounts follow from the chain of
//! heads and from the few words of its [state](QueueState); they are exact at every head. The subscriber's side is the
//! [cursor].
//!
//! The models are in `engine/tests/core_loom_models.rs`. The tests in `tests/library/accounts.rs` check the accounts,
//! and `tests/library/model.rs` compares them with the reference model.

pub(crate) mod cursor;
mod state;

use std::sync::Arc;

use crate::message::overflow::Overflow;
use crate::queue::accounts::Accounts;
use crate::queue::entry::Entry;
use crate::queue::segment::Segment;
use crate::queue::segment_channel::{SegmentSender, channel};
use crate::queue::shared::cursor::Cursor;
use crate::queue::terms::Terms;
use crate::support::sync::Ordering;
use crate::support::wait_list::WaitList;

pub(crate) use self::state::{FinalAccounts, QueueState};

/// The publishers' end.
pub(crate) struct SharedQueue<M> {
    channel: SegmentSender<M>,
    terms: Arc<Terms>,
    state: Arc<QueueState>,
}

impl<M> SharedQueue<M> {
    pub(crate) fn new(terms: &Arc<Terms>, readers: &Arc<WaitList>) -> (Arc<Self>, Cursor<M>) {
        let (channel, end) = channel(terms.capacity, terms.overflow == Overflow::DropOldest);
        let state = Arc::new(QueueState::new());
        let queue = SharedQueue {
            channel,
            terms: Arc::clone(terms),
            state: Arc::clone(&state),
        };
        let cursor = Cursor::new(end, state, terms.vacancy.clone(), readers);
        (Arc::new(queue), cursor)
    }

    pub(crate) fn terms(&self) -> &Arc<Terms> {
        &self.terms
    }

    pub(crate) fn state(&self) -> &Arc<QueueState> {
        &self.state
    }

    /// Returns its accounts at this sequence number if the queue is plain: the earlier segments have it in reach, and
    /// its subscriber knows of all losses.
    ///
    /// Everything since its start was enqueued, except for those losses. They do not change while the queue is plain. A
    /// publisher that finds them changed holds a head that is out of date, and its swap will fail.
    pub(crate) fn plain_entry(&self, end: u64) -> Entry {
        let Some(start) = self.state.start() else {
            return Entry::default(); // its subscriber list is not in use yet
        };
        let left_out = self.state.told();
        Entry::new(end.saturating_sub(start).saturating_sub(left_out), left_out)
    }

    /// Whether its subscriber knows of everything that was left out so far.
    pub(crate) fn knows_of(&self, left_out: u64) -> bool {
        self.state.told() == left_out
    }

    /// Returns how many more envelopes fit in, after those that `entry` counts as enqueued. A queue that keeps the
    /// newest has room for any number. A queue that publishers wait for may tell a patient publisher that it is still
    /// full. Records how many envelopes are queued.
    pub(crate) fn find_room(&self, entry: &Entry, is_patient: bool) -> u64 {
        if self.channel.newest().is_some() {
            self.state.high_water.saw(self.accounts(entry).queued());
            return u64::MAX;
        }
        // A publisher that lost the race may hold an old entry. The subscriber is then ahead of it, which does no harm.
        let consumed = self.state.consumed();
        let queued = entry.enqueued.saturating_sub(consumed);
        let capacity = self.terms.capacity as u64;
        self.state.high_water.saw(queued.min(capacity));
        let room = capacity.saturating_sub(queued);
        match &self.terms.vacancy {
            Some(vacancy) => vacancy.usable_room(room, consumed, is_patient),
            None => room,
        }
    }

    /// Takes out what is too old, if the queue keeps the newest. Called before the segment after this sequence number
    /// is opened. What is taken out goes to `gone`, to be dropped once the publish is over, because that is user code.
    pub(crate) fn make_room(&self, end: u64, gone: &mut Vec<Arc<Segment<M>>>) {
        if let Some(newest) = self.channel.newest() {
            newest.keep_up_to(end, self.state.start().unwrap_or(end), gone);
        }
    }

    /// Whether more envelopes were taken out since the last call.
    pub(crate) fn has_lost_more(&self) -> bool {
        // Relaxed: it decides only whether an advisory is sent.
        let lost = self.channel.lost();
        lost > 0 && self.state.lost_reported.swap(lost, Ordering::Relaxed) < lost
    }

    /// Returns how many envelopes were taken out.
    pub(crate) fn lost(&self) -> u64 {
        self.channel.lost()
    }

    /// Returns its accounts. `entry` is that of the current head.
    pub(crate) fn accounts(&self, entry: &Entry) -> Accounts {
        let consumed = self.state.consumed.load(Ordering::Relaxed); // a figure, no more
        let lost = self.channel.lost();
        Accounts {
            // Loss and consumption may have advanced since the entry was made.
            placed: entry.enqueued.saturating_sub(lost).max(consumed),
            consumed,
            dropped: entry.left_out + lost,
        }
    }

    /// Records that the queue is left out of a segment.
    pub(crate) fn leave_out(&self) {
        // Relaxed: the subscriber reads it after it has learned of a later publish.
        if !self.state.was_left_out.load(Ordering::Relaxed) {
            self.state.was_left_out.store(true, Ordering::Relaxed);
        }
    }

    /// Puts a segment into the channel, unless another publisher has done so. There is room for it. The caller wakes
    /// the subscriber.
    pub(crate) fn hand_over(&self, segment: &Arc<Segment<M>>) {
        self.channel.hand_over(segment);
    }

    /// Evicts the subscriber, because the envelope after those that `entry` counts as enqueued found no room. Every
    /// thread that completes the segment that left it out does this; only the first call takes effect. The caller wakes
    /// the subscriber.
    pub(crate) fn evict(&self, entry: &Entry) {
        // Release, against the acquire in `QueueState::is_evicted`.
        self.state.evicted.store(true, Ordering::Release);
        let _first = self.state.end.set(FinalAccounts {
            enqueued: entry.enqueued,
            left_out: 1,
            evicted: true,
        });
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.state.is_evicted()
    }

    /// Whether nothing is offered to it any more, even if it is still on the subscriber list.
    pub(crate) fn takes_no_more(&self) -> bool {
        // Acquire, against the release in `QueueState::leave`. Relaxed: see `Core::close_shared_queue`.
        self.state.gone.load(Ordering::Acquire) || self.state.closed.load(Ordering::Relaxed)
    }

    /// Closes the queue: nothing is offered to it from the next head on. Returns false if it was closed already.
    pub(crate) fn close(&self) -> bool {
        !self.state.closed.swap(true, Ordering::Relaxed) // see `takes_no_more`
    }

    /// Ends the queue, because the bus or the subscription closes, with what `entry` counts as enqueued and left out.
    /// The caller wakes the subscriber.
    pub(crate) fn settle_accounts(&self, entry: &Entry) {
        let _first = self.state.end.set(FinalAccounts {
            enqueued: entry.enqueued,
            left_out: entry.left_out,
            evicted: false,
        });
        self.terms.wake_publishers();
    }
}
