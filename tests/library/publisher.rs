//! Tests of `Publisher`, which a module gets instead of the bus.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::support::task::Task;
use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::{
    Advisory, Bus, Capability, Denial, Draft, Envelope, Grant, MessageBus, PublishError, Publisher,
    WeakPublisher,
};
use uuid::Uuid;

fn granted(bus: &MessageBus) -> Publisher {
    bus.grant("log:write").unwrap();
    bus.publisher("logger", "log:write")
}

#[test]
fn a_publisher_speaks_as_itself_and_stamps_every_envelope() {
    let bus = MessageBus::new();
    let mut subscription = bus.subscribe();
    let publisher = granted(&bus);
    assert_eq!(publisher.source().as_str(), "logger");
    assert_eq!(publisher.capability(), Some(&Capability::new("log:write")));

    let before = Envelope::new("clock", ()).timestamp;
    let mut ids = HashSet::new();
    for speaker in [&publisher, &publisher.clone()] {
        ids.insert(speaker.publish(Message::from(Command::Ping)).unwrap().id());
        ids.insert(speaker.publish(Command::Ping).unwrap().id());
        ids.insert(
            speaker
                .publish(Event::Pong {
                    from: "logger".into(),
                })
                .unwrap()
                .id(),
        );
    }
    let after = Envelope::new("clock", ()).timestamp;
    assert_eq!(ids.len(), 6, "each has an id of its own");
    for delivery in subscription.try_iter().flatten() {
        assert!(ids.remove(&delivery.id), "the receipt has another id");
        assert_eq!(delivery.source, "logger");
        assert_eq!(delivery.correlation_id, None);
        assert!((before..=after).contains(&delivery.timestamp));
    }
    assert!(ids.is_empty());
}

#[test]
fn what_a_publisher_sends_is_what_arrives() {
    let bus = MessageBus::new();
    let mut subscription = bus.subscribe();
    let publisher = granted(&bus);
    let pong = || Event::Pong {
        from: "logger".into(),
    };
    publisher.publish(Command::Ping).unwrap();
    publisher.publish(pong()).unwrap();
    assert_eq!(
        subscription.recv().unwrap().message,
        Message::Command(Command::Ping)
    );
    assert_eq!(subscription.recv().unwrap().message, Message::Event(pong()));
}

#[test]
fn a_publisher_ties_an_answer_to_what_it_answers() {
    let bus = MessageBus::new();
    let mut subscription = bus.subscribe();
    let publisher = granted(&bus);
    let question = Uuid::new_v4();
    let receipt = publisher
        .publish(Draft::from(Command::Ping).with_correlation_id(question))
        .unwrap();
    let answer = subscription.recv().unwrap();
    assert_eq!(answer.correlation_id, Some(question));
    assert_eq!(
        (answer.id, answer.source.as_str()),
        (receipt.id(), "logger")
    );
    assert_ne!(answer.id, question);

    bus.revoke(publisher.capability().unwrap());
    let error = publisher
        .publish(Draft::from(Command::Ping).with_correlation_id(question))
        .unwrap_err();
    assert!(error.is_denied());
    assert_eq!(error.envelope().correlation_id, Some(question));
}

#[test]
fn an_answer_is_tied_to_its_question_whatever_its_draft_says() {
    let bus = Bus::<u32>::new();
    let mut subscription = bus.subscribe();
    bus.grant("answer").unwrap();
    let server = bus.publisher("server", "answer");
    let question = Envelope::new("client", 6);
    let draft = Draft::new(7).with_correlation_id(Uuid::new_v4());
    server.reply(&question, draft).unwrap();
    let answer = subscription.recv().unwrap();
    assert_eq!(answer.correlation_id, Some(question.id));
    assert_eq!((answer.source.as_str(), answer.message), ("server", 7));
}

#[test]
fn every_verb_takes_a_draft_and_stamps_id_and_source() {
    let bus = Bus::<u32>::new();
    let mut subscription = bus.subscribe();
    bus.grant("count").unwrap();
    let counter = bus.publisher("counter", "count");
    let question = Uuid::new_v4();
    let draft = || Draft::new(7).with_correlation_id(question);
    let timeout = Duration::from_secs(1);
    let ids = [
        counter.publish(draft()),
        counter.try_publish(draft()),
        counter.publish_timeout(draft(), timeout),
        bus.send("counter", draft()),
    ]
    .map(|published| Some(published.unwrap().id()));
    counter.publish_batch([draft(), draft()]).unwrap();
    for id in ids.into_iter().chain([None, None]) {
        let envelope = subscription.try_recv().unwrap();
        assert_eq!(envelope.id, id.unwrap_or(envelope.id));
        assert_eq!(envelope.correlation_id, Some(question));
        assert_eq!((envelope.source.as_str(), envelope.message), ("counter", 7));
    }
}

#[test]
fn what_is_sent_on_a_closed_bus_comes_back_in_its_envelope() {
    let bus = Bus::<u32>::new();
    bus.send("counter", 6).unwrap();
    bus.close();
    let error = bus.send("counter", 7).unwrap_err();
    assert!(error.is_closed());
    let envelope = error.into_envelope();
    assert_eq!((envelope.source.as_str(), envelope.message), ("counter", 7));
}

#[test]
fn a_publisher_that_is_denied_says_who_and_what_and_nothing_of_the_payload() {
    let bus = Bus::<String>::new();
    let publisher = bus.publisher("log\u{34f}ger\n", "log:write");
    let error = publisher.publish("secret".to_owned()).unwrap_err();
    let told = error.to_string();
    assert_eq!(
        told,
        r"`log\u{34f}ger\n` may not publish: capability `log:write` is not granted"
    );
    assert!(!format!("{error:?}").contains("secret"));
    assert_eq!(error.into_envelope().message, "secret");
    bus.close();
    bus.grant("log:write").unwrap();
    let error = publisher.publish("secret".to_owned()).unwrap_err();
    assert_eq!(error.to_string(), "the bus is closed");
    assert!(!format!("{error:?}").contains("secret"));
}

#[test]
fn one_capability_says_nothing_of_another() {
    let bus = Bus::<u64>::new();
    let (write, read) = (
        bus.publisher("log", "log:write"),
        bus.publisher("log", "log:read"),
    );
    bus.grant("log:write").unwrap();
    assert!(write.publish(0).is_ok() && read.publish(0).is_err());
    bus.grant("log:read").unwrap();
    bus.revoke("log:write");
    assert!(write.publish(0).is_err() && read.publish(0).is_ok());
    assert!(!bus.is_granted("log"));
    // Nor is a capability of the same name granted on another bus.
    assert!(!Bus::<u64>::new().is_granted("log:read"));
}

/// Returns a bus of numbers, and a publisher that may publish them.
fn counter() -> (Bus<u64>, Publisher<u64>) {
    let bus = Bus::new();
    bus.grant("count").unwrap();
    let counter = bus.publisher("counter", "count");
    (bus, counter)
}

#[test]
fn a_loop_that_publishes_through_a_weak_publisher_ends_when_the_owner_drops_the_bus() {
    let (bus, owner) = counter();
    let subscription = bus.subscribe();
    let weak = owner.downgrade();
    let (is_there, third) = channel();
    let looping = Task::start(move || {
        let mut seen = Vec::new();
        for number in subscription.into_iter().flatten() {
            seen.push(number.message);
            if number.message < 3 {
                let counter = weak.upgrade().expect("the owner holds the bus");
                counter.publish(number.message + 1).unwrap();
            } else {
                is_there.send(()).unwrap();
            }
        }
        (seen, weak.upgrade().is_none())
    });
    owner.publish(1).unwrap();
    third.recv().unwrap();
    looping.assert_waits();
    drop((bus, owner));
    assert_eq!(looping.end(), (vec![1, 2, 3], true));
}

#[test]
fn a_weak_publisher_has_no_publisher_after_the_end_and_one_that_is_refused_on_a_closed_bus() {
    let (bus, publisher) = counter();
    let weak: WeakPublisher<u64> = publisher.clone().downgrade();
    drop(bus);
    let upgraded = weak.clone().upgrade().expect("a publisher holds the bus");
    drop(publisher);
    assert!(upgraded.publish(1).is_ok(), "it holds the bus too");
    drop(upgraded);
    assert!(weak.upgrade().is_none());

    let (bus, publisher) = counter();
    let weak = publisher.downgrade();
    bus.close();
    let error = weak.upgrade().expect("it is held").publish(1).unwrap_err();
    assert!(error.is_closed());
}

#[test]
fn a_weak_publisher_keeps_its_source_its_capability_and_what_it_was_narrowed_to() {
    let bus = MessageBus::new();
    let pings = granted(&bus).narrow(["command.ping"]).unwrap();
    let weak = pings.downgrade();
    drop(pings);
    let upgraded = weak.upgrade().expect("the bus is held");
    assert_eq!(upgraded.source().as_str(), "logger");
    assert_eq!(upgraded.capability(), Some(&Capability::new("log:write")));

    upgraded.publish(Command::Ping).unwrap();
    let pong = Event::Pong {
        from: "logger".into(),
    };
    let error = upgraded.publish(pong).unwrap_err();
    assert_eq!(error.denial(), Some(Denial::Subject), "never wider");
}

#[test]
fn a_revoke_and_a_grant_reach_what_a_weak_publisher_upgrades_to() {
    let (bus, publisher) = counter();
    let weak = publisher.downgrade();
    drop(publisher);
    bus.revoke(Capability::new("count"));
    let upgraded = weak.upgrade().expect("the bus is held");
    let error = upgraded.publish(1).unwrap_err();
    assert_eq!(error.denial(), Some(Denial::Revoked));
    bus.grant("count").unwrap();
    assert!(upgraded.publish(2).is_ok());
    assert!(weak.upgrade().is_some_and(|again| again.publish(3).is_ok()));
}

#[test]
fn a_trusted_publisher_needs_no_capability_and_cannot_be_revoked() {
    let bus = Bus::<u64>::new();
    let mut numbers = bus.subscribe();
    let trusted = bus.trusted_publisher("kernel");
    assert_eq!(
        (trusted.source().as_str(), trusted.capability()),
        ("kernel", None)
    );
    let nameless = Capability::new("");
    assert!(!bus.is_granted(&nameless), "it counts in no grant");
    bus.revoke(&nameless);
    for publisher in [trusted.clone(), trusted.downgrade().upgrade().unwrap()] {
        publisher.publish(1).unwrap();
        publisher.try_publish(2).unwrap();
        publisher.publish_batch([3, 4]).unwrap();
        assert_eq!(numbers.try_iter().flatten().count(), 4);
    }
    let foreign = Envelope::new("north", 5);
    trusted.forward(foreign.clone()).unwrap();
    assert_eq!(numbers.recv().unwrap().into_envelope(), foreign);
    assert!(trusted.is_granted());
    bus.close();
    assert!(!trusted.is_granted());
    assert!(trusted.publish(6).unwrap_err().is_closed());
    assert_eq!(bus.stats().denied, 0);
}

#[test]
fn a_trusted_publisher_under_a_very_long_name_is_trusted_all_the_same() {
    let bus = Bus::<u64>::builder().max_name(3).build();
    assert!(bus.trusted_publisher("kernel").publish(1).is_ok());
}

#[test]
fn a_trusted_publisher_is_denied_what_it_was_narrowed_from() {
    let bus = MessageBus::new();
    let mut told = bus.advisories();
    let kernel = bus.trusted_publisher("kernel");
    let pings = kernel.narrow(["command.ping"]).unwrap();
    pings.publish(Command::Ping).unwrap();
    let pong = || Event::Pong {
        from: "echo".into(),
    };
    let error = pings.publish(pong()).unwrap_err();
    assert_eq!(error.denial(), Some(Denial::Subject));
    assert_eq!(
        error.to_string(),
        "`kernel` may not publish: the publisher was narrowed to other subjects"
    );
    let advisory = told.recv().unwrap();
    assert!(matches!(
        &advisory.message,
        Advisory::Denied { capability, .. } if capability.as_str().is_empty()
    ));
    let foreign = pings.forward(Envelope::new("north", pong().into()));
    assert_eq!(foreign.unwrap_err().denial(), Some(Denial::Subject));
    kernel.publish(pong()).unwrap();
    assert_eq!(bus.stats().denied, 2);
}

/// Returns a bus that numbers its traces, and the count of traces that it has asked for.
fn traced() -> (Bus<u64>, Arc<AtomicU64>) {
    let traces = Arc::new(AtomicU64::new(0));
    let next = Arc::clone(&traces);
    let current = move || Some(format!("00-{}", next.fetch_add(1, Ordering::Relaxed)));
    (Bus::builder().trace_context(current).build(), traces)
}

#[test]
fn what_is_stamped_belongs_to_the_current_trace_unless_it_names_one() {
    let (bus, asked) = traced();
    let mut envelopes = bus.subscribe();
    let publisher = bus.trusted_publisher("counter");
    let mut trace = || {
        envelopes
            .try_recv()
            .unwrap()
            .header("traceparent")
            .map(str::to_owned)
    };
    bus.send("kernel", 1).unwrap();
    assert_eq!(trace().as_deref(), Some("00-0"));
    publisher.publish(2).unwrap();
    assert_eq!(trace().as_deref(), Some("00-1"));
    publisher.publish_batch([3, 4]).unwrap();
    assert_eq!(
        (trace(), trace()),
        (Some("00-2".into()), Some("00-3".into()))
    );
    let made = Envelope::new("client", 5);
    publisher.reply(&made, 6).unwrap();
    assert_eq!(trace().as_deref(), Some("00-4"));

    let own = Draft::new(7).with_header("traceparent", "own").unwrap();
    publisher.publish(own).unwrap();
    assert_eq!(trace().as_deref(), Some("own"));
    bus.publish(made.clone()).unwrap();
    publisher.forward(made).unwrap();
    assert_eq!((trace(), trace()), (None, None));
    assert_eq!(asked.load(Ordering::Relaxed), 5, "no more than it needs");
}

#[test]
fn a_trace_that_the_bus_adds_needs_no_grant_and_one_that_a_publisher_sets_does() {
    let (bus, _) = traced();
    let mut envelopes = bus.subscribe();
    let headers = || Grant::new("count").headers(Vec::<String>::new());
    bus.grant(headers()).unwrap();
    let publisher = bus.publisher("counter", "count");
    publisher.publish(1).unwrap();
    let traced = envelopes.recv().unwrap().into_envelope();
    assert_eq!(traced.header("traceparent"), Some("00-0"));
    publisher.publish_batch([2, 3]).unwrap();
    publisher.reply(&traced, 4).unwrap();
    publisher.try_publish(5).unwrap();
    assert_eq!(envelopes.len(), 4);

    let own = |message| Draft::new(message).with_header("traceparent", "own");
    let refused = publisher.publish(own(6).unwrap()).unwrap_err();
    assert_eq!(refused.denial(), Some(Denial::Header));
    let refused = publisher.publish_batch([Draft::new(7), own(8).unwrap()]);
    assert!(matches!(
        refused.unwrap_err().cause(),
        PublishError::Denied {
            denial: Denial::Header,
            ..
        }
    ));
    // A forwarded envelope needs permission for each of its headers.
    bus.grant(headers().forwards()).unwrap();
    let refused = publisher.forward(traced).unwrap_err();
    assert_eq!(refused.denial(), Some(Denial::Header));
    bus.grant(headers().headers(["traceparent"])).unwrap();
    publisher.publish(own(9).unwrap()).unwrap();
}

#[test]
fn a_trace_that_no_header_can_hold_is_left_out() {
    let bus = Bus::<u64>::builder();
    let bus = bus.trace_context(|| Some("two\nlines".into())).build();
    let mut numbers = bus.subscribe();
    bus.send("counter", 7).unwrap();
    let number = numbers.recv().unwrap();
    assert_eq!((number.message, number.headers.len()), (7, 0));
}
