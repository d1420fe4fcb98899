//! A queue without a filter, on the subscriber's side: parcels, read while they fill.

use std::hint::spin_loop;
use std::sync::Arc;

#[cfg(feature = "tokio")]
use crate::alarm::Alarm;
use crate::delivery::Delivery;
use crate::envelope::Envelope;
use crate::follow::Places;
use crate::lane::LaneEnd;
use crate::lobby::Lobby;
use crate::parcel::Parcel;
use crate::sync::{Backoff, Ordering, fence};
use crate::wait::{Nothing, Wait};

/// How often a subscriber that has read all looks for more before it goes to sleep, each time after
/// twice the pause.
const LOOKS: u32 = if cfg!(oxide_loom) { 0 } else { 7 };

/// For how many spins a subscriber lets envelopes gather that has caught up with a publisher: some
/// half a microsecond.
const GATHERING: u32 = 64;

/// Fewer envelopes than this are not worth the gathering.
const GATHERED: usize = 4;

/// The subscriber's end.
pub(crate) struct Follower<M> {
    lane: LaneEnd<M>,
    places: Arc<Places<M>>,
    /// Whether publishers wait for room.
    blocks: bool,
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
    #[cfg_attr(
        not(feature = "tokio"),
        expect(dead_code, reason = "only tasks wait there")
    )]
    lobby: Arc<Lobby>,
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
        places: Arc<Places<M>>,
        blocks: bool,
        lobby: Arc<Lobby>,
    ) -> Self {
        Follower {
            lane,
            places,
            blocks,
            hand: None,
            read: 0,
            known: 0,
            next: None,
            consumed: 0,
            told: 0,
            gathers: false,
            lobby,
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
        self.places.count(self.consumed, self.blocks);
        true
    }

    /// Reads the next slot. There is none that is known to be claimed.
    ///
    /// `standing` tells what the bus has enqueued and left out for this queue so far.
    pub(crate) fn advance(
        &mut self,
        wait: Wait,
        standing: impl Fn(&Places<M>) -> (u64, u64),
    ) -> Result<(), Nothing> {
        while !self.step() {
            match self.at_end() {
                AtEnd::More => {}
                AtEnd::Open if wait.is_over() => return Err(Nothing::Empty),
                AtEnd::Open => self.linger(),
                AtEnd::Final => {
                    if let Some(parcel) = self.hand.take() {
                        self.next = Some(parcel.base() + self.read as u64);
                    }
                    self.next_parcel(wait, &standing)?;
                }
            }
        }
        Ok(())
    }

    /// Reads all slots that are known to be claimed, and shows them; returns how many.
    pub(crate) fn show(&mut self, mut look: impl FnMut(&Envelope<M>)) -> usize {
        let Some(parcel) = &self.hand else { return 0 };
        let (first, blocks) = (self.read, self.blocks);
        let places = &*self.places;
        for envelope in parcel.claimed(first..self.known) {
            self.read += 1;
            self.consumed += 1;
            places.count(self.consumed, blocks);
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

    /// Waits a moment for more to be appended, then closes the parcel, so that the next publish has
    /// to come through the channel.
    fn linger(&mut self) {
        let Some(parcel) = &self.hand else { return };
        if self.gathers {
            // Looking at each slot as it is written would take its cache line, and that of the
            // parcel's word, away from the publisher each time.
            for _ in 0..GATHERING {
                spin_loop();
            }
        }
        let backoff = Backoff::new();
        for look in 0..LOOKS {
            let filled = parcel.filled();
            let more = filled.claimed - self.read;
            if more > 0 || filled.is_final {
                self.gathers = if self.gathers {
                    more >= GATHERED
                } else {
                    look < 3 // so soon that more are on their way
                };
                return;
            }
            backoff.spin();
        }
        self.close_hand();
    }

    /// Closes the parcel, unless more was appended.
    fn close_hand(&self) {
        if let Some(parcel) = &self.hand {
            parcel.close_after(self.read);
        }
    }

    /// Takes the next parcel out of the channel.
    fn next_parcel(
        &mut self,
        wait: Wait,
        standing: &impl Fn(&Places<M>) -> (u64, u64),
    ) -> Result<(), Nothing> {
        // Read before the channel is seen to be empty: what was enqueued before these were left
        // out has been read since, so the gap lies here.
        self.next = self.next.or_else(|| self.places.start());
        let missed = self.missed(standing);
        let parcel = match self.lane.try_recv(self.next) {
            Ok(parcel) => parcel,
            Err(_) if missed > self.told => return Err(self.tell(missed - self.told)),
            Err(end)
                if end.is_disconnected() || self.places.has_all(self.consumed, self.blocks) =>
            {
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
            Err(_) => {
                if !matches!(wait, Wait::No) {
                    // Against the fence in `Opening::complete`: who has left it out since sees that
                    // it has received all, and rouses it, or it learns of the loss here.
                    fence(Ordering::SeqCst);
                    if self.missed(standing) > missed {
                        return Ok(());
                    }
                }
                match self.lane.recv(self.next, wait) {
                    Ok(parcel) => parcel,
                    Err(Nothing::Disconnected) => return self.next_parcel(Wait::No, standing),
                    Err(nothing) => return Err(nothing),
                }
            }
        };
        if parcel.slots() == 0 {
            return Ok(()); // the sign of a loss or of the end
        }
        let base = parcel.base();
        let next = self.next.unwrap_or(base);
        // It may begin in the midst of a parcel.
        let read = usize::try_from(next.saturating_sub(base)).unwrap_or(usize::MAX);
        let filled = parcel.filled();
        if read > filled.claimed || (read == filled.claimed && filled.is_final && read > 0) {
            return Ok(()); // handed over twice, or it began later
        }
        self.hand = Some(parcel);
        self.read = read;
        self.known = read;
        if base > next {
            return Err(self.tell(base - next));
        }
        Ok(())
    }

    /// Tells that the next `missed` envelopes were lost.
    fn tell(&mut self, missed: u64) -> Nothing {
        self.told += missed;
        self.places.tell(self.told);
        self.next = self.next.map(|next| next + missed);
        Nothing::Lagged(missed)
    }

    fn missed(&self, standing: &impl Fn(&Places<M>) -> (u64, u64)) -> u64 {
        if self.blocks {
            self.places.given_up()
        } else if let Some(end) = self.places.ended() {
            end.left_out
        } else if !self.places.was_left_out() {
            0
        } else {
            standing(&self.places).1
        }
    }

    /// What the last [`advance`](Follower::advance) read.
    #[inline]
    pub(crate) fn delivery(&self) -> Delivery<M> {
        Delivery::new(Arc::clone(self.parcel()), self.read - 1)
    }

    /// What the last [`advance`](Follower::advance) read, to be looked at.
    #[inline]
    pub(crate) fn envelope(&self) -> &Envelope<M> {
        self.parcel().get(self.read - 1)
    }

    fn parcel(&self) -> &Arc<Parcel<M>> {
        self.hand.as_ref().expect("asked for after an advance")
    }

    pub(crate) fn len(&self, standing: impl Fn(&Places<M>) -> (u64, u64)) -> usize {
        let enqueued = standing(&self.places).0 + self.places.placed();
        usize::try_from(enqueued.saturating_sub(self.consumed)).unwrap_or(usize::MAX)
    }

    pub(crate) fn lost(&self, standing: impl Fn(&Places<M>) -> (u64, u64)) -> u64 {
        self.missed(&standing)
    }

    /// Whether more may be appended to what it holds, so that it is to wait in the lobby.
    #[cfg(feature = "tokio")]
    pub(crate) fn holds_open_parcel(&self) -> bool {
        (self.hand.as_ref()).is_some_and(|parcel| !parcel.filled().is_final)
    }

    /// Whether who appends next will wake those in the lobby.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_awaited(&self) -> bool {
        (self.hand.as_ref()).is_some_and(|parcel| parcel.await_after(self.read))
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn lobby(&self) -> &Arc<Lobby> {
        &self.lobby
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn alarm(&self) -> &Arc<Alarm> {
        self.lane.alarm()
    }

    pub(crate) fn places(&self) -> &Places<M> {
        &self.places
    }

    /// Frees what is queued.
    pub(crate) fn drain(&mut self) {
        self.hand = None;
        self.lane.drain();
    }
}
