//! Tests of weight limits: the bus refuses what is too heavy, wherever it comes from, and the check costs no more for a
//! heavier message.

use std::time::Instant;

use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::limits::{LimitExceeded, Measure};
use oxide_bus::{
    Advisory, Bus, Denial, Envelope, Grant, GrantError, MessageBus, Payload, PublishError,
    SubscribeError, SubscribeOptions,
};
use serde_json::{Value, json};

fn bus<M: Payload + Measure>(bytes: usize, depth: usize) -> Bus<M> {
    (Bus::builder().max_payload(bytes, depth))
        .max_name(8)
        .build()
}

fn excess<M: Payload>(bus: &Bus<M>, message: M) -> Option<LimitExceeded> {
    let error = bus.publish(Envelope::new("scale", message)).err()?;
    match error {
        PublishError::TooLarge { exceeded, .. } => Some(exceeded),
        other => panic!("{other}"),
    }
}

fn custom(payload: Value) -> Message {
    Event::Custom {
        module_id: "ab".into(),
        kind: "cd".into(),
        payload,
    }
    .into()
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
}

#[test]
fn a_message_weighs_its_names_and_its_payload() {
    let bus = bus::<Message>(12, 3);
    let over = Some(LimitExceeded::Bytes { limit: 12 });
    assert_eq!(excess(&bus, custom(json!("12345678"))), None);
    assert_eq!(excess(&bus, custom(json!("123456789"))), over);
    assert_eq!(excess(&bus, custom(json!({ "key": null }))), None);
    assert_eq!(excess(&bus, custom(json!({ "key": [null, 1] }))), over);
    assert_eq!(excess(&bus, custom(nested(3))), None);
    let deep = Some(LimitExceeded::Depth { limit: 3 });
    assert_eq!(excess(&bus, custom(nested(4))), deep);
    assert_eq!(excess(&bus, Command::Ping.into()), None);
    let stop = |module: &str| Command::Stop {
        module_id: module.into(),
    };
    assert_eq!(excess(&bus, stop("123456789012").into()), None);
    assert_eq!(excess(&bus, stop("1234567890123").into()), over);
}

#[test]
fn payloads_of_other_types_weigh_what_they_hold() {
    let over = Some(LimitExceeded::Bytes { limit: 4 });
    assert_eq!(excess(&bus(4, 1), "1234".to_owned()), None);
    assert_eq!(excess(&bus(4, 1), "12345".to_owned()), over);
    assert_eq!(excess(&bus(4, 1), vec![1_u8, 2, 3, 4]), None);
    assert_eq!(excess(&bus(4, 1), vec![1_u16, 2, 3]), over);
    assert_eq!(excess(&bus(4, 1), Some(Box::new(("12", "34")))), None);
    assert_eq!(excess(&bus(4, 1), Some(Box::new(("12", "345")))), over);
    let deep = Some(LimitExceeded::Depth { limit: 1 });
    assert_eq!(excess(&bus(4, 1), vec![[0_u8]]), deep);
    assert_eq!(excess(&bus(1_000, 1), Advisory::Closed), None);
    let limit = size_of::<Advisory>() - 1;
    let over = Some(LimitExceeded::Bytes { limit });
    assert_eq!(excess(&bus(limit, 1), Advisory::Closed), over);
    assert_eq!(
        excess(&bus(7, 1), 0_u64),
        Some(LimitExceeded::Bytes { limit: 7 })
    );
}

#[test]
fn each_way_to_publish_weighs_and_hands_back() {
    let bus = bus::<String>(4, 1);
    let subscription = bus.subscribe();
    bus.grant("write").unwrap();
    bus.grant(Grant::new("relay").forwards()).unwrap();
    let publisher = bus.publisher("scale", "write");
    let relay = bus.publisher("scale", "relay");
    let heavy = || "secret".to_owned();
    let envelope = || Envelope::new("scale", heavy());
    let errors = [
        bus.publish(envelope()),
        bus.try_publish(envelope()),
        publisher.publish(heavy()),
        relay.publish(heavy()),
        relay.forward(envelope()),
    ];
    for error in errors {
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "a payload of more than 4 bytes");
        assert!(!format!("{error:?}").contains("secret"));
        assert_eq!(error.into_envelope().message, "secret");
    }
    let error = publisher
        .publish_batch(["one".to_owned(), heavy()])
        .unwrap_err();
    assert!(matches!(
        error.cause(),
        PublishError::TooLarge {
            exceeded: LimitExceeded::Bytes { limit: 4 },
            ..
        }
    ));
    assert_eq!(
        error.to_string(),
        "2 envelopes not published: a payload of more than 4 bytes"
    );
    let long = bus.publish(Envelope::new("too long a name", String::new()));
    let exceeded = LimitExceeded::Source { limit: 8 };
    assert!(matches!(long, Err(PublishError::TooLarge { exceeded: it, .. }) if it == exceeded));
    assert!(subscription.is_empty());
    assert_eq!(bus.grants()[1].in_flight, 0);
}

#[test]
fn no_depth_that_is_asked_for_goes_beyond_what_recursion_can_do() {
    let bus = bus::<Value>(usize::MAX, usize::MAX);
    let limit = 127;
    assert_eq!(excess(&bus, nested(limit)), None);
    assert_eq!(
        excess(&bus, nested(limit + 1)),
        Some(LimitExceeded::Depth { limit })
    );
}

#[test]
fn a_bus_without_limits_weighs_nothing() {
    let bus = MessageBus::new();
    assert_eq!(excess(&bus, custom(nested(100))), None);
    assert_eq!(excess(&bus, custom(json!("x".repeat(10_000_000)))), None);
}

#[test]
fn there_are_as_many_grants_as_the_bus_was_built_for() {
    let bus = MessageBus::builder().max_grants(2).max_name(4).build();
    let grant = |name: &str| bus.grant(Grant::new(name));
    assert_eq!(
        grant("12345"),
        Err(GrantError::NameTooLong { bytes: 5, limit: 4 })
    );
    grant("one").unwrap();
    grant("two").unwrap();
    grant("two").unwrap();
    assert_eq!(grant("tri"), Err(GrantError::TooMany { limit: 2 }));
    let by_the_seed_s_verb = bus.grant_capability("tri");
    assert_eq!(by_the_seed_s_verb, Err(GrantError::TooMany { limit: 2 }));
    assert!(!bus.is_granted("tri"));
    bus.revoke("one");
    bus.revoke("one");
    grant("tri").unwrap();
    assert_eq!(grant("one"), Err(GrantError::TooMany { limit: 2 }));
}

#[test]
fn without_a_builder_65536_capabilities_may_be_granted_at_once() {
    let bus = MessageBus::new();
    for index in 0..65_536 {
        bus.grant(Grant::new(format!("capability:{index}")))
            .unwrap();
    }
    let one_more = bus.grant(Grant::new("one more"));
    assert_eq!(one_more, Err(GrantError::TooMany { limit: 65_536 }));
}

#[test]
fn what_has_expired_takes_up_no_place_among_the_grants() {
    let bus = MessageBus::builder().max_grants(2).build();
    let expired = |name: &str| Grant::new(name).expires_at(Instant::now());
    bus.grant(expired("held")).unwrap();
    let held = bus.publisher("module", "held");
    for index in 0..10 {
        bus.grant(expired(&index.to_string())).unwrap();
    }
    bus.grant(Grant::new("one")).unwrap();
    bus.grant(Grant::new("two")).unwrap();
    let too_many = Err(GrantError::TooMany { limit: 2 });
    assert_eq!(bus.grant(Grant::new("held")), too_many);
    let error = held.publish(Command::Ping).unwrap_err();
    assert_eq!(error.denial(), Some(Denial::Expired), "it is held");
    bus.revoke("one");
    bus.revoke("held");
    bus.grant(Grant::new("held")).unwrap();
    assert!(held.publish(Command::Ping).is_ok());
    assert_eq!(bus.grant(Grant::new("one")), too_many);
}

#[test]
fn no_name_is_longer_than_the_bus_takes() {
    for (bus, limit) in [
        (MessageBus::new(), 256),
        (MessageBus::builder().max_name(4).build(), 4),
    ] {
        let (fits, long) = ("x".repeat(limit), "x".repeat(limit + 1));
        bus.grant(Grant::new(&*fits)).unwrap();
        let denial = |source: &str, capability: &str| {
            let publisher = bus.publisher(source, capability);
            assert_eq!(
                publisher.is_granted(),
                source.len() <= limit && capability == fits
            );
            let refused = publisher.publish(Command::Ping);
            refused.err().and_then(|error| error.denial())
        };
        assert_eq!(denial(&fits, &fits), None);
        assert_eq!(denial(&long, &fits), Some(Denial::NameTooLong));
        assert_eq!(denial(&fits, &long), Some(Denial::NameTooLong));
        assert!(bus.is_granted(&*fits), "it is still held");

        let named = |name: &str| SubscribeOptions::new().name(name);
        let error = SubscribeError::NameTooLong { limit };
        assert!(bus.subscribe_with(named(&fits).group(&*fits)).is_ok());
        assert_eq!(bus.subscribe_with(named(&long)).unwrap_err(), error);
        let group = named(&fits).group(&*long);
        assert_eq!(bus.subscribe_with(group).unwrap_err(), error);
    }
}
