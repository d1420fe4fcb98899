//! The mark by which a subscriber learns that somebody waits until its queue is empty.
//!
//! While nobody waits, a receive pays one load for it. The models are in `engine/tests/drain_loom_models.rs`.

use std::sync::atomic::compiler_fence;

use crate::support::sync::{AtomicU64, Ordering};

/// How many drains watch a queue.
#[derive(Debug, Default)]
pub(crate) struct Drains(AtomicU64);

impl Drains {
    /// Whether a drain watches the queue. To be called after what was received is counted.
    #[inline]
    pub(crate) fn are_any(&self) -> bool {
        // Stops the compiler from reordering; `Watch::check` in the engine looks again for what the processor reorders.
        compiler_fence(Ordering::SeqCst);
        self.0.load(Ordering::Relaxed) > 0
    }

    /// A drain begins to watch.
    pub(crate) fn watch(&self) {
        // Release, against the fence of a subscriber that finds the mark: it finds the drain registered, too.
        self.0.fetch_add(1, Ordering::Release);
    }

    /// A drain watches no more.
    pub(crate) fn unwatch(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed); // a subscriber that still finds it wakes in vain
    }
}
