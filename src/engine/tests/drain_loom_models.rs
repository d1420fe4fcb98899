//! Models of drains and the subscribers they wait for. Here the bus is a count for each queue. The moment after which a
//! drain looks again is a fence: by then everything written before has arrived everywhere.

use loom::thread::{self, JoinHandle};

use super::*;
use crate::message::overflow::Overflow;
use crate::support::parker::Parker;
use crate::support::sync::{AtomicU64, explore};
use crate::support::wait_list::{Registration, WaitList, Waiter};

/// A queue of which this many envelopes were received.
struct Received {
    terms: Arc<Terms>,
    count: AtomicU64,
}

struct Model {
    listed: Arc<WaitList>,
    queues: Vec<Received>,
}

/// One drain.
#[derive(Default)]
struct Drain {
    parker: Arc<Parker>,
    /// Unparked whenever the drain has looked and goes to sleep.
    looked: Arc<Parker>,
}

impl Model {
    fn new(queues: usize) -> Arc<Self> {
        let queues = (0..queues).map(|_| {
            let terms = Arc::new(Terms::new(1, Overflow::DropNewest));
            Received {
                terms,
                count: AtomicU64::new(0),
            }
        });
        Arc::new(Model {
            queues: queues.collect(),
            listed: Arc::default(),
        })
    }

    /// Does what a subscriber does: counts, and wakes the drains that watch. Each time may be the last, as far as it
    /// knows.
    fn receive(&self, queue: usize) {
        let queue = &self.queues[queue];
        let count = queue.count.load(Ordering::Relaxed) + 1;
        queue.count.store(count, Ordering::Release);
        if queue.terms.drains.are_any() {
            self.listed.wake_all_after_fence();
        }
    }

    /// Does what a drain does, until this many were received from each queue.
    fn drain(&self, drain: &Drain, each: u64) {
        let left = |watched: Option<&Arc<Terms>>| {
            let mut left = (self.queues.iter())
                .filter(|it| it.count.load(Ordering::Relaxed) < each)
                .map(|it| &it.terms);
            let is_watched =
                |it: &&Arc<Terms>| watched.is_some_and(|watched| Arc::ptr_eq(watched, it));
            let watched = left.clone().find(is_watched);
            watched.or_else(|| left.next()).cloned()
        };
        let (mut watch, mut registration) = (Watch::default(), Registration::new(&self.listed));
        loop {
            let nap = drain.parker.nap();
            registration.register_and_fence(Waiter::Thread(Arc::clone(&drain.parker)));
            if let Look::Found(()) = watch.check_with(left) {
                return;
            }
            drain.looked.unpark();
            nap.sleep(None);
        }
    }

    fn start_drain(self: &Arc<Self>, each: u64) -> (Arc<Drain>, JoinHandle<()>) {
        let (model, drain) = (Arc::clone(self), Arc::<Drain>::default());
        let thread = {
            let drain = Arc::clone(&drain);
            thread::spawn(move || model.drain(&drain, each))
        };
        (drain, thread)
    }
}

#[test]
fn a_drain_ends_though_the_last_envelope_was_received_just_as_it_marked_the_queue() {
    explore(4, || {
        let model = Model::new(1);
        let (drain, thread) = model.start_drain(1);
        model.receive(0);
        // The moment. A drain that marks the queue later than this sees what was received.
        fence(Ordering::SeqCst);
        drain.parker.unpark();
        thread.join().unwrap();
    });
}

#[test]
fn a_drain_is_woken_by_the_last_receive_once_a_moment_has_passed_since_it_marked_the_queue() {
    explore(4, || {
        let model = Model::new(1);
        let (drain, thread) = model.start_drain(3);
        model.receive(0); // before the queue is marked, or after, or just then
        drain.looked.park(None);
        fence(Ordering::SeqCst);
        drain.parker.unpark();
        model.receive(0);
        model.receive(0);
        thread.join().unwrap();
    });
}

#[test]
fn two_drains_are_woken_by_two_subscribers_of_which_they_have_marked_one() {
    explore(2, || {
        let model = Model::new(2);
        let drains = [(); 2].map(|()| model.start_drain(1));
        for (drain, _) in &drains {
            drain.looked.park(None);
        }
        let other = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                model.receive(1);
                fence(Ordering::SeqCst);
            })
        };
        model.receive(0);
        // The moment after the other queue is marked.
        other.join().unwrap();
        for (drain, thread) in drains {
            drain.parker.unpark();
            thread.join().unwrap();
        }
    });
}
