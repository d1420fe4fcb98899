//! A manual clock: it stands still, until a test moves it.
//!
//! A thread that waits until a time sets an alarm, under the lock that its waker takes. Moving the clock takes the
//! alarms that are due and calls their wakers, so none is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime};

use crate::support::sync::{Condvar, Mutex};

pub(crate) struct ManualTime {
    /// What both clocks show at the beginning.
    began: (Instant, SystemTime),
    /// Whether the clock moves by itself to the end of each wait, since there is no other thread to move it.
    is_alone: bool,
    state: Mutex<ManualState>,
    /// An alarm was set.
    was_set: Condvar,
}

#[derive(Default)]
struct ManualState {
    passed: Duration,
    alarms_set: u64,
    alarms: BTreeMap<(Instant, u64), Waker>,
}

/// An alarm of a thread that sleeps. Dropping it takes it away.
pub(crate) struct Alarm<'a> {
    time: &'a ManualTime,
    key: (Instant, u64),
}

impl ManualTime {
    pub(crate) fn starting_at(start: SystemTime, is_alone: bool) -> Arc<Self> {
        Arc::new(ManualTime {
            began: (Instant::now(), start),
            is_alone,
            state: Mutex::new(ManualState::default()),
            was_set: Condvar::default(),
        })
    }

    pub(crate) fn now(&self) -> Instant {
        self.began.0 + self.state.lock().passed
    }

    pub(crate) fn system_time(&self) -> SystemTime {
        self.began.1 + self.state.lock().passed
    }

    /// Moves the clock, and wakes the threads whose time is up.
    pub(crate) fn advance(&self, time: Duration) {
        let mut state = self.state.lock();
        let passed = state.passed.saturating_add(time);
        let now = (self.began.0.checked_add(passed))
            .filter(|_| self.began.1.checked_add(passed).is_some())
            .expect("no clock goes that far");
        state.passed = passed;
        let later = state.alarms.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut state.alarms, later);
        drop(state); // wakers take the locks of those that wait
        due.into_values().for_each(Waker::wake);
    }

    /// Sets an alarm for a thread that is about to sleep. None if the time is up: then it need not sleep.
    pub(crate) fn set_alarm(&self, deadline: Instant, waker: Waker) -> Option<Alarm<'_>> {
        let mut state = self.state.lock();
        let now = self.began.0 + state.passed;
        if deadline <= now {
            return None;
        }
        if self.is_alone {
            drop(state);
            self.advance(deadline - now);
            return None;
        }
        let key = (deadline, state.alarms_set);
        state.alarms_set += 1;
        state.alarms.insert(key, waker);
        self.was_set.notify_all();
        Some(Alarm { time: self, key })
    }

    /// Panics if a thread that is alone would wait without end.
    pub(crate) fn check_that_others_run(&self) {
        assert!(
            !self.is_alone,
            "a handler waits for something that only another handler could do, so it would wait for ever"
        );
    }

    /// Waits, by the system's clock, until this many threads sleep until some time of this clock.
    pub(crate) fn wait_for_sleepers(&self, threads: usize, until: Option<Instant>) -> bool {
        let mut state = self.state.lock();
        while state.alarms.len() < threads {
            match until {
                None => self.was_set.wait(&mut state),
                Some(until) if self.was_set.wait_until(&mut state, until).timed_out() => break,
                Some(_) => {}
            }
        }
        state.alarms.len() >= threads
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.time.state.lock().alarms.remove(&self.key);
    }
}
