//! Models of a subscriber that frees places and publishers that wait for them.

use loom::thread;

use super::*;
use crate::support::parker::Parker;
use crate::support::sync::{AtomicBool, explore, fence};

/// A full queue of two places, as both ends see it.
struct Queue {
    enqueued: AtomicU64,
    consumed: AtomicU64,
    is_gone: AtomicBool,
    vacancy: Vacancy,
}

impl Queue {
    fn full(batch: usize) -> Arc<Self> {
        Arc::new(Queue {
            enqueued: AtomicU64::new(2),
            consumed: AtomicU64::new(0),
            is_gone: AtomicBool::new(false),
            vacancy: Vacancy::new(batch, Waking::ByTree),
        })
    }

    /// What a subscriber does.
    fn consume(&self) {
        let consumed = self.consumed.load(Ordering::Relaxed) + 1;
        self.consumed.store(consumed, Ordering::Release);
        fence(Ordering::SeqCst);
        self.vacancy.freed(consumed);
    }

    fn leave(&self) {
        self.is_gone.store(true, Ordering::Release);
        self.vacancy.wake_everybody();
    }

    /// Tries once to enqueue. Returns true if there was room, or if no subscriber is left.
    fn enqueue(&self, is_patient: bool) -> bool {
        let mut enqueued = self.enqueued.load(Ordering::Acquire);
        loop {
            if self.is_gone.load(Ordering::Acquire) {
                return true;
            }
            let consumed = self.consumed.load(Ordering::Acquire);
            let room = 2_u64.saturating_sub(enqueued.saturating_sub(consumed));
            if self.vacancy.usable_room(room, consumed, is_patient) == 0 {
                return false;
            }
            let next = enqueued + 1;
            let (new, old) = (Ordering::AcqRel, Ordering::Acquire);
            match self.enqueued.compare_exchange(enqueued, next, new, old) {
                Ok(_) => return true,
                Err(newer) => enqueued = newer,
            }
        }
    }

    /// What a publisher does that waits without a time limit.
    fn wait(self: &Arc<Self>, is_patient: bool) -> thread::JoinHandle<()> {
        let queue = Arc::clone(self);
        thread::spawn(move || {
            let (parker, mut waits) = (Arc::<Parker>::default(), Waits::default());
            let mut nap = parker.nap();
            while !queue.enqueue(is_patient) {
                let waiter = Waiter::Thread(Arc::clone(&parker));
                if !waits.register(&queue.vacancy, is_patient, waiter) {
                    nap.sleep(None);
                    drop(nap);
                    waits.deregister();
                    nap = parker.nap();
                }
            }
        })
    }
}

#[test]
fn a_publisher_that_waits_is_woken_by_what_makes_room_for_it() {
    for is_patient in [false, true] {
        explore(3, move || {
            let queue = Queue::full(2);
            let publisher = queue.wait(is_patient);
            queue.consume();
            if is_patient {
                queue.consume(); // a batch
            }
            publisher.join().unwrap();
        });
    }
}

/// One is woken, and wakes the next.
#[test]
fn two_publishers_that_wait_are_both_woken() {
    for is_patient in [false, true] {
        explore(2, move || {
            let queue = Queue::full(1);
            let publishers = [(); 2].map(|()| queue.wait(is_patient));
            queue.consume();
            queue.consume();
            for publisher in publishers {
                publisher.join().unwrap();
            }
        });
    }
}

#[test]
fn publishers_are_woken_when_the_subscriber_leaves() {
    explore(2, || {
        let queue = Queue::full(2);
        let publishers = [true, false].map(|is_patient| queue.wait(is_patient));
        queue.leave();
        for publisher in publishers {
            publisher.join().unwrap();
        }
    });
}
