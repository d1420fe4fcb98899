//! A queue without a filter, on the publishers' side: who has room for a parcel, and whose turn it is
//! where there is none.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use crate::follower::Follower;
use crate::gate::Gate;
use crate::lane::{Lane, lane};
use crate::opening::Entry;
use crate::parcel::{MAX_SLOTS, Parcel};
use crate::queue::Terms;
use crate::room::NoPlace;
use crate::stats::Accounts;
use crate::sync::{AtomicBool, AtomicU64, Ordering};

/// How long a publisher holds out for more than one place.
const PATIENCE: Duration = Duration::from_millis(1);

/// The publishers' end.
pub(crate) struct FollowQueue<M> {
    lane: Lane<M>,
    terms: Arc<Terms>,
    places: Arc<Places<M>>,
}

/// What publishers and subscriber tell each other about the queue's room.
///
/// How many envelopes were enqueued and how many left out is not here: it follows from the bus's
/// chain of openings, see [`Entry`].
pub(crate) struct Places<M> {
    /// How many envelopes the subscriber has received; it alone writes this.
    consumed: CachePadded<AtomicU64>,
    /// Whether the queue was ever left out of a parcel.
    was_left_out: AtomicBool,
    /// The subscriber has left.
    gone: AtomicBool,
    /// The bus has put the subscriber out.
    evicted: AtomicBool,
    /// Of a queue that publishers wait for: how many of the envelopes that were left out have had
    /// their turn, and how many of those found a place after all. Written under the gate's lock.
    settled: AtomicU64,
    placed: AtomicU64,
    gate: Gate<Turns<M>>,
    /// The most envelopes that somebody who asked has seen queued.
    seen: AtomicU64,
    /// What was enqueued and left out when the bus closed, or put the subscriber out.
    end: OnceLock<(u64, u64)>,
}

/// What publishers wait with for their turns.
struct Turns<M> {
    /// By turn; nothing where the publisher has given up.
    waiting: BTreeMap<u64, Option<Arc<Parcel<M>>>>,
    /// There was room for many, and there is some left: one place is enough now.
    flowing: bool,
}

impl<M> Default for Turns<M> {
    fn default() -> Self {
        Turns {
            waiting: BTreeMap::new(),
            flowing: false,
        }
    }
}

impl<M> FollowQueue<M> {
    pub(crate) fn new(terms: &Arc<Terms>) -> (Arc<Self>, Follower<M>) {
        let (lane, end) = lane(terms.capacity);
        let places = Arc::new(Places {
            consumed: CachePadded::new(AtomicU64::new(0)),
            was_left_out: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            evicted: AtomicBool::new(false),
            settled: AtomicU64::new(0),
            placed: AtomicU64::new(0),
            gate: Gate::new(),
            seen: AtomicU64::new(0),
            end: OnceLock::new(),
        });
        let queue = FollowQueue {
            lane,
            terms: Arc::clone(terms),
            places: Arc::clone(&places),
        };
        let follower = Follower::new(end, places, terms.blocks());
        (Arc::new(queue), follower)
    }

    pub(crate) fn terms(&self) -> &Arc<Terms> {
        &self.terms
    }

    pub(crate) fn places(&self) -> &Places<M> {
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

    /// Its accounts, where `entry` has those of now.
    pub(crate) fn accounts(&self, entry: &Entry) -> Accounts {
        let places = &*self.places;
        let (placed, given_up) = places.turns();
        Accounts {
            placed: entry.enqueued + placed,
            consumed: places.consumed.load(Ordering::Relaxed), // a figure, no more
            dropped: if self.terms.blocks() {
                given_up
            } else {
                entry.left_out
            },
        }
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

    /// Takes a turn for the one envelope of a parcel that left this queue out.
    ///
    /// `entry` is the parcel's: it says whose turn this is.
    pub(crate) fn enrol(&self, parcel: &Arc<Parcel<M>>, entry: &Entry) {
        (self.places.gate).change(|turns| {
            turns
                .waiting
                .insert(entry.left_out, Some(Arc::clone(parcel)))
        });
    }

    /// Waits until the turn that was taken is over, with a place or without.
    pub(crate) fn settle(&self, entry: &Entry, started: Instant) -> Result<(), NoPlace> {
        let deadline = self.terms.deadline(started);
        let turn = entry.left_out;
        let gate = &self.places.gate;

        // With one place at a time every parcel would hold one envelope. So the subscriber is given
        // the time to make room for many, unless it takes too long.
        let many = self.terms.capacity.min(2 * MAX_SLOTS) as u64;
        let patience = started + PATIENCE;
        let patience = deadline.map_or(patience, |deadline| deadline.min(patience));
        let outcome = (gate.wait(Some(patience), |turns| self.attempt(turns, entry, many)))
            .or_else(|| gate.wait(deadline, |turns| self.attempt(turns, entry, 1)))
            .unwrap_or(Err(NoPlace::Full));
        let mut settled = outcome;
        gate.change(|turns| {
            if outcome == Err(NoPlace::Full) {
                if self.places.settled.load(Ordering::Relaxed) > turn {
                    settled = Ok(()); // another publisher has placed it meanwhile
                } else {
                    turns.waiting.insert(turn, None);
                    self.take_turns(turns, entry, 1);
                }
            }
        });
        settled
    }

    /// Looks whether the turn of `entry` has come, and takes all turns that can be taken. Called
    /// under the lock.
    fn attempt(
        &self,
        turns: &mut Turns<M>,
        entry: &Entry,
        demand: u64,
    ) -> Result<Result<(), NoPlace>, u64> {
        if self.places.gone.load(Ordering::Relaxed) {
            return Ok(Err(NoPlace::Gone));
        }
        let is_over = || self.places.settled.load(Ordering::Relaxed) > entry.left_out;
        if is_over() {
            // Others may have turns by now, after a parcel that this entry knows nothing of.
            return Ok(Ok(()));
        }
        let retry_at = self.take_turns(turns, entry, demand);
        if is_over() {
            return Ok(Ok(()));
        }
        Err(retry_at)
    }

    /// Places what waits, in turn, whoever has published it: a publisher that had to wake up for
    /// its turn would hold up those behind it. Returns at which number of consumed envelopes there
    /// would be room for the next. Called under the lock.
    fn take_turns(&self, turns: &mut Turns<M>, entry: &Entry, demand: u64) -> u64 {
        let places = &*self.places;
        // Relaxed: both are written under the lock, which is held here.
        let mut settled = places.settled.load(Ordering::Relaxed);
        let mut placed = places.placed.load(Ordering::Relaxed);
        // Acquire: as in `room`.
        let consumed = places.consumed.load(Ordering::Acquire);
        // While something waits no parcel has the queue in reach, so this is the same for all.
        let full_at =
            |placed: u64| (entry.enqueued + placed).saturating_sub(self.terms.capacity as u64);
        let retry_at = loop {
            let room = consumed.saturating_sub(full_at(placed));
            let wanted = if turns.flowing { 1 } else { demand };
            match turns.waiting.get(&settled) {
                // Who has this turn has not come yet, and will look for room itself.
                None => break u64::MAX,
                Some(Some(_)) if room < wanted => {
                    turns.flowing = turns.flowing && room > 0;
                    break full_at(placed) + if turns.flowing { wanted } else { demand };
                }
                Some(Some(parcel)) => {
                    self.lane.send(parcel);
                    placed += 1;
                    turns.flowing = true;
                }
                Some(None) => {}
            }
            turns.waiting.remove(&settled);
            settled += 1;
        };
        places.placed.store(placed, Ordering::Relaxed);
        // Release, against the acquire in `room`: `placed` was written before.
        places.settled.store(settled, Ordering::Release);
        retry_at
    }

    /// Puts the subscriber out, for the envelope after what `entry` says was enqueued. Whoever sees
    /// to the parcel that has left it out does so; who comes later may do it again.
    pub(crate) fn evict(&self, entry: &Entry, base: u64) {
        // Release, against the acquire in `is_evicted`.
        self.places.evicted.store(true, Ordering::Release);
        let _first = self.places.end.set((entry.enqueued, 1));
        // It may have received all meanwhile, and gone to sleep.
        self.lane.send(&Arc::new(Parcel::void(base)));
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.places.is_evicted()
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

impl<M> Places<M> {
    /// So many envelopes are consumed now. Only the subscriber calls it.
    #[inline]
    pub(crate) fn count(&self, consumed: u64, publishers_wait: bool) {
        // Release: read with acquire by who looks for room.
        self.consumed.store(consumed, Ordering::Release);
        if publishers_wait {
            self.gate.consumed(consumed);
        }
    }

    /// How many publishers' envelopes were lost though they were waited for: none of a queue that
    /// drops.
    pub(crate) fn given_up(&self) -> u64 {
        self.turns().1
    }

    /// Of how many turns that are over the envelope found a place, and of how many not.
    fn turns(&self) -> (u64, u64) {
        let settled = self.settled.load(Ordering::Acquire); // before `placed`
        let placed = self.placed();
        (placed, settled.saturating_sub(placed))
    }

    /// How many envelopes found a place after they had been left out.
    pub(crate) fn placed(&self) -> u64 {
        self.placed.load(Ordering::Relaxed)
    }

    /// The most envelopes that were queued: so many when a parcel was opened, so many now.
    pub(crate) fn high_water(&self, at_openings: u64, now: u64) -> u64 {
        let most = at_openings.max(now);
        self.seen.fetch_max(most, Ordering::Relaxed).max(most) // a figure, no more
    }

    /// Whether the queue was ever left out of a parcel.
    pub(crate) fn was_left_out(&self) -> bool {
        // Relaxed: who learned of a loss learned of this too.
        self.was_left_out.load(Ordering::Relaxed)
    }

    /// The subscriber leaves: nobody need wait for it.
    pub(crate) fn leave(&self) {
        self.gone.store(true, Ordering::Relaxed); // read under the lock, after the wake
        self.gate.wake();
    }

    /// Whether the bus has closed and all that found a place was consumed.
    pub(crate) fn has_all(&self, consumed: u64, blocks: bool) -> bool {
        let Some(&(enqueued, left_out)) = self.end.get() else {
            return false;
        };
        // Acquire: when all were settled, `placed` is what it was then.
        (!blocks || self.settled.load(Ordering::Acquire) == left_out)
            && consumed == enqueued + self.placed()
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Acquire) // against the release in `evict`
    }

    /// What was enqueued and left out in all, if no more will be.
    pub(crate) fn ended(&self) -> Option<(u64, u64)> {
        self.end.get().copied()
    }

    /// What was enqueued and left out in all, of a bus that has closed.
    pub(crate) fn at_end(&self) -> (u64, u64) {
        *self.end.wait()
    }

    /// The subscription never got onto the bus's list.
    pub(crate) fn never_began(&self) {
        let _first = self.end.set((0, 0));
    }
}
