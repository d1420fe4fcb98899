//! The manual clock: time passes when a test says so, so a test of a time-out needs no sleep. Tests:
//! `tests/library/testing/clock.rs`.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

use crate::support::substitutes::{Entered, ManualTime, Substitute};

/// From 1970 to 2000 there are 10,957 days.
const YEAR_2000: Duration = Duration::from_hours(24 * 10_957);

/// A clock that stands still until [`advance`](Self::advance) moves it. It begins at midnight of January 1, 2000, UTC.
///
/// A thread that has [entered](Self::enter) it uses it for every time that a user of a bus chooses: expiries, rates,
/// time-outs, timestamps, and how often an advisory is repeated. (Time-outs are those of receives, requests, drains,
/// [`Select`](crate::Select), and of publishers that wait for room.)
///
/// Clones are the same clock.
///
/// # What does not use it
///
/// Above all, threads that have not entered it: enter it in each thread that takes part. A time that such a thread has
/// chosen means nothing to the others. [`Instant::now`] is not changed either; for a deadline use [`now`](Self::now).
/// Links, the flushing of an audit log, and waits of tasks use their own clocks. The clock of tasks is tokio's, which a
/// test can [pause](https://docs.rs/tokio/latest/tokio/time/fn.pause.html).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use oxide_bus::testing::ManualClock;
/// use oxide_bus::{Bus, Denial, Grant};
///
/// let clock = ManualClock::new();
/// let _entered = clock.enter();
/// let bus = Bus::<u32>::new();
/// bus.grant(Grant::new("count").expires_in(Duration::from_secs(60)).rate(1, 1))?;
/// let counter = bus.publisher("counter", "count");
///
/// assert!(counter.publish(1).is_ok());
/// assert_eq!(counter.publish(2).unwrap_err().denial(), Some(Denial::RateLimited));
/// clock.advance(Duration::from_secs(1));
/// assert!(counter.publish(2).is_ok());
/// clock.advance(Duration::from_secs(59));
/// assert_eq!(counter.publish(3).unwrap_err().denial(), Some(Denial::Expired));
/// # Ok::<(), oxide_bus::GrantError>(())
/// ```
#[derive(Clone)]
pub struct ManualClock(Arc<ManualTime>);

impl ManualClock {
    /// Makes a clock.
    #[must_use]
    pub fn new() -> Self {
        ManualClock(ManualTime::starting_at(UNIX_EPOCH + YEAR_2000, false))
    }

    /// Makes a clock that moves to the end of each wait by itself, for a thread that no other thread wakes.
    pub(super) fn alone() -> Self {
        ManualClock(ManualTime::starting_at(UNIX_EPOCH + YEAR_2000, true))
    }

    /// Lets this thread use this clock until the guard is dropped.
    ///
    /// The clock that was entered last counts. When its guard is dropped, the thread uses the one that it had entered
    /// before.
    pub fn enter(&self) -> Entered {
        Substitute::Time(Arc::clone(&self.0)).enter()
    }

    /// Moves the clock forward in one step, and wakes the threads whose time is up.
    ///
    /// A thread that computes its deadline after that waits for the next step. So call
    /// [`wait_for_sleepers`](Self::wait_for_sleepers) first.
    ///
    /// # Panics
    ///
    /// If no clock goes that far.
    pub fn advance(&self, time: Duration) {
        self.0.advance(time);
    }

    /// Returns the time from which to compute a deadline.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// Returns the time for the timestamps of envelopes.
    #[must_use]
    pub fn timestamp(&self) -> DateTime<Utc> {
        SystemTime::into(self.0.system_time())
    }

    /// Waits until this many threads sleep until some time of this clock. Returns false if there are fewer when
    /// `timeout` has passed, by the system's clock.
    ///
    /// A thread that something else has woken counts until it runs. So after a publish wait for its effect first, as by
    /// [`Recorder::expect`](super::Recorder::expect).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use std::time::Duration;
    /// use oxide_bus::testing::ManualClock;
    /// use oxide_bus::{Bus, RecvTimeoutError};
    ///
    /// let clock = ManualClock::new();
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe();
    /// let module = {
    ///     let clock = clock.clone();
    ///     thread::spawn(move || {
    ///         let _entered = clock.enter();
    ///         numbers.recv_timeout(Duration::from_secs(3_600))
    ///     })
    /// };
    /// assert!(clock.wait_for_sleepers(1, Duration::from_secs(10)));
    /// clock.advance(Duration::from_secs(3_600));
    /// let error = module.join().expect("it has not panicked").unwrap_err();
    /// assert_eq!(error, RecvTimeoutError::Timeout);
    /// ```
    #[must_use = "they may not sleep"]
    pub fn wait_for_sleepers(&self, threads: usize, timeout: Duration) -> bool {
        let until = Instant::now().checked_add(timeout);
        self.0.wait_for_sleepers(threads, until)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock")
            .field(&self.timestamp())
            .finish()
    }
}
