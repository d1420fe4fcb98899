//! How far the printing is: what the printing threads tell the others, and each other.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

/// The counts of all members together.
pub(super) struct Progress {
    printed: AtomicU64,
    lost: AtomicU64,
    /// How many members are still at it.
    at_work: AtomicU16,
}

impl Progress {
    pub(super) fn new(members: u16) -> Self {
        Progress {
            printed: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            at_work: AtomicU16::new(members),
        }
    }

    /// How many envelopes are printed.
    pub(super) fn printed(&self) -> u64 {
        self.printed.load(Ordering::Relaxed) // exact for the last member; for others it need not be
    }

    /// How many were lost on the way, as far as the subscriber was told.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed) // the same
    }

    pub(super) fn print_one(&self) {
        self.printed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn lose(&self, envelopes: u64) {
        self.lost.fetch_add(envelopes, Ordering::Relaxed);
    }

    /// A member has come to its end. True if it was the last one.
    pub(super) fn leave(&self) -> bool {
        // AcqRel: the last one knows what the others have counted.
        self.at_work.fetch_sub(1, Ordering::AcqRel) == 1
    }
}
