//! How often publishes were refused under a capability, and how many of these refusals are told.

use std::time::Instant;

use crate::support::rate_limiter::Rate;
use crate::support::sync::{AtomicU64, Ordering};

/// How many refusals of one capability are told at once after a pause, and how many a second: whoever
/// is refused may try again at once, and should not drown what else there is to tell, nor fill a disk.
const TOLD: u32 = 10;

/// The refusals under one capability.
#[derive(Debug)]
pub(crate) struct Refusals {
    counted: AtomicU64,
    /// Those that were not told since one was.
    suppressed: AtomicU64,
    told: Rate,
}

impl Refusals {
    pub(crate) fn new() -> Self {
        Refusals {
            counted: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
            told: Rate::new(Instant::now(), TOLD, TOLD),
        }
    }

    pub(crate) fn count(&self) {
        self.counted.fetch_add(1, Ordering::Relaxed); // a sum, and nothing depends on it
    }

    pub(crate) fn counted(&self) -> u64 {
        self.counted.load(Ordering::Relaxed)
    }

    /// Whether this one is told, and how many were not before it.
    pub(crate) fn is_told(&self) -> Option<u64> {
        if self.told.admits(Instant::now(), 1) {
            Some(self.take_suppressed())
        } else {
            self.suppress(1);
            None
        }
    }

    // Relaxed, twice: each is taken once, by whoever comes next.

    /// So many are not told by themselves.
    pub(crate) fn suppress(&self, count: u64) {
        self.suppressed.fetch_add(count, Ordering::Relaxed);
    }

    /// How many were not told, of which whoever asks tells now.
    pub(crate) fn take_suppressed(&self) -> u64 {
        self.suppressed.swap(0, Ordering::Relaxed)
    }
}
