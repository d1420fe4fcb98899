//! Tests of draining: waiting until everything is received. A drain that nobody wakes would wait for a minute, and no
//! test waits that long.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use oxide_bus::{Bus, DrainError, Envelope, Overflow, SubscribeOptions, Subscription};

use crate::select::kinds;
use crate::support::numbers::{publish, publish_all};
use crate::support::task::Task;

const LONG: Duration = Duration::from_mins(1);

fn draining<M: Send + Sync + 'static>(bus: &Bus<M>) -> Task<Result<(), DrainError>> {
    let bus = bus.clone();
    Task::start(move || bus.drain(LONG))
}

#[test]
fn a_drain_is_woken_by_a_subscriber_that_receives_the_last_envelope_and_never_comes_again() {
    let bus = Bus::<u64>::new();
    let mut subscriptions: Vec<_> = (kinds().into_iter())
        .map(|(_, options)| bus.subscribe_with(options).unwrap())
        .collect();
    for round in 0..2 {
        (0..3).for_each(|number| crate::select::publish(&bus, number));
        let draining = draining(&bus);
        let last = subscriptions.len() - 1;
        for (place, subscription) in subscriptions.iter_mut().enumerate() {
            (0..2).for_each(|number| assert_eq!(subscription.try_recv().unwrap().message, number));
            if place == last {
                draining.assert_waits();
            }
            match round {
                0 => drop(subscription.try_recv().unwrap()),
                _ => _ = subscription.recv_ref().unwrap(),
            }
        }
        assert_eq!(draining.end(), Ok(()));
    }
}

#[test]
fn a_drain_is_woken_whichever_way_the_last_envelope_is_received() {
    type Way = fn(&mut Subscription<u64>);
    let ways: [Way; 7] = [
        |it| assert_eq!(it.try_recv_each(|_| ()), Ok(3)),
        |it| assert_eq!(it.recv_batch(&mut Vec::new(), 3), Ok(3)),
        |it| assert_eq!(it.iter().take(3).count(), 3),
        |it| assert_eq!(it.try_iter().count(), 3),
        |it| (0..3).for_each(|_| _ = it.recv_timeout(LONG).unwrap()),
        |it| (0..3).for_each(|_| _ = it.try_recv_ref().unwrap()),
        |it| {
            // The closure is called for each received envelope, whatever happens to that envelope afterwards.
            let mut left = 3;
            while left > 0 {
                let shown = catch_unwind(AssertUnwindSafe(|| {
                    it.try_recv_each(|_| {
                        left -= 1;
                        panic!("the closure's own");
                    })
                }));
                assert!(shown.is_err());
            }
        },
    ];
    for options in [
        SubscribeOptions::new(),
        SubscribeOptions::new().source("counter"),
    ] {
        for (place, way) in ways.iter().enumerate() {
            let bus = Bus::new();
            let mut subscription = bus.subscribe_with(options.clone()).unwrap();
            publish_all(&bus, 0..3);
            let draining = draining(&bus);
            draining.assert_waits();
            way(&mut subscription);
            assert_eq!(draining.end(), Ok(()), "way {place}, {options:?}");
        }
    }
}

#[test]
fn a_drain_is_woken_by_a_subscriber_that_leaves_however_it_does() {
    type End = fn(&Bus<u64>, Subscription<u64>) -> Option<Subscription<u64>>;
    let ends: [End; 5] = [
        |_, _| None,
        |_, it| {
            it.close();
            Some(it)
        },
        |bus, it| {
            bus.unsubscribe(it.id());
            Some(it)
        },
        |bus, it| {
            publish(bus, 1); // one too many
            Some(it)
        },
        |bus, it| {
            bus.close();
            Some(it)
        },
    ];
    let evicted = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Evict);
    let group = evicted.clone().group("workers");
    for options in [evicted.clone(), evicted.source("counter"), group] {
        for end in ends {
            let bus = Bus::new();
            let subscription = bus.subscribe_with(options.clone()).unwrap();
            publish(&bus, 0);
            let draining = draining(&bus);
            draining.assert_waits();
            let _subscription = end(&bus, subscription);
            assert_eq!(draining.end(), Ok(()));
        }
    }
}

#[test]
fn a_drain_waits_for_what_blocked_publishers_place_meanwhile() {
    let bus = Bus::new();
    for options in [
        SubscribeOptions::new(),
        SubscribeOptions::new().source("counter"),
    ] {
        let options = options.capacity(1).overflow(Overflow::Block);
        let mut subscription = bus.subscribe_with(options).unwrap();
        publish(&bus, 0);
        let publishing = {
            let bus = bus.clone();
            Task::start(move || publish_all(&bus, 1..3))
        };
        publishing.assert_waits();
        let draining = draining(&bus);
        for number in 0..3 {
            assert_eq!(subscription.recv().unwrap().message, number);
        }
        publishing.end();
        assert_eq!(draining.end(), Ok(()));
    }
}

#[test]
fn a_drain_is_woken_by_whichever_member_of_a_group_receives_the_last_envelope() {
    let bus = Bus::new();
    let group = || SubscribeOptions::new().group("workers");
    let mut members = [(); 2].map(|()| bus.subscribe_with(group()).unwrap());
    for last in [0, 1] {
        publish_all(&bus, 0..3);
        let draining = draining(&bus);
        for member in [1 - last, 1 - last, last] {
            draining.assert_waits();
            members[member].try_recv().unwrap();
        }
        assert_eq!(draining.end(), Ok(()));
    }
}

/// In each round two subscribers receive exactly what was published to them, just as a drain begins.
#[test]
fn no_drain_is_forgotten_that_begins_just_as_the_last_envelopes_are_received() {
    const ROUNDS: u64 = 3_000;
    const EACH: u64 = 3;
    let bus = Bus::<u64>::new();
    let begin = Arc::new(Barrier::new(3));
    let receivers: Vec<_> = [
        SubscribeOptions::new(),
        SubscribeOptions::new().source("counter"),
    ]
    .into_iter()
    .map(|options| {
        let (begin, mut subscription) = (Arc::clone(&begin), bus.subscribe_with(options).unwrap());
        thread::spawn(move || {
            for _ in 0..ROUNDS {
                begin.wait();
                (0..EACH).for_each(|_| _ = subscription.try_recv().unwrap());
            }
            subscription
        })
    })
    .collect();
    for round in 0..ROUNDS {
        for number in 0..EACH {
            bus.publish(Envelope::new("counter", number)).unwrap();
        }
        begin.wait();
        assert_eq!(bus.drain(Duration::from_secs(10)), Ok(()), "round {round}");
    }
    for receiver in receivers {
        drop(receiver.join().unwrap());
    }
}
