//! The clock that the bus goes by: the time now, and waits until a time.
//!
//! It is the system's clock. With the feature `testing`, a thread may have entered a [manual
//! clock](crate::support::substitutes) and then goes by that one. A thread that has entered none reads one flag more.
//!
//! Waits inside the engine that no user chooses, of a few milliseconds at most, go by the system's clock throughout.

use std::task::Waker;
use std::time::{Instant, SystemTime};

#[cfg(feature = "testing")]
use crate::support::substitutes;
use crate::support::sync::{Condvar, MutexGuard};

/// The time now, of the clock that only goes forward.
#[inline]
pub(crate) fn now() -> Instant {
    #[cfg(feature = "testing")]
    if let Some(time) = substitutes::time() {
        return time.now();
    }
    Instant::now()
}

/// The time now, of the clock on the wall.
#[inline]
pub(crate) fn system_time() -> SystemTime {
    #[cfg(feature = "testing")]
    if let Some(time) = substitutes::time() {
        return time.system_time();
    }
    SystemTime::now()
}

/// Whether this thread goes by a clock that a test moves.
#[inline]
pub(crate) fn is_manual() -> bool {
    #[cfg(feature = "testing")]
    let is_manual = substitutes::time().is_some();
    #[cfg(not(feature = "testing"))]
    let is_manual = false;
    is_manual
}

/// Does something by the system's clock, whatever clock this thread has entered.
#[inline]
pub(crate) fn in_real_time<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(feature = "testing")]
    let _real = is_manual().then(substitutes::enter_real_time);
    work()
}

/// Waits as [`Condvar::wait`] does.
pub(crate) fn wait<T>(changed: &Condvar, guard: &mut MutexGuard<'_, T>) {
    #[cfg(feature = "testing")]
    if let Some(time) = substitutes::time() {
        time.check_that_others_run();
    }
    changed.wait(guard);
}

/// Waits as [`Condvar::wait_until`] does. Returns whether the time is up. Another thread that moves a manual clock
/// calls the waker. The waker must take the lock, and then notify the condition variable.
#[cfg_attr(not(feature = "testing"), expect(unused_variables))]
pub(crate) fn wait_until<T>(
    changed: &Condvar,
    guard: &mut MutexGuard<'_, T>,
    deadline: Instant,
    waker: impl FnOnce() -> Waker,
) -> bool {
    #[cfg(feature = "testing")]
    if let Some(time) = substitutes::time() {
        let Some(_alarm) = time.set_alarm(deadline, waker()) else {
            return true;
        };
        changed.wait(guard);
        return time.now() >= deadline;
    }
    changed.wait_until(guard, deadline).timed_out()
}
