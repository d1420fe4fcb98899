//! `Accounts` and `HighWater`: the counts from which a queue's statistics follow.
//!
//! Both kinds of queues report them, so that statistics do not depend on the kind.
//!
//! The tests are in `tests/library/stats.rs` and `tests/library/accounts.rs`.

use crate::support::sync::{AtomicU64, Ordering};

/// The counts of one queue, read at about one moment.
#[derive(Clone, Copy)]
pub(crate) struct Accounts {
    /// How many envelopes found a place.
    pub(crate) placed: u64,
    pub(crate) consumed: u64,
    pub(crate) dropped: u64,
}

impl Accounts {
    /// Returns how many envelopes are in the queue. `consumed` may have been read later than `placed`.
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
        // Relaxed, both: only a figure.
        if self.0.load(Ordering::Relaxed) < queued {
            self.0.fetch_max(queued, Ordering::Relaxed);
        }
    }

    /// Returns the most that were ever seen, given that `now` are queued.
    pub(crate) fn level(&self, now: u64) -> u64 {
        self.saw(now);
        self.0.load(Ordering::Relaxed)
    }
}
