//! Where publishers wait for a subscriber that loses nothing, and are served.
//!
//! Invariant: nothing waits here that could be had, unless the subscriber is about to come by; but for a turn
//! that was taken and has not begun, see [`waiting`](crate::waiting).
//!
//! What waits is written down under the lock, and whoever takes the lock serves all that can be
//! served, his own or not: a publisher that had to wake up for its turn would hold up those behind
//! it. The subscriber comes by only where it is worth it: it counts what it has consumed, and at the
//! gate stands at which count somebody can be served. Each writes its word, then a fence, then reads
//! the other's word: one of them at least sees what the other wrote.

use crate::sync::{AtomicU64, Mutex, Ordering, fence};

/// Nobody waits.
pub(crate) const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Gate<T> {
    /// The number of consumed envelopes at which somebody can be served. Written under the lock.
    due_at: AtomicU64,
    /// What waits.
    waiting: Mutex<T>,
}

impl<T: Default> Gate<T> {
    pub(crate) fn new() -> Self {
        Gate {
            due_at: AtomicU64::new(NEVER),
            waiting: Mutex::default(),
        }
    }

    /// Runs `serve` under the lock. It does what can be done for who waits, and returns at which number
    /// of consumed envelopes more can be done, or [`NEVER`]. It is run again where the subscriber may
    /// have passed by meanwhile.
    pub(crate) fn serve(&self, mut serve: impl FnMut(&mut T) -> u64) {
        let mut waiting = self.waiting.lock();
        loop {
            let due_at = serve(&mut waiting);
            // Relaxed, twice: written under the lock.
            let before = self.due_at.load(Ordering::Relaxed);
            self.due_at.store(due_at, Ordering::Relaxed);
            if due_at == before || due_at == NEVER {
                return;
            }
            // Against the fence in `is_due`. A higher count has to be looked at again as well: the
            // subscriber may have passed by the one before, and not seen it any more.
            fence(Ordering::SeqCst);
        }
    }

    /// Looks at what waits.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&mut T) -> R) -> R {
        look(&mut self.waiting.lock())
    }

    /// The same where the count was added by a `SeqCst` operation, which does what both fences do.
    pub(crate) fn is_due_now(&self, consumed: u64) -> bool {
        if cfg!(oxide_loom) {
            fence(Ordering::SeqCst); // loom takes such an operation for less than it is
        }
        consumed >= self.due_at.load(Ordering::SeqCst)
    }

    /// The subscriber has consumed so many envelopes: whether it has to come by.
    pub(crate) fn is_due(&self, consumed: u64) -> bool {
        // Against the fence in `serve`: the caller has stored its count before.
        fence(Ordering::SeqCst);
        consumed >= self.due_at.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, oxide_loom))]
mod loom_models;
