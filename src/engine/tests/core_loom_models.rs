//! Models of the whole engine: publishers, readers and subscribers that come.
//!
//! They show order, wake-ups and exact accounts under every interleaving that loom explores within its bound. Models of
//! leaving and closing are in `core_loom_leaving.rs`.

use loom::thread::{self, JoinHandle};

use crate::bus::options::SubscribeOptions;
use crate::message::overflow::Overflow;
use crate::queue::recv_error::TryRecvError;
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

pub(super) const LOSSLESS: Overflow = Overflow::Block;

pub(super) fn publish(bus: &Bus<u32>, message: u32) -> Receipt {
    bus.publish(envelope(message)).expect("open")
}

pub(super) fn publisher(bus: &Bus<u32>, messages: &'static [u32]) -> JoinHandle<Vec<Receipt>> {
    let bus = bus.clone();
    thread::spawn(move || {
        messages
            .iter()
            .map(|&number| publish(&bus, number))
            .collect()
    })
}

/// What is received without waiting: the messages, and how many were lost.
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
        // Whatever the other publisher is doing, and without waiting for it:
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
