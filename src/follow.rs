//! A queue without a filter: the parcels themselves, read while they fill.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use crate::delivery::Delivery;
use crate::envelope::Envelope;
use crate::error::Lagged;
use crate::lane::{Lane, LaneEnd, lane};
use crate::opening::Entry;
use crate::parcel::{MAX_SLOTS, Parcel};
use crate::queue::Terms;
use crate::room::NoPlace;
use crate::sync::{AtomicBool, AtomicU64, Backoff, Ordering};
use crate::wait::{Nothing, Wait};

/// How long a publisher holds out for more than one place.
const PATIENCE: Duration = Duration::from_millis(1);

/// The publishers' end.
pub(crate) struct FollowQueue<M> {
    lane: Lane<M>,
    terms: Arc<Terms>,
    places: Arc<Places>,
}

/// What publishers and subscriber tell each other about the queue's room.
///
/// How many envelopes were enqueued and how many left out is not here: it follows from the bus's
/// chain of openings, see [`Entry`].
#[derive(Debug)]
pub(crate) struct Places {
    /// How many envelopes the subscriber has received; it alone writes this.
    consumed: CachePadded<AtomicU64>,
    /// Whether the queue was ever left out of a parcel.
    was_left_out: AtomicBool,
    /// The subscriber has left.
    gone: AtomicBool,
    /// Of a queue that publishers wait for: how many of the envelopes that were left out have had
    /// their turn, and how many of those found a place after all. Written under the gate's lock.
    settled: AtomicU64,
    placed: AtomicU64,
    /// With the turns that their publishers have given up before they came.
    gate: Gate,
    /// What was enqueued and left out when the bus closed.
    end: OnceLock<(u64, u64)>,
}

type Gate = crate::gate::Gate<BTreeSet<u64>>;

impl<M> FollowQueue<M> {
    pub(crate) fn new(terms: &Arc<Terms>) -> (Arc<Self>, Follower<M>) {
        let (lane, end) = lane(terms.capacity);
        let places = Arc::new(Places {
            consumed: CachePadded::new(AtomicU64::new(0)),
            was_left_out: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            settled: AtomicU64::new(0),
            placed: AtomicU64::new(0),
            gate: Gate::new(),
            end: OnceLock::new(),
        });
        let queue = FollowQueue {
            lane,
            terms: Arc::clone(terms),
            places: Arc::clone(&places),
        };
        let follower = Follower {
            lane: end,
            places,
            blocks: terms.blocks(),
            hand: None,
            read: 0,
            known: 0,
            next: None,
            consumed: 0,
            told: 0,
        };
        (Arc::new(queue), follower)
    }

    pub(crate) fn terms(&self) -> &Arc<Terms> {
        &self.terms
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// How many more envelopes fit in, after what `entry` says was enqueued.
    pub(crate) fn room(&self, entry: &Entry) -> u64 {
        let places = &*self.places;
        let mut enqueued = entry.enqueued;
        if self.terms.blocks() {
            // Acquire: when all were settled, `placed` is what it was then.
            if places.settled.load(Ordering::Acquire) != entry.left_out {
                // Some envelope still waits for its place, and this one must not overtake it.
                return 0;
            }
            enqueued += places.placed.load(Ordering::Relaxed);
        }
        // Acquire: who publishes after it knows that the subscriber received, finds room. An opener
        // that lost the race may hold an old entry: then it is ahead of it, and no matter.
        let consumed = places.consumed.load(Ordering::Acquire);
        (self.terms.capacity as u64).saturating_sub(enqueued.saturating_sub(consumed))
    }

    /// The queue is left out of a parcel.
    pub(crate) fn leave_out(&self) {
        // Relaxed: read by a subscriber that learned of a publish, which came after.
        if !self.places.was_left_out.load(Ordering::Relaxed) {
            self.places.was_left_out.store(true, Ordering::Relaxed);
        }
    }

    /// Puts a parcel into the channel, unless somebody has already. There is room for it.
    pub(crate) fn hand_over(&self, parcel: &Arc<Parcel<M>>) {
        self.lane.hand_over(parcel);
    }

    /// Finds a place for the one envelope of a parcel that left this queue out, in turn.
    ///
    /// `entry` is the parcel's: it says whose turn this is.
    pub(crate) fn settle(
        &self,
        parcel: &Arc<Parcel<M>>,
        entry: &Entry,
        started: Instant,
    ) -> Result<(), NoPlace> {
        let deadline = self.terms.deadline(started);
        let turn = entry.left_out;
        let places = &*self.places;

        let attempt = |given_up: &mut BTreeSet<u64>, demand: u64| {
            if places.gone.load(Ordering::Relaxed) {
                return Ok(Err(NoPlace::Gone));
            }
            // Relaxed: both are written under the lock, which is held here.
            let placed = places.placed.load(Ordering::Relaxed);
            if places.settled.load(Ordering::Relaxed) != turn {
                return Err(u64::MAX); // who settles the turn before wakes us
            }
            let enqueued = entry.enqueued + placed;
            let full_at = enqueued.saturating_sub(self.terms.capacity as u64);
            let consumed = places.consumed.load(Ordering::Acquire);
            if consumed < full_at + demand {
                return Err(full_at + demand);
            }
            self.lane.send(parcel);
            places.placed.store(placed + 1, Ordering::Relaxed);
            places.pass(turn, given_up);
            Ok(Ok(()))
        };

        // With one place at a time every parcel would hold one envelope. So the subscriber is given
        // the time to make room for many, unless it takes too long.
        let many = (self.terms.capacity / 2).clamp(1, MAX_SLOTS) as u64;
        let patience = started + PATIENCE;
        let patience = deadline.map_or(patience, |deadline| deadline.min(patience));
        let outcome = (places.gate)
            .wait(Some(patience), |given_up| attempt(given_up, many))
            .or_else(|| places.gate.wait(deadline, |given_up| attempt(given_up, 1)))
            .unwrap_or(Err(NoPlace::Full));
        places.gate.change(|given_up| {
            if outcome == Err(NoPlace::Full) {
                given_up.insert(turn);
                let settled = places.settled.load(Ordering::Relaxed);
                if settled == turn {
                    places.pass(turn, given_up);
                }
            }
        });
        outcome
    }

    /// The bus closes, having enqueued and left out so many. `last` is a parcel without slots.
    ///
    /// The sending ends go when the last publisher is out, and one may be stopped: so the
    /// subscriber is told in the channel too.
    pub(crate) fn end(&self, entry: &Entry, last: &Arc<Parcel<M>>) {
        if self
            .places
            .end
            .set((entry.enqueued, entry.left_out))
            .is_ok()
        {
            self.lane.send(last);
        }
        self.places.gate.shut();
    }
}

impl Places {
    /// The turn is over, and with it those after it that were given up. Called under the lock.
    fn pass(&self, turn: u64, given_up: &mut BTreeSet<u64>) {
        let mut settled = turn + 1;
        given_up.remove(&turn);
        while given_up.remove(&settled) {
            settled += 1;
        }
        // Release, against the acquire in `room`: `placed` was written before.
        self.settled.store(settled, Ordering::Release);
    }

    /// The subscription never got onto the bus's list.
    pub(crate) fn never_began(&self) {
        let _first = self.end.set((0, 0));
    }
}

/// The subscriber's end.
pub(crate) struct Follower<M> {
    lane: LaneEnd<M>,
    places: Arc<Places>,
    /// Whether publishers wait for room.
    blocks: bool,
    /// The parcel that is being read, how many of its slots were, and how many are known to be
    /// claimed.
    hand: Option<Arc<Parcel<M>>>,
    read: usize,
    known: usize,
    /// The sequence number that comes next, once the first is known.
    next: Option<u64>,
    consumed: u64,
    /// How many losses were told.
    told: u64,
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
    /// Reads the next slot.
    ///
    /// `standing` tells what the bus has enqueued and left out for this queue so far.
    pub(crate) fn advance(
        &mut self,
        wait: Wait,
        standing: impl Fn(&Places) -> (u64, u64),
    ) -> Result<(), Nothing> {
        loop {
            if self.read == self.known {
                match self.at_end() {
                    AtEnd::More => {}
                    AtEnd::Open if wait.is_over() => return Err(Nothing::Empty),
                    AtEnd::Open => {
                        self.linger();
                        continue;
                    }
                    AtEnd::Final => {
                        self.hand = None;
                        self.next_parcel(wait, &standing)?;
                        continue;
                    }
                }
            }
            let parcel = self.hand.as_ref().expect("some of its slots are claimed");
            if parcel.get(self.read).is_none() {
                parcel.wait_for(self.read);
            }
            self.read += 1;
            self.next = self.next.map(|next| next + 1);
            self.consumed += 1;
            // Release: read with acquire by who looks for room.
            self.places.consumed.store(self.consumed, Ordering::Release);
            if self.blocks {
                self.places.gate.consumed(self.consumed);
            }
            return Ok(());
        }
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
        let backoff = Backoff::new();
        while !backoff.is_completed() {
            let filled = parcel.filled();
            if filled.claimed > self.read || filled.is_final {
                return;
            }
            backoff.snooze();
        }
        parcel.close_after(self.read);
    }

    /// Takes the next parcel out of the channel.
    fn next_parcel(
        &mut self,
        wait: Wait,
        standing: &impl Fn(&Places) -> (u64, u64),
    ) -> Result<(), Nothing> {
        // Read before the channel is seen to be empty: what was enqueued before these were left
        // out has been read since, so the gap lies here.
        let missed = self.missed(standing);
        let parcel = match self.lane.try_recv(self.next) {
            Ok(parcel) => parcel,
            Err(_) if missed > self.told => return Err(self.tell(missed - self.told)),
            Err(end) if end.is_disconnected() || self.has_all() => {
                // Nobody is at it any more, so this is all.
                let missed = self.missed(standing);
                return Err(if missed > self.told {
                    self.tell(missed - self.told)
                } else {
                    Nothing::Disconnected
                });
            }
            Err(_) => match self.lane.recv(self.next, wait) {
                Ok(parcel) => parcel,
                Err(Nothing::Disconnected) => return self.next_parcel(Wait::No, standing),
                Err(nothing) => return Err(nothing),
            },
        };
        let next = self.next.unwrap_or(parcel.base());
        if parcel.base() < next || parcel.slots() == 0 {
            return Ok(()); // handed over twice, or the sign of the end
        }
        let gap = parcel.base() - next;
        self.next = Some(next);
        self.hand = Some(parcel);
        self.read = 0;
        self.known = 0;
        if gap > 0 {
            return Err(self.tell(gap));
        }
        Ok(())
    }

    /// Whether the bus has closed and all that found a place was received.
    fn has_all(&self) -> bool {
        let places = &*self.places;
        let Some(&(enqueued, left_out)) = places.end.get() else {
            return false;
        };
        // Acquire: when all were settled, `placed` is what it was then.
        (!self.blocks || places.settled.load(Ordering::Acquire) == left_out)
            && self.consumed == enqueued + places.placed.load(Ordering::Relaxed)
    }

    /// Tells that the next `missed` envelopes were lost.
    fn tell(&mut self, missed: u64) -> Nothing {
        self.told += missed;
        self.next = self.next.map(|next| next + missed);
        Nothing::Lagged(Lagged { missed })
    }

    fn missed(&self, standing: &impl Fn(&Places) -> (u64, u64)) -> u64 {
        // Relaxed: who learned of a loss learned of this too.
        if !self.places.was_left_out.load(Ordering::Relaxed) {
            0
        } else if self.blocks {
            let settled = self.places.settled.load(Ordering::Acquire); // before `placed`
            settled.saturating_sub(self.places.placed.load(Ordering::Relaxed))
        } else {
            standing(&self.places).1
        }
    }

    /// What the last [`advance`](Follower::advance) read.
    pub(crate) fn delivery(&self) -> Delivery<M> {
        Delivery::new(Arc::clone(self.parcel()), self.read - 1)
    }

    /// What the last [`advance`](Follower::advance) read, to be looked at.
    pub(crate) fn envelope(&self) -> &Envelope<M> {
        (self.parcel().get(self.read - 1)).expect("it was written before it was read")
    }

    fn parcel(&self) -> &Arc<Parcel<M>> {
        self.hand.as_ref().expect("asked for after an advance")
    }

    pub(crate) fn len(&self, standing: impl Fn(&Places) -> (u64, u64)) -> usize {
        let enqueued = standing(&self.places).0 + self.places.placed.load(Ordering::Relaxed);
        usize::try_from(enqueued.saturating_sub(self.consumed)).unwrap_or(usize::MAX)
    }

    pub(crate) fn lost(&self, standing: impl Fn(&Places) -> (u64, u64)) -> u64 {
        self.missed(&standing)
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    pub(crate) fn leave(&self) {
        self.places.gone.store(true, Ordering::Relaxed);
        self.places.gate.wake();
    }

    /// Frees what is queued.
    pub(crate) fn drain(&mut self) {
        self.hand = None;
        self.lane.drain();
    }
}

impl Places {
    /// What was enqueued and left out in all, of a bus that has closed.
    pub(crate) fn at_end(&self) -> (u64, u64) {
        *self.end.wait()
    }
}
