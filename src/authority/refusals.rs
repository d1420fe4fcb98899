//! Counts of refused publishes under one capability, and a limit to how many of them are told.
//!
//! A module that is refused again and again must not flood the advisories or an audit log, so only some refusals are
//! told, and all are counted. The test is `it_cannot_drown_what_the_bus_tells` in `tests/library/threat_model.rs`.

use crate::support::clock;
use crate::support::rate_limiter::Rate;
use crate::support::sync::{AtomicU64, Ordering};

/// How many refusals of one capability are told at once after a pause, and how many a second. A publisher that is
/// refused may try again at once; that must not drown other advisories, nor fill a disk.
const REPORTED_A_SECOND: u32 = 10;

/// The refusals under one capability.
#[derive(Debug)]
pub(crate) struct Refusals {
    counted: AtomicU64,
    /// Refusals that were not told since the last one that was.
    suppressed: AtomicU64,
    reporting: Rate,
}

impl Refusals {
    pub(crate) fn new() -> Self {
        Refusals {
            counted: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
            reporting: Rate::new(clock::now(), REPORTED_A_SECOND, REPORTED_A_SECOND),
        }
    }

    pub(crate) fn count(&self) {
        self.counted.fetch_add(1, Ordering::Relaxed); // a sum: nothing depends on it
    }

    pub(crate) fn counted(&self) -> u64 {
        self.counted.load(Ordering::Relaxed)
    }

    /// Whether this refusal is told: then returns how many before it were not.
    pub(crate) fn is_told(&self) -> Option<u64> {
        if self.reporting.admits(clock::now(), 1) {
            Some(self.take_suppressed())
        } else {
            self.suppress(1);
            None
        }
    }

    // Relaxed in both functions below: each suppressed refusal is taken once, by the next thread that tells.

    /// Adds refusals that are not told one by one.
    pub(crate) fn suppress(&self, count: u64) {
        self.suppressed.fetch_add(count, Ordering::Relaxed);
    }

    /// Takes the number of refusals that were not told. The caller tells it.
    pub(crate) fn take_suppressed(&self) -> u64 {
        self.suppressed.swap(0, Ordering::Relaxed)
    }
}
