use loom::sync::Arc;
use loom::thread;

use super::*;
use crate::sync::explore;

/// A subscriber's count and the gate before it.
#[derive(Default)]
struct Consumer {
    consumed: AtomicU64,
    gate: Gate<u64>,
}

impl Default for Gate<u64> {
    fn default() -> Self {
        Gate::new()
    }
}

impl Consumer {
    /// Waits until so many were consumed.
    fn wait_for(&self, target: u64) -> Option<u64> {
        self.gate.wait(None, |_| {
            let consumed = self.consumed.load(Ordering::Acquire);
            if consumed < target {
                Err(target)
            } else {
                Ok(consumed)
            }
        })
    }

    fn consume(&self, count: u64) {
        self.consumed.store(count, Ordering::Release);
        self.gate.consumed(count);
    }
}

fn wait_for(consumer: &Arc<Consumer>, target: u64) -> thread::JoinHandle<Option<u64>> {
    let consumer = Arc::clone(consumer);
    thread::spawn(move || consumer.wait_for(target))
}

#[test]
fn a_publisher_that_waits_is_woken_by_the_count_that_it_waits_for() {
    explore(4, || {
        let consumer = Arc::new(Consumer::default());
        let waiting = wait_for(&consumer, 2);
        consumer.consume(1);
        consumer.consume(2);
        assert_eq!(waiting.join().unwrap(), Some(2));
    });
}

#[test]
fn publishers_that_wait_for_different_counts_are_all_woken() {
    explore(3, || {
        let consumer = Arc::new(Consumer::default());
        let waiting = [2, 1].map(|target| wait_for(&consumer, target));
        consumer.consume(1);
        consumer.consume(2);
        for waiting in waiting {
            assert!(waiting.join().unwrap().is_some());
        }
    });
}

#[test]
fn a_publisher_that_waits_for_the_same_count_as_another_is_woken_too() {
    explore(3, || {
        let consumer = Arc::new(Consumer::default());
        let waiting = [1, 1].map(|target| wait_for(&consumer, target));
        consumer.consume(1);
        for waiting in waiting {
            assert_eq!(waiting.join().unwrap(), Some(1));
        }
    });
}

#[test]
fn whoever_waits_is_let_go_when_the_gate_is_shut() {
    explore(3, || {
        let consumer = Arc::new(Consumer::default());
        let waiting = [1, 2].map(|target| wait_for(&consumer, target));
        consumer.gate.shut();
        for waiting in waiting {
            assert_eq!(waiting.join().unwrap(), None);
        }
    });
}

#[test]
fn a_change_is_seen_by_those_who_wait_for_nothing_else_and_the_others_wait_on() {
    explore(3, || {
        let consumer = Arc::new(Consumer::default());
        let turn = {
            let consumer = Arc::clone(&consumer);
            thread::spawn(move || {
                (consumer.gate).wait(None, |turn| (*turn == 1).then_some(()).ok_or(u64::MAX))
            })
        };
        let waiting = wait_for(&consumer, 1);
        consumer.gate.change(|turn| *turn = 1);
        consumer.consume(1);
        assert_eq!(turn.join().unwrap(), Some(()));
        assert_eq!(waiting.join().unwrap(), Some(1));
    });
}
