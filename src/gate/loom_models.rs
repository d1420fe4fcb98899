use std::task::Waker;

use loom::sync::Arc;
use loom::thread;

use super::*;
use crate::parker::Parker;
use crate::sync::explore;

/// A subscriber's count and the gate before it.
#[derive(Default)]
struct Consumer {
    consumed: AtomicU64,
    gate: Gate<Waiters>,
}

/// Counts that are waited for.
#[derive(Default)]
struct Waiters {
    waiting: Vec<(u64, Waker)>,
    shut: bool,
}

impl Default for Gate<Waiters> {
    fn default() -> Self {
        Gate::new()
    }
}

impl Consumer {
    /// Waits until so many were consumed; true if they were, false if the gate was shut.
    fn wait_for(&self, target: u64) -> bool {
        let parker = std::sync::Arc::new(Parker::default());
        let mut waker = Some(Waker::from(std::sync::Arc::clone(&parker)));
        self.serve(|waiters| waiters.waiting.extend(waker.take().map(|it| (target, it))));
        loop {
            let is_shut = self.gate.look(|waiters| waiters.shut);
            if self.consumed.load(Ordering::Acquire) >= target || is_shut {
                return !is_shut;
            }
            parker.park(None);
        }
    }

    fn serve(&self, mut change: impl FnMut(&mut Waiters)) {
        let mut woken = Vec::new();
        self.gate.serve(|waiters| {
            change(waiters);
            let consumed = self.consumed.load(Ordering::Acquire);
            let is_over = |target| target <= consumed || waiters.shut;
            let (over, waiting) = (waiters.waiting.drain(..)).partition(|it| is_over(it.0));
            waiters.waiting = waiting;
            woken.append(&mut { over });
            waiters.waiting.iter().map(|it| it.0).min().unwrap_or(NEVER)
        });
        woken.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn consume(&self, count: u64) {
        self.consumed.store(count, Ordering::Release);
        if self.gate.is_due(count) {
            self.serve(|_| ());
        }
    }
}

fn wait_for(consumer: &Arc<Consumer>, target: u64) -> thread::JoinHandle<bool> {
    let consumer = Arc::clone(consumer);
    thread::spawn(move || consumer.wait_for(target))
}

#[test]
fn a_publisher_that_waits_is_served_at_the_count_that_it_waits_for() {
    explore(4, || {
        let consumer = Arc::new(Consumer::default());
        let waiting = wait_for(&consumer, 2);
        consumer.consume(1);
        consumer.consume(2);
        assert!(waiting.join().unwrap());
    });
}

#[test]
fn publishers_that_wait_for_different_counts_are_all_served() {
    explore(3, || {
        let consumer = Arc::new(Consumer::default());
        let waiting = [2, 1].map(|target| wait_for(&consumer, target));
        consumer.consume(1);
        consumer.consume(2);
        for waiting in waiting {
            assert!(waiting.join().unwrap());
        }
    });
}

#[test]
fn a_publisher_that_waits_for_the_same_count_as_another_is_served_too() {
    explore(3, || {
        let consumer = Arc::new(Consumer::default());
        let waiting = [1, 1].map(|target| wait_for(&consumer, target));
        consumer.consume(1);
        for waiting in waiting {
            assert!(waiting.join().unwrap());
        }
    });
}

#[test]
fn whoever_waits_is_let_go_when_the_gate_is_shut() {
    explore(3, || {
        let consumer = Arc::new(Consumer::default());
        let waiting = [1, 2].map(|target| wait_for(&consumer, target));
        consumer.serve(|waiters| waiters.shut = true);
        for waiting in waiting {
            assert!(!waiting.join().unwrap());
        }
    });
}
