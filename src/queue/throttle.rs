//! How often it is told that a subscription loses envelopes.

use crate::support::sync::{AtomicU64, Ordering};

/// How long nothing more is told of a subscription that lags, in milliseconds.
const QUIET: u64 = 1_000;

/// When it was told last that a subscription lags.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// In milliseconds since the bus was made, or 0 for never.
    at: AtomicU64,
}

impl Told {
    /// Whether it may be told now; true for one of those who ask at once.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        // Relaxed, twice: nothing else hangs on it.
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
    fn of_those_who_would_tell_of_a_lag_one_does_and_again_after_a_second() {
        let told = Told::default();
        let due = [1, 1, 2, QUIET, QUIET + 1, QUIET + 2].map(|now| told.is_due(now));
        assert_eq!(due, [true, false, false, false, true, false]);
    }
}
