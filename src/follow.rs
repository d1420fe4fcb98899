//! A queue without a filter, on the publishers' side: who has room for a parcel, and whose turn it is
//! where there is none.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use crossbeam_utils::CachePadded;

use crate::alarm::Alarm;
use crate::follower::Follower;
use crate::gate::{Gate, NEVER};
use crate::lane::{Lane, lane};
use crate::lobby::Lobby;
use crate::opening::Entry;
use crate::parcel::{MAX_SLOTS, Parcel};
use crate::queue::Terms;
use crate::room::NoPlace;
use crate::stats::Accounts;
use crate::sync::{AtomicBool, AtomicU64, Ordering};

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
    /// Set by tasks that wait for room.
    vacancy: Arc<Alarm>,
    /// The most envelopes that somebody who asked has seen queued.
    seen: AtomicU64,
    /// What was enqueued and left out when the bus closed, or put the subscriber out.
    end: OnceLock<End>,
}

/// What a queue's accounts are when nothing more comes.
#[derive(Clone, Copy)]
pub(crate) struct End {
    pub(crate) enqueued: u64,
    pub(crate) left_out: u64,
    /// The bus has put the subscriber out, and did not close.
    pub(crate) evicted: bool,
}

/// What publishers wait with for their turns.
struct Turns<M> {
    /// By turn.
    waiting: BTreeMap<u64, Turn<M>>,
    /// Turns whose publishers have given up, but not the one before: from which to which, exclusive. As
    /// ranges, so that there are no more of them than of those who wait.
    given_up: BTreeMap<u64, u64>,
    /// There was room for many, and there is some left: one place is enough now.
    flowing: bool,
    /// Nobody waits any more.
    shut: bool,
}

/// What has to be known to place one envelope, whoever does it.
struct Turn<M> {
    queue: Arc<FollowQueue<M>>,
    parcel: Arc<Parcel<M>>,
    /// How many envelopes the parcels before it have enqueued.
    enqueued: u64,
    /// How many places are waited for.
    demand: u64,
    waker: Option<Waker>,
}

impl<M> Default for Turns<M> {
    fn default() -> Self {
        Turns {
            waiting: BTreeMap::new(),
            given_up: BTreeMap::new(),
            flowing: false,
            shut: false,
        }
    }
}

impl<M> Turns<M> {
    fn give_up(&mut self, turn: u64) -> Option<Turn<M>> {
        let before = self.given_up.range(..turn).next_back();
        let from = (before.filter(|&(_, &to)| to == turn)).map_or(turn, |(&from, _)| from);
        let to = self.given_up.remove(&(turn + 1)).unwrap_or(turn + 1);
        self.given_up.insert(from, to);
        self.waiting.remove(&turn)
    }

    fn has_given_up(&self, turn: u64) -> bool {
        let last = self.given_up.range(..=turn).next_back();
        last.is_some_and(|(_, &to)| turn < to)
    }
}

impl<M> FollowQueue<M> {
    pub(crate) fn new(terms: &Arc<Terms>, lobby: &Arc<Lobby>) -> (Arc<Self>, Follower<M>) {
        let (lane, end) = lane(terms.capacity);
        let places = Arc::new(Places {
            consumed: CachePadded::new(AtomicU64::new(0)),
            was_left_out: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            evicted: AtomicBool::new(false),
            settled: AtomicU64::new(0),
            placed: AtomicU64::new(0),
            gate: Gate::new(),
            vacancy: Arc::default(),
            seen: AtomicU64::new(0),
            end: OnceLock::new(),
        });
        let queue = FollowQueue {
            lane,
            terms: Arc::clone(terms),
            places: Arc::clone(&places),
        };
        let follower = Follower::new(end, places, terms.blocks(), Arc::clone(lobby));
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

    /// When the subscriber has received so many envelopes, a queue that is full by its `entry`, and that
    /// nobody waits for, has room.
    pub(crate) fn vacant_at(&self, entry: &Entry) -> u64 {
        (entry.enqueued + 1).saturating_sub(self.terms.capacity as u64)
    }

    /// How many envelopes the subscriber has received.
    #[inline]
    pub(crate) fn consumed(&self) -> u64 {
        self.places.consumed.load(Ordering::Acquire) // as in `room`
    }

    /// What a task sets that waits for room, if publishers wait for it and there is none.
    #[cfg(feature = "tokio")]
    pub(crate) fn vacancy(&self, entry: &Entry) -> Option<Arc<Alarm>> {
        (self.terms.blocks() && self.room(entry) == 0).then(|| Arc::clone(&self.places.vacancy))
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

    pub(crate) fn alarm(&self) -> &Alarm {
        self.lane.alarm()
    }

    /// Puts a parcel into the channel, unless somebody has already. There is room for it. The alarm is yet
    /// to be rung.
    pub(crate) fn hand_over(&self, parcel: &Arc<Parcel<M>>) {
        self.lane.hand_over(parcel);
    }

    /// Makes a subscriber that sleeps look for what it has lost, with the parcel that left it out.
    pub(crate) fn rouse(&self, base: u64) {
        self.lane.send(&Arc::new(Parcel::void(base)));
        self.alarm().ring();
    }

    /// Takes a turn for the one envelope of a parcel that left this queue out, unless somebody has
    /// already.
    ///
    /// `entry` is the parcel's: it says whose turn this is.
    pub(crate) fn enrol(self: &Arc<Self>, parcel: &Arc<Parcel<M>>, entry: &Entry) {
        let mut turn = Some(Turn {
            queue: Arc::clone(self),
            parcel: Arc::clone(parcel),
            enqueued: entry.enqueued,
            // With one place at a time every parcel would hold one envelope. So the subscriber is
            // given the time to make room for many, unless it takes too long.
            demand: self.terms.capacity.min(2 * MAX_SLOTS) as u64,
            waker: None,
        });
        let places = &*self.places;
        places.serve(|turns| {
            let is_over = places.is_settled(entry) || turns.has_given_up(entry.left_out);
            if !is_over && !places.gone.load(Ordering::Relaxed) {
                let free = turns.waiting.entry(entry.left_out);
                free.or_insert_with(|| turn.take().expect("it is not there yet"));
            }
        });
    }

    /// What has become of a turn, if it is over. Else its publisher shall be woken when it is, and is
    /// content with one place if it is impatient.
    pub(crate) fn look(
        &self,
        entry: &Entry,
        impatient: bool,
        waker: Option<&Waker>,
    ) -> Option<Result<(), NoPlace>> {
        let places = &*self.places;
        places.serve(|turns| {
            if let Some(turn) = turns.waiting.get_mut(&entry.left_out) {
                if impatient {
                    turn.demand = 1;
                }
                turn.waker = waker.cloned();
            }
        });
        if places.is_settled(entry) {
            return Some(Ok(()));
        }
        if places.gone.load(Ordering::Acquire) {
            // It is dropped here, outside the lock.
            let _turn = (places.gate).look(|turns| turns.waiting.remove(&entry.left_out));
            return Some(Err(NoPlace::Gone));
        }
        (places.gate.look(|turns| turns.shut)).then(|| self.give_up(entry))
    }

    /// Ends a turn without a place, unless it has found one.
    pub(crate) fn give_up(&self, entry: &Entry) -> Result<(), NoPlace> {
        let places = &*self.places;
        let (mut given_up, mut outcome) = (None, Ok(()));
        places.serve(|turns| {
            if outcome.is_ok() && !places.is_settled(entry) {
                given_up = turns.give_up(entry.left_out);
                outcome = Err(NoPlace::Full);
            }
        });
        // It is dropped outside the lock.
        if let Some(turn) = given_up
            && places.ended().is_some()
        {
            // It was the last thing that a subscriber of a closed bus has waited for, perhaps.
            self.rouse(turn.parcel.base());
        }
        outcome
    }

    /// Puts the subscriber out, for the envelope after what `entry` says was enqueued. Whoever sees
    /// to the parcel that has left it out does so; who comes later may do it again.
    pub(crate) fn evict(&self, entry: &Entry, base: u64) {
        // Release, against the acquire in `is_evicted`.
        self.places.evicted.store(true, Ordering::Release);
        let _first = self.places.end.set(End {
            enqueued: entry.enqueued,
            left_out: 1,
            evicted: true,
        });
        // It may have received all meanwhile, and gone to sleep.
        self.rouse(base);
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.places.is_evicted()
    }

    /// Whether the subscriber has left, so that nobody need wait for it.
    pub(crate) fn has_left(&self) -> bool {
        self.places.gone.load(Ordering::Acquire) // against the release in `leave`
    }

    /// The bus closes, having enqueued and left out so many. `last` is a parcel without slots.
    ///
    /// The sending ends go when the last publisher is out, and one may be stopped: so the
    /// subscriber is told in the channel too.
    pub(crate) fn end(&self, entry: &Entry, last: &Arc<Parcel<M>>) {
        if self
            .places
            .end
            .set(End {
                enqueued: entry.enqueued,
                left_out: entry.left_out,
                evicted: false,
            })
            .is_ok()
        {
            self.lane.send(last);
            self.alarm().ring();
        }
        self.places.serve(|turns| turns.shut = true);
    }
}

impl<M> Places<M> {
    /// So many envelopes are consumed now. Only the subscriber calls it.
    #[inline]
    pub(crate) fn count(&self, consumed: u64, publishers_wait: bool) {
        // Release: read with acquire by who looks for room.
        self.consumed.store(consumed, Ordering::Release);
        if publishers_wait {
            if self.gate.is_due(consumed) {
                self.serve(|_| ());
            } else {
                self.vacancy.ring_after_fence();
            }
        }
    }

    /// Changes something about the turns, places all that can be placed, and wakes whom that
    /// concerns.
    #[cold]
    fn serve(&self, mut change: impl FnMut(&mut Turns<M>)) {
        let (mut served, mut woken) = (Vec::new(), Vec::new());
        self.gate.serve(|turns| {
            change(turns);
            let due_at = self.take_turns(turns, &mut served);
            if turns.shut || self.gone.load(Ordering::Relaxed) {
                let waiting = turns.waiting.values_mut();
                woken.extend(waiting.filter_map(|turn| turn.waker.take()));
            }
            due_at
        });
        if let Some(first) = served.first() {
            first.queue.alarm().ring();
        }
        woken.extend(served.into_iter().filter_map(|turn| turn.waker));
        woken.into_iter().for_each(Waker::wake);
        self.vacancy.ring();
    }

    /// Places what waits, in turn. Returns at which number of consumed envelopes there would be room
    /// for the next. Called under the lock.
    fn take_turns(&self, turns: &mut Turns<M>, served: &mut Vec<Turn<M>>) -> u64 {
        // Relaxed: both are written under the lock, which is held here.
        let mut settled = self.settled.load(Ordering::Relaxed);
        let mut placed = self.placed.load(Ordering::Relaxed);
        // Acquire: as in `room`.
        let consumed = self.consumed.load(Ordering::Acquire);
        let due_at = loop {
            if let Some(to) = turns.given_up.remove(&settled) {
                settled = to;
                continue;
            }
            // Who has this turn may not have come yet, and will look for room itself.
            let Some(turn) = turns.waiting.get(&settled) else {
                break NEVER;
            };
            let capacity = turn.queue.terms.capacity as u64;
            let full_at = (turn.enqueued + placed).saturating_sub(capacity);
            let room = consumed.saturating_sub(full_at);
            if room < if turns.flowing { 1 } else { turn.demand } {
                turns.flowing = false;
                break full_at + turn.demand;
            }
            turn.queue.lane.send(&turn.parcel);
            placed += 1;
            turns.flowing = true;
            served.extend(turns.waiting.remove(&settled));
            settled += 1;
        };
        self.placed.store(placed, Ordering::Relaxed);
        // Release, against the acquire in `room`: `placed` was written before.
        self.settled.store(settled, Ordering::Release);
        due_at
    }

    fn is_settled(&self, entry: &Entry) -> bool {
        // Acquire, against the release in `take_turns`: the place was found before.
        self.settled.load(Ordering::Acquire) > entry.left_out
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
        // Release, against the acquire in `look`; who comes to the gate later than this reads it.
        self.gone.store(true, Ordering::Release);
        self.serve(|_| ());
    }

    /// Whether the bus has closed and all that found a place was consumed.
    pub(crate) fn has_all(&self, consumed: u64, blocks: bool) -> bool {
        let Some(end) = self.end.get() else {
            return false;
        };
        // Acquire: when all were settled, `placed` is what it was then.
        (!blocks || self.settled.load(Ordering::Acquire) == end.left_out)
            && consumed == end.enqueued + self.placed()
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Acquire) // against the release in `evict`
    }

    /// What was enqueued and left out in all, if no more will be.
    pub(crate) fn ended(&self) -> Option<End> {
        self.end.get().copied()
    }

    /// What was enqueued and left out in all, of a bus that has closed.
    pub(crate) fn at_end(&self) -> End {
        *self.end.wait()
    }

    /// The subscription never got onto the bus's list.
    pub(crate) fn never_began(&self) {
        let _first = self.end.set(End {
            enqueued: 0,
            left_out: 0,
            evicted: false,
        });
    }
}
