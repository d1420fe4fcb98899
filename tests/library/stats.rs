//! Tests of the bus's statistics: exact when the bus is quiet, cheap at any time.

use std::sync::Barrier;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::support::numbers::{publish, publish_all};
use oxide_bus::kernel::Command;
use oxide_bus::{
    Bus, Envelope, MessageBus, Overflow, RecvError, Stats, SubscribeOptions, Subscription,
    SubscriptionStats,
};

/// Returns the bus's figures for one subscription.
fn of<'a>(stats: &'a Stats, subscription: &Subscription<u64>) -> &'a SubscriptionStats {
    (stats.subscriptions.iter())
        .find(|it| it.id == subscription.id())
        .expect("it is subscribed")
}

fn figures(stats: &SubscriptionStats) -> [u64; 5] {
    [
        stats.matched,
        stats.received,
        stats.queued,
        stats.dropped,
        stats.high_water,
    ]
}

fn every_kind() -> [SubscribeOptions<u64>; 4] {
    let brief = Overflow::BlockFor(Duration::from_micros(10));
    let filtered = || SubscribeOptions::new().source("counter");
    [
        SubscribeOptions::new(),
        filtered(),
        SubscribeOptions::new().overflow(brief),
        filtered().overflow(brief),
    ]
}

#[test]
fn what_is_published_to_nobody_counts_as_published() {
    let bus = Bus::<u64>::new();
    assert_eq!(bus.stats().published, 0);
    publish_all(&bus, 0..2_000);
    assert_eq!(bus.stats().published, 2_000);
    let batch = (0..3_000).map(|number| Envelope::new("counter", number));
    bus.publish_batch(batch).unwrap();
    assert_eq!(bus.stats().published, 5_000);
    let mut late = bus.subscribe();
    publish(&bus, 0);
    assert_eq!(late.recv().unwrap().sequence(), 5_000);
    drop(late);
    publish(&bus, 0);
    bus.close();
    assert!(bus.publish(Envelope::new("counter", 0)).is_err());
    assert_eq!(bus.stats().published, 5_002);
    assert_eq!(bus.stats().subscriptions, []);
}

#[test]
fn every_refusal_is_counted_and_a_batch_once() {
    let bus = Bus::<u64>::new();
    let counter = bus.publisher("counter", "count");
    assert!(counter.publish(1).is_err());
    assert!(counter.publish_batch([1, 2, 3]).is_err());
    assert!(bus.publisher("another", "count").publish(1).is_err());
    assert_eq!((bus.stats().denied, bus.stats().published), (3, 0));

    let bus = MessageBus::new();
    let ping = Envelope::new("counter", Command::Ping.into());
    let by_name = bus.publish_with_capability(ping, &"count".into());
    assert!(by_name.unwrap_err().is_denied());
    assert_eq!(bus.stats().denied, 1);
}

#[test]
fn each_kind_of_queue_tells_what_it_matched_delivered_holds_and_dropped() {
    for options in every_kind() {
        let bus = Bus::<u64>::new();
        publish(&bus, 0); // before it subscribed
        let mut subscription = bus.subscribe_with(options.capacity(4)).unwrap();
        assert_eq!(figures(of(&bus.stats(), &subscription)), [0; 5]);
        publish_all(&bus, 0..7);
        assert_eq!(figures(of(&bus.stats(), &subscription)), [7, 0, 4, 3, 4]);
        subscription.recv().unwrap();
        assert_eq!(figures(of(&bus.stats(), &subscription)), [7, 1, 3, 3, 4]);
        subscription.try_recv_each(|_| ()).unwrap();
        assert_eq!(figures(of(&bus.stats(), &subscription)), [7, 4, 0, 3, 4]);
    }
}

#[test]
fn what_it_was_promised_on_subscribing_is_told_as_well() {
    let bus = Bus::<u64>::new();
    let options = SubscribeOptions::new()
        .name("plotter")
        .capacity(9)
        .pattern("event.>")
        .source("thermometer");
    let plotter = bus.subscribe_with(options).unwrap();
    let stats = bus.stats();
    let json = serde_json::to_value(&stats).unwrap();
    let expected = serde_json::json!({
        "published": 0, "denied": 0, "predicate_panics": 0,
            "pending_requests": 0,
        "subscriptions": [{
            "id": plotter.id().to_string(), "name": "plotter", "group": null,
            "patterns": ["event.>"], "sources": ["thermometer"],
            "members": 1, "overflow": "drop-newest", "capacity": 9, "queued": 0, "matched": 0, "received": 0, "dropped": 0,
            "high_water": 0,
        }],
    });
    assert_eq!(json, expected);
}

#[test]
fn a_group_is_told_with_its_members_and_each_with_what_happens_when_it_is_full() {
    let bus = Bus::<u64>::new();
    let worker = || {
        SubscribeOptions::new()
            .group("workers")
            .overflow(Overflow::Evict)
    };
    let members = [(); 3].map(|()| bus.subscribe_with(worker()).unwrap());
    let _alone = bus
        .subscribe_with(SubscribeOptions::new().overflow(Overflow::Block))
        .unwrap();
    let told = || {
        let mut told: Vec<_> = (bus.stats().subscriptions.iter())
            .map(|it| (it.members, it.overflow))
            .collect();
        told.sort_by_key(|it| it.0);
        told
    };
    assert_eq!(told(), [(1, Overflow::Block), (3, Overflow::Evict)]);
    members[0].close();
    assert_eq!(told(), [(1, Overflow::Block), (2, Overflow::Evict)]);
}

#[test]
fn the_high_water_mark_stays_when_the_water_goes() {
    for options in every_kind() {
        let bus = Bus::<u64>::new();
        let mut subscription = bus.subscribe_with(options).unwrap();
        publish_all(&bus, 0..10);
        assert_eq!(of(&bus.stats(), &subscription).high_water, 10);
        subscription.try_recv_each(|_| ()).unwrap();
        publish_all(&bus, 0..3);
        assert_eq!(of(&bus.stats(), &subscription).high_water, 10);
    }
}

/// Nobody reads the mark while it is high. Without a filter it may miss up to one segment.
#[test]
fn the_high_water_mark_is_seen_though_nobody_looks() {
    for (options, unseen) in every_kind().into_iter().zip([64, 0, 64, 0]) {
        let bus = Bus::<u64>::new();
        let mut subscription = bus.subscribe_with(options.capacity(500)).unwrap();
        publish_all(&bus, 0..400);
        subscription.try_recv_each(|_| ()).unwrap();
        let high_water = of(&bus.stats(), &subscription).high_water;
        assert!((400 - unseen..=400).contains(&high_water), "{high_water}");
    }
}

/// Subscribers of every kind, several publishers at once, and a thread that reads the figures all the time.
#[test]
fn figures_add_up_in_the_midst_of_things_and_are_exact_at_the_end() {
    const EACH: u64 = 3_000;
    let bus = Bus::<u64>::new();
    let mut subscriptions = every_kind().map(|options| {
        let options = options.capacity(7);
        bus.subscribe_with(options).unwrap()
    });
    let begin = Barrier::new(3);
    let mut received = [0; 4];
    thread::scope(|scope| {
        let publishers = [(); 2].map(|()| {
            scope.spawn(|| {
                begin.wait();
                publish_all(&bus, 0..EACH);
            })
        });
        begin.wait();
        let mut last = bus.stats();
        while !publishers.iter().all(ScopedJoinHandle::is_finished) {
            for (subscription, received) in subscriptions.iter_mut().zip(&mut received) {
                *received += u64::from(subscription.try_recv().is_ok());
            }
            let now = bus.stats();
            for (before, after) in last.subscriptions.iter().zip(&now.subscriptions) {
                assert_eq!(after.matched, after.received + after.queued + after.dropped);
                assert!(after.queued <= after.capacity, "{after:?}");
                assert!(after.high_water <= after.capacity, "{after:?}");
                assert!(after.matched >= before.matched, "{before:?} {after:?}");
                assert!(
                    after.high_water >= before.high_water,
                    "{before:?} {after:?}"
                );
            }
            last = now;
        }
    });
    let stats = bus.stats();
    assert_eq!(stats.published, 2 * EACH);
    for (subscription, received) in subscriptions.iter().zip(received) {
        let of = of(&stats, subscription);
        assert_eq!(of.matched, 2 * EACH);
        assert_eq!(of.received, received);
        assert_eq!(of.queued, subscription.len() as u64);
        assert_eq!(of.dropped, subscription.dropped());
    }
}

/// Skipped envelopes move from one count to another, and are in exactly one of them at any moment.
#[test]
fn of_a_queue_that_keeps_the_newest_nothing_that_was_counted_is_taken_back() {
    const PUBLISHED: u64 = 6_000;
    for (group, beside) in [(None, 128), (Some("readers"), 0)] {
        let bus = Bus::<u64>::new();
        let options = SubscribeOptions::new()
            .capacity(4)
            .overflow(Overflow::DropOldest);
        let options = group.map_or(options.clone(), |group| options.group(group));
        let mut subscription = bus.subscribe_with(options).unwrap();
        let (received, missed) = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let (mut received, mut missed) = (0, 0);
                loop {
                    match subscription.recv() {
                        Ok(_) => received += 1,
                        Err(RecvError::Lagged { missed: lost }) => missed += lost,
                        Err(_) => return (received, missed),
                    }
                }
            });
            let publisher = scope.spawn(|| publish_all(&bus, 0..PUBLISHED));
            let mut last = bus.stats().subscriptions.remove(0);
            while !publisher.is_finished() {
                let now = bus.stats().subscriptions.remove(0);
                assert_eq!(now.matched, now.received + now.queued + now.dropped);
                let grows = now.matched >= last.matched
                    && now.received >= last.received
                    && now.dropped >= last.dropped;
                assert!(
                    grows && now.queued <= now.capacity + beside,
                    "{last:?} {now:?}"
                );
                last = now;
            }
            bus.close();
            reader.join().unwrap()
        });
        assert_eq!(received + missed, PUBLISHED);
    }
}

/// Reading a thousand subscribers takes a small part of a second on any machine.
#[test]
fn a_thousand_subscribers_can_be_read_each_second() {
    let bus = Bus::<u64>::new();
    let _subscriptions: Vec<_> = (0..1_000)
        .map(|index| {
            let options = SubscribeOptions::new().capacity(1);
            bus.subscribe_with(if index % 2 == 0 {
                options
            } else {
                options.source("counter")
            })
        })
        .collect();
    let fastest = (0..10)
        .map(|_| {
            let started = Instant::now();
            assert_eq!(bus.stats().subscriptions.len(), 1_000);
            started.elapsed()
        })
        .min();
    assert!(fastest < Some(Duration::from_millis(50)), "{fastest:?}");
}
