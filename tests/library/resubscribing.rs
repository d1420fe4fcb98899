//! Tests of subscribing anew with the options of another subscription.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oxide_bus::kernel::{Command, Event};
use oxide_bus::{
    Bus, Envelope, MessageBus, Overflow, RecvError, SetPatternsError, SubscribeError,
    SubscribeOptions,
};

use crate::support::numbers::{publish, publish_all, queued};

#[test]
fn it_has_the_same_options_and_begins_now() {
    let policies = [
        Overflow::DropNewest,
        Overflow::DropOldest,
        Overflow::BlockFor(Duration::ZERO),
        Overflow::Evict,
    ];
    for overflow in policies {
        for source in [None, Some("counter")] {
            let bus = Bus::new();
            let options = SubscribeOptions::new()
                .name("sum")
                .capacity(2)
                .overflow(overflow);
            let options = source.into_iter().fold(options, SubscribeOptions::source);
            let mut first = bus.subscribe_with(options).unwrap();
            publish(&bus, 0);
            let mut second = first.resubscribe().unwrap();
            assert_ne!(first.id(), second.id());
            assert_eq!(second.name(), Some("sum"));
            assert_eq!((first.len(), second.len()), (1, 0));
            first.close();
            publish_all(&bus, 1..4);
            let expected = match overflow {
                Overflow::DropOldest if source.is_some() => vec![Err(1), Ok(2), Ok(3)],
                Overflow::DropOldest => vec![Ok(1), Ok(2), Ok(3)], // it may hold more
                _ => vec![Ok(1), Ok(2), Err(1)],
            };
            assert_eq!(queued(&mut second), expected);
            let is_evicted = second.is_closed();
            assert_eq!(is_evicted, overflow == Overflow::Evict);
            assert_eq!(queued(&mut first), [Ok(0)]);
            bus.send_other(source.is_some());
            assert_eq!(second.len(), usize::from(source.is_none() && !is_evicted));
        }
    }
}

trait SendOther {
    fn send_other(&self, is_filtered: bool);
}

impl SendOther for Bus<u64> {
    /// Publishes from another source, which only subscribers without a filter receive.
    fn send_other(&self, is_filtered: bool) {
        let receipt = self.publish(Envelope::new("other", 9)).unwrap();
        assert!(receipt.matched() == 0 || !is_filtered);
    }
}

#[test]
fn it_listens_to_what_the_other_listens_to_now_and_can_choose_if_that_can() {
    let bus = MessageBus::new();
    let options = SubscribeOptions::new().pattern("command.>");
    let first = bus.subscribe_with(options).unwrap();
    first.set_patterns(["event.>"]).unwrap();
    let mut second = first.resubscribe().unwrap();
    let ping = |bus: &MessageBus| bus.send_command("kernel", Command::Ping).unwrap();
    let pong = |bus: &MessageBus| {
        let pong = Event::Pong {
            from: "echo".into(),
        };
        bus.emit_event("echo", pong).unwrap()
    };
    ping(&bus);
    let id = pong(&bus);
    assert_eq!(second.try_recv().unwrap().id, id);
    assert!(second.is_empty());

    second.set_patterns([""; 0]).unwrap();
    second.close();
    let mut third = second.resubscribe().unwrap();
    let id = ping(&bus);
    assert_eq!(third.try_recv().unwrap().id, id);
    third.set_patterns(["event.>"]).unwrap();
    ping(&bus);
    assert!(third.is_empty());

    let plain = bus.subscribe().resubscribe().unwrap();
    assert_eq!(
        plain.set_patterns([""; 0]),
        Err(SetPatternsError::Unfiltered)
    );
    let fixed = SubscribeOptions::new().pattern("a").fixed();
    let fixed = bus.subscribe_with(fixed).unwrap().resubscribe().unwrap();
    assert_eq!(fixed.set_patterns([""; 0]), Err(SetPatternsError::Fixed));
}

#[test]
fn it_asks_the_same_predicate_and_receives_what_is_retained() {
    let bus = MessageBus::new();
    bus.retain("command.>", 1).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let options = SubscribeOptions::new().predicate({
        let asked = Arc::clone(&asked);
        move |_: &Envelope| asked.fetch_add(1, Ordering::Relaxed) > 0
    });
    let mut first = bus.subscribe_with(options).unwrap();
    let id = bus.send_command("kernel", Command::Ping).unwrap();
    assert!(first.is_empty() && first.recv_timeout(Duration::ZERO).is_err());
    let mut second = first.resubscribe().unwrap();
    assert_eq!(second.try_recv().unwrap().id, id);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[test]
fn of_a_member_it_is_another_member_and_after_an_eviction_it_begins_a_new_group() {
    let bus = Bus::new();
    let options = SubscribeOptions::new()
        .group("workers")
        .capacity(1)
        .overflow(Overflow::Evict)
        .predicate(|_: &Envelope<u64>| true);
    let mut first = bus.subscribe_with(options).unwrap();
    publish(&bus, 0);
    let mut second = first.resubscribe().unwrap();
    assert_eq!(bus.subscriber_count(), 2);
    assert_eq!(second.try_recv().unwrap().message, 0);
    publish_all(&bus, 1..3);
    assert_eq!(bus.subscriber_count(), 0);

    let mut third = first.resubscribe().unwrap();
    assert_eq!(queued(&mut first), [Err(1), Ok(1)]);
    assert_eq!(first.recv().unwrap_err(), RecvError::Evicted);
    publish(&bus, 3);
    assert_eq!(third.try_recv().unwrap().message, 3);
}

#[test]
fn a_bus_that_has_closed_gives_no_other() {
    let bus = Bus::<u64>::new();
    let subscription = bus.subscribe();
    bus.close();
    assert_eq!(
        subscription.resubscribe().map(drop),
        Err(SubscribeError::Closed)
    );
    drop(bus);
    assert_eq!(
        subscription.resubscribe().map(drop),
        Err(SubscribeError::Closed)
    );
}

#[test]
fn advisories_are_subscribed_to_again() {
    let bus = Bus::<u64>::new();
    let first = bus.advisories();
    let mut second = first.resubscribe().unwrap();
    first.close();
    bus.close();
    assert!(second.recv().is_ok());
    assert_eq!(second.recv().unwrap_err(), RecvError::Disconnected);
}
