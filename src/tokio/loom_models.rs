//! Tasks and the whole engine: no wake-up is lost, whatever comes.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loom::thread;

use crate::error::RecvError;
use crate::options::SubscribeOptions;
use crate::overflow::Overflow;
use crate::sync::{Condvar, Mutex, explore};
use crate::{AsyncSubscription, Bus, Envelope};

/// A thread that runs one task.
#[derive(Default)]
struct Runner {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Runner {
    fn wake(self: Arc<Self>) {
        *self.woken.lock() = true;
        self.changed.notify_all();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runner = Arc::new(Runner::default());
    let waker = Waker::from(Arc::clone(&runner));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let mut woken = runner.woken.lock();
        while !*woken {
            runner.changed.wait(&mut woken);
        }
        *woken = false;
    }
}

fn subscribe(bus: &Bus<u32>, options: SubscribeOptions<u32>) -> AsyncSubscription<u32> {
    bus.subscribe_with(options).expect("open").into_async()
}

/// One that follows, and one whose envelopes are sent to it.
fn kinds() -> [SubscribeOptions<u32>; 2] {
    let options = || SubscribeOptions::new().capacity(2);
    [options(), options().source("model")]
}

fn publish(bus: &Bus<u32>, message: u32) {
    bus.publish(Envelope::new("model", message)).expect("open");
}

#[test]
fn a_task_that_goes_to_sleep_is_woken_by_the_next_publish() {
    for options in kinds() {
        explore(3, move || {
            let bus = Bus::new();
            let mut subscription = subscribe(&bus, options.clone());
            let publisher = thread::spawn(move || (1..=2).for_each(|it| publish(&bus, it)));
            for message in 1..=2 {
                let delivery = block_on(subscription.recv());
                assert_eq!(delivery.map(|it| it.message), Ok(message));
            }
            publisher.join().unwrap();
        });
    }
}

#[test]
fn a_task_that_goes_to_sleep_learns_that_the_bus_closes() {
    for options in kinds() {
        explore(3, move || {
            let bus = Bus::new();
            let mut subscription = subscribe(&bus, options.clone());
            let closer = thread::spawn(move || bus.close());
            let end = block_on(subscription.recv());
            assert_eq!(end.map(|it| it.message), Err(RecvError::Disconnected));
            closer.join().unwrap();
        });
    }
}

#[test]
fn a_task_that_goes_to_sleep_learns_that_it_was_evicted() {
    for options in kinds() {
        explore(2, move || {
            let bus = Bus::new();
            let options = options.clone().capacity(1);
            let mut subscription = subscribe(&bus, options.overflow(Overflow::Disconnect));
            let publisher = {
                let bus = bus.clone();
                thread::spawn(move || (1..=2).for_each(|it| publish(&bus, it)))
            };
            assert_eq!(block_on(subscription.recv()).map(|it| it.message), Ok(1));
            match block_on(subscription.recv()) {
                Ok(second) => assert_eq!(second.message, 2),
                Err(RecvError::Lagged(lagged)) => {
                    assert_eq!(lagged.missed, 1);
                    let end = block_on(subscription.recv());
                    assert_eq!(end.map(|it| it.message), Err(RecvError::Evicted));
                }
                Err(end) => panic!("{end}"),
            }
            publisher.join().unwrap();
        });
    }
}

#[test]
fn a_receive_that_is_given_up_leaves_the_envelope_to_the_next() {
    for options in kinds() {
        explore(3, move || {
            let bus = Bus::new();
            let mut subscription = subscribe(&bus, options.clone());
            let publisher = thread::spawn(move || publish(&bus, 7));
            {
                let mut given_up = pin!(subscription.recv());
                let mut context = Context::from_waker(Waker::noop());
                if let Poll::Ready(delivery) = given_up.as_mut().poll(&mut context) {
                    assert_eq!(delivery.map(|it| it.message), Ok(7));
                    publisher.join().unwrap();
                    return;
                }
            }
            assert_eq!(block_on(subscription.recv()).map(|it| it.message), Ok(7));
            publisher.join().unwrap();
        });
    }
}

#[test]
fn a_task_that_waits_for_room_is_woken_when_there_is_some() {
    for options in kinds() {
        explore(2, move || {
            let bus = Bus::new();
            let lossless = Overflow::Block { timeout: None };
            let mut subscription = subscribe(&bus, options.clone().capacity(1).overflow(lossless));
            publish(&bus, 1);
            let publisher = thread::spawn(move || {
                let bus = bus.into_async();
                let published = block_on(bus.publish(Envelope::new("model", 2)));
                assert_eq!(published.expect("open").delivered(), 1);
            });
            for message in 1..=2 {
                let delivery = block_on(subscription.recv());
                assert_eq!(delivery.map(|it| it.message), Ok(message));
            }
            publisher.join().unwrap();
        });
    }
}

#[test]
fn a_task_that_waits_for_room_goes_on_when_the_subscriber_leaves() {
    for options in kinds() {
        explore(2, move || {
            let bus = Bus::new();
            let lossless = Overflow::Block { timeout: None };
            let subscription = subscribe(&bus, options.clone().capacity(1).overflow(lossless));
            publish(&bus, 1);
            let publisher = thread::spawn(move || {
                let bus = bus.into_async();
                block_on(bus.publish(Envelope::new("model", 2))).expect("open");
            });
            drop(subscription);
            publisher.join().unwrap();
        });
    }
}
