//! Segments: where envelopes lie while they are published and received.
//!
//! A segment is an array of write-once slots and one word. Slot *i* holds the envelope with the
//! sequence number `base + i`. Publishers append to it while subscribers already read it.
//!
//! # Why it is right
//!
//! The word holds how many slots are claimed, which [opening](crate::engine::head) may claim (its *epoch*), how many slots
//! were claimed when that one began, and two bits. Its transitions:
//!
//! | transition | by whom | when |
//! | --- | --- | --- |
//! | claimed + n | a publisher | `READY`, not `CLOSED`, n slots are free, and the epoch is its opening's |
//! | raise the epoch, began := claimed | whoever meets the first opening of that epoch | once |
//! | set `READY` | whoever has seen the segment into every queue in its reach | once |
//! | set `CLOSED` | whoever opens the next segment, or puts another in its place | any time |
//! | none | a reader that has read all and goes to sleep | not `CLOSED`, and no slot was claimed since it read |
//!
//! * **A slot has one writer.** Slots are claimed by compare-and-swap on the word, so no two
//!   publishers claim the same one, and each is written once, by who claimed it.
//! * **A claim belongs to one opening**: the one whose epoch the word had. So an envelope goes by the list of
//!   subscribers of that opening, and whoever holds an earlier one can claim no more.
//! * **What is closed stays as it is.** A claim compares the whole word, so none succeeds after
//!   `CLOSED` is set: the number of claimed slots is final, and the next segment's base is known.
//! * **Who has appended is in every queue.** A claim succeeds only on `READY`, which is set after the
//!   segment was sent to all in its reach.
//! * **A reader that sleeps is woken.** It goes to sleep only after it has [registered](crate::support::wait_list) and has then
//!   swapped the word for the same word, in which no slot was claimed since it read. So whoever claims the next slot
//!   does so after that swap, and finds it registered.
//!
//! A publisher that stops between claim and write holds up those who read, never another publisher; and
//! between claim and wake-up it holds up those that it would wake, until somebody else publishes.
//!
//! A batch that fills a segment is one: it was full before anybody saw it, so its slots need no cells.
//!
//! Two kinds have no slots: a void segment, to which nothing can be appended, and a blind one, which
//! counts what nobody has room for and drops it.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::message::envelope::Envelope;
use crate::support::sync::{AtomicU64, Backoff, OnceCell, Ordering, sleep};

/// Nothing can be appended any more.
const CLOSED: u64 = 1 << 63;
/// Every queue in reach has the segment.
const READY: u64 = 1 << 62;
/// Which opening may claim.
const EPOCH: u64 = READY - (1 << EPOCH_SHIFT);
const EPOCH_SHIFT: u32 = 32;
/// How many slots were claimed when that one began.
const BEGAN: u64 = 0xffff << BEGAN_SHIFT;
const BEGAN_SHIFT: u32 = 16;
/// How many slots are claimed.
const CLAIMED: u64 = 0xffff;

/// The last opening that a segment can have.
pub(crate) const LAST_EPOCH: u64 = EPOCH >> EPOCH_SHIFT;

/// The most slots a segment has; a model can afford no more than two.
pub(crate) const MAX_SLOTS: usize = if cfg!(oxide_loom) { 2 } else { 64 };

/// The most envelopes that a segment counts without keeping them. It could be any number: this is
/// how often those who lose them may be told of.
const MAX_BLIND: usize = 1024;

pub(crate) struct Segment<M> {
    base: u64,
    word: AtomicU64,
    /// How many envelopes it takes.
    limit: usize,
    /// One for each, or none at all if nobody will read them.
    slots: Slots<M>,
}

enum Slots<M> {
    /// Written while others read.
    Cells(Box<[OnceCell<Envelope<M>>]>),
    /// Written before.
    Written(Box<[Envelope<M>]>),
}

impl<M> Slots<M> {
    fn none() -> Self {
        Slots::Written(Box::default())
    }
}

/// How far a segment has been filled, as one reading of its word tells.
#[derive(Clone, Copy)]
pub(crate) struct Filled {
    pub(crate) claimed: usize,
    /// There will be no more.
    pub(crate) is_final: bool,
}

impl<M> Segment<M> {
    /// A segment that takes nothing.
    pub(crate) fn void(base: u64) -> Self {
        Segment {
            base,
            word: AtomicU64::new(READY),
            limit: 0,
            slots: Slots::none(),
        }
    }

    /// A segment that counts envelopes and keeps none, for want of anybody to read them; it has counted
    /// up to so many. It is not ready yet.
    pub(crate) fn blind(base: u64, counted: usize) -> Self {
        Segment {
            base,
            word: AtomicU64::new(counted.min(MAX_BLIND) as u64),
            limit: MAX_BLIND,
            slots: Slots::none(),
        }
    }

    /// A segment that has all it takes. It is not ready yet.
    pub(crate) fn full(base: u64, envelopes: Vec<Envelope<M>>) -> Self {
        let limit = envelopes.len();
        Segment {
            base,
            word: AtomicU64::new(limit as u64),
            limit,
            slots: Slots::Written(envelopes.into()),
        }
    }

    /// A segment with so many slots, of which the first are `taken`. It is not ready yet.
    pub(crate) fn new(
        base: u64,
        slots: usize,
        taken: usize,
        mut take: impl FnMut() -> Envelope<M>,
    ) -> Self {
        let mut cells = Vec::with_capacity(slots);
        cells.extend((0..taken).map(|_| OnceCell::with_value(take())));
        cells.extend((taken..slots).map(|_| OnceCell::new()));
        Segment {
            base,
            word: AtomicU64::new(taken as u64),
            limit: slots,
            slots: Slots::Cells(cells.into()),
        }
    }

    /// Whether it keeps nothing.
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

    /// Claims up to `wanted` slots that follow each other, to be written once each by the caller. Then those that wait
    /// are to be woken.
    ///
    /// None if the segment is full or closed or not ready, or another opening than that with this epoch may claim.
    #[inline]
    pub(crate) fn claim(&self, epoch: u64, wanted: usize) -> Option<Range<usize>> {
        let open = READY | epoch << EPOCH_SHIFT;
        // Relaxed: what counts is read by the swap.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let claimed = (word & CLAIMED) as usize;
            let granted = wanted.min(self.limit - claimed);
            if word & (READY | CLOSED | EPOCH) != open || granted == 0 {
                return None;
            }
            match self.word.compare_exchange_weak(
                word,
                word + granted as u64,
                // Acquire: against the release that set `READY` and the one in `enter`, so that a subscriber that learns from
                // this publisher that it has published finds the segment in its queue; and against the one in `await_after`,
                // so that it is found registered. Release: against the acquire in `filled`, so that what happened before
                // this publish is known to whoever sees it.
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(claimed..claimed + granted),
                Err(newer) => word = newer,
            }
        }
    }

    /// Whether a slot could be claimed just now, of those that keep what they are given.
    #[inline]
    pub(crate) fn has_place(&self) -> bool {
        let word = self.word.load(Ordering::Relaxed); // a hint: who claims looks again
        word & (READY | CLOSED) == READY && ((word & CLAIMED) as usize) < self.slots()
    }

    /// Claims one slot, if the segment keeps what it is given.
    #[inline]
    pub(crate) fn claim_kept(&self, epoch: u64) -> Option<Range<usize>> {
        if self.is_blind() {
            return None;
        }
        self.claim(epoch, 1)
    }

    /// The epoch of the opening that may claim.
    pub(crate) fn epoch(&self) -> u64 {
        // Acquire, against the release in `enter`: whoever finds a later one than its own loads that opening.
        (self.word.load(Ordering::Acquire) & EPOCH) >> EPOCH_SHIFT
    }

    /// From now on the opening with this epoch may claim, and none before it. Returns how many slots were claimed when it
    /// began; none if a later one has begun.
    pub(crate) fn enter(&self, epoch: u64) -> Option<usize> {
        let mut word = self.word.load(Ordering::Acquire); // against the release below
        loop {
            let now = (word & EPOCH) >> EPOCH_SHIFT;
            if now >= epoch {
                return (now == epoch).then_some(((word & BEGAN) >> BEGAN_SHIFT) as usize);
            }
            let claimed = word & CLAIMED;
            let entered = word & !(EPOCH | BEGAN) | epoch << EPOCH_SHIFT | claimed << BEGAN_SHIFT;
            match self.word.compare_exchange_weak(
                word,
                entered,
                // Acquire: the claims before are known to whoever goes on from here. Release, against the acquire in
                // `claim`: newcomers have the segment by then.
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(claimed as usize),
                Err(newer) => word = newer,
            }
        }
    }

    /// Whether a reader that has registered may sleep: whoever claims the next slot or closes the segment will find it
    /// registered. Else more than `read` slots are claimed by now, or the segment is closed.
    pub(crate) fn await_after(&self, read: usize) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        while (word & CLAIMED) as usize == read && word & CLOSED == 0 {
            // It changes nothing, but has its place in the order of changes.
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

    /// Writes into a slot that the caller has claimed. What `take` returns is moved just once.
    #[inline]
    pub(crate) fn write(&self, slot: usize, take: impl FnOnce() -> Envelope<M>) {
        match &self.slots {
            Slots::Cells(cells) => cells[slot].get_or_init(take),
            Slots::Written(_) => unreachable!("there was none to be claimed"),
        };
    }

    /// The envelope in a slot, if it keeps any and this one is written.
    #[inline]
    pub(crate) fn kept(&self, slot: usize) -> Option<&Envelope<M>> {
        match &self.slots {
            Slots::Cells(cells) => cells.get(slot)?.get(),
            Slots::Written(envelopes) => envelopes.get(slot),
        }
    }

    /// Every queue in reach has the segment.
    pub(crate) fn mark_ready(&self) {
        // Release: the sends came before.
        self.word.fetch_or(READY, Ordering::Release);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.word.load(Ordering::Acquire) & READY != 0 // against the release in `mark_ready`
    }

    /// Closes the segment for good, whoever may want to append.
    pub(crate) fn close(&self) {
        // AcqRel: the number of claims that is final now is known to who opens the next segment.
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

    /// The envelope in a claimed slot, as soon as it is written.
    #[inline]
    pub(crate) fn get(&self, slot: usize) -> &Envelope<M> {
        self.kept(slot).unwrap_or_else(|| self.wait_for(slot))
    }

    /// The envelopes in claimed slots, each as soon as it is written.
    #[inline]
    pub(crate) fn claimed(&self, slots: Range<usize>) -> impl Iterator<Item = &Envelope<M>> {
        slots.map(|slot| self.get(slot))
    }

    /// Waits until a claimed slot is written. The publisher that claimed it is just about to; if
    /// it was preempted there, sleeping gives it the processor.
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
                .filter_map(OnceCell::into_inner)
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
