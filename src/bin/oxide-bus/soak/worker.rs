//! Somebody at work in a round: its last steps, its random choices, its rest while the bus is looked over.

use std::collections::VecDeque;
use std::ops::{Range, RangeBounds};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use fastrand::Rng;

use super::report;
use super::round::Round;

/// How many steps of each worker are kept.
const KEPT: usize = 12;

/// The last steps of a worker, which the watchdog and a report read.
pub(super) struct Trace {
    pub(super) name: String,
    steps: Mutex<VecDeque<Step>>,
    count: AtomicU64,
}

#[derive(Clone, Copy)]
pub(super) struct Step {
    /// Since the round began.
    pub(super) at: Duration,
    pub(super) what: &'static str,
    pub(super) number: u64,
}

impl Trace {
    /// How many steps there were.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn steps(&self) -> Vec<Step> {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.iter().copied().collect()
    }
}

pub(super) struct Worker {
    pub(super) round: Arc<Round>,
    pub(super) trace: Arc<Trace>,
    pub(super) rng: Rng,
    /// Whether it is a task: it must not sleep as a thread does.
    pub(super) task: bool,
}

impl Worker {
    pub(super) fn new(round: &Arc<Round>, name: String, task: bool) -> Self {
        let seed = name.bytes().fold(round.topology.seed, |seed, byte| {
            super::next_seed(seed ^ u64::from(byte))
        });
        let trace = Arc::new(Trace {
            name,
            steps: Mutex::new(VecDeque::with_capacity(KEPT)),
            count: AtomicU64::new(0),
        });
        round.take_part(Arc::clone(&trace));
        Worker {
            round: Arc::clone(round),
            trace,
            rng: Rng::with_seed(seed),
            task,
        }
    }

    /// Notes what it is about to do, or has done.
    pub(super) fn step(&self, what: &'static str, number: u64) {
        let at = self.round.began.elapsed();
        let mut steps = (self.trace.steps.lock()).unwrap_or_else(PoisonError::into_inner);
        if steps.len() == KEPT {
            steps.pop_front();
        }
        steps.push_back(Step { at, what, number });
        self.trace.count.fetch_add(1, Ordering::Relaxed);
    }

    /// One time in so many.
    pub(super) fn one_in(&mut self, of: u32) -> bool {
        self.rng.u32(0..of) == 0
    }

    pub(super) fn below(&mut self, range: impl RangeBounds<u64>) -> u64 {
        self.rng.u64(range)
    }

    pub(super) async fn pause(&self, time: Duration) {
        if self.task {
            tokio::time::sleep(time).await;
        } else {
            thread::sleep(time);
        }
    }

    /// Pauses for some microseconds.
    pub(super) async fn doze(&mut self, range: Range<u64>) {
        let time = Duration::from_micros(self.rng.u64(range));
        self.pause(time).await;
    }

    pub(super) async fn give_way(&self) {
        if self.task {
            tokio::task::yield_now().await;
        } else {
            thread::yield_now();
        }
    }

    /// Whether to go on. Waits while the bus is looked over.
    pub(super) async fn goes_on(&mut self) -> bool {
        if self.round.is_lull() {
            self.step("rests", 0);
            self.round.parked.fetch_add(1, Ordering::SeqCst);
            while self.round.is_lull() && !self.round.is_over() {
                self.pause(Duration::from_micros(100)).await;
            }
            self.round.parked.fetch_sub(1, Ordering::SeqCst);
        }
        !self.round.is_over()
    }

    /// A promise was broken: tells it and ends the process.
    pub(super) fn broken(&self, what: impl AsRef<str>) -> ! {
        report::broken(&self.round, Some(&self.trace), what.as_ref())
    }
}
