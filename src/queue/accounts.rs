//! What a queue's figures follow from.

use crate::support::sync::{AtomicU64, Ordering};

/// The words that the figures follow from.
#[derive(Clone, Copy)]
pub(crate) struct Accounts {
    /// How many envelopes found a place.
    pub(crate) placed: u64,
    pub(crate) consumed: u64,
    pub(crate) dropped: u64,
}

impl Accounts {
    /// How many are in the queue. What was consumed may have been read later than what was placed.
    pub(crate) fn queued(self) -> u64 {
        self.placed.saturating_sub(self.consumed)
    }
}

/// The most envelopes that were seen in a queue.
#[derive(Debug)]
pub(crate) struct HighWater(AtomicU64);

impl HighWater {
    pub(crate) fn new() -> Self {
        HighWater(AtomicU64::new(0))
    }

    pub(crate) fn saw(&self, queued: u64) {
        // Relaxed, twice: a figure, no more.
        if self.0.load(Ordering::Relaxed) < queued {
            self.0.fetch_max(queued, Ordering::Relaxed);
        }
    }

    /// The most that were ever seen, so many of them now.
    pub(crate) fn level(&self, now: u64) -> u64 {
        self.saw(now);
        self.0.load(Ordering::Relaxed)
    }
}
