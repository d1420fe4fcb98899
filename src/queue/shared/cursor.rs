//! A cursor: the subscriber's side of a shared queue, which reads segments while they fill.
//!
//! It holds one segment in its hand and takes the next one out of the [channel](crate::queue::segment_channel) when
//! that one is read. So a receive is a slot read, and reading an open segment needs no further message from the
//! publisher. Two promises are kept here: each gap is told once, where it lies; and a subscriber that registers before
//! it sleeps is woken by the next envelope.
//!
//! The models are in `engine/tests/core_loom_models.rs` and `support/tests/wait_list_loom_models.rs`.

use std::sync::Arc;

use crate::message::envelope::Envelope;
use crate::queue::delivery::Delivery;
use crate::queue::gathering::Gathering;
use crate::queue::segment::Segment;
use crate::queue::segment_channel::SegmentReceiver;
use crate::queue::shared::QueueState;
use crate::queue::vacancy::Vacancy;
use crate::queue::wait::Nothing;
use crate::support::wait_list::{Registration, WaitList, Waiter};

/// The subscriber's end of a shared queue.
pub(crate) struct Cursor<M> {
    channel: SegmentReceiver<M>,
    state: Arc<QueueState>,
    /// Where publishers wait for room, if they wait for this queue.
    vacancy: Option<Arc<Vacancy>>,
    /// The segment that is being read, how many of its slots were read, and how many are known to be claimed.
    hand: Option<Arc<Segment<M>>>,
    read: usize,
    known: usize,
    /// The sequence number that comes next while no segment is in the hand. `None` until the first one is known.
    next: Option<u64>,
    consumed: u64,
    /// How many losses the subscriber was told of.
    told: u64,
    gathering: Gathering,
    registration: Registration,
}

/// What a cursor finds when it has read all slots that it knew to be claimed.
enum AtEnd {
    /// More was appended.
    More,
    /// The segment is read, and more may still be appended.
    Open,
    /// The next segment, if any, is in the channel.
    Final,
}

impl<M> Cursor<M> {
    pub(crate) fn new(
        channel: SegmentReceiver<M>,
        state: Arc<QueueState>,
        vacancy: Option<Arc<Vacancy>>,
        readers: &Arc<WaitList>,
    ) -> Self {
        Cursor {
            channel,
            state,
            vacancy,
            hand: None,
            read: 0,
            known: 0,
            next: None,
            consumed: 0,
            told: 0,
            gathering: Gathering::default(),
            registration: Registration::new(readers),
        }
    }

    /// Moves past the next slot, if it is known to be claimed.
    #[inline]
    pub(crate) fn step(&mut self) -> bool {
        if self.read == self.known {
            return false;
        }
        self.read += 1;
        self.consumed += 1;
        self.state
            .set_consumed(self.consumed, self.vacancy.as_deref());
        true
    }

    /// Whether all slots that are known to be claimed were read.
    #[inline]
    pub(crate) fn has_read_known(&self) -> bool {
        self.read == self.known
    }

    /// Finds the next slot, if it is claimed.
    ///
    /// `standing` returns what the bus has enqueued and left out for this queue so far.
    pub(crate) fn find_next(
        &mut self,
        standing: &impl Fn(&QueueState) -> (u64, u64),
    ) -> Result<(), Nothing> {
        while self.read == self.known {
            match self.at_end() {
                AtEnd::More => {}
                AtEnd::Open => return Err(self.found_empty()),
                AtEnd::Final => {
                    if let Some(segment) = self.hand.take() {
                        self.next = Some(segment.base() + self.read as u64);
                    }
                    self.next_segment(standing)?;
                }
            }
        }
        Ok(())
    }

    /// Reads all slots that are known to be claimed except the last one, and shows each to `look`. Returns how many it
    /// read.
    pub(crate) fn show(&mut self, mut look: impl FnMut(&Envelope<M>)) -> usize {
        let Some(segment) = &self.hand else { return 0 };
        let (first, vacancy) = (self.read, self.vacancy.as_deref());
        let state = &*self.state;
        for envelope in segment.claimed(first..self.known.saturating_sub(1)) {
            self.read += 1;
            self.consumed += 1;
            state.set_consumed(self.consumed, vacancy);
            look(envelope);
        }
        self.read - first
    }

    fn at_end(&mut self) -> AtEnd {
        let Some(segment) = &self.hand else {
            return AtEnd::Final;
        };
        let filled = segment.filled();
        self.known = filled.claimed;
        if self.read < self.known {
            AtEnd::More
        } else if filled.is_final {
            AtEnd::Final
        } else {
            AtEnd::Open
        }
    }

    /// Lets envelopes gather for a moment, if they come fast enough.
    pub(crate) fn gather(&self) {
        self.gathering.gather();
    }

    fn found_empty(&self) -> Nothing {
        if let Some(vacancy) = &self.vacancy {
            vacancy.found_empty();
        }
        Nothing::Empty
    }

    /// Whether more than one slot is known to be claimed.
    pub(crate) fn has_many(&self) -> bool {
        self.known - self.read > 1
    }

    /// Records after how many looks the next slot was found.
    pub(crate) fn found_after(&mut self, looks: u32) {
        self.gathering.found_after(looks, self.known - self.read);
    }

    /// Finds the next slot, if it is claimed. Otherwise the waiter is registered, and woken when it is worth trying
    /// again.
    pub(crate) fn find_next_or_register(
        &mut self,
        waiter: &impl Fn() -> Waiter,
        standing: &impl Fn(&QueueState) -> (u64, u64),
    ) -> Result<(), Nothing> {
        loop {
            // What it waits for depends on the segment that it holds, which may change before it sleeps.
            let found = if self.holds_open_segment() {
                self.registration.register(waiter());
                if self.is_awaited() {
                    return Err(Nothing::Empty);
                }
                self.find_next(standing)
            } else {
                self.registration.register_and_fence(waiter());
                match self.find_next(standing) {
                    Err(Nothing::Empty) if self.holds_open_segment() => continue,
                    Err(Nothing::Empty) => return Err(Nothing::Empty),
                    found => found,
                }
            };
            if found != Err(Nothing::Empty) {
                self.leave_wait_list();
                return found;
            }
        }
    }

    /// Leaves the wait list.
    #[inline]
    pub(crate) fn leave_wait_list(&mut self) {
        self.registration.deregister();
    }

    /// Whether more may be appended to the segment in the hand.
    fn holds_open_segment(&self) -> bool {
        (self.hand.as_ref()).is_some_and(|segment| !segment.filled().is_final)
    }

    /// Whether the publisher that appends next will find the waiter registered.
    fn is_awaited(&self) -> bool {
        (self.hand.as_ref()).is_some_and(|segment| segment.await_after(self.read))
    }

    /// Takes the next segment out of the channel.
    fn next_segment(
        &mut self,
        standing: &impl Fn(&QueueState) -> (u64, u64),
    ) -> Result<(), Nothing> {
        // Read before the channel is seen to be empty. Everything that was enqueued before these envelopes were left
        // out has been read since, so the gap lies here.
        self.next = self.next.or_else(|| self.state.start());
        let missed = self.missed(standing);
        let segment = match self.channel.try_recv(self.next) {
            Ok(segment) => segment,
            Err(_) if missed > self.told => return Err(self.tell(missed - self.told)),
            Err(end) if end.is_disconnected() || self.has_all() => {
                // No publisher uses the queue any more, so this is everything.
                let missed = self.missed(standing);
                return Err(if missed > self.told {
                    self.tell(missed - self.told)
                } else if self.state.ended().is_some_and(|end| end.evicted) {
                    Nothing::Evicted
                } else {
                    Nothing::Disconnected
                });
            }
            Err(_) => return Err(self.found_empty()),
        };
        let first = self.channel.first(&segment);
        let next = self.next.unwrap_or(first);
        // The subscriber may begin in the middle of a segment.
        let read = next.max(first).saturating_sub(segment.base());
        let read = usize::try_from(read).unwrap_or(usize::MAX);
        let filled = segment.filled();
        if read > filled.claimed || (read == filled.claimed && filled.is_final && read > 0) {
            return Ok(()); // handed over twice, or the subscriber began after it
        }
        self.hand = Some(segment);
        self.read = read;
        self.known = read;
        if first > next {
            return Err(self.tell(first - next));
        }
        Ok(())
    }

    /// Whether nothing more comes, and everything that was enqueued is either consumed or lost since.
    fn has_all(&self) -> bool {
        self.state.has_all(self.consumed + self.channel.lost())
    }

    /// Records that the subscriber is told of the next `missed` envelopes as lost.
    fn tell(&mut self, missed: u64) -> Nothing {
        self.told += missed;
        if self.state.was_left_out() {
            // Otherwise the queue keeps the newest, and was given everything.
            self.state.tell(self.told);
        }
        self.next = self.next.map(|next| next + missed);
        Nothing::Lagged(missed)
    }

    fn missed(&self, standing: &impl Fn(&QueueState) -> (u64, u64)) -> u64 {
        if let Some(end) = self.state.ended() {
            end.left_out
        } else if !self.state.was_left_out() {
            0
        } else {
            standing(&self.state).1
        }
    }

    /// Returns what the last [`step`](Cursor::step) read.
    #[inline]
    pub(crate) fn delivery(&self) -> Delivery<M> {
        Delivery::new(Arc::clone(self.segment()), self.read - 1)
    }

    /// Lends what the last [`step`](Cursor::step) read.
    #[inline]
    pub(crate) fn envelope(&self) -> &Envelope<M> {
        self.segment().get(self.read - 1)
    }

    fn segment(&self) -> &Arc<Segment<M>> {
        self.hand.as_ref().expect("asked for after an advance")
    }

    pub(crate) fn len(&self, standing: impl Fn(&QueueState) -> (u64, u64)) -> usize {
        let enqueued = standing(&self.state).0;
        let over = self.consumed + self.channel.lost();
        usize::try_from(enqueued.saturating_sub(over)).unwrap_or(usize::MAX)
    }

    pub(crate) fn lost(&self, standing: impl Fn(&QueueState) -> (u64, u64)) -> u64 {
        self.missed(&standing) + self.channel.lost()
    }

    pub(crate) fn state(&self) -> &QueueState {
        &self.state
    }

    /// Frees the queued segments.
    pub(crate) fn drain(&mut self) {
        self.hand = None;
        self.channel.drain();
    }
}
