//! Models of the whole engine: subscribers that leave, and a bus that closes.
//!
//! They show that nothing is offered after the end, that the accounts stay exact, and that every waiter wakes.

use std::sync::Arc;

use loom::thread;

use super::loom_models::{LOSSLESS, envelope, publish, publisher, queued, settled, subscribe};
use crate::message::overflow::Overflow;
use crate::queue::recv_error::RecvError;
use crate::support::sync::{AtomicBool, Ordering, explore};
use crate::{Bus, Receipt};

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
fn a_close_among_subscribers_that_come_and_leave_keeps_the_accounts() {
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
fn two_threads_that_close_at_once_both_find_it_closed_and_a_sleeper_wakes() {
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
