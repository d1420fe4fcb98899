//! The tests of the bus that this one descends from (`oxide-k` 0.3, module `bus`), close to their original form:
//! without `await`, and with the subscription itself as the receiver.

#![expect(
    unused_must_use,
    reason = "granting returned nothing there, and cannot fail here"
)]

use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::{Capability, Envelope, MessageBus, PublishError};
use uuid::Uuid;

#[test]
fn publish_delivers_to_all_subscribers() {
    let bus = MessageBus::new();
    let mut sub_a = bus.subscribe();
    let mut sub_b = bus.subscribe();
    assert_eq!(bus.subscriber_count(), 2);

    bus.send_command("test", Command::Ping).unwrap();

    let a = sub_a.recv().expect("a received");
    let b = sub_b.recv().expect("b received");
    assert!(matches!(a.message, Message::Command(Command::Ping)));
    assert!(matches!(b.message, Message::Command(Command::Ping)));
}

/// The seed prunes them at the next publish. This bus does so at once.
#[test]
fn closed_subscribers_are_pruned() {
    let bus = MessageBus::new();
    {
        let _sub = bus.subscribe();
        assert_eq!(bus.subscriber_count(), 1);
    }
    assert_eq!(bus.subscriber_count(), 0);
    bus.emit_event("test", Event::Pong { from: "x".into() })
        .unwrap();
    assert_eq!(bus.subscriber_count(), 0);
}

#[test]
fn envelope_carries_provenance() {
    let bus = MessageBus::new();
    let mut sub = bus.subscribe();

    let id = bus
        .emit_event(
            "kernel",
            Event::ModuleStarted {
                module_id: "echo".into(),
            },
        )
        .unwrap();

    let env = sub.recv().unwrap();
    assert_eq!(env.source, "kernel");
    assert_eq!(env.id, id);
    assert!(env.id != Uuid::nil());
    match &env.message {
        Message::Event(Event::ModuleStarted { module_id }) => assert_eq!(module_id, "echo"),
        other => panic!("unexpected message: {other:?}"),
    }
}

#[test]
fn correlation_id_round_trips() {
    let bus = MessageBus::new();
    let mut sub = bus.subscribe();
    let cid = Uuid::new_v4();

    let env = Envelope::new("test", Message::Command(Command::Ping)).with_correlation_id(cid);
    bus.publish(env).unwrap();

    let received = sub.recv().unwrap();
    assert_eq!(received.correlation_id, Some(cid));
}

#[test]
fn granted_capability_allows_publish() {
    let bus = MessageBus::new();
    let mut sub = bus.subscribe();

    let cap = Capability::new("browser:navigate");
    bus.grant_capability(cap.clone());

    let env = Envelope::new("browser-module", Message::Command(Command::Ping));
    bus.publish_with_capability(env, &cap).unwrap();

    let recv = sub.recv().unwrap();
    assert!(matches!(recv.message, Message::Command(Command::Ping)));
}

#[test]
fn ungranted_capability_returns_denied() {
    let bus = MessageBus::new();
    let cap = Capability::new("llm:complete");
    let env = Envelope::new("llm-module", Message::Command(Command::Ping));
    let err = bus.publish_with_capability(env, &cap).unwrap_err();
    assert!(
        matches!(err, PublishError::Denied { .. }),
        "expected Denied, got {err}"
    );
}

#[test]
fn revoked_capability_is_denied() {
    let bus = MessageBus::new();
    let cap = Capability::new("mirror:sync");
    bus.grant_capability(cap.clone());
    bus.revoke_capability(&cap);

    let env = Envelope::new("mirror-module", Message::Command(Command::Ping));
    let err = bus.publish_with_capability(env, &cap).unwrap_err();
    assert!(matches!(err, PublishError::Denied { .. }));
}

/// The plain `publish` works without any grant.
#[test]
fn unguarded_publish_bypasses_the_grant_set() {
    let bus = MessageBus::new();
    let mut sub = bus.subscribe();
    bus.send_command("kernel-internal", Command::Ping).unwrap();
    let recv = sub.recv().unwrap();
    assert!(matches!(recv.message, Message::Command(Command::Ping)));
}
