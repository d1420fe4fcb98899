//! The progress of the printing threads: counters that they share with each other and with the main thread.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

/// The counts of all members together.
pub(crate) struct ReplayProgress {
    printed: AtomicU64,
    lost: AtomicU64,
    /// How many members have not ended yet.
    at_work: AtomicU16,
}

impl ReplayProgress {
    pub(crate) fn new(members: u16) -> Self {
        ReplayProgress {
            printed: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            at_work: AtomicU16::new(members),
        }
    }

    /// Returns how many envelopes are printed.
    pub(crate) fn printed(&self) -> u64 {
        self.printed.load(Ordering::Relaxed) // exact for the last member; the others need no exact count
    }

    /// Returns how many envelopes were lost on the way, as far as the subscriber was told.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed) // like `printed`
    }

    pub(crate) fn print_one(&self) {
        self.printed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lose(&self, envelopes: u64) {
        self.lost.fetch_add(envelopes, Ordering::Relaxed);
    }

    /// Notes that a member has ended. Returns whether it was the last one.
    pub(crate) fn leave(&self) -> bool {
        // AcqRel: release publishes this member's counts, and acquire shows the last member those of the others.
        self.at_work.fetch_sub(1, Ordering::AcqRel) == 1
    }
}
