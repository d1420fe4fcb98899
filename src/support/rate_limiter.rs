//! A rate limiter: how many events per second are allowed.
//!
//! It is the generic cell rate algorithm (GCRA, ITU-T I.371) in one atomic word. The word holds the *theoretical
//! arrival time*: the time at which the allowance is whole again. Each event moves it forward by one interval, and is
//! refused if that would put it more than a burst ahead of now. No thread refills a bucket, and no lock is taken.
//!
//! The tests below and the model in `tests/rate_limiter_loom_models.rs` show that no more than the burst and the rate
//! pass in any second.

use std::time::{Duration, Instant};

use crate::support::sync::{AtomicU64, Ordering};

#[derive(Debug)]
pub(crate) struct Rate {
    /// The instant from which the word counts.
    epoch: Instant,
    /// Nanoseconds per event. Rounded up, so that the rate is never exceeded.
    interval: u64,
    /// How far ahead of now the word may be.
    ahead: u64,
    /// Nanoseconds since the epoch at which the allowance is whole.
    whole_at: AtomicU64,
}

impl Rate {
    /// Both `per_second` and `burst` are above zero.
    pub(crate) fn new(epoch: Instant, per_second: u32, burst: u32) -> Self {
        let interval = 1_000_000_000_u64.div_ceil(u64::from(per_second));
        Rate {
            epoch,
            interval,
            ahead: interval * u64::from(burst),
            whole_at: AtomicU64::new(0),
        }
    }

    /// Takes `count` events out of the allowance, all or none. Returns whether it did.
    pub(crate) fn admits(&self, now: Instant, count: usize) -> bool {
        let now = nanos(now.saturating_duration_since(self.epoch));
        let Some(cost) = u64::try_from(count)
            .ok()
            .and_then(|count| self.interval.checked_mul(count))
        else {
            return false;
        };
        // Relaxed, throughout: nothing else depends on the word.
        let mut whole_at = self.whole_at.load(Ordering::Relaxed);
        loop {
            let next = whole_at.max(now).saturating_add(cost);
            if next - now > self.ahead {
                return false;
            }
            match self.whole_at.compare_exchange_weak(
                whole_at,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(newer) => whole_at = newer,
            }
        }
    }
}

/// A `u64` of nanoseconds is enough for 584 years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_then_so_many_a_second() {
        let start = Instant::now();
        let rate = Rate::new(start, 10, 3);
        let at = |millis| start + Duration::from_millis(millis);
        for _ in 0..3 {
            assert!(rate.admits(at(0), 1));
        }
        assert!(!rate.admits(at(0), 1));
        assert!(!rate.admits(at(99), 1));
        assert!(rate.admits(at(100), 1));
        assert!(!rate.admits(at(100), 1));
        assert!(rate.admits(at(10_000), 3), "whole again, and not more");
        assert!(!rate.admits(at(10_000), 1));
    }

    #[test]
    fn a_batch_takes_all_it_needs_or_nothing() {
        let start = Instant::now();
        let rate = Rate::new(start, 10, 3);
        assert!(!rate.admits(start, 4));
        assert!(rate.admits(start, 2));
        assert!(!rate.admits(start, 2));
        assert!(rate.admits(start, 1));
        assert!(rate.admits(start, 0));
        assert!(!rate.admits(start, usize::MAX));
    }

    #[test]
    fn in_any_second_there_are_no_more_than_burst_and_rate_together() {
        let start = Instant::now();
        for (per_second, burst) in [(1, 1), (3, 2), (7, 1), (1_000, 10), (1_000_000, 5)] {
            let rate = Rate::new(start, per_second, burst);
            let step = Duration::from_nanos(100_003);
            let passed = (0..10_000)
                .filter(|&turn| rate.admits(start + step * turn, 1))
                .count();
            let most = u64::from(burst) + u64::from(per_second); // in 1.00003 seconds
            assert!(
                passed as u64 <= most,
                "{passed} of {per_second} a second, {burst} at once"
            );
        }
    }
}

#[cfg(all(test, oxide_loom))]
#[path = "tests/rate_limiter_loom_models.rs"]
mod loom_models;
