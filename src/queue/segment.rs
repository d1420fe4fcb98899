//! A segment: a fixed array of write-once slots, in which envelopes lie while they are published and received.
//!
//! It is why a publish costs the same for one subscriber and for a thousand. Publishers append to a segment while
//! subscribers read it, and every shared queue holds the same segment. Slot *i* holds the envelope with the sequence
//! number `base + i`.
//!
//! # Why it is right
//!
//! One atomic word holds the number of claimed slots, the *epoch* (which [head](crate::engine::head) may claim), the
//! number of slots that were claimed when that head began, and two bits. Its transitions:
//!
//! | transition | by | when |
//! | --- | --- | --- |
//! | claimed + n | a publisher | `READY`, not `CLOSED`, n slots are free, the epoch is that of the publisher's head |
//! | raise the epoch, began := claimed | the first thread that meets a head with that epoch | once |
//! | set `READY` | a thread that has seen the segment into every queue in its reach | once |
//! | set `CLOSED` | a thread that opens the next segment, or replaces this one | any time |
//! | none | a reader that has read everything and goes to sleep | not `CLOSED`, and no slot was claimed since it read |
//!
//! * **A slot has one writer.** Slots are claimed by compare-and-swap on the word, so no two publishers claim the same
//!   slot. The publisher that claimed a slot writes it, once.
//! * **A claim belongs to one head**: the head whose epoch the word had. So an envelope goes to the subscriber list of
//!   that head. A publisher that holds an earlier head can claim no more.
//! * **A closed segment does not change.** A claim compares the whole word, so none succeeds after `CLOSED` is set. The
//!   number of claimed slots is final, and the base of the next segment is known.
//! * **An appended envelope is in every queue.** A claim succeeds only on `READY`, which is set after the segment was
//!   sent to every queue in its reach.
//! * **A sleeping reader is woken.** A reader sleeps only after it has [registered](crate::support::wait_list) and has
//!   then swapped the word for the same word while no slot was claimed since it read. So the next claim comes after
//!   that swap, and its publisher finds the reader registered.
//!
//! A publisher that is preempted between claim and write holds up the readers, but never another publisher. A publisher
//! that is preempted between claim and wake-up holds up the readers that it would wake, until another publisher wakes
//! them.
//!
//! Three kinds need no cells. A batch that fills a segment was written before anybody saw the segment. A void segment
//! takes nothing. A blind segment counts envelopes that no queue has room for, and drops them.
//!
//! The models are in `tests/segment_loom_models.rs`.

use std::fmt;
use std::ops::Range;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

use crate::message::envelope::Envelope;
use crate::support::sync::{AtomicU64, Backoff, Ordering, WriteOnce, sleep};

/// Nothing more can be appended.
const CLOSED: u64 = 1 << 63;
/// Every queue in reach has the segment.
const READY: u64 = 1 << 62;
/// The epoch of the head that may claim.
const EPOCH: u64 = READY - (1 << EPOCH_SHIFT);
const EPOCH_SHIFT: u32 = 32;
/// How many slots were claimed when that head began.
const BEGAN: u64 = 0xffff << BEGAN_SHIFT;
const BEGAN_SHIFT: u32 = 16;
/// How many slots are claimed.
const CLAIMED: u64 = 0xffff;

/// The last epoch that a segment can have.
pub(crate) const LAST_EPOCH: u64 = EPOCH >> EPOCH_SHIFT;

/// The most slots that a segment has. A model can afford no more than two.
pub(crate) const MAX_SLOTS: usize = if cfg!(oxide_loom) { 2 } else { 64 };

/// The most envelopes that a blind segment counts. It could be any number: it sets how often subscribers that lose them
/// may be told.
const MAX_BLIND: usize = 1024;

pub(crate) struct Segment<M> {
    base: u64,
    word: AtomicU64,
    /// How many envelopes it takes.
    limit: usize,
    /// One for each envelope, or none if the segment is void or blind.
    slots: Slots<M>,
}

enum Slots<M> {
    /// Written while subscribers read.
    Cells(Box<[WriteOnce<Envelope<M>>]>),
    /// Written before anybody else saw the segment.
    Written(Box<[Envelope<M>]>),
}

impl<M> Slots<M> {
    fn none() -> Self {
        Slots::Written(Box::default())
    }
}

/// Nothing that may panic runs while a slot is half written.
impl<M: UnwindSafe + RefUnwindSafe> RefUnwindSafe for Segment<M> {}

/// How far a segment is filled, as read from its word at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Filled {
    pub(crate) claimed: usize,
    /// No more slots will be claimed.
    pub(crate) is_final: bool,
}

impl<M> Segment<M> {
    /// A void segment: it takes nothing.
    pub(crate) fn void(base: u64) -> Self {
        Segment {
            base,
            word: AtomicU64::new(READY),
            limit: 0,
            slots: Slots::none(),
        }
    }

    /// A blind segment: it counts envelopes and keeps none, because nobody has room for them. It has counted up to
    /// `counted` already, and is not ready yet.
    pub(crate) fn blind(base: u64, counted: usize) -> Self {
        Segment {
            base,
            word: AtomicU64::new(counted.min(MAX_BLIND) as u64),
            limit: MAX_BLIND,
            slots: Slots::none(),
        }
    }

    /// A segment that these envelopes fill. It is not ready yet.
    pub(crate) fn full(base: u64, envelopes: Vec<Envelope<M>>) -> Self {
        let limit = envelopes.len();
        Segment {
            base,
            word: AtomicU64::new(limit as u64),
            limit,
            slots: Slots::Written(envelopes.into()),
        }
    }

    /// A segment with this many slots, of which the first `taken` are written. It is not ready yet.
    pub(crate) fn new(
        base: u64,
        slots: usize,
        taken: usize,
        mut take: impl FnMut() -> Envelope<M>,
    ) -> Self {
        let mut cells = Vec::with_capacity(slots);
        cells.extend((0..taken).map(|_| WriteOnce::initialized(take())));
        cells.extend((taken..slots).map(|_| WriteOnce::new()));
        Segment {
            base,
            word: AtomicU64::new(taken as u64),
            limit: slots,
            slots: Slots::Cells(cells.into()),
        }
    }

    /// Whether it counts envelopes and keeps none.
    pub(crate) fn is_blind(&self) -> bool {
        self.slots() == 0 && self.limit > 0
    }

    /// The sequence number of the first slot.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    #[inline]
    pub(crate) fn slots(&self) -> usize {
        match &self.slots {
            Slots::Cells(cells) => cells.len(),
            Slots::Written(envelopes) => envelopes.len(),
        }
    }

    /// Claims up to `wanted` consecutive slots among the first `places`. The caller writes each of them once, and then
    /// wakes the readers.
    ///
    /// Returns `None` if these slots are taken, if the segment is closed or not ready, or if the epoch is not that of
    /// the head that may claim.
    #[inline]
    pub(crate) fn claim(&self, epoch: u64, wanted: usize, places: usize) -> Option<Range<usize>> {
        let places = places.min(self.limit);
        let open = READY | epoch << EPOCH_SHIFT;
        // Relaxed: the compare-and-swap validates it.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let claimed = (word & CLAIMED) as usize;
            let granted = wanted.min(places.saturating_sub(claimed));
            if word & (READY | CLOSED | EPOCH) != open || granted == 0 {
                return None;
            }
            match self.word.compare_exchange_weak(
                word,
                word + granted as u64,
                // Acquire, against the release in `mark_ready` and the one in `raise_epoch`: a subscriber that learns
                // of the publish from this publisher finds the segment in its queue. Also against the release in
                // `await_after`: the reader is found registered. Release, against the acquire in `filled`: what
                // happened before this publish is known to a thread that sees the claim.
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(claimed..claimed + granted),
                Err(newer) => word = newer,
            }
        }
    }

    /// Whether a slot that keeps its envelope, one of the first `places`, could be claimed at this moment.
    #[inline]
    pub(crate) fn has_slot(&self, places: usize) -> bool {
        let word = self.word.load(Ordering::Relaxed); // a hint: `claim` checks again
        word & (READY | CLOSED) == READY && ((word & CLAIMED) as usize) < self.slots().min(places)
    }

    /// Returns the epoch of the head that may claim.
    pub(crate) fn epoch(&self) -> u64 {
        // Acquire, against the release in `raise_epoch`: a publisher that finds a later epoch than its own can load
        // that head.
        (self.word.load(Ordering::Acquire) & EPOCH) >> EPOCH_SHIFT
    }

    /// Lets the head with this epoch claim, and no head before it. Returns how many slots were claimed when that head
    /// began, or `None` if a later one has begun.
    pub(crate) fn raise_epoch(&self, epoch: u64) -> Option<usize> {
        let mut word = self.word.load(Ordering::Acquire); // against the release below
        loop {
            let now = (word & EPOCH) >> EPOCH_SHIFT;
            if now >= epoch {
                return (now == epoch).then_some(((word & BEGAN) >> BEGAN_SHIFT) as usize);
            }
            let claimed = word & CLAIMED;
            let raised = word & !(EPOCH | BEGAN) | epoch << EPOCH_SHIFT | claimed << BEGAN_SHIFT;
            match self.word.compare_exchange_weak(
                word,
                raised,
                // Acquire: the earlier claims are known to the caller. Release, against the acquire in `claim`: new
                // subscribers have the segment by then.
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(claimed as usize),
                Err(newer) => word = newer,
            }
        }
    }

    /// Whether a reader that has registered may sleep. If so, the next publisher that claims a slot or closes the
    /// segment finds the reader registered. If not, more than `read` slots are claimed by now, or the segment is
    /// closed.
    pub(crate) fn await_after(&self, read: usize) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        while (word & CLAIMED) as usize == read && word & CLOSED == 0 {
            // It changes no bit, but it takes its place in the word's modification order.
            match self.word.compare_exchange_weak(
                word,
                word,
                Ordering::Release, // against the acquire in `claim` and `close`
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(newer) => word = newer,
            }
        }
        false
    }

    /// Writes a slot that the caller has claimed. What `take` returns is moved once.
    #[inline]
    pub(crate) fn write(&self, slot: usize, take: impl FnOnce() -> Envelope<M>) {
        match &self.slots {
            Slots::Cells(cells) => cells[slot].call_once(take),
            Slots::Written(_) => unreachable!("there was none to be claimed"),
        };
    }

    /// Returns the envelope in a slot, if the segment keeps envelopes and this slot is written.
    #[inline]
    pub(crate) fn kept(&self, slot: usize) -> Option<&Envelope<M>> {
        match &self.slots {
            Slots::Cells(cells) => cells.get(slot)?.get(),
            Slots::Written(envelopes) => envelopes.get(slot),
        }
    }

    /// Marks the segment ready: every queue in reach has it.
    pub(crate) fn mark_ready(&self) {
        // Release: the sends came before.
        self.word.fetch_or(READY, Ordering::Release);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.word.load(Ordering::Acquire) & READY != 0 // against the release in `mark_ready`
    }

    /// Closes the segment for good: no slot can be claimed any more.
    pub(crate) fn close(&self) {
        // AcqRel: the number of claims, which is final now, is known to the publisher that opens the next segment.
        self.word.fetch_or(CLOSED, Ordering::AcqRel);
    }

    pub(crate) fn filled(&self) -> Filled {
        let word = self.word.load(Ordering::Acquire); // against the release in `claim`
        let claimed = (word & CLAIMED) as usize;
        Filled {
            claimed,
            is_final: word & CLOSED != 0 || claimed == self.limit,
        }
    }

    /// Returns the envelope in a claimed slot, as soon as it is written.
    #[inline]
    pub(crate) fn get(&self, slot: usize) -> &Envelope<M> {
        self.kept(slot).unwrap_or_else(|| self.wait_for(slot))
    }

    /// Returns the envelopes in claimed slots, each as soon as it is written.
    #[inline]
    pub(crate) fn claimed(&self, slots: Range<usize>) -> impl Iterator<Item = &Envelope<M>> {
        slots.map(|slot| self.get(slot))
    }

    /// Returns the envelopes that are written, and waits for none. A blind segment has none.
    #[cfg(all(unix, feature = "inspect"))]
    pub(crate) fn written(&self) -> impl Iterator<Item = &Envelope<M>> {
        let claimed = self.filled().claimed.min(self.slots());
        (0..claimed).filter_map(|slot| self.kept(slot))
    }

    /// Waits until a claimed slot is written. The publisher that claimed it is about to write it. If it was preempted
    /// there, sleeping yields the processor to it.
    #[cold]
    fn wait_for(&self, slot: usize) -> &Envelope<M> {
        let backoff = Backoff::new();
        let mut pause = Duration::from_micros(10);
        loop {
            if let Some(envelope) = self.kept(slot) {
                return envelope;
            }
            if backoff.is_completed() {
                sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(1));
            } else {
                backoff.snooze();
            }
        }
    }

    /// Takes the envelopes out of a segment that nobody else has seen.
    pub(crate) fn into_envelopes(self) -> Vec<Envelope<M>> {
        match self.slots {
            Slots::Cells(cells) => (cells.into_iter())
                .filter_map(WriteOnce::try_into_inner)
                .collect(),
            Slots::Written(envelopes) => envelopes.into(),
        }
    }
}

#[cfg(all(test, oxide_loom))]
#[path = "tests/segment_loom_models.rs"]
mod loom_models;

impl<M> fmt::Debug for Segment<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filled = self.filled();
        f.debug_struct("Segment")
            .field("base", &self.base)
            .field("slots", &self.slots())
            .field("claimed", &filled.claimed)
            .field("is_final", &filled.is_final)
            .finish_non_exhaustive()
    }
}
