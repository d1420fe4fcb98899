//! Tests of barriers: what begins after a subscribe, unsubscribe, grant or revoke has returned sees its effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::{Bus, Capability, Envelope, MessageBus, Overflow, Payload, SubscribeOptions};

use crate::support::task::Task;

fn of_capacity<M>(capacity: usize) -> SubscribeOptions<M> {
    SubscribeOptions::new().capacity(capacity)
}

fn blocking<M>(capacity: usize) -> SubscribeOptions<M> {
    of_capacity(capacity).overflow(Overflow::Block)
}

/// Switches something on and off repeatedly while another thread acts without a pause. Each action that begins and ends
/// between two switches must see the current state. After each switch the test waits for at least one such action.
fn assert_barrier(mut switch: impl FnMut(bool), act: impl Fn() -> bool + Send + 'static) {
    const FOR: Duration = Duration::from_millis(150);
    // Even while a switch is in progress, 1 modulo 4 while it is on, 3 while it is off.
    let phase = Arc::new(AtomicU64::new(0));
    let seen = Arc::new(AtomicU64::new(0));
    let acting = {
        let (phase, seen) = (Arc::clone(&phase), Arc::clone(&seen));
        Task::start(move || {
            loop {
                let before = phase.load(Ordering::SeqCst);
                if before == u64::MAX {
                    return;
                }
                let on = act();
                if before % 2 == 1 && phase.load(Ordering::SeqCst) == before {
                    assert_eq!(on, before % 4 == 1, "in phase {before}");
                    seen.store(before, Ordering::SeqCst);
                }
            }
        })
    };
    let until = Instant::now() + FOR;
    let mut now = 0;
    while now == 0 || Instant::now() < until {
        for on in [true, false] {
            switch(on);
            now += 1;
            phase.store(now, Ordering::SeqCst);
            while seen.load(Ordering::SeqCst) != now && !acting.has_ended() {
                thread::yield_now();
            }
            now += 1;
            phase.store(now, Ordering::SeqCst);
        }
    }
    phase.store(u64::MAX, Ordering::SeqCst);
    acting.end();
}

#[test]
fn a_publish_that_begins_after_subscribe_or_unsubscribe_returned_sees_it() {
    let bus = Bus::<u64>::new();
    let _another = bus.subscribe_with(of_capacity(1)).unwrap();
    let mut subscription = None;
    assert_barrier(|on| subscription = on.then(|| bus.subscribe()), {
        let bus = bus.clone();
        move || match bus.publish(Envelope::new("counter", 0)).unwrap().matched() {
            1 => false,
            2 => true,
            matched => panic!("{matched} of at most 2 matched"),
        }
    });
    assert!(subscription.is_none(), "it was switched off last");
}

/// Each change of the subscriber list builds on the one before, even when many subscribers come and go at once.
#[test]
fn subscribers_that_come_and_go_at_once_do_not_lose_each_other() {
    let bus = Bus::<u64>::new();
    let until = Instant::now() + Duration::from_millis(150);
    let modules: Vec<_> = (0..4_u64)
        .map(|module| {
            let bus = bus.clone();
            Task::start(move || {
                let mut kept = Vec::new();
                while Instant::now() < until || kept.is_empty() {
                    let source = format!("module {module}");
                    let options = of_capacity(1).source(source.as_str());
                    let subscription = bus.subscribe_with(options).unwrap();
                    let envelope = Envelope::new(source, module);
                    assert!(bus.publish(envelope).unwrap().matched() > 0, "it was lost");
                    assert_eq!(subscription.len(), 1, "it was lost");
                    if kept.len() < 5 {
                        kept.push(subscription);
                    }
                }
                kept
            })
        })
        .collect();
    let kept: Vec<_> = modules.into_iter().flat_map(Task::end).collect();
    assert_eq!(bus.subscriber_count(), kept.len());
    drop(kept);
    assert_eq!(bus.subscriber_count(), 0);
}

/// Grants and revokes a capability alternately.
fn granting<M: Payload>(bus: &Bus<M>, capability: &Capability) -> impl FnMut(bool) + use<M> {
    let (bus, capability) = (bus.clone(), capability.clone());
    move |on| {
        if on {
            bus.grant(&capability).unwrap();
        } else {
            bus.revoke(&capability);
        }
    }
}

#[test]
fn a_publish_under_a_capability_that_begins_after_grant_or_revoke_returned_sees_it() {
    let (bus, write) = (MessageBus::new(), Capability::new("log:write"));
    assert_barrier(granting(&bus, &write), move || {
        let ping = Envelope::new("log", Command::Ping.into());
        bus.publish_with_capability(ping, &write).is_ok()
    });
}

#[test]
fn a_publisher_s_publish_that_begins_after_grant_or_revoke_returned_sees_it() {
    let (bus, write) = (Bus::<u64>::new(), Capability::new("log:write"));
    let publisher = bus.publisher("log", &write);
    assert_barrier(granting(&bus, &write), move || publisher.publish(0).is_ok());
}

/// The bus keeps nothing of a capability that is neither granted nor held. Here it forgets the capability and learns it
/// anew all the time.
#[test]
fn a_publisher_that_is_minted_after_grant_or_revoke_returned_sees_it() {
    let (bus, write) = (Bus::<u64>::new(), Capability::new("log:write"));
    assert_barrier(granting(&bus, &write), move || {
        bus.publisher("log", &write).publish(0).is_ok()
    });
}

#[test]
fn what_is_revoked_is_refused_until_it_is_granted_again() {
    let bus = MessageBus::new();
    let mut subscription = bus.subscribe();
    let numbered = |number: u64| {
        Message::from(Event::Pong {
            from: number.to_string(),
        })
    };
    let (write, read) = (Capability::new("log:write"), Capability::new("log:read"));
    let early = bus.publisher("log", &write);
    assert!(early.publish(numbered(0)).unwrap_err().is_denied());
    for round in 1..4 {
        bus.grant(&write).unwrap();
        bus.grant(&write).unwrap(); // the second grant changes nothing
        let late = bus.publisher("log", &write);
        early.publish(numbered(round)).unwrap();
        late.clone().publish(numbered(round)).unwrap();
        let by_name = || Envelope::new("log", numbered(round));
        bus.publish_with_capability(by_name(), &write).unwrap();
        assert_eq!(subscription.try_iter().count(), 3);

        assert!(bus.revoke(&write));
        assert!(!bus.revoke(&write), "twice is once");
        assert!(!bus.revoke(&read), "another, and not granted");
        for publisher in [&early, &late] {
            let error = publisher.publish(numbered(round)).unwrap_err();
            assert!(error.is_denied() && !error.is_closed());
            assert_eq!(error.into_envelope().message, numbered(round));
        }
        assert!(bus.publish_with_capability(by_name(), &write).is_err());
        bus.publish(Envelope::new("root", numbered(round))).unwrap();
        assert_eq!(subscription.try_iter().count(), 1);
    }
}

/// Returns how many of the published payloads are alive.
fn alive(payload: &Arc<()>) -> usize {
    Arc::strong_count(payload) - 1
}

fn publish(bus: &Bus<Arc<()>>, payload: &Arc<()>) {
    bus.publish(Envelope::new("owner", Arc::clone(payload)))
        .unwrap();
}

#[test]
fn a_dropped_subscription_frees_what_it_had_queued_and_is_counted_no_more() {
    let (bus, payload) = (Bus::new(), Arc::new(()));
    let stays = bus.subscribe_with(of_capacity(3)).unwrap();
    let goes = bus.subscribe();
    for _ in 0..100 {
        publish(&bus, &payload);
    }
    assert_eq!(alive(&payload), 100);
    drop(goes);
    assert_eq!(bus.subscriber_count(), 1);
    assert_eq!(alive(&payload), 3, "all that the other has queued");
    drop(stays);
    assert_eq!(bus.subscriber_count(), 0);
    assert_eq!(alive(&payload), 0);
}

#[test]
fn an_envelope_held_back_by_a_gap_is_freed_with_its_subscription() {
    let (bus, payload) = (Bus::new(), Arc::new(()));
    let mut subscription = bus.subscribe_with(of_capacity(1)).unwrap();
    publish(&bus, &payload);
    publish(&bus, &payload); // lost
    subscription.recv().unwrap();
    publish(&bus, &payload);
    assert!(subscription.recv().unwrap_err().missed().is_some());
    assert_eq!(alive(&payload), 1);
    drop(subscription);
    assert_eq!(alive(&payload), 0);
}

#[test]
fn what_nobody_took_is_freed_when_its_publish_returns() {
    let (bus, payload) = (Bus::new(), Arc::new(()));
    publish(&bus, &payload);
    assert_eq!(alive(&payload), 0, "nobody listens");
    let _full = bus.subscribe_with(of_capacity(1)).unwrap();
    publish(&bus, &payload);
    publish(&bus, &payload);
    assert_eq!(alive(&payload), 1, "there is room for one");
}

/// A publisher that waits for room in one queue must not keep alive what was queued in another.
#[test]
fn what_was_queued_is_freed_even_while_a_publisher_waits_for_another_subscriber() {
    let bus = Bus::new();
    let full = bus.subscribe_with(blocking(1).source("slow")).unwrap();
    let mut goes = bus.subscribe_with(of_capacity(1)).unwrap();
    let publish = |bus: &Bus<Arc<()>>, source: &'static str, payload: &Arc<()>| {
        bus.publish(Envelope::new(source, Arc::clone(payload)))
            .unwrap();
    };
    publish(&bus, "slow", &Arc::new(())); // fills the first
    goes.recv().unwrap();
    let queued = Arc::new(());
    publish(&bus, "fast", &queued); // goes only to the second
    let publisher = {
        let bus = bus.clone();
        Task::start(move || publish(&bus, "slow", &Arc::new(())))
    };
    publisher.assert_waits();
    assert_eq!(alive(&queued), 1);
    drop(goes);
    assert_eq!(alive(&queued), 0);
    publisher.assert_waits();
    drop(full);
    publisher.end();
}

/// A publisher that waits for room in one queue must not keep alive what was queued in the next.
#[test]
fn what_was_queued_is_freed_even_while_a_publisher_waits_on_its_way_to_that_queue() {
    let (bus, queued, waiting) = (Bus::new(), Arc::new(()), Arc::new(()));
    let first = bus.subscribe_with(blocking(1)).unwrap();
    let second = bus.subscribe_with(blocking(1)).unwrap();
    publish(&bus, &queued);
    let publisher = {
        let (bus, waiting) = (bus.clone(), Arc::clone(&waiting));
        Task::start(move || publish(&bus, &waiting))
    };
    publisher.assert_waits();
    drop(first);
    publisher.assert_waits();
    assert_eq!(alive(&queued), 1, "it is in the second queue");
    drop(second);
    assert_eq!(alive(&queued), 0);
    publisher.end();
}
