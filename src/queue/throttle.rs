//! A throttle: limits how often an advisory says that a subscription loses envelopes.
//!
//! A slow subscriber may lose millions of envelopes a second. One advisory a second is enough, and keeps advisories
//! from flooding the bus. The exact number is in the subscription's statistics.
//!
//! The tests are in `tests/library/advisories.rs`.

use crate::support::sync::{AtomicU64, Ordering};

/// For how many milliseconds nothing more is told about a subscription that lags.
const QUIET: u64 = 1_000;

/// When an advisory last said that a subscription lags.
#[derive(Debug, Default)]
pub(crate) struct LagThrottle {
    /// In milliseconds since the bus was made, or 0 for never.
    at: AtomicU64,
}

impl LagThrottle {
    /// Whether an advisory may be sent now. Of threads that ask at the same time, one gets true.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        // Relaxed, both: nothing else depends on it.
        let at = self.at.load(Ordering::Relaxed);
        (at == 0 || now >= at + QUIET)
            && (self.at)
                .compare_exchange(at, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use super::*;

    #[test]
    fn of_threads_that_would_tell_of_a_lag_one_does_and_again_after_a_second() {
        let told = LagThrottle::default();
        let due = [1, 1, 2, QUIET, QUIET + 1, QUIET + 2].map(|now| told.is_due(now));
        assert_eq!(due, [true, false, false, false, true, false]);
    }
}
