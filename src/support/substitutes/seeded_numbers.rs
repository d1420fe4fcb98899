//! Seeded numbers: the same in each run, for ids.

use std::sync::Arc;

use fastrand::Rng;

use crate::support::sync::Mutex;

/// A generator, and how many numbers it has made.
pub(crate) struct SeededNumbers(Mutex<(u64, Rng)>);

impl SeededNumbers {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(SeededNumbers(Mutex::new((0, Rng::with_seed(seed)))))
    }

    /// Returns how many numbers came before, and the next number.
    pub(crate) fn next(&self) -> (u64, u64) {
        let (count, random) = &mut *self.0.lock();
        *count += 1;
        (*count - 1, random.u64(..))
    }
}
