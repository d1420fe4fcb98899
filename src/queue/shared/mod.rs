//! A queue without a filter, on the publishers' side: whether it has room for a segment.

mod state;

use std::sync::Arc;

use crate::message::overflow::Overflow;
use crate::queue::accounts::Accounts;
use crate::queue::cursor::Cursor;
use crate::queue::entry::Entry;
use crate::queue::segment::Segment;
use crate::queue::segment_channel::{SegmentSender, channel};
use crate::queue::terms::Terms;
use crate::support::sync::Ordering;
use crate::support::wait_list::WaitList;

pub(crate) use self::state::{End, QueueState};

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

    /// Its accounts at this sequence number, where it is no exception: the segments before have it in reach, and its
    /// subscriber knows of all losses.
    ///
    /// Everything since its start was enqueued but for those losses. They do not change while that is so; an opener for
    /// which they have changed has an opening that is out of use, and will not install another.
    pub(crate) fn plain_entry(&self, end: u64) -> Entry {
        let Some(start) = self.state.start() else {
            return Entry::default(); // its list is not in use yet
        };
        let left_out = self.state.told();
        Entry::new(end.saturating_sub(start).saturating_sub(left_out), left_out)
    }

    /// Whether its subscriber knows of all that was left out so far.
    pub(crate) fn knows_of(&self, left_out: u64) -> bool {
        self.state.told() == left_out
    }

    /// How many more envelopes fit in, after what `entry` says was enqueued: any number where the newest are kept. A queue
    /// that publishers wait for may tell one that is patient that it is full still. Notes how many are queued.
    pub(crate) fn look_for_room(&self, entry: &Entry, is_patient: bool) -> u64 {
        if self.channel.newest().is_some() {
            self.state.saw(self.accounts(entry).queued());
            return u64::MAX;
        }
        // An opener that lost the race may hold an old entry: then it is ahead of it, and no matter.
        let consumed = self.state.consumed();
        let queued = entry.enqueued.saturating_sub(consumed);
        let capacity = self.terms.capacity as u64;
        self.state.saw(queued.min(capacity));
        let room = capacity.saturating_sub(queued);
        match &self.terms.vacancy {
            Some(vacancy) => vacancy.admit(room, consumed, is_patient),
            None => room,
        }
    }

    /// Before the segment after this sequence number is opened: where the newest are kept, takes out what is too old. That
    /// may be dropped when the publish is over, since it is user code.
    pub(crate) fn make_room(&self, end: u64, gone: &mut Vec<Arc<Segment<M>>>) {
        if let Some(newest) = self.channel.newest() {
            newest.keep_up_to(end, self.state.start().unwrap_or(end), gone);
        }
    }

    /// Whether more was taken out since this was asked last.
    pub(crate) fn has_lost_more(&self) -> bool {
        // Relaxed: only whether it is told of hangs on it.
        let lost = self.channel.lost();
        lost > 0 && self.state.told_of.swap(lost, Ordering::Relaxed) < lost
    }

    /// How many envelopes were taken out.
    pub(crate) fn lost(&self) -> u64 {
        self.channel.lost()
    }

    /// When the subscriber has received so many envelopes, a queue that is full by its `entry`, and that
    /// nobody waits for, has room.
    pub(crate) fn vacant_at(&self, entry: &Entry) -> u64 {
        (entry.enqueued + 1).saturating_sub(self.terms.capacity as u64)
    }

    /// Its accounts, where `entry` has those of now.
    pub(crate) fn accounts(&self, entry: &Entry) -> Accounts {
        let consumed = self.state.consumed.load(Ordering::Relaxed); // a figure, no more
        let lost = self.channel.lost();
        Accounts {
            // These may have gone on since the entry was made.
            placed: entry.enqueued.saturating_sub(lost).max(consumed),
            consumed,
            dropped: entry.left_out + lost,
        }
    }

    /// The queue is left out of a segment.
    pub(crate) fn leave_out(&self) {
        // Relaxed: read by a subscriber that learned of a publish, which came after.
        if !self.state.was_left_out.load(Ordering::Relaxed) {
            self.state.was_left_out.store(true, Ordering::Relaxed);
        }
    }

    /// Puts a segment into the channel, unless somebody has already. There is room for it. The subscriber is yet to be
    /// woken.
    pub(crate) fn hand_over(&self, segment: &Arc<Segment<M>>) {
        self.channel.hand_over(segment);
    }

    /// Puts the subscriber out, for the envelope after what `entry` says was enqueued. Whoever sees
    /// to the segment that has left it out does so; who comes later may do it again. It is yet to be woken.
    pub(crate) fn evict(&self, entry: &Entry) {
        // Release, against the acquire in `QueueState::is_evicted`.
        self.state.evicted.store(true, Ordering::Release);
        let _first = self.state.end.set(End {
            enqueued: entry.enqueued,
            left_out: 1,
            evicted: true,
        });
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.state.is_evicted()
    }

    /// Whether nothing is offered to it, though it be listed still.
    pub(crate) fn takes_no_more(&self) -> bool {
        // Acquire, against the release in `QueueState::leave`. Relaxed: see `Core::end_follower`.
        self.state.gone.load(Ordering::Acquire) || self.state.closed.load(Ordering::Relaxed)
    }

    /// Nothing is offered to it from the next opening on. False if it was closed already.
    pub(crate) fn close(&self) -> bool {
        !self.state.closed.swap(true, Ordering::Relaxed) // as above
    }

    /// The bus closes, or the subscription, having enqueued and left out so many. The subscriber is yet to be woken.
    pub(crate) fn end(&self, entry: &Entry) {
        let _first = self.state.end.set(End {
            enqueued: entry.enqueued,
            left_out: entry.left_out,
            evicted: false,
        });
        self.terms.wake_publishers();
    }
}
