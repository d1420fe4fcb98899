//! Tests of the order in which subscribers receive what is published.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use oxide_bus::{Bus, Envelope, Overflow, SubscribeOptions, Subscription, TryRecvError};

use crate::support::task::Task;

const PATIENCE: Duration = Duration::from_secs(20);

fn of_capacity<M>(capacity: usize) -> SubscribeOptions<M> {
    SubscribeOptions::new().capacity(capacity)
}

/// The publisher, and the number of its publish.
type Numbered = (usize, u64);

const PUBLISHERS: usize = 4;
const EACH: u64 = 500;

/// All threads publish at once and as fast as they can. The bus closes when they are done.
fn publish_at_once(bus: Bus<Numbered>) -> Vec<Task<()>> {
    let publishers = (0..PUBLISHERS)
        .map(|publisher| {
            let bus = bus.clone();
            Task::start(move || {
                for number in 0..EACH {
                    bus.publish(Envelope::new("one of many", (publisher, number)))
                        .unwrap();
                }
            })
        })
        .collect();
    drop(bus);
    publishers
}

/// Receives until the end and skips gaps.
fn receive_all(subscription: Subscription<Numbered>) -> Task<Vec<Numbered>> {
    Task::start(move || {
        subscription
            .into_iter()
            .flatten()
            .map(|d| d.message)
            .collect()
    })
}

#[test]
fn every_subscriber_sees_each_publisher_s_envelopes_in_that_publisher_s_order() {
    let bus = Bus::new();
    let lossless = of_capacity(2).overflow(Overflow::Block);
    let hurried = of_capacity(2).overflow(Overflow::BlockFor(Duration::from_micros(20)));
    let complete = [true, true, false, false, false];
    let subscribers = [
        lossless,
        of_capacity(PUBLISHERS * usize::try_from(EACH).unwrap()),
        of_capacity(1),
        of_capacity(16),
        hurried,
    ]
    .map(|options| receive_all(bus.subscribe_with(options).unwrap()));
    let publishers = publish_at_once(bus);

    for (subscriber, complete) in subscribers.into_iter().zip(complete) {
        let received = subscriber.end();
        for publisher in 0..PUBLISHERS {
            let numbers: Vec<_> = (received.iter())
                .filter(|(from, _)| *from == publisher)
                .map(|(_, number)| *number)
                .collect();
            assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
            assert!(
                !complete || numbers.len() as u64 == EACH,
                "some are missing"
            );
        }
    }
    for publisher in publishers {
        publisher.end();
    }
}

#[test]
fn subscribers_without_a_filter_all_see_one_and_the_same_order() {
    for _ in 0..50 {
        let bus = Bus::new();
        let room = PUBLISHERS * usize::try_from(EACH).unwrap();
        let subscribers = [(); 3].map(|()| bus.subscribe_with(of_capacity(room)).unwrap());
        for publisher in publish_at_once(bus) {
            publisher.end();
        }
        let [one, two, three] = subscribers.map(|subscriber| receive_all(subscriber).end());
        assert!(one == two && two == three);
    }
}

/// Two threads alternate: each publishes once it has learned that the other's publish has returned.
#[test]
fn a_publish_that_begins_after_another_returned_comes_after_it_for_everybody() {
    const TURNS: u64 = 2_000;
    let bus = Bus::<u64>::new();
    let room = usize::try_from(TURNS).unwrap();
    let mut kept = bus.subscribe_with(of_capacity(room)).unwrap();
    let mut of_one = bus
        .subscribe_with(of_capacity(room).source("odd").source("even"))
        .unwrap();
    let mut read_at_once = bus.subscribe_with(of_capacity(room)).unwrap();

    let (to_even, turn_of_even) = sync_channel(1);
    let (to_odd, turn_of_odd) = sync_channel(1);
    let play = |source: &'static str,
                turns: std::sync::mpsc::Receiver<u64>,
                other: std::sync::mpsc::SyncSender<u64>| {
        let bus = bus.clone();
        Task::start(move || {
            for turn in turns {
                bus.publish(Envelope::new(source, turn)).unwrap();
                if turn + 1 == TURNS || other.send(turn + 1).is_err() {
                    return;
                }
            }
        })
    };
    let even = play("even", turn_of_even, to_odd);
    let odd = play("odd", turn_of_odd, to_even.clone());
    to_even.send(0).unwrap();
    drop(to_even);

    for turn in 0..TURNS {
        assert_eq!(read_at_once.recv_timeout(PATIENCE).unwrap().message, turn);
    }
    even.end();
    odd.end();
    for subscription in [&mut kept, &mut of_one] {
        for turn in 0..TURNS {
            assert_eq!(subscription.try_recv().unwrap().message, turn);
        }
    }
}

/// Without a gap, numbers increase by one. A gap is as long as it is reported to be.
#[test]
fn a_gap_lies_exactly_where_envelopes_are_missing() {
    const PUBLISHED: u64 = 20_000;
    for capacity in [1, 2, 7] {
        let bus = Bus::<u64>::new();
        let mut subscription = bus.subscribe_with(of_capacity(capacity)).unwrap();
        let publisher = Task::start(move || {
            for number in 0..PUBLISHED {
                bus.publish(Envelope::new("counter", number)).unwrap();
            }
            bus // the bus stays open
        });
        let (mut next, mut gaps) = (0, 0);
        let mut take = |subscription: &mut Subscription<u64>| match subscription.try_recv() {
            Ok(delivery) => {
                assert_eq!(delivery.message, next, "capacity {capacity}");
                next += 1;
                true
            }
            Err(TryRecvError::Lagged { missed: lost }) => {
                assert!(lost > 0);
                next += lost;
                assert!(next <= PUBLISHED, "capacity {capacity}");
                gaps += 1;
                true
            }
            Err(TryRecvError::Empty) => false,
            Err(error) => panic!("{error}"),
        };
        while !publisher.has_ended() {
            take(&mut subscription);
        }
        let _bus = publisher.end();
        while take(&mut subscription) {}
        assert_eq!(next, PUBLISHED, "capacity {capacity}");
        assert!(gaps > 0, "the receiver was to be the slower one");
    }
}

#[test]
fn segments_of_one_envelope_come_in_order_though_the_queue_has_few_places_for_segments() {
    const CAPACITY: usize = 5_000;
    let bus = Bus::<usize>::builder().max_segment(1).build();
    let mut late = bus.subscribe_with(of_capacity(CAPACITY)).unwrap();
    for round in 0..3 {
        let numbers = round * CAPACITY..(round + 1) * CAPACITY;
        for number in numbers.clone() {
            bus.publish(Envelope::new("counter", number)).unwrap();
        }
        for number in numbers {
            assert_eq!(late.recv().unwrap().message, number);
        }
        assert!(late.is_empty());
    }
}
