//! Models of the whole engine where envelopes go into direct queues or queues that keep the newest: filters, groups and
//! each overflow policy.

use loom::thread::{self, JoinHandle};

use crate::bus::options::SubscribeOptions;
use crate::message::overflow::Overflow;
use crate::queue::recv_error::{RecvError, TryRecvError};
use crate::queue::segment::MAX_SLOTS;
use crate::support::sync::explore;
use crate::{Bus, Envelope, Receipt, Subscription};

const LOSSLESS: Overflow = Overflow::Block;

fn options(capacity: usize, overflow: Overflow) -> SubscribeOptions<u32> {
    SubscribeOptions::new()
        .capacity(capacity)
        .overflow(overflow)
}

/// A subscriber with a direct queue.
fn filtered(bus: &Bus<u32>, capacity: usize, overflow: Overflow) -> Subscription<u32> {
    bus.subscribe_with(options(capacity, overflow).source("model"))
        .expect("open")
}

/// A subscriber that keeps the newest, with a filter or without.
fn newest(bus: &Bus<u32>, capacity: usize, filters: bool) -> Subscription<u32> {
    if filters {
        return filtered(bus, capacity, Overflow::DropOldest);
    }
    bus.subscribe_with(options(capacity, Overflow::DropOldest))
        .expect("open")
}

fn publish(bus: &Bus<u32>, message: u32) -> Receipt {
    bus.publish(Envelope::new("model", message)).expect("open")
}

fn publisher(bus: &Bus<u32>, messages: &'static [u32]) -> JoinHandle<Vec<Receipt>> {
    let bus = bus.clone();
    thread::spawn(move || messages.iter().map(|&it| publish(&bus, it)).collect())
}

/// What is received without waiting: messages, and gaps where they lie.
fn queued(subscription: &mut Subscription<u32>) -> Vec<Result<u32, u64>> {
    let mut queued = Vec::new();
    loop {
        match subscription.try_recv() {
            Ok(delivery) => queued.push(Ok(delivery.message)),
            Err(TryRecvError::Lagged { missed: lost }) => queued.push(Err(lost)),
            Err(_) => return queued,
        }
    }
}

#[test]
fn the_newest_stay_and_the_gap_is_told_where_it_lies() {
    for (filters, count) in [(true, 3), (false, 5)] {
        let messages = &[0, 1, 2, 3, 4][..count];
        explore(3, move || {
            let bus = Bus::new();
            let mut subscription = newest(&bus, 1, filters);
            let publisher = publisher(&bus, messages);
            let mut received = queued(&mut subscription);
            publisher.join().unwrap();
            let left = subscription.len();
            received.extend(queued(&mut subscription));
            let (mut next, mut told) = (0, 0);
            for item in received {
                match item {
                    Ok(message) => {
                        assert_eq!(u64::from(message), next);
                        next += 1;
                    }
                    Err(missed) => {
                        next += missed;
                        told += missed;
                    }
                }
            }
            assert_eq!(next, messages.len() as u64, "the last one stays");
            assert_eq!((subscription.len(), subscription.dropped()), (0, told));
            let most = if filters { 1 } else { 1 + 2 * MAX_SLOTS };
            assert!(left <= most, "{left} were queued");
        });
    }
}

#[test]
fn two_publishers_in_one_slot_leave_one_envelope_and_lose_one() {
    explore(3, || {
        let bus = Bus::new();
        let mut subscription = filtered(&bus, 1, Overflow::DropOldest);
        let publishers = [publisher(&bus, &[1]), publisher(&bus, &[2])];
        for publisher in publishers {
            assert_eq!(publisher.join().unwrap()[0].delivered(), 1);
        }
        assert_eq!((subscription.len(), subscription.dropped()), (1, 1));
        assert!(matches!(queued(&mut subscription)[..], [Err(1), Ok(1 | 2)]));
    });
}

#[test]
fn a_subscriber_that_keeps_the_newest_and_sleeps_is_woken() {
    for filters in [true, false] {
        explore(3, move || {
            let bus = Bus::new();
            let mut subscription = newest(&bus, 2, filters);
            let publisher = publisher(&bus, &[1, 2]);
            for message in 1..=2 {
                assert_eq!(subscription.recv().map(|it| it.message), Ok(message));
            }
            publisher.join().unwrap();
        });
    }
}

#[test]
fn a_subscriber_that_keeps_the_newest_and_sleeps_is_woken_by_the_end() {
    explore(2, || {
        let bus = Bus::new();
        let mut subscription = newest(&bus, 1, false);
        let closer = thread::spawn(move || {
            publish(&bus, 1);
            bus.close();
            bus
        });
        assert_eq!(subscription.recv().map(|it| it.message), Ok(1));
        assert_eq!(subscription.recv().unwrap_err(), RecvError::Disconnected);
        closer.join().unwrap();
    });
}

#[test]
fn each_of_two_members_that_sleep_is_woken_by_one_of_two_envelopes() {
    explore(2, move || {
        let bus = Bus::new();
        let member = options(2, Overflow::DropNewest).group("group");
        let members = [(); 2].map(|()| {
            let mut member = bus.subscribe_with(member.clone()).expect("open");
            thread::spawn(move || {
                let message = member.recv().expect("there is one for each").message;
                (member, message)
            })
        });
        publish(&bus, 1);
        publish(&bus, 2);
        let received = members.map(|it| it.join().unwrap());
        assert_eq!(received[0].1 + received[1].1, 3);
    });
}

#[test]
fn a_member_that_leaves_takes_nothing_with_it() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        explore(2, move || {
            let bus = Bus::new();
            let member = options(2, overflow).group("group");
            let leaving = bus.subscribe_with(member.clone()).expect("open");
            let mut staying = bus.subscribe_with(member).expect("open");
            let publisher = publisher(&bus, &[1]);
            drop(leaving);
            assert_eq!(staying.recv().map(|it| it.message), Ok(1));
            publisher.join().unwrap();
            assert_eq!(bus.subscriber_count(), 1);
        });
    }
}

#[test]
fn an_evicted_subscriber_receives_what_it_has_and_wakes_to_learn_it() {
    for filter in [None, Some("model")] {
        explore(3, move || {
            let bus = Bus::new();
            let mut options = options(1, Overflow::Evict);
            if let Some(source) = filter {
                options = options.source(source);
            }
            let mut subscription = bus.subscribe_with(options).expect("open");
            let publisher = publisher(&bus, &[1, 2]);
            let (mut received, mut missed) = (0, 0);
            let end = loop {
                match subscription.recv() {
                    Ok(_) => received += 1,
                    Err(RecvError::Lagged { missed: lost }) => missed += lost,
                    Err(end) => break end,
                }
                if received == 2 {
                    break RecvError::Disconnected; // the subscriber was fast enough
                }
            };
            let receipts = publisher.join().unwrap();
            let dropped = receipts.iter().map(Receipt::dropped).sum::<usize>();
            assert_eq!((received + dropped, missed), (2, dropped as u64));
            assert_eq!(end == RecvError::Evicted, dropped == 1);
            assert_eq!(bus.subscriber_count(), 1 - dropped);
        });
    }
}

#[test]
fn a_publisher_that_waits_for_a_place_is_placed_by_the_subscriber() {
    explore(3, || {
        let bus = Bus::new();
        let mut subscription = filtered(&bus, 1, LOSSLESS);
        publish(&bus, 0);
        let publisher = publisher(&bus, &[1]);
        for message in 0..2 {
            assert_eq!(subscription.recv().map(|it| it.message), Ok(message));
        }
        assert_eq!(publisher.join().unwrap()[0].delivered(), 1);
    });
}

#[test]
fn a_publisher_that_waits_for_two_learns_of_both() {
    explore(2, || {
        let bus = Bus::new();
        let mut first = filtered(&bus, 1, LOSSLESS);
        let mut second = (bus.subscribe_with(options(1, LOSSLESS))).expect("open");
        publish(&bus, 0);
        let publisher = publisher(&bus, &[1]);
        let reader = thread::spawn(move || [0, 1].map(|_| first.recv().map(|it| it.message)));
        for message in 0..2 {
            assert_eq!(second.recv().map(|it| it.message), Ok(message));
        }
        assert_eq!(reader.join().unwrap(), [Ok(0), Ok(1)]);
        assert_eq!(publisher.join().unwrap()[0].delivered(), 2);
    });
}

#[test]
fn a_publisher_that_waits_for_a_place_is_let_go_when_the_subscriber_leaves_or_the_bus_closes() {
    for closes in [false, true] {
        explore(3, move || {
            let bus = Bus::new();
            let subscription = filtered(&bus, 1, LOSSLESS);
            publish(&bus, 0);
            let publisher = {
                let bus = bus.clone();
                thread::spawn(move || {
                    bus.publish(Envelope::new("model", 1))
                        .map_or(0, |it| it.dropped() as u64)
                })
            };
            if closes {
                bus.close();
                let dropped = publisher.join().unwrap();
                assert_eq!((subscription.len(), subscription.dropped()), (1, dropped));
            } else {
                drop(subscription);
                assert_eq!(publisher.join().unwrap(), 0);
            }
        });
    }
}

#[test]
fn a_place_that_a_refused_try_gives_back_goes_to_the_publisher_that_waits_for_it() {
    explore(3, || {
        let bus = Bus::new();
        let trier = || options(1, LOSSLESS).source("trier");
        // The attempt reserves a place in the first queue, finds the second full, and gives the place back.
        let mut contested = bus.subscribe_with(trier().source("model")).expect("open");
        let _full = bus.subscribe_with(trier()).expect("open");
        bus.publish(Envelope::new("trier", 0)).expect("open");
        assert_eq!(contested.recv().map(|it| it.message), Ok(0));
        let trier = {
            let bus = bus.clone();
            thread::spawn(move || {
                let refused = bus.try_publish(Envelope::new("trier", 0));
                assert!(refused.is_err_and(|error| error.is_full()));
            })
        };
        assert_eq!(publish(&bus, 1).delivered(), 1);
        assert_eq!(contested.recv().map(|it| it.message), Ok(1));
        trier.join().unwrap();
    });
}
