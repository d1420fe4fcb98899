//! The whole engine: publishers, subscribers, those who come, leave and close.

use loom::thread::{self, JoinHandle};

use crate::bus::options::SubscribeOptions;
use crate::message::overflow::Overflow;
use crate::queue::recv_error::{RecvError, TryRecvError};
use crate::support::sync::{AtomicBool, Ordering, explore};
use crate::{Bus, Envelope, Receipt, Subscription};
use std::sync::Arc;

pub(super) fn envelope(message: u32) -> Envelope<u32> {
    Envelope::new("model", message)
}

pub(super) fn subscribe(bus: &Bus<u32>, capacity: usize, overflow: Overflow) -> Subscription<u32> {
    let options = SubscribeOptions::new()
        .capacity(capacity)
        .overflow(overflow);
    bus.subscribe_with(options).expect("open")
}

const LOSSLESS: Overflow = Overflow::Block;

pub(super) fn publish(bus: &Bus<u32>, message: u32) -> Receipt {
    bus.publish(envelope(message)).expect("open")
}

fn publisher(bus: &Bus<u32>, messages: &'static [u32]) -> JoinHandle<Vec<Receipt>> {
    let bus = bus.clone();
    thread::spawn(move || {
        messages
            .iter()
            .map(|&number| publish(&bus, number))
            .collect()
    })
}

/// What comes without waiting: the messages, and how many were lost.
pub(super) fn queued(subscription: &mut Subscription<u32>) -> (Vec<u32>, u64) {
    let (mut messages, mut missed) = (Vec::new(), 0);
    loop {
        match subscription.try_recv() {
            Ok(delivery) => messages.push(delivery.message),
            Err(TryRecvError::Lagged { missed: lost }) => missed += lost,
            Err(_) => return (messages, missed),
        }
    }
}

pub(super) fn settled(subscription: &Subscription<u32>) -> (usize, u64) {
    (subscription.len(), subscription.dropped())
}

#[test]
fn two_publishers_race_to_open_and_nobody_loses_an_envelope() {
    explore(2, || {
        let bus = Bus::new();
        let mut subscriptions = [(); 2].map(|()| subscribe(&bus, 4, Overflow::DropNewest));
        let publishers = [publisher(&bus, &[1]), publisher(&bus, &[2])];
        for publisher in publishers {
            let receipts = publisher.join().unwrap();
            assert_eq!((receipts[0].delivered(), receipts[0].dropped()), (2, 0));
        }
        assert_eq!(settled(&subscriptions[0]), (2, 0));
        let [first, second] = [0, 1].map(|index: usize| queued(&mut subscriptions[index]));
        assert_eq!(first, second, "one order for all");
        let (mut messages, missed) = first;
        messages.sort_unstable();
        assert_eq!((messages, missed), (vec![1, 2], 0));
        assert_eq!(settled(&subscriptions[0]), (0, 0));
    });
}

#[test]
fn an_envelope_is_in_every_queue_when_its_publish_returns_though_another_opened_its_segment() {
    explore(4, || {
        let bus = Bus::new();
        let mut subscription = subscribe(&bus, 4, Overflow::DropNewest);
        publish(&bus, 0);
        queued(&mut subscription);
        let other = publisher(&bus, &[1]);
        publish(&bus, 2);
        // Whatever the other is doing, and without waiting for it:
        assert!(queued(&mut subscription).0.contains(&2));
        other.join().unwrap();
    });
}

#[test]
fn a_subscriber_that_goes_to_sleep_is_woken_by_the_next_publish() {
    explore(4, || {
        let bus = Bus::new();
        let mut subscription = subscribe(&bus, 2, Overflow::DropNewest);
        let publisher = publisher(&bus, &[1, 2]);
        for message in 1..=2 {
            assert_eq!(subscription.recv().map(|it| it.message), Ok(message));
        }
        publisher.join().unwrap();
        assert_eq!(settled(&subscription), (0, 0));
    });
}

#[test]
fn a_subscriber_that_sleeps_is_woken_by_either_of_two_publishers() {
    explore(2, || {
        let bus = Bus::new();
        let mut subscription = subscribe(&bus, 2, Overflow::DropNewest);
        let publishers = [publisher(&bus, &[1]), publisher(&bus, &[2])];
        let sum: u32 = [(); 2]
            .map(|()| subscription.recv().unwrap().message)
            .iter()
            .sum();
        assert_eq!(sum, 3);
        for publisher in publishers {
            publisher.join().unwrap();
        }
    });
}

#[test]
fn a_subscriber_that_makes_room_before_it_sleeps_is_in_reach_of_the_next_publish() {
    explore(4, || {
        let bus = Bus::new();
        let mut subscription = subscribe(&bus, 1, Overflow::DropNewest);
        publish(&bus, 1);
        let made_room = Arc::new(AtomicBool::new(false));
        let publisher = {
            let (bus, made_room) = (bus.clone(), Arc::clone(&made_room));
            thread::spawn(move || {
                let must_fit = made_room.load(Ordering::Acquire);
                let receipt = publish(&bus, 2);
                assert!(!must_fit || receipt.delivered() == 1);
                receipt.dropped()
            })
        };
        assert_eq!(subscription.try_recv().map(|it| it.message), Ok(1));
        made_room.store(true, Ordering::Release);
        let dropped = publisher.join().unwrap();
        assert_eq!(settled(&subscription), (1 - dropped, dropped as u64));
    });
}

#[test]
fn a_full_subscriber_is_left_out_and_let_in_again_and_the_accounts_are_exact() {
    explore(4, || {
        let bus = Bus::new();
        let mut subscription = subscribe(&bus, 1, Overflow::DropNewest);
        let publisher = publisher(&bus, &[1, 2, 3]);
        let (mut received, mut missed) = queued(&mut subscription);
        let receipts = publisher.join().unwrap();
        let (late, late_missed) = queued(&mut subscription);
        received.extend(late);
        missed += late_missed;
        assert!(received.is_sorted_by(|a, b| a < b));
        let delivered: usize = receipts.iter().map(Receipt::delivered).sum();
        let dropped: usize = receipts.iter().map(Receipt::dropped).sum();
        assert_eq!((received.len(), missed), (delivered, dropped as u64));
        assert_eq!(settled(&subscription), (0, missed));
        assert_eq!(delivered + dropped, 3);
        assert_eq!(publish(&bus, 4).delivered(), 1, "it has room again");
    });
}

#[test]
fn two_publishers_that_wait_for_one_subscriber_get_their_turns_and_lose_nothing() {
    explore(1, || {
        let bus = Bus::new();
        let mut subscription = subscribe(&bus, 1, LOSSLESS);
        publish(&bus, 0);
        let publishers = [publisher(&bus, &[1]), publisher(&bus, &[2])];
        let mut sum = 0;
        for sequence in 0..3 {
            let delivery = subscription.recv().unwrap();
            assert_eq!(delivery.sequence(), sequence);
            sum += delivery.message;
        }
        assert_eq!(sum, 3);
        for publisher in publishers {
            assert_eq!(publisher.join().unwrap()[0].delivered(), 1);
        }
        assert_eq!(settled(&subscription), (0, 0));
    });
}

#[test]
fn a_publisher_that_waits_for_a_subscriber_is_let_go_when_it_leaves() {
    explore(4, || {
        let bus = Bus::new();
        let subscription = subscribe(&bus, 1, LOSSLESS);
        publish(&bus, 0);
        let publisher = publisher(&bus, &[1]);
        drop(subscription);
        assert!(publisher.join().unwrap()[0].delivered() <= 1);
        assert_eq!(publish(&bus, 2).matched(), 0);
    });
}

#[test]
fn a_publisher_that_waits_for_a_subscriber_is_let_go_when_the_bus_closes() {
    explore(4, || {
        let bus = Bus::new();
        let mut subscription = subscribe(&bus, 1, LOSSLESS);
        publish(&bus, 0);
        let publisher = {
            let bus = bus.clone();
            thread::spawn(move || bus.publish(envelope(1)).map_or(0, |it| it.dropped() as u64))
        };
        bus.close();
        let dropped = publisher.join().unwrap();
        assert_eq!(queued(&mut subscription), (vec![0], dropped));
        assert_eq!(settled(&subscription), (0, dropped));
    });
}

#[test]
fn a_publish_that_begins_after_a_subscribe_has_returned_is_offered() {
    explore(4, || {
        let bus = Bus::new();
        let mut first = subscribe(&bus, 4, Overflow::DropNewest);
        let subscribed = Arc::new(AtomicBool::new(false));
        let publisher = {
            let (bus, subscribed) = (bus.clone(), Arc::clone(&subscribed));
            thread::spawn(move || {
                let offered = publish(&bus, 1).matched() - 1;
                let is_subscribed = subscribed.load(Ordering::Acquire);
                let then = publish(&bus, 2).matched() - 1;
                assert!(!is_subscribed || then == 1);
                assert!(offered <= then, "it does not come and go");
                offered + then
            })
        };
        let mut second = subscribe(&bus, 4, Overflow::DropNewest);
        subscribed.store(true, Ordering::Release);
        let offered = publisher.join().unwrap();
        assert_eq!(queued(&mut first), (vec![1, 2], 0));
        assert_eq!(queued(&mut second), (vec![1, 2].split_off(2 - offered), 0));
    });
}

#[test]
fn a_publish_that_begins_after_an_unsubscribe_has_returned_is_not_offered() {
    explore(4, || {
        let bus = Bus::new();
        let leaving = subscribe(&bus, 4, Overflow::DropNewest);
        let mut staying = subscribe(&bus, 4, Overflow::DropNewest);
        let has_left = Arc::new(AtomicBool::new(false));
        let publisher = {
            let (bus, has_left) = (bus.clone(), Arc::clone(&has_left));
            thread::spawn(move || {
                publish(&bus, 1);
                let is_gone = has_left.load(Ordering::Acquire);
                assert!(!is_gone || publish(&bus, 2).matched() == 1);
            })
        };
        drop(leaving);
        assert_eq!(bus.subscriber_count(), 1);
        has_left.store(true, Ordering::Release);
        publisher.join().unwrap();
        let (messages, missed) = queued(&mut staying);
        assert!(messages == [1] || messages == [1, 2]);
        assert_eq!(missed, 0);
    });
}

#[test]
fn a_publish_that_the_end_of_its_subscription_overtakes_is_offered_and_received_or_neither() {
    explore(2, || {
        let bus = Bus::new();
        let mut subscription = subscribe(&bus, 1, Overflow::DropNewest);
        let id = subscription.id();
        let publisher = publisher(&bus, &[1, 2]);
        let other = {
            let bus = bus.clone();
            thread::spawn(move || bus.unsubscribe(id))
        };
        let first = bus.unsubscribe(id);
        assert_eq!(publish(&bus, 3).matched(), 0);
        assert!(first ^ other.join().unwrap(), "one of them has ended it");
        let receipts = publisher.join().unwrap();
        let delivered: usize = receipts.iter().map(Receipt::delivered).sum();
        let dropped: usize = receipts.iter().map(Receipt::dropped).sum();
        assert_eq!(settled(&subscription), (delivered, dropped as u64));
        assert_eq!(
            queued(&mut subscription),
            ((1..).take(delivered).collect(), dropped as u64)
        );
        assert_eq!(subscription.recv().unwrap_err(), RecvError::Disconnected);
    });
}

#[test]
fn a_subscriber_that_sleeps_is_woken_by_the_end_of_its_subscription() {
    for overflow in [Overflow::DropNewest, LOSSLESS] {
        explore(3, move || {
            let bus = Bus::new();
            let mut subscription = subscribe(&bus, 1, overflow);
            let id = subscription.id();
            let publisher = publisher(&bus, &[1]);
            let ending = {
                let bus = bus.clone();
                thread::spawn(move || assert!(bus.unsubscribe(id)))
            };
            let received = subscription.iter().flatten().count();
            assert_eq!(publisher.join().unwrap()[0].delivered(), received);
            assert_eq!(settled(&subscription), (0, 0));
            drop(subscription); // perhaps before `unsubscribe` takes it off the list
            ending.join().unwrap();
        });
    }
}

#[test]
fn a_publish_that_a_close_overtakes_is_either_received_or_refused() {
    explore(4, || {
        let bus = Bus::new();
        let mut subscription = subscribe(&bus, 4, Overflow::DropNewest);
        let publisher = {
            let bus = bus.clone();
            thread::spawn(move || {
                let published = [1, 2].map(|message| bus.publish(envelope(message)).is_ok());
                assert!(published[0] || !published[1], "closed, and open again");
                published.into_iter().filter(|&it| it).count()
            })
        };
        bus.close();
        assert!(bus.publish(envelope(3)).is_err());
        let mut received = 0;
        let end = loop {
            match subscription.recv() {
                Ok(_) => received += 1,
                Err(end) => break end,
            }
        };
        assert_eq!(end, RecvError::Disconnected);
        assert_eq!(publisher.join().unwrap(), received);
        assert_eq!(settled(&subscription), (0, 0));
    });
}

#[test]
fn a_close_among_those_who_come_and_leave_keeps_the_accounts() {
    explore(2, || {
        let bus = Bus::new();
        let mut staying = subscribe(&bus, 1, Overflow::DropNewest);
        let leaving = subscribe(&bus, 4, Overflow::DropNewest);
        publish(&bus, 1);
        publish(&bus, 2);
        let leaver = thread::spawn(move || drop(leaving));
        let comer = {
            let bus = bus.clone();
            thread::spawn(move || {
                let mut subscription = bus.subscribe();
                assert_eq!(settled(&subscription), (0, 0));
                queued(&mut subscription)
            })
        };
        bus.close();
        assert_eq!(settled(&staying), (1, 1));
        assert_eq!(queued(&mut staying), (vec![1], 1));
        leaver.join().unwrap();
        assert_eq!(comer.join().unwrap(), (vec![], 0));
        assert_eq!(staying.recv().unwrap_err(), RecvError::Disconnected);
        assert_eq!(settled(&staying), (0, 1));
    });
}

#[test]
fn a_loss_just_before_the_end_is_told_before_it() {
    explore(2, || {
        let bus = Bus::new();
        let mut subscription = subscribe(&bus, 1, Overflow::DropNewest);
        let publisher = thread::spawn(move || {
            publish(&bus, 1);
            publish(&bus, 2);
        });
        let mut accounted = 0;
        loop {
            match subscription.recv() {
                Ok(_) => accounted += 1,
                Err(RecvError::Lagged { missed: lost }) => accounted += lost,
                Err(_) => break,
            }
        }
        assert_eq!(accounted, 2);
        publisher.join().unwrap();
    });
}

#[test]
fn two_who_close_at_once_both_find_it_closed_and_a_sleeper_wakes() {
    explore(2, || {
        let bus = Bus::new();
        let mut subscription = subscribe(&bus, 1, Overflow::DropNewest);
        publish(&bus, 1);
        publish(&bus, 2);
        let closing = {
            let bus = bus.clone();
            thread::spawn(move || {
                bus.close();
                assert!(bus.publish(envelope(3)).is_err());
            })
        };
        let reader = thread::spawn(move || {
            let received = subscription.iter().flatten().count();
            (received, settled(&subscription))
        });
        bus.close();
        assert!(bus.publish(envelope(4)).is_err());
        closing.join().unwrap();
        assert_eq!(reader.join().unwrap(), (1, (0, 1)));
    });
}
