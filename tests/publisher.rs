//! What a module is given instead of the bus.

use std::collections::HashSet;

use oxide_bus::{Bus, Capability, Command, Envelope, Event, Message, MessageBus, Publisher};
use uuid::Uuid;

fn granted(bus: &MessageBus) -> Publisher {
    bus.grant_capability("log:write".into());
    bus.publisher("logger", "log:write")
}

#[test]
fn a_publisher_speaks_as_itself_and_stamps_every_envelope() {
    let bus = MessageBus::new();
    let mut subscription = bus.subscribe();
    let publisher = granted(&bus);
    assert_eq!(publisher.source().as_str(), "logger");
    assert_eq!(publisher.capability(), &Capability::new("log:write"));

    let before = Envelope::new("clock", ()).timestamp;
    let mut ids = HashSet::new();
    for speaker in [&publisher, &publisher.clone()] {
        ids.insert(speaker.publish(Command::Ping.into()).unwrap().id());
        ids.insert(speaker.send_command(Command::Ping).unwrap());
        ids.insert(
            speaker
                .emit_event(Event::Pong {
                    from: "logger".into(),
                })
                .unwrap(),
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
    publisher.send_command(Command::Ping).unwrap();
    publisher.emit_event(pong()).unwrap();
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
        .publish_correlated(Command::Ping.into(), question)
        .unwrap();
    let answer = subscription.recv().unwrap();
    assert_eq!(answer.correlation_id, Some(question));
    assert_eq!(
        (answer.id, answer.source.as_str()),
        (receipt.id(), "logger")
    );
    assert_ne!(answer.id, question);

    bus.revoke_capability(publisher.capability());
    let error = publisher
        .publish_correlated(Command::Ping.into(), question)
        .unwrap_err();
    assert!(error.is_denied());
    assert_eq!(error.envelope().correlation_id, Some(question));
}

#[test]
fn a_publisher_that_is_denied_says_who_and_what_and_nothing_of_the_payload() {
    let bus = Bus::<String>::new();
    let publisher = bus.publisher("logger\n", "log:write");
    let error = publisher.publish("secret".into()).unwrap_err();
    let told = error.to_string();
    assert_eq!(
        told,
        r"`logger\n` may not publish: capability `log:write` is not granted"
    );
    assert!(!format!("{error:?}").contains("secret"));
    assert_eq!(error.into_envelope().message, "secret");
    bus.close();
    bus.grant_capability("log:write".into());
    let error = publisher.publish("secret".into()).unwrap_err();
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
    bus.grant_capability("log:write".into());
    assert!(write.publish(0).is_ok() && read.publish(0).is_err());
    bus.grant_capability("log:read".into());
    bus.revoke_capability(&"log:write".into());
    assert!(write.publish(0).is_err() && read.publish(0).is_ok());
    assert!(!bus.is_granted(&"log".into()));
    // Nor of the same one on another bus.
    assert!(!Bus::<u64>::new().is_granted(&"log:read".into()));
}
