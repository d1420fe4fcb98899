//! Credits: the free places of a direct queue, and its losses.
//!
//! A queue with `DropNewest` needs no more than the channel: an envelope that finds the channel full is lost.
//!
//! With `Block` and `Evict`, a publisher must know that there is room before it sends. So it reserves a place first, as
//! in credit-based flow control. The subscriber gives the place back after it has taken the envelope out of the
//! channel, so the channel always has a free slot for a reserved place. A subscriber that sees the end of such a queue
//! knows that nothing comes after it. A publisher that has reserved a place in one queue, and finds none in another,
//! releases it.
//!
//! Invariant: `consumed <= reserved <= consumed + capacity`.
//!
//! | word | written by | read by |
//! | --- | --- | --- |
//! | `reserved` | publishers (compare-and-swap), where places are reserved; leaving and evicting, once | both |
//! | `consumed` | the subscriber, or the members of a group | both |
//! | `holds_back` | the subscriber | publishers, and threads that ask for figures |
//! | losses | publishers that found no place | both |
//! | `high_water` | subscribers, publishers that found no place, threads that ask for it | threads that ask for it |
//!
//! The tests below and the model in `tests/credits_loom_models.rs` show that no more places are taken than there are.

use crossbeam_utils::CachePadded;

use crate::queue::accounts::HighWater;
use crate::queue::losses::Losses;
use crate::queue::wait::Nothing;
use crate::support::sync::{AtomicBool, AtomicU64, Mutex, Ordering};

/// Set in `reserved` when the subscriber has left. It is in the same word, so no place can be reserved afterwards.
pub(crate) const GONE: u64 = 1 << 63;
/// Set in `reserved` when the bus has evicted the subscriber.
pub(crate) const EVICTED: u64 = 1 << 62;
/// Set together with `EVICTED` if the reason was lack of room: then one envelope was lost. It is in the same word, so a
/// subscriber that sees the end knows of the loss.
const REFUSED: u64 = 1 << 61;
const PLACED: u64 = REFUSED - 1;

#[derive(Debug)]
pub(crate) struct Credits {
    capacity: u64,
    /// How many places were ever reserved, and the three bits.
    reserved: AtomicU64,
    losses: Losses,
    /// Whether the subscriber has taken an envelope out of the channel that it is yet to receive. Used where no places
    /// are reserved.
    holds_back: AtomicBool,
    /// How many places were ever given back. On a cache line of its own, apart from what publishers read.
    consumed: CachePadded<AtomicU64>,
    /// The most places that were seen taken.
    high_water: HighWater,
    /// Nobody sends any more.
    has_ended: AtomicBool,
    /// Held to take something out of a queue that keeps the newest, and to count that.
    pub(crate) taking: Mutex<()>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// All places are taken.
    Full,
    /// The subscriber has left or was evicted.
    Gone,
}

impl Credits {
    pub(crate) fn new(capacity: usize) -> Self {
        Credits {
            capacity: capacity as u64,
            reserved: AtomicU64::new(0),
            losses: Losses::new(),
            holds_back: AtomicBool::new(false),
            consumed: CachePadded::new(AtomicU64::new(0)),
            high_water: HighWater::new(),
            has_ended: AtomicBool::new(false),
            taking: Mutex::default(),
        }
    }

    /// Nobody sends any more.
    pub(crate) fn end_sending(&self) {
        self.has_ended.store(true, Ordering::Release); // against the acquire in `has_ended`: all was sent before
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire) // against the release in `end_sending`
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Reserves a place, if one is free.
    pub(crate) fn reserve(&self) -> Result<(), NoPlace> {
        // Acquire: a publisher that reserves after another sees what the other saw of `consumed`. So it finds the
        // channel at least as empty as the other did.
        let mut reserved = self.reserved.load(Ordering::Acquire);
        loop {
            if reserved & (GONE | EVICTED) != 0 {
                return Err(NoPlace::Gone);
            }
            // Acquire, against the release in `give_back`: the channel's slot is free by then.
            let consumed = self.consumed.load(Ordering::Acquire);
            // `reserved` may be the older of the two. Then the swap fails, and it is read again.
            if (reserved & PLACED).saturating_sub(consumed) >= self.capacity {
                return Err(NoPlace::Full);
            }
            match self.reserved.compare_exchange_weak(
                reserved,
                reserved + 1,
                Ordering::AcqRel, // release: pairs with the acquire loads of `reserved` in this function
                Ordering::Acquire,
            ) {
                Ok(_) => return Ok(()),
                Err(newer) => reserved = newer,
            }
        }
    }

    /// Gives one place back. Returns how many were ever given back. Only subscribers call it: in a group, several at
    /// once.
    pub(crate) fn give_back(&self, adds: bool) -> u64 {
        // Release: the envelope was taken out of the channel before. It is an addition where several threads do this,
        // or where publishers wait. Then it is `SeqCst`, against the fence in `register_and_fence`. For a single
        // subscriber for which nobody waits, that locked operation would be wasted.
        if adds {
            self.consumed.fetch_add(1, Ordering::SeqCst) + 1
        } else {
            let consumed = self.consumed.load(Ordering::Relaxed) + 1; // its own
            self.consumed.store(consumed, Ordering::Release);
            consumed
        }
    }

    /// Counts an envelope for which a publisher found no place as lost.
    #[cold]
    pub(crate) fn lose(&self) {
        self.high_water.saw(self.capacity);
        self.losses.lose(1);
    }

    /// Records how many envelopes are queued. While an envelope is held back, one more than the capacity may be queued.
    pub(crate) fn saw(&self, queued: usize) {
        self.high_water.saw(self.capacity.min(queued as u64));
    }

    /// Records whether the subscriber holds an envelope back.
    pub(crate) fn hold_back(&self, holds_back: bool) {
        // Relaxed, and so is the load: a publisher that comes a little too early finds one place too many.
        self.holds_back.store(holds_back, Ordering::Relaxed);
    }

    pub(crate) fn holds_back(&self) -> bool {
        self.holds_back.load(Ordering::Relaxed) // see `hold_back`
    }

    /// Releases a reserved place that nothing was put in. Only the publisher that reserved it calls it.
    pub(crate) fn release(&self) {
        // Relaxed: nothing was put into the place, so there is nothing to publish with it.
        self.reserved.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many places were ever given back.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Acquire) // against the release in `give_back`
    }

    /// Returns how many places are free, and how many were given back: all are free if the subscriber has left or was
    /// evicted, so that nobody waits for it. A hint where there are some: `reserve` decides.
    pub(crate) fn free(&self) -> (u64, u64) {
        // In this order, as in `reserve`: an older `reserved` only makes more places free, and a queue is never taken
        // for full that was not.
        let reserved = self.reserved.load(Ordering::Acquire);
        let consumed = self.consumed();
        let free = if reserved & (GONE | EVICTED) == 0 {
            (self.capacity).saturating_sub((reserved & PLACED).saturating_sub(consumed))
        } else {
            self.capacity
        };
        (free, consumed)
    }

    /// Returns the most places that were seen taken, given that `now` are.
    pub(crate) fn high_water(&self, now: u64) -> u64 {
        self.high_water.level(self.capacity.min(now))
    }

    pub(crate) fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Returns how many envelopes were lost so far.
    pub(crate) fn lost(&self) -> u64 {
        // Acquire: against the release in `mark_evicted`.
        let refused = self.reserved.load(Ordering::Acquire) & REFUSED != 0;
        self.losses.lost() + u64::from(refused)
    }

    /// The subscriber leaves: no place can be reserved from now on.
    pub(crate) fn leave(&self) {
        // Relaxed: it only has to be the same word that `reserve` swaps.
        self.reserved.fetch_or(GONE, Ordering::Relaxed);
    }

    /// Evicts the subscriber, because an envelope found no place: no place can be reserved from now on. Returns false
    /// if the subscriber had already left or been evicted. Then the envelope was not even offered.
    pub(crate) fn refuse(&self) -> bool {
        self.mark_evicted(EVICTED | REFUSED)
    }

    /// Evicts the subscriber, for another reason. Returns false if it had already left or been evicted.
    pub(crate) fn evict(&self) -> bool {
        self.mark_evicted(EVICTED)
    }

    fn mark_evicted(&self, bits: u64) -> bool {
        let mut reserved = self.reserved.load(Ordering::Relaxed);
        while reserved & (GONE | EVICTED) == 0 {
            match self.reserved.compare_exchange_weak(
                reserved,
                reserved | bits,
                Ordering::AcqRel, // against the acquire in `is_drained`
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(newer) => reserved = newer,
            }
        }
        false
    }

    /// Whether no place can be reserved any more.
    pub(crate) fn is_shut(&self) -> bool {
        self.reserved.load(Ordering::Relaxed) & (GONE | EVICTED) != 0 // see `leave`
    }

    pub(crate) fn is_evicted(&self) -> bool {
        // Acquire, against the release in `mark_evicted`: a thread that sees the eviction knows of the loss that led to
        // it.
        self.reserved.load(Ordering::Acquire) & EVICTED != 0
    }

    /// Whether the subscriber was evicted, and everything that found a place was received.
    pub(crate) fn is_drained(&self) -> bool {
        let reserved = self.reserved.load(Ordering::Acquire); // against the release in `mark_evicted`
        reserved & EVICTED != 0 && reserved & PLACED == self.consumed.load(Ordering::Acquire)
    }

    /// Returns what a subscriber finds when everything was received.
    pub(crate) fn ending(&self) -> Nothing {
        if self.is_evicted() {
            Nothing::Evicted
        } else {
            Nothing::Disconnected
        }
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_reserved_and_given_up_can_be_had_again() {
        let credits = Credits::new(1);
        assert_eq!(credits.reserve(), Ok(()));
        assert_eq!(credits.reserve(), Err(NoPlace::Full));
        credits.release();
        assert_eq!(credits.free(), (1, 0));
        assert_eq!(credits.reserve(), Ok(()));
    }

    #[test]
    fn there_are_as_many_places_as_the_capacity_and_one_given_back_can_be_had_again() {
        let credits = Credits::new(2);
        assert_eq!(credits.reserve(), Ok(()));
        assert_eq!(credits.reserve(), Ok(()));
        assert_eq!(credits.reserve(), Err(NoPlace::Full));
        credits.give_back(false);
        assert_eq!(credits.reserve(), Ok(()));
        assert_eq!(credits.reserve(), Err(NoPlace::Full));
    }

    #[test]
    fn nobody_gets_a_place_after_the_subscriber_has_left() {
        let credits = Credits::new(2);
        credits.leave();
        assert_eq!(credits.reserve(), Err(NoPlace::Gone));
    }
}

#[cfg(all(test, oxide_loom))]
#[path = "tests/credits_loom_models.rs"]
mod loom_models;
