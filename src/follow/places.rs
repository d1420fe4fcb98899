//! What publishers and subscriber tell each other about the room of a queue without a filter.

use std::sync::{Arc, OnceLock};
use std::task::Waker;

use crossbeam_utils::CachePadded;

use super::turns::{Turn, Turns};
use crate::entry::Entry;
use crate::gate::{Gate, NEVER};
use crate::sync::{AtomicBool, AtomicU64, Ordering};
use crate::wait_list::WaitList;

const NO_START: u64 = u64::MAX;

/// What publishers and subscriber tell each other about the queue's room.
///
/// How many envelopes were enqueued and how many left out is not here: it follows from the bus's
/// chain of openings, see [`Entry`].
pub(crate) struct Places<M> {
    /// How many envelopes the subscriber has received; it alone writes this.
    pub(super) consumed: CachePadded<AtomicU64>,
    /// From which sequence number on everything is offered to the queue. [`NO_START`] until its list is in use.
    start: AtomicU64,
    /// How many losses the subscriber was told of; it alone writes this.
    told: AtomicU64,
    /// Whether the queue was ever left out of a parcel.
    pub(super) was_left_out: AtomicBool,
    /// The subscriber has left.
    pub(super) gone: AtomicBool,
    /// The subscription was closed: its subscriber receives what it has.
    pub(super) closed: AtomicBool,
    /// The bus has put the subscriber out.
    pub(super) evicted: AtomicBool,
    /// Of a queue that publishers wait for: how many of the envelopes that were left out have had
    /// their turn, and how many of those found a place after all. Written under the gate's lock.
    pub(super) settled: AtomicU64,
    pub(super) placed: AtomicU64,
    pub(super) gate: Gate<Turns<M>>,
    /// Tasks that wait for room.
    pub(super) vacancy: Arc<WaitList>,
    /// The most envelopes that somebody who asked has seen queued.
    seen: AtomicU64,
    /// Where the newest are kept: how many losses were told of as a lag.
    pub(super) told_of: AtomicU64,
    /// What was enqueued and left out when the bus or the subscription closed, or the subscriber was put out.
    pub(super) end: OnceLock<End>,
}

/// What a queue's accounts are when nothing more comes.
#[derive(Clone, Copy)]
pub(crate) struct End {
    pub(crate) enqueued: u64,
    pub(crate) left_out: u64,
    /// The bus has put the subscriber out, and nothing was closed.
    pub(crate) evicted: bool,
}

impl<M> Places<M> {
    pub(super) fn new() -> Self {
        Places {
            consumed: CachePadded::new(AtomicU64::new(0)),
            start: AtomicU64::new(NO_START),
            told: AtomicU64::new(0),
            was_left_out: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            evicted: AtomicBool::new(false),
            settled: AtomicU64::new(0),
            placed: AtomicU64::new(0),
            gate: Gate::new(),
            vacancy: Arc::default(),
            seen: AtomicU64::new(0),
            told_of: AtomicU64::new(0),
            end: OnceLock::new(),
        }
    }

    /// So many envelopes are consumed now. Only the subscriber calls it.
    #[inline]
    pub(crate) fn count(&self, consumed: u64, publishers_wait: bool) {
        // Release: read with acquire by who looks for room.
        self.consumed.store(consumed, Ordering::Release);
        if publishers_wait {
            if self.gate.is_due(consumed) {
                self.serve(|_| ());
            } else {
                self.vacancy.wake_all(); // after the fence in `is_due`
            }
        }
    }

    /// The queue's list is in use: from this sequence number on everything is offered to it.
    pub(crate) fn begin(&self, start: u64) {
        // Release, against the acquire in `start`. Whoever comes second has the same number.
        let _known =
            self.start
                .compare_exchange(NO_START, start, Ordering::Release, Ordering::Relaxed);
    }

    /// From which sequence number on everything is offered to the queue, once its list is in use.
    pub(crate) fn start(&self) -> Option<u64> {
        let start = self.start.load(Ordering::Acquire); // against the release in `begin`
        (start != NO_START).then_some(start)
    }

    /// So many losses were told. Only the subscriber calls it.
    pub(crate) fn tell(&self, told: u64) {
        // Release, against the acquire in `left_out_before`; the count of what was consumed after it comes later.
        self.told.store(told, Ordering::Release);
    }

    /// How many envelopes were left out for the queue, if it has room and the subscriber knows of all losses.
    pub(super) fn left_out_before(&self, blocks: bool) -> u64 {
        if blocks {
            self.settled.load(Ordering::Acquire) // against the release in `take_turns`
        } else {
            self.told.load(Ordering::Acquire) // against the release in `tell`
        }
    }

    /// How many envelopes the subscriber has received.
    #[inline]
    pub(crate) fn consumed(&self) -> u64 {
        // Acquire, against the release in `count`: a publisher that knows that the subscriber has received
        // finds room.
        self.consumed.load(Ordering::Acquire)
    }

    /// Changes something about the turns, places all that can be placed, and wakes whom that
    /// concerns.
    #[cold]
    pub(super) fn serve(&self, mut change: impl FnMut(&mut Turns<M>)) {
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
            first.queue.readers.wake_all_after_fence();
        }
        woken.extend(served.into_iter().filter_map(|turn| turn.waker));
        woken.into_iter().for_each(Waker::wake);
        self.vacancy.wake_all_after_fence();
    }

    /// Places what waits, in turn. Returns at which number of consumed envelopes there would be room
    /// for the next. Called under the lock.
    fn take_turns(&self, turns: &mut Turns<M>, served: &mut Vec<Turn<M>>) -> u64 {
        // Relaxed: both are written under the lock, which is held here.
        let mut settled = self.settled.load(Ordering::Relaxed);
        let mut placed = self.placed.load(Ordering::Relaxed);
        let consumed = self.consumed();
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
        // Release, against the acquire in `FollowQueue::room`: `placed` was written before.
        self.settled.store(settled, Ordering::Release);
        due_at
    }

    pub(super) fn is_settled(&self, entry: &Entry) -> bool {
        // Acquire, against the release in `take_turns`: the place was found before.
        self.settled.load(Ordering::Acquire) > entry.left_out
    }

    /// How many publishers' envelopes were lost though they were waited for: none of a queue that
    /// drops.
    pub(crate) fn given_up(&self) -> u64 {
        self.turns().1
    }

    /// Of how many turns that are over the envelope found a place, and of how many not.
    pub(super) fn turns(&self) -> (u64, u64) {
        let settled = self.settled.load(Ordering::Acquire); // before `placed`
        let placed = self.placed();
        (placed, settled.saturating_sub(placed))
    }

    /// How many envelopes found a place after they had been left out.
    pub(crate) fn placed(&self) -> u64 {
        self.placed.load(Ordering::Relaxed)
    }

    /// So many are queued now.
    pub(crate) fn saw(&self, queued: u64) {
        // Relaxed, twice: a figure, no more.
        if self.seen.load(Ordering::Relaxed) < queued {
            self.seen.fetch_max(queued, Ordering::Relaxed);
        }
    }

    /// The most envelopes that were queued, so many of them now.
    pub(crate) fn high_water(&self, now: u64) -> u64 {
        self.saw(now);
        self.seen.load(Ordering::Relaxed)
    }

    /// Whether the queue was ever left out of a parcel.
    pub(crate) fn was_left_out(&self) -> bool {
        // Relaxed: who learned of a loss learned of this too.
        self.was_left_out.load(Ordering::Relaxed)
    }

    /// The subscriber leaves: nobody need wait for it.
    pub(crate) fn leave(&self) {
        // Release, against the acquire in `FollowQueue::look`; who comes to the gate later than this reads it.
        self.gone.store(true, Ordering::Release);
        self.serve(|_| ());
    }

    /// Whether nothing more comes and all that found a place was consumed.
    pub(crate) fn has_all(&self, consumed: u64, blocks: bool) -> bool {
        let Some(end) = self.end.get() else {
            return false;
        };
        // Acquire: when all were settled, `placed` is what it was then.
        (!blocks || self.settled.load(Ordering::Acquire) == end.left_out)
            && consumed == end.enqueued + self.placed()
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Acquire) // against the release in `FollowQueue::evict`
    }

    /// What was enqueued and left out in all, if no more will be.
    pub(crate) fn ended(&self) -> Option<End> {
        self.end.get().copied()
    }

    /// What was enqueued and left out in all, where it is not listed any more.
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
