//! Loom's locks with `parking_lot`'s signatures, and loom stand-ins for sleeping and spinning, which yield.
//!
//! The code that uses it is then the same in a model and in a program.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

pub(crate) struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().expect("loom's locks are not poisoned")))
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok().map(|guard| MutexGuard(Some(guard)))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("held but for the time of a wait")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("held but for the time of a wait")
    }
}

#[derive(Debug, Default)]
pub(crate) struct Condvar(loom::sync::Condvar);

pub(crate) struct WaitTimeoutResult;

impl WaitTimeoutResult {
    #[expect(clippy::unused_self, reason = "parking_lot's signature")]
    pub(crate) fn timed_out(&self) -> bool {
        false
    }
}

impl Condvar {
    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.0.take().expect("held before a wait");
        guard.0 = Some(self.0.wait(held).expect("loom's locks are not poisoned"));
    }

    /// Loom has no clock, so in a model no wait ends by time.
    pub(crate) fn wait_until<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        _deadline: Instant,
    ) -> WaitTimeoutResult {
        self.wait(guard);
        WaitTimeoutResult
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Time does not pass in a model, but the other threads go on.
pub(crate) fn sleep(_pause: Duration) {
    loom::thread::yield_now();
}

/// Spinning shows a model nothing, so this backoff is complete at once.
pub(crate) struct Backoff;

impl Backoff {
    pub(crate) fn new() -> Self {
        Backoff
    }

    #[expect(clippy::unused_self, reason = "crossbeam's signature")]
    pub(crate) fn is_completed(&self) -> bool {
        true
    }

    #[expect(clippy::unused_self, reason = "crossbeam's signature")]
    pub(crate) fn snooze(&self) {
        loom::thread::yield_now();
    }
}
