//! Models of tasks on the whole engine: no wake-up is lost, in any interleaving that loom explores.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use loom::thread;

use crate::bus::options::SubscribeOptions;
use crate::message::overflow::Overflow;
use crate::queue::recv_error::RecvError;
use crate::support::sync::explore;
use crate::support::sync::task_on_loom::block_on;
use crate::{AsyncSubscription, Bus, Envelope};

fn subscribe(bus: &Bus<u32>, options: SubscribeOptions<u32>) -> AsyncSubscription<u32> {
    bus.subscribe_with(options).expect("open").into_async()
}

/// Options for a shared queue, for a direct queue, and for a shared queue that keeps the newest.
fn all_kinds() -> [SubscribeOptions<u32>; 3] {
    let [follows, matches] = kinds();
    let keeps_the_newest = follows.clone().overflow(Overflow::DropOldest);
    [follows, matches, keeps_the_newest]
}

/// Options for the queues that can be full: a shared and a direct one.
fn kinds() -> [SubscribeOptions<u32>; 2] {
    let options = || SubscribeOptions::new().capacity(2);
    [options(), options().source("model")]
}

fn publish(bus: &Bus<u32>, message: u32) {
    bus.publish(Envelope::new("model", message)).expect("open");
}

#[test]
fn a_task_that_goes_to_sleep_is_woken_by_the_next_publish() {
    for options in all_kinds() {
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

/// Returns a bus whose tasks have received everything, and hold an open segment with one free slot.
fn with_an_open_segment<const N: usize>() -> (Bus<u32>, [AsyncSubscription<u32>; N]) {
    let bus = Bus::new();
    let mut subscriptions = [(); N].map(|()| subscribe(&bus, SubscribeOptions::new().capacity(4)));
    for message in 1..=2 {
        publish(&bus, message); // the segments have one slot, then two
        for subscription in &mut subscriptions {
            assert_eq!(subscription.try_recv().map(|it| it.message), Ok(message));
        }
    }
    (bus, subscriptions)
}

fn publisher(bus: &Bus<u32>, message: u32) -> thread::JoinHandle<()> {
    let bus = bus.clone();
    thread::spawn(move || publish(&bus, message))
}

fn sum_of_two(subscription: &mut AsyncSubscription<u32>) -> u32 {
    let mut receive = || block_on(subscription.recv()).expect("not lost").message;
    receive() + receive()
}

#[test]
fn a_task_that_waits_at_an_open_segment_is_woken_whoever_appends_and_whoever_opens_the_next() {
    explore(2, || {
        let (bus, [mut subscription]) = with_an_open_segment();
        let publishers = [3, 4].map(|message| publisher(&bus, message));
        assert_eq!(sum_of_two(&mut subscription), 7);
        for publisher in publishers {
            publisher.join().unwrap();
        }
    });
}

#[test]
fn two_tasks_that_wait_at_an_open_segment_are_both_woken() {
    explore(2, || {
        let (bus, [mut one, mut other]) = with_an_open_segment();
        let publisher = publisher(&bus, 3);
        let task = thread::spawn(move || block_on(other.recv()).map(|it| it.message));
        assert_eq!(block_on(one.recv()).map(|it| it.message), Ok(3));
        assert_eq!(task.join().unwrap(), Ok(3));
        publisher.join().unwrap();
    });
}

#[test]
fn a_task_and_a_thread_that_wait_at_one_segment_are_both_woken() {
    explore(2, || {
        let (bus, [mut task, thread]) = with_an_open_segment();
        let publisher = publisher(&bus, 3);
        let mut thread = thread.into_sync();
        let thread = thread::spawn(move || thread.recv().map(|it| it.message));
        assert_eq!(block_on(task.recv()).map(|it| it.message), Ok(3));
        assert_eq!(thread.join().unwrap(), Ok(3));
        publisher.join().unwrap();
    });
}

#[test]
fn a_task_that_waits_at_an_open_segment_is_woken_though_others_subscribe_meanwhile() {
    explore(2, || {
        let (bus, [mut subscription]) = with_an_open_segment();
        let other = bus.subscribe();
        let publisher = publisher(&bus, 3);
        let leaves = thread::spawn(move || drop(other));
        assert_eq!(block_on(subscription.recv()).map(|it| it.message), Ok(3));
        publisher.join().unwrap();
        leaves.join().unwrap();
    });
}

#[test]
fn a_task_that_waits_at_an_open_segment_learns_of_the_end_after_what_was_appended() {
    for closes in [true, false] {
        explore(2, move || {
            let (bus, [mut subscription]) = with_an_open_segment();
            let publisher = publisher(&bus, 3);
            if closes {
                publisher.join().unwrap();
                let closer = thread::spawn(move || bus.close());
                assert_eq!(block_on(subscription.recv()).map(|it| it.message), Ok(3));
                let end = block_on(subscription.recv());
                assert_eq!(end.map(|it| it.message), Err(RecvError::Disconnected));
                closer.join().unwrap();
            } else {
                drop(bus); // the publisher has the last handle
                assert_eq!(block_on(subscription.recv()).map(|it| it.message), Ok(3));
                let end = block_on(subscription.recv());
                assert_eq!(end.map(|it| it.message), Err(RecvError::Disconnected));
                publisher.join().unwrap();
            }
        });
    }
}

#[test]
fn a_wait_at_an_open_segment_that_is_given_up_leaves_the_envelope_to_the_next() {
    explore(3, || {
        let (bus, [mut subscription]) = with_an_open_segment();
        let publisher = publisher(&bus, 3);
        for _ in 0..2 {
            let mut given_up = pin!(subscription.recv());
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(delivery) = given_up.as_mut().poll(&mut context) {
                assert_eq!(delivery.map(|it| it.message), Ok(3));
                publisher.join().unwrap();
                return;
            }
        }
        assert_eq!(block_on(subscription.recv()).map(|it| it.message), Ok(3));
        publisher.join().unwrap();
    });
}

#[test]
fn a_task_that_goes_to_sleep_learns_that_the_bus_closes_or_its_last_handle_goes() {
    for options in all_kinds() {
        for closes in [true, false] {
            let options = options.clone();
            explore(3, move || {
                let bus = Bus::new();
                let mut subscription = subscribe(&bus, options.clone());
                let closer = thread::spawn(move || {
                    if closes {
                        bus.close();
                    }
                });
                let end = block_on(subscription.recv());
                assert_eq!(end.map(|it| it.message), Err(RecvError::Disconnected));
                closer.join().unwrap();
            });
        }
    }
}

#[test]
fn a_task_that_goes_to_sleep_learns_that_it_was_evicted() {
    for options in kinds() {
        explore(2, move || {
            let bus = Bus::new();
            let options = options.clone().capacity(1);
            let mut subscription = subscribe(&bus, options.overflow(Overflow::Evict));
            let publisher = {
                let bus = bus.clone();
                thread::spawn(move || (1..=2).for_each(|it| publish(&bus, it)))
            };
            assert_eq!(block_on(subscription.recv()).map(|it| it.message), Ok(1));
            match block_on(subscription.recv()) {
                Ok(second) => assert_eq!(second.message, 2),
                Err(RecvError::Lagged { missed: lost }) => {
                    assert_eq!(lost, 1);
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
    for options in all_kinds() {
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
            let lossless = Overflow::Block;
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
            let lossless = Overflow::Block;
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
