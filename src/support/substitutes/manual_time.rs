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
    reading: Mutex<Reading>,
    /// An alarm was set.
    was_set: Condvar,
}

#[derive(Default)]
struct Reading {
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
            reading: Mutex::new(Reading::default()),
            was_set: Condvar::default(),
        })
    }

    pub(crate) fn now(&self) -> Instant {
        self.began.0 + self.reading.lock().passed
    }

    pub(crate) fn system_time(&self) -> SystemTime {
        self.began.1 + self.reading.lock().passed
    }

    /// Moves the clock, and wakes the threads whose time is up.
    pub(crate) fn advance(&self, time: Duration) {
        let mut reading = self.reading.lock();
        let passed = reading.passed.saturating_add(time);
        let now = (self.began.0.checked_add(passed))
            .filter(|_| self.began.1.checked_add(passed).is_some())
            .expect("no clock goes that far");
        reading.passed = passed;
        let later = reading.alarms.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut reading.alarms, later);
        drop(reading); // wakers take the locks of those that wait
        due.into_values().for_each(Waker::wake);
    }

    /// Sets an alarm for a thread that is about to sleep. None if the time is up: then it need not sleep.
    pub(crate) fn set_alarm(&self, deadline: Instant, waker: Waker) -> Option<Alarm<'_>> {
        let mut reading = self.reading.lock();
        let now = self.began.0 + reading.passed;
        if deadline <= now {
            return None;
        }
        if self.is_alone {
            drop(reading);
            self.advance(deadline - now);
            return None;
        }
        let key = (deadline, reading.alarms_set);
        reading.alarms_set += 1;
        reading.alarms.insert(key, waker);
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

    /// Waits, by the system's clock, until so many threads sleep until some time of this clock.
    pub(crate) fn wait_for_sleepers(&self, threads: usize, until: Option<Instant>) -> bool {
        let mut reading = self.reading.lock();
        while reading.alarms.len() < threads {
            match until {
                None => self.was_set.wait(&mut reading),
                Some(until) if self.was_set.wait_until(&mut reading, until).timed_out() => break,
                Some(_) => {}
            }
        }
        reading.alarms.len() >= threads
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.time.reading.lock().alarms.remove(&self.key);
    }
}
