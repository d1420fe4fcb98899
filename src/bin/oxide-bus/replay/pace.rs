//! The pace of a replay: a number of envelopes a second.

use std::thread;
use std::time::{Duration, Instant};

/// Deadlines at equal distances from the first one, so delays do not add up.
pub(super) struct Pace {
    per_second: f64,
    began: Option<Instant>,
    passed: f64,
}

impl Pace {
    pub(super) fn new(per_second: f64) -> Self {
        Pace {
            per_second,
            began: None,
            passed: 0.0,
        }
    }

    /// Waits for the next deadline. The first one is now.
    pub(super) fn wait(&mut self) {
        let began = *self.began.get_or_insert_with(Instant::now);
        let due = Duration::try_from_secs_f64(self.passed / self.per_second);
        thread::sleep(due.unwrap_or(Duration::MAX).saturating_sub(began.elapsed()));
        self.passed += 1.0;
    }
}
