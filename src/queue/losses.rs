//! `Losses`: how many envelopes a direct queue has lost, and of how many its subscriber was told.
//!
//! A subscriber is told of every loss exactly once, as `Lagged`. In a group any member may tell, so two members must
//! not report the same loss: each reports what it has itself added to one word.
//!
//! This is the second half of promise 3. The models are in `engine/tests/core_loom_policies.rs`, the tests in
//! `tests/library/accounts.rs`.

use crate::support::sync::{AtomicU64, Ordering};

/// The counts of one queue's losses. Members of a group share them.
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
        // Release: a thread that reads the count sees the queue at least as full as it was then.
        self.lost.fetch_add(envelopes, Ordering::Release);
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Acquire) // against the release in `lose`
    }

    /// Returns of how many losses the subscriber was told.
    pub(crate) fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed) // only a count: see `tell`
    }

    /// Tells of the first `lost` losses, except those that were told already. Returns how many are told now.
    pub(crate) fn tell(&self, lost: u64) -> Option<u64> {
        if lost <= self.told() {
            return None;
        }
        // Relaxed: of threads that tell at the same time, each tells what it has added to the one word.
        let told = self.told.fetch_max(lost, Ordering::Relaxed);
        let missed = lost.saturating_sub(told);
        (missed > 0).then_some(missed)
    }

    /// Takes back that `untold` losses were told, because the receive that was to tell of them is gone. Another one
    /// tells of them.
    pub(crate) fn return_loss(&self, untold: u64) {
        self.told.fetch_sub(untold, Ordering::Relaxed); // see `tell`
    }
}
