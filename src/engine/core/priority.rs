//! Publishers go before changes of the list.
//!
//! Both install openings, and the second one tries again. A publisher's opening takes longer to make: it looks at every
//! queue, where a change of the list looks at the newcomers alone. So threads that do nothing but subscribe and leave
//! could starve it. A publisher that has lost the race says so, and a change lets it pass, for a bounded time.

use std::thread;
use std::time::{Duration, Instant};

use super::Core;
use crate::support::sync::{AtomicU64, Ordering};

/// How long a change waits for publishers at most.
const PATIENCE: Duration = Duration::from_millis(5);

/// Whether a change still lets publishers pass: not if it has done so in vain once. One may have been stopped.
pub(super) struct Patience(bool);

impl Default for Patience {
    fn default() -> Self {
        Patience(true)
    }
}

/// A publisher has lost the race. Dropped, it has won, or has given up.
pub(super) struct Hurry<'a>(&'a AtomicU64);

impl Drop for Hurry<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed); // as below
    }
}

impl<M> Core<M> {
    pub(super) fn hurry(&self) -> Hurry<'_> {
        self.hurried.fetch_add(1, Ordering::Relaxed); // a hint: nothing else is learned from it
        Hurry(&self.hurried)
    }

    /// Waits until no publisher is in a hurry, or patience is at its end.
    pub(super) fn let_publishers_pass(&self, patience: &mut Patience) {
        // A model has no clock; and without it every order that this could bring about is explored.
        if cfg!(oxide_loom) || !patience.0 || self.hurried.load(Ordering::Relaxed) == 0 {
            return;
        }
        let started = Instant::now();
        while self.hurried.load(Ordering::Relaxed) > 0 && patience.0 {
            thread::yield_now();
            patience.0 = started.elapsed() < PATIENCE;
        }
    }
}
