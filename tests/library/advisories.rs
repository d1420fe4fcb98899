//! Tests of advisories: what the bus reports about itself, when and to whom, and that this delays nobody.

use std::iter;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oxide_bus::kernel::{Command, Message};
use oxide_bus::{
    Advisory, Bus, Capability, Denial, Envelope, Eviction, Grant, MessageBus, Overflow, Payload,
    RecvError, Source, SubscribeError, SubscribeOptions, Subscription, TryRecvError,
};

fn envelope(number: u64) -> Envelope<u64> {
    Envelope::new("counter", number)
}

/// Returns all advisories that have not been received yet.
fn told(advisories: &mut Subscription<Advisory>) -> Vec<Advisory> {
    iter::from_fn(|| advisories.try_recv().ok())
        .map(|told| told.message.clone())
        .collect()
}

fn full(bus: &Bus<u64>, options: SubscribeOptions<u64>) -> Subscription<u64> {
    let full = bus.subscribe_with(options.capacity(1)).unwrap();
    bus.publish(envelope(0)).unwrap();
    full
}

#[test]
fn subscribing_and_leaving_are_reported_with_id_and_name() {
    let bus = Bus::<u64>::new();
    let mut advisories = bus.advisories();
    let named = bus
        .subscribe_with(SubscribeOptions::new().name("plotter").source("counter"))
        .unwrap();
    let nameless = bus.subscribe();
    let (named_id, nameless_id) = (named.id(), nameless.id());
    drop(nameless);
    drop(named);
    let name: Option<Arc<str>> = Some("plotter".into());
    assert_eq!(
        told(&mut advisories),
        [
            Advisory::Subscribed {
                id: named_id,
                name: name.clone(),
                filter: Some("sources `counter`".into()),
            },
            Advisory::Subscribed {
                id: nameless_id,
                name: None,
                filter: None,
            },
            Advisory::Unsubscribed {
                id: nameless_id,
                name: None
            },
            Advisory::Unsubscribed { id: named_id, name },
        ]
    );
}

#[test]
fn what_a_subscriber_listens_to_is_told_and_told_again_when_it_is_changed() {
    let bus = Bus::<u64>::new();
    let mut advisories = bus.advisories();
    let options = SubscribeOptions::new()
        .pattern("a.>")
        .pattern("b")
        .source("counter")
        .predicate(|_: &Envelope<u64>| true)
        .predicate(|_: &Envelope<u64>| true);
    let subscription = bus.subscribe_with(options).unwrap();
    subscription.set_patterns(["c.*"]).unwrap();
    subscription.set_patterns([""; 0]).unwrap();
    let unfiltered = bus.subscribe();
    assert!(unfiltered.set_patterns([""; 0]).is_err());
    drop(unfiltered);
    let (id, name) = (subscription.id(), None);
    let listening = |patterns: Option<&str>| Advisory::Listening {
        id,
        name: None,
        patterns: patterns.map(Into::into),
    };
    let filter = "subjects `a.>`, `b`; sources `counter`; 2 predicates";
    let filter = Some(filter.into());
    assert_eq!(
        told(&mut advisories)[..3],
        [
            Advisory::Subscribed { id, name, filter },
            listening(Some("subjects `c.*`")),
            listening(None),
        ]
    );
    assert_eq!(told(&mut advisories), []);
}

#[test]
fn grants_revokes_and_refusals_are_told_in_the_order_in_which_they_happened() {
    let bus = Bus::<u64>::new();
    let mut advisories = bus.advisories();
    let capability = Capability::new("count");
    let counter = bus.publisher("counter", &capability);
    assert!(counter.publish(1).is_err());
    bus.grant(&capability).unwrap();
    assert!(counter.publish(2).is_ok());
    bus.revoke(&capability);
    assert!(counter.publish_batch([3, 4]).is_err());
    assert!(bus.publisher("counter", &capability).publish(5).is_err());
    let denied = |denial| Advisory::Denied {
        source: "counter".into(),
        claimed: "counter".into(),
        subject: None,
        capability: "count".into(),
        denial,
        suppressed: 0,
    };
    assert_eq!(
        told(&mut advisories),
        [
            denied(Denial::NotGranted),
            Advisory::Granted {
                capability: capability.clone(),
                scope: None
            },
            Advisory::Revoked { capability },
            denied(Denial::Revoked),
            denied(Denial::Revoked),
        ]
    );
}

#[test]
fn a_refusal_tells_which_publisher_wanted_to_publish_what_and_under_which_source() {
    let bus = MessageBus::new();
    let mut advisories = bus.advisories();
    let pings = Grant::new("relay").patterns(["command.ping"]);
    bus.grant(pings.forwards()).unwrap();
    let relay = bus.publisher("relay", "relay");
    let ping = || Message::from(Command::Ping);
    let stop = |module_id: &str| {
        Message::from(Command::Stop {
            module_id: module_id.into(),
        })
    };
    let long = "x".repeat(1_000);
    assert!(relay.forward(Envelope::new(&*long, ping())).is_err());
    assert!(
        relay
            .publish_batch([ping(), stop("a.b"), stop("c")])
            .is_err()
    );
    assert!(relay.publish(stop(&long)).is_err());
    let told: Vec<_> = (told(&mut advisories).into_iter())
        .filter_map(|told| match told {
            Advisory::Denied {
                source,
                claimed,
                subject,
                ..
            } => Some((source, claimed.to_string(), subject.unwrap().to_string())),
            _ => None,
        })
        .collect();
    let relay = || Source::from("relay");
    let cut = format!("command.stop.{}…", "x".repeat(256 - "command.stop.".len()));
    assert_eq!(
        told,
        [
            (relay(), "x".repeat(256) + "…", "command.ping".to_owned()),
            (relay(), "relay".to_owned(), r"command.stop.a\.b".to_owned()),
            (relay(), "relay".to_owned(), cut),
        ]
    );
}

#[test]
fn that_a_capability_is_drained_is_told_after_what_came_under_it() {
    let bus = Bus::<u64>::new();
    let mut advisories = bus.advisories();
    let capability = Capability::new("count");
    bus.grant(&capability).unwrap();
    bus.revoke_and_drain(&capability, Duration::ZERO).unwrap();
    let told = told(&mut advisories);
    assert!(matches!(told[1], Advisory::Revoked { .. }));
    assert_eq!(told[2], Advisory::Drained { capability });
    assert_eq!(told.len(), 3);
}

#[test]
fn of_many_refusals_some_are_told_with_the_count_of_those_before_that_are_not() {
    let bus = Bus::<u64>::new();
    let mut advisories = bus.advisories();
    let counter = bus.publisher("counter", "count");
    let deadline = Instant::now() + Duration::from_secs(10);
    let (mut refused, mut told, mut suppressed) = (0, 0, 0);
    // The first ten arrive at once. The eleventh follows a tenth of a second later and counts those suppressed between.
    while told < 11 {
        assert!(Instant::now() < deadline, "{told} told of {refused}");
        assert!(counter.publish(0).is_err());
        refused += 1;
        for advisory in advisories.try_iter().flatten() {
            let Advisory::Denied {
                suppressed: some, ..
            } = advisory.message
            else {
                panic!("{advisory:?}");
            };
            told += 1;
            suppressed += some;
        }
    }
    assert_eq!(suppressed + told, refused);
    assert_eq!(bus.grants()[0].denied, refused);
    assert!(suppressed > 0);
}

#[test]
fn the_end_is_told_last_and_then_the_advisories_end_too() {
    let bus = Bus::<u64>::new();
    let mut advisories = bus.advisories();
    let subscription = bus.subscribe();
    bus.close();
    bus.close();
    drop(subscription);
    bus.grant("count").unwrap();
    let all: Vec<_> = advisories
        .iter()
        .flatten()
        .map(|it| it.message.clone())
        .collect();
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(all[1], Advisory::Closed);

    let dropped = Bus::<u64>::new();
    let mut advisories = dropped.advisories();
    drop(dropped);
    assert_eq!(advisories.recv().unwrap().message, Advisory::Closed);
    assert_eq!(advisories.recv().unwrap_err(), RecvError::Disconnected);
}

#[test]
fn an_advisory_subscription_of_a_closed_bus_is_at_its_end_from_the_start() {
    let bus = Bus::<u64>::new();
    bus.close();
    let error = bus.advisories().recv().unwrap_err();
    assert_eq!(error, RecvError::Disconnected);
    let error = bus.advisories_with(SubscribeOptions::new()).unwrap_err();
    assert_eq!(error, SubscribeError::Closed);
}

#[test]
fn nobody_may_make_the_bus_wait_for_its_own_advisories() {
    let bus = Bus::<u64>::new();
    let lossless = SubscribeOptions::new().overflow(Overflow::Block);
    let error = bus.advisories_with(lossless).unwrap_err();
    assert_eq!(error, SubscribeError::MayNotBlock);
}

#[test]
fn advisories_that_nobody_receives_are_lost_and_counted_and_hold_up_nothing() {
    let bus = Bus::<u64>::new();
    let mut advisories = bus
        .advisories_with(SubscribeOptions::new().capacity(1))
        .unwrap();
    for _ in 0..10 {
        bus.grant("count").unwrap();
    }
    assert!(advisories.recv().is_ok());
    assert_eq!(advisories.recv().unwrap_err().missed().unwrap(), 9);
    assert_eq!(advisories.try_recv().unwrap_err(), TryRecvError::Empty);
}

#[test]
fn an_advisory_subscription_is_no_subscriber_of_the_bus_and_hears_nothing_of_itself() {
    let bus = Bus::<u64>::new();
    let mut advisories = bus.advisories();
    drop(bus.advisories());
    assert_eq!(bus.subscriber_count(), 0);
    assert_eq!(told(&mut advisories), []);
}

#[test]
fn advisories_are_chosen_by_pattern_and_come_from_the_bus() {
    let bus = Bus::<u64>::new();
    let mut grants = bus
        .advisories_with(SubscribeOptions::new().pattern("advisory.granted"))
        .unwrap();
    bus.revoke("count");
    bus.grant("count").unwrap();
    bus.close();
    let told = grants.recv().unwrap();
    assert_eq!(told.source, "bus");
    assert_eq!(told.message.subject().to_string(), "advisory.granted");
    assert_eq!(grants.recv().unwrap_err(), RecvError::Disconnected);
}

/// Covers the shared queue and the direct queue, each also where publishers wait for a moment.
#[test]
fn a_lag_is_told_once_within_a_second_whatever_the_kind_of_the_queue() {
    let brief = Overflow::BlockFor(Duration::from_millis(1));
    for options in [
        SubscribeOptions::new(),
        SubscribeOptions::new().source("counter"),
        SubscribeOptions::new().overflow(brief),
        SubscribeOptions::new().source("counter").overflow(brief),
    ] {
        let bus = Bus::<u64>::new();
        let mut advisories = bus
            .advisories_with(SubscribeOptions::new().pattern("advisory.lagging"))
            .unwrap();
        let slow = full(&bus, options.name("slow"));
        assert_eq!(told(&mut advisories), []);
        let started = Instant::now();
        for number in 1..=10 {
            bus.publish(envelope(number)).unwrap();
        }
        let told = told(&mut advisories);
        assert_eq!(slow.dropped(), 10);
        let lagging = Advisory::Lagging {
            id: slow.id(),
            name: Some("slow".into()),
            dropped: 1,
        };
        if started.elapsed() < Duration::from_secs(1) {
            assert_eq!(told, [lagging]);
        }
    }
}

#[test]
fn that_something_was_displaced_is_told_as_a_lag() {
    for options in [
        SubscribeOptions::new(),
        SubscribeOptions::new().source("counter"),
    ] {
        let bus = Bus::<u64>::new();
        let mut advisories = bus
            .advisories_with(SubscribeOptions::new().pattern("advisory.lagging"))
            .unwrap();
        let options = options.capacity(1).overflow(Overflow::DropOldest);
        let slow = bus.subscribe_with(options).unwrap();
        bus.publish(envelope(0)).unwrap();
        assert_eq!(told(&mut advisories), []);
        for number in 1..200 {
            bus.publish(envelope(number)).unwrap();
        }
        let told = told(&mut advisories);
        let Some(Advisory::Lagging { id, dropped, .. }) = told.first() else {
            panic!("{told:?}");
        };
        assert_eq!(*id, slow.id());
        assert!((1..=slow.dropped()).contains(dropped));
    }
}

#[test]
fn each_subscription_that_lags_is_told_of() {
    let bus = Bus::<u64>::new();
    let slow = [(); 3].map(|()| {
        bus.subscribe_with(SubscribeOptions::new().capacity(1))
            .unwrap()
    });
    bus.publish(envelope(0)).unwrap();
    let mut advisories = bus.advisories();
    bus.publish(envelope(1)).unwrap();
    let told: Vec<_> = told(&mut advisories)
        .into_iter()
        .map(|advisory| match advisory {
            Advisory::Lagging { id, .. } => id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, slow.each_ref().map(Subscription::id));
}

#[test]
fn the_members_of_a_group_that_was_evicted_are_not_told_to_have_gone_as_well() {
    let bus = Bus::<u64>::new();
    let worker = SubscribeOptions::new()
        .capacity(1)
        .group("workers")
        .overflow(Overflow::Evict);
    let members = [(); 3].map(|()| bus.subscribe_with(worker.clone()).unwrap());
    bus.publish(envelope(0)).unwrap();
    let mut advisories = bus.advisories();
    bus.publish(envelope(1)).unwrap();
    let id = members[0].id();
    drop(members);
    let (name, reason) = (None, Eviction::Overflow);
    assert_eq!(
        told(&mut advisories),
        [Advisory::Evicted { id, name, reason }]
    );
}
