//! Where publishers wait for a subscriber that loses nothing.
//!
//! Invariant: a publisher sleeps here only while what it waits for has not happened, or the
//! subscriber is about to wake it.
//!
//! The subscriber counts what it has consumed; a publisher that waits writes down at which count it
//! wants to be woken. Each writes its word, then a fence, then reads the other's word: one of them
//! at least sees what the other wrote.

use std::time::Instant;

use crate::sync::{AtomicBool, AtomicU64, Condvar, Mutex, Ordering, fence, yield_now};

/// How often a publisher lets others run before it goes to sleep. Where the subscriber shares its
/// core, that gives it the time to make room, and nobody has to be woken.
const YIELDS: u32 = if cfg!(oxide_loom) { 0 } else { 2 };

/// Nobody waits.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Gate<T> {
    /// The number of consumed envelopes at which a publisher wants to be woken. Written under the
    /// lock.
    wake_at: AtomicU64,
    /// Nobody waits any more. Written and read under the lock.
    shut: AtomicBool,
    /// With what the waiting publishers have to tell each other.
    shared: Mutex<T>,
    changed: Condvar,
}

impl<T: Default> Gate<T> {
    pub(crate) fn new() -> Self {
        Gate {
            wake_at: AtomicU64::new(NEVER),
            shut: AtomicBool::new(false),
            shared: Mutex::default(),
            changed: Condvar::default(),
        }
    }

    /// Waits until `attempt` succeeds; None at the deadline, or if the gate is shut.
    ///
    /// `attempt` runs under the lock. Where it fails it says at which number of consumed envelopes
    /// it would be worth trying again; it is tried again at other times too.
    pub(crate) fn wait<R>(
        &self,
        deadline: Option<Instant>,
        mut attempt: impl FnMut(&mut T) -> Result<R, u64>,
    ) -> Option<R> {
        let mut shared = self.shared.lock();
        let mut last_try = false;
        let mut yields = 0..YIELDS;
        loop {
            match attempt(&mut shared) {
                Ok(done) => return Some(done),
                Err(_) if yields.next().is_some() => {
                    drop(shared);
                    yield_now();
                    shared = self.shared.lock();
                    continue;
                }
                // Relaxed, twice: both words are written under the lock.
                Err(_) if last_try || self.shut.load(Ordering::Relaxed) => return None,
                Err(count) if count < self.wake_at.load(Ordering::Relaxed) => {
                    self.wake_at.store(count, Ordering::Relaxed);
                    // Against the fence in `consumed`. And then look again, in case the subscriber
                    // came by just before.
                    fence(Ordering::SeqCst);
                    continue;
                }
                Err(_) => {}
            }
            match deadline {
                None => self.changed.wait(&mut shared),
                Some(deadline) => {
                    last_try = self.changed.wait_until(&mut shared, deadline).timed_out();
                }
            }
        }
    }

    /// The subscriber has consumed so many envelopes: wakes whom that concerns.
    pub(crate) fn consumed(&self, count: u64) {
        // Against the fence in `wait`: the caller has stored its count before.
        fence(Ordering::SeqCst);
        if count >= self.wake_at.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Wakes everybody, to try again.
    pub(crate) fn wake(&self) {
        self.change(|_| ());
    }

    /// Changes something under the lock, and wakes everybody to look at it.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) {
        let mut shared = self.shared.lock();
        let _changed = change(&mut shared);
        self.wake_at.store(NEVER, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Lets nobody wait any more.
    pub(crate) fn shut(&self) {
        self.change(|_| self.shut.store(true, Ordering::Relaxed));
    }
}

#[cfg(all(test, oxide_loom))]
mod loom_models;
