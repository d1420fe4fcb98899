//! A queue without a filter, on the subscriber's side: segments, read while they fill.

use std::hint::spin_loop;
use std::sync::Arc;

use crate::message::envelope::Envelope;
use crate::queue::delivery::Delivery;
use crate::queue::segment::Segment;
use crate::queue::segment_channel::SegmentReceiver;
use crate::queue::shared::QueueState;
use crate::queue::vacancy::Vacancy;
use crate::queue::wait::Nothing;
use crate::support::wait_list::{Registration, WaitList, Waiter};

/// For how many spins a subscriber lets envelopes gather that has caught up with a publisher: some
/// half a microsecond.
const GATHERING: u32 = 64;

/// Fewer envelopes than this are not worth the gathering.
const GATHERED: usize = 4;

/// The subscriber's end.
pub(crate) struct Cursor<M> {
    channel: SegmentReceiver<M>,
    state: Arc<QueueState>,
    /// Where publishers wait for room, if they do.
    vacancy: Option<Arc<Vacancy>>,
    /// The segment that is being read, how many of its slots were, and how many are known to be
    /// claimed.
    hand: Option<Arc<Segment<M>>>,
    read: usize,
    known: usize,
    /// The sequence number that comes next when there is no segment in the hand, once the first is
    /// known.
    next: Option<u64>,
    consumed: u64,
    /// How many losses were told.
    told: u64,
    /// Envelopes come so fast that it pays to let some gather.
    gathers: bool,
    registration: Registration,
}

/// What a follower finds at the end of what it has.
enum AtEnd {
    /// More was appended.
    More,
    /// The segment is read, and more may be appended yet.
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
            gathers: false,
            registration: Registration::new(readers),
        }
    }

    /// Reads the next slot, if it is known to be claimed.
    #[inline]
    pub(crate) fn step(&mut self) -> bool {
        if self.read == self.known {
            return false;
        }
        self.read += 1;
        self.consumed += 1;
        self.state.count(self.consumed, self.vacancy.as_deref());
        true
    }

    /// Whether all slots that are known to be claimed were read.
    #[inline]
    pub(crate) fn has_read_known(&self) -> bool {
        self.read == self.known
    }

    /// Finds the next slot, if it is claimed.
    ///
    /// `standing` tells what the bus has enqueued and left out for this queue so far.
    pub(crate) fn reach(
        &mut self,
        standing: &impl Fn(&QueueState) -> (u64, u64),
    ) -> Result<(), Nothing> {
        while self.read == self.known {
            match self.at_end() {
                AtEnd::More => {}
                AtEnd::Open => return Err(Nothing::Empty),
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

    /// Reads all slots that are known to be claimed but for the last one, and shows them; returns how many.
    pub(crate) fn show(&mut self, mut look: impl FnMut(&Envelope<M>)) -> usize {
        let Some(segment) = &self.hand else { return 0 };
        let (first, vacancy) = (self.read, self.vacancy.as_deref());
        let state = &*self.state;
        for envelope in segment.claimed(first..self.known.saturating_sub(1)) {
            self.read += 1;
            self.consumed += 1;
            state.count(self.consumed, vacancy);
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

    /// Lets envelopes gather for a moment, if they come that fast.
    pub(crate) fn gather(&self) {
        if self.gathers {
            // Looking at each slot as it is written would take its cache line, and that of the
            // segment's word, away from the publisher each time.
            for _ in 0..GATHERING {
                spin_loop();
            }
        }
    }

    /// Whether more than one slot is known to be claimed.
    pub(crate) fn has_many(&self) -> bool {
        self.known - self.read > 1
    }

    /// The next slot was found after so many looks.
    pub(crate) fn found_after(&mut self, looks: u32) {
        self.gathers = if self.gathers {
            self.known - self.read >= GATHERED
        } else {
            looks < 3 // so soon that more are on their way
        };
    }

    /// Finds the next slot, if it is claimed. Else the waiter is registered, and woken when it is worth trying again.
    pub(crate) fn reach_or_register(
        &mut self,
        waiter: &impl Fn() -> Waiter,
        standing: &impl Fn(&QueueState) -> (u64, u64),
    ) -> Result<(), Nothing> {
        loop {
            // Where it waits depends on what it holds, which may change before it sleeps.
            let found = if self.holds_open_segment() {
                self.registration.register(waiter());
                if self.is_awaited() {
                    return Err(Nothing::Empty);
                }
                self.reach(standing)
            } else {
                self.registration.register_and_fence(waiter());
                match self.reach(standing) {
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

    /// Waits no more.
    #[inline]
    pub(crate) fn leave_wait_list(&mut self) {
        self.registration.leave();
    }

    /// Whether more may be appended to what it holds.
    fn holds_open_segment(&self) -> bool {
        (self.hand.as_ref()).is_some_and(|segment| !segment.filled().is_final)
    }

    /// Whether whoever appends next will find that it waits.
    fn is_awaited(&self) -> bool {
        (self.hand.as_ref()).is_some_and(|segment| segment.await_after(self.read))
    }

    /// Takes the next segment out of the channel.
    fn next_segment(
        &mut self,
        standing: &impl Fn(&QueueState) -> (u64, u64),
    ) -> Result<(), Nothing> {
        // Read before the channel is seen to be empty: what was enqueued before these were left
        // out has been read since, so the gap lies here.
        self.next = self.next.or_else(|| self.state.start());
        let missed = self.missed(standing);
        let segment = match self.channel.try_recv(self.next) {
            Ok(segment) => segment,
            Err(_) if missed > self.told => return Err(self.tell(missed - self.told)),
            Err(end) if end.is_disconnected() || self.has_all() => {
                // Nobody is at it any more, so this is all.
                let missed = self.missed(standing);
                return Err(if missed > self.told {
                    self.tell(missed - self.told)
                } else if self.state.ended().is_some_and(|end| end.evicted) {
                    Nothing::Evicted
                } else {
                    Nothing::Disconnected
                });
            }
            Err(_) => return Err(Nothing::Empty),
        };
        let first = self.channel.first(&segment);
        let next = self.next.unwrap_or(first);
        // It may begin in the midst of a segment.
        let read = next.max(first).saturating_sub(segment.base());
        let read = usize::try_from(read).unwrap_or(usize::MAX);
        let filled = segment.filled();
        if read > filled.claimed || (read == filled.claimed && filled.is_final && read > 0) {
            return Ok(()); // handed over twice, or it began later
        }
        self.hand = Some(segment);
        self.read = read;
        self.known = read;
        if first > next {
            return Err(self.tell(first - next));
        }
        Ok(())
    }

    /// Whether nothing more comes, and what found a place was consumed, or was lost after that.
    fn has_all(&self) -> bool {
        self.state.has_all(self.consumed + self.channel.lost())
    }

    /// Tells that the next `missed` envelopes were lost.
    fn tell(&mut self, missed: u64) -> Nothing {
        self.told += missed;
        if self.state.was_left_out() {
            // Else it is one that keeps the newest, and was given all.
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

    /// What the last [`step`](Follower::step) read.
    #[inline]
    pub(crate) fn delivery(&self) -> Delivery<M> {
        Delivery::new(Arc::clone(self.segment()), self.read - 1)
    }

    /// What the last [`step`](Follower::step) read, to be looked at.
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

    /// Frees what is queued.
    pub(crate) fn drain(&mut self) {
        self.hand = None;
        self.channel.drain();
    }
}
