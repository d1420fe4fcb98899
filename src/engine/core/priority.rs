//! Priority of publishers over changes of the subscriber list.
//!
//! Both install heads, and the loser of a race tries again. A publisher's head takes longer to make: it looks at every
//! queue, where a change of the list looks at the newcomers alone. So threads that do nothing but subscribe and leave
//! could starve a publisher. A publisher that has lost the race says so, and a change lets it pass, for a bounded time.
//!
//! The test is `threads_that_only_subscribe_and_leave_starve_no_publisher` in `engine/tests/core_stopped/changing.rs`.

use std::thread;
use std::time::{Duration, Instant};

use super::Core;
use crate::support::sync::{AtomicU64, Ordering};

/// The longest that a change waits for publishers.
const MAX_WAIT: Duration = Duration::from_millis(5);

/// Whether a change still lets publishers pass. It stops after it has waited in vain once: a publisher may be
/// preempted.
pub(super) struct Patience(bool);

impl Default for Patience {
    fn default() -> Self {
        Patience(true)
    }
}

/// Marks a publisher that has lost the race, until it has won or given up.
pub(super) struct Hurry<'a>(&'a AtomicU64);

impl Drop for Hurry<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed); // as in `hurry`
    }
}

impl<M> Core<M> {
    pub(super) fn hurry(&self) -> Hurry<'_> {
        self.hurried.fetch_add(1, Ordering::Relaxed); // a hint: nothing else is learned from it
        Hurry(&self.hurried)
    }

    /// Waits until no publisher is in a hurry, or patience is at its end.
    pub(super) fn let_publishers_pass(&self, patience: &mut Patience) {
        // A model has no clock. Without it, loom explores every order that this wait could bring about.
        if cfg!(oxide_loom) || !patience.0 || self.hurried.load(Ordering::Relaxed) == 0 {
            return;
        }
        let started = Instant::now();
        while self.hurried.load(Ordering::Relaxed) > 0 && patience.0 {
            thread::yield_now();
            patience.0 = started.elapsed() < MAX_WAIT;
        }
    }
}
