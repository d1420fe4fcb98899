//! What a queue has lost, and how much of it was told.

use crate::support::sync::{AtomicU64, Ordering};

/// Counts of a queue's losses. Members of a group share them.
#[derive(Debug)]
pub(crate) struct Losses {
    lost: AtomicU64,
    told: AtomicU64,
}

impl Losses {
    pub(crate) fn new() -> Self {
        Losses {
            lost: AtomicU64::new(0),
            told: AtomicU64::new(0),
        }
    }

    pub(crate) fn lose(&self, envelopes: u64) {
        // Release: whoever reads the count sees the queue at least as full as it was then.
        self.lost.fetch_add(envelopes, Ordering::Release);
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Acquire) // against the release in `lose`
    }

    /// How many losses were told.
    pub(crate) fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed) // only a count: see `tell`
    }

    /// Tells of the first `lost` losses, as far as they were not told yet.
    pub(crate) fn tell(&self, lost: u64) -> Option<u64> {
        if lost <= self.told() {
            return None;
        }
        // Relaxed: of those who tell at once, each tells what it has added to the one word.
        let told = self.told.fetch_max(lost, Ordering::Relaxed);
        let missed = lost.saturating_sub(told);
        (missed > 0).then_some(missed)
    }

    /// Who was to tell of these is gone: somebody else shall.
    pub(crate) fn return_loss(&self, untold: u64) {
        self.told.fetch_sub(untold, Ordering::Relaxed); // as in `tell`
    }
}
