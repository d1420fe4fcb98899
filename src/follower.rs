//! A queue without a filter, on the subscriber's side: parcels, read while they fill.

use std::hint::spin_loop;
use std::sync::Arc;

use crate::delivery::Delivery;
use crate::envelope::Envelope;
use crate::follow::Places;
use crate::lane::LaneEnd;
use crate::parcel::Parcel;
use crate::vacancy::Vacancy;
use crate::wait::Nothing;
use crate::wait_list::{Registration, WaitList, Waiter};

/// For how many spins a subscriber lets envelopes gather that has caught up with a publisher: some
/// half a microsecond.
const GATHERING: u32 = 64;

/// Fewer envelopes than this are not worth the gathering.
const GATHERED: usize = 4;

/// The subscriber's end.
pub(crate) struct Follower<M> {
    lane: LaneEnd<M>,
    places: Arc<Places>,
    /// Where publishers wait for room, if they do.
    vacancy: Option<Arc<Vacancy>>,
    /// The parcel that is being read, how many of its slots were, and how many are known to be
    /// claimed.
    hand: Option<Arc<Parcel<M>>>,
    read: usize,
    known: usize,
    /// The sequence number that comes next when there is no parcel in the hand, once the first is
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
    /// The parcel is read, and more may be appended yet.
    Open,
    /// The next parcel, if any, is in the channel.
    Final,
}

impl<M> Follower<M> {
    pub(crate) fn new(
        lane: LaneEnd<M>,
        places: Arc<Places>,
        vacancy: Option<Arc<Vacancy>>,
        readers: &Arc<WaitList>,
    ) -> Self {
        Follower {
            lane,
            places,
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
        self.places.count(self.consumed, self.vacancy.as_deref());
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
        standing: &impl Fn(&Places) -> (u64, u64),
    ) -> Result<(), Nothing> {
        while self.read == self.known {
            match self.at_end() {
                AtEnd::More => {}
                AtEnd::Open => return Err(Nothing::Empty),
                AtEnd::Final => {
                    if let Some(parcel) = self.hand.take() {
                        self.next = Some(parcel.base() + self.read as u64);
                    }
                    self.next_parcel(standing)?;
                }
            }
        }
        Ok(())
    }

    /// Reads all slots that are known to be claimed but for the last one, and shows them; returns how many.
    pub(crate) fn show(&mut self, mut look: impl FnMut(&Envelope<M>)) -> usize {
        let Some(parcel) = &self.hand else { return 0 };
        let (first, vacancy) = (self.read, self.vacancy.as_deref());
        let places = &*self.places;
        for envelope in parcel.claimed(first..self.known.saturating_sub(1)) {
            self.read += 1;
            self.consumed += 1;
            places.count(self.consumed, vacancy);
            look(envelope);
        }
        self.read - first
    }

    fn at_end(&mut self) -> AtEnd {
        let Some(parcel) = &self.hand else {
            return AtEnd::Final;
        };
        let filled = parcel.filled();
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
            // parcel's word, away from the publisher each time.
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
        standing: &impl Fn(&Places) -> (u64, u64),
    ) -> Result<(), Nothing> {
        loop {
            // Where it waits depends on what it holds, which may change before it sleeps.
            let found = if self.holds_open_parcel() {
                self.registration.register(waiter());
                if self.is_awaited() {
                    return Err(Nothing::Empty);
                }
                self.reach(standing)
            } else {
                self.registration.register_and_fence(waiter());
                match self.reach(standing) {
                    Err(Nothing::Empty) if self.holds_open_parcel() => continue,
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
    fn holds_open_parcel(&self) -> bool {
        (self.hand.as_ref()).is_some_and(|parcel| !parcel.filled().is_final)
    }

    /// Whether whoever appends next will find that it waits.
    fn is_awaited(&self) -> bool {
        (self.hand.as_ref()).is_some_and(|parcel| parcel.await_after(self.read))
    }

    /// Takes the next parcel out of the channel.
    fn next_parcel(&mut self, standing: &impl Fn(&Places) -> (u64, u64)) -> Result<(), Nothing> {
        // Read before the channel is seen to be empty: what was enqueued before these were left
        // out has been read since, so the gap lies here.
        self.next = self.next.or_else(|| self.places.start());
        let missed = self.missed(standing);
        let parcel = match self.lane.try_recv(self.next) {
            Ok(parcel) => parcel,
            Err(_) if missed > self.told => return Err(self.tell(missed - self.told)),
            Err(end) if end.is_disconnected() || self.has_all() => {
                // Nobody is at it any more, so this is all.
                let missed = self.missed(standing);
                return Err(if missed > self.told {
                    self.tell(missed - self.told)
                } else if self.places.ended().is_some_and(|end| end.evicted) {
                    Nothing::Evicted
                } else {
                    Nothing::Disconnected
                });
            }
            Err(_) => return Err(Nothing::Empty),
        };
        let first = self.lane.first(&parcel);
        let next = self.next.unwrap_or(first);
        // It may begin in the midst of a parcel.
        let read = next.max(first).saturating_sub(parcel.base());
        let read = usize::try_from(read).unwrap_or(usize::MAX);
        let filled = parcel.filled();
        if read > filled.claimed || (read == filled.claimed && filled.is_final && read > 0) {
            return Ok(()); // handed over twice, or it began later
        }
        self.hand = Some(parcel);
        self.read = read;
        self.known = read;
        if first > next {
            return Err(self.tell(first - next));
        }
        Ok(())
    }

    /// Whether nothing more comes, and what found a place was consumed, or was lost after that.
    fn has_all(&self) -> bool {
        self.places.has_all(self.consumed + self.lane.lost())
    }

    /// Tells that the next `missed` envelopes were lost.
    fn tell(&mut self, missed: u64) -> Nothing {
        self.told += missed;
        if self.places.was_left_out() {
            // Else it is one that keeps the newest, and was given all.
            self.places.tell(self.told);
        }
        self.next = self.next.map(|next| next + missed);
        Nothing::Lagged(missed)
    }

    fn missed(&self, standing: &impl Fn(&Places) -> (u64, u64)) -> u64 {
        if let Some(end) = self.places.ended() {
            end.left_out
        } else if !self.places.was_left_out() {
            0
        } else {
            standing(&self.places).1
        }
    }

    /// What the last [`step`](Follower::step) read.
    #[inline]
    pub(crate) fn delivery(&self) -> Delivery<M> {
        Delivery::new(Arc::clone(self.parcel()), self.read - 1)
    }

    /// What the last [`step`](Follower::step) read, to be looked at.
    #[inline]
    pub(crate) fn envelope(&self) -> &Envelope<M> {
        self.parcel().get(self.read - 1)
    }

    fn parcel(&self) -> &Arc<Parcel<M>> {
        self.hand.as_ref().expect("asked for after an advance")
    }

    pub(crate) fn len(&self, standing: impl Fn(&Places) -> (u64, u64)) -> usize {
        let enqueued = standing(&self.places).0;
        let over = self.consumed + self.lane.lost();
        usize::try_from(enqueued.saturating_sub(over)).unwrap_or(usize::MAX)
    }

    pub(crate) fn lost(&self, standing: impl Fn(&Places) -> (u64, u64)) -> u64 {
        self.missed(&standing) + self.lane.lost()
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Frees what is queued.
    pub(crate) fn drain(&mut self) {
        self.hand = None;
        self.lane.drain();
    }
}
