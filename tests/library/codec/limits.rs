//! Tests of each limit, exactly at it and one over.

use oxide_bus::Envelope;
use oxide_bus::codec::{Codec, ErrorKind as Kind};
use oxide_bus::kernel::{Command, Message};
use serde_json::Value;

use super::texts::{ID, PING, TIME, quote, with, with_message, with_payload};

#[test]
fn the_plain_implementations_go_down_to_the_limit_of_serde_json_and_no_deeper() {
    let nested =
        |depth: usize| with_payload(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    let deepest: Envelope = serde_json::from_str(&nested(125)).expect("127 levels in all");
    assert_eq!(
        serde_json::to_string(&deepest).map(|json| json.len()).ok(),
        Some(nested(125).len() + r#""correlation_id":null,"#.len())
    );
    assert!(serde_json::from_str::<Envelope>(&nested(126)).is_err());
    let codec = Codec::new().max_depth(1_000);
    assert!(codec.decode::<Message>(nested(125)).is_ok());
    assert!(codec.encode(&deepest).is_ok());
    let error = codec.decode::<Message>(nested(126)).expect_err("too deep");
    assert_eq!(error.kind(), &Kind::TooDeep(127));
}

#[test]
fn a_payload_made_too_deep_in_code_is_refused_and_not_a_stack_overflow() {
    let mut payload = Value::Null;
    for level in 0..200_000 {
        payload = if level % 2 == 0 {
            Value::Array(vec![payload])
        } else {
            json_object(payload)
        };
    }
    let mut envelope = Envelope::new(
        "s",
        Message::Command(Command::Invoke {
            module_id: "m".into(),
            method: "f".into(),
            payload,
        }),
    );
    let typed = envelope.to_json().map_err(|error| error.kind().clone());
    let plain = serde_json::to_string(&envelope).map_err(|error| error.to_string());
    let binary = postcard::to_stdvec(&envelope).is_err();
    // Dropping a deep value recurses, too.
    if let Message::Command(Command::Invoke { payload, .. }) = &mut envelope.message {
        let mut rest = payload.take();
        while let Some(inner) = match &mut rest {
            Value::Array(items) => items.pop(),
            Value::Object(members) => members.values_mut().next().map(Value::take),
            _ => None,
        } {
            rest = inner;
        }
    }
    assert_eq!(typed, Err(Kind::TooDeep(64)));
    assert_eq!(plain, Err("more than 127 levels of nesting".to_owned()));
    assert!(binary);
}

fn json_object(value: Value) -> Value {
    let mut members = serde_json::Map::new();
    members.insert(String::new(), value);
    Value::Object(members)
}

/// Asserts that decoding and encoding both accept the envelope at the limit and refuse it with a limit lower by one.
#[track_caller]
fn assert_limit(json: &str, at: usize, set: fn(Codec, usize) -> Codec, kind: &Kind) {
    let envelope = Envelope::<Message>::from_json(json).expect("within the defaults");
    let json = envelope.to_json().expect("within the defaults");
    let enough = set(Codec::new(), at);
    assert_eq!(enough.decode(&json).as_ref(), Ok(&envelope));
    assert_eq!(enough.encode(&envelope).as_ref(), Ok(&json));
    let short = set(Codec::new(), at - 1);
    let error = short.decode::<Message>(&json).expect_err("one over");
    assert_eq!(error.kind(), kind);
    assert!(error.is_over_limit());
    let error = short.encode(&envelope).expect_err("one over");
    assert_eq!(error.kind(), kind);
    assert!(error.is_over_limit());
}

#[test]
fn bytes_are_limited() {
    let json = Envelope::<Message>::from_json(with_payload("[1]"))
        .map(|envelope| envelope.to_json().expect("it fits"));
    let json = json.expect("it is fine");
    let at = json.len();
    assert_limit(&json, at, Codec::max_bytes, &Kind::TooLarge(at - 1));
}

#[test]
fn depth_is_limited() {
    let json = with_payload(r#"[{"a":[]}]"#);
    assert_limit(&json, 5, Codec::max_depth, &Kind::TooDeep(4));
}

#[test]
fn values_are_limited() {
    // Ten values without the payload: envelope, id, source, correlation id, time, message, kind, type, module id,
    // method.
    let json = with_payload(r#"[1,{"a":null,"b":"c"}]"#);
    assert_limit(&json, 15, Codec::max_nodes, &Kind::TooManyNodes(14));
}

#[test]
fn strings_are_limited_keys_as_well() {
    for payload in [
        format!("\"{}\"", "é\\n".repeat(50)),
        format!("{{\"{}\":1}}", "é\\n".repeat(50)),
    ] {
        let json = with_payload(&payload);
        assert_limit(&json, 150, Codec::max_string, &Kind::StringTooLong(149));
    }
}

#[test]
fn names_are_limited() {
    let long = "é".repeat(50);
    for (field, json) in [
        ("source", with(&quote(ID), &quote(&long), &quote(TIME))),
        (
            "module_id",
            with_message(&format!(
                r#"{{"kind":"command","type":"start","module_id":"{long}"}}"#
            )),
        ),
        (
            "module_id",
            with_message(&format!(
                r#"{{"kind":"command","type":"stop","module_id":"{long}"}}"#
            )),
        ),
        ("method", with_payload("1").replace("\"f\"", &quote(&long))),
        (
            "module_id",
            with_payload("1").replace("\"m\"", &quote(&long)),
        ),
        (
            "module_id",
            with_message(&format!(
                r#"{{"kind":"event","type":"module_started","module_id":"{long}"}}"#
            )),
        ),
        (
            "module_id",
            with_message(&format!(
                r#"{{"kind":"event","type":"module_stopped","module_id":"{long}"}}"#
            )),
        ),
        (
            "custom_kind",
            with_message(&format!(
                r#"{{"kind":"event","type":"custom","module_id":"m","custom_kind":"{long}","payload":1}}"#
            )),
        ),
        (
            "from",
            with_message(&format!(
                r#"{{"kind":"event","type":"pong","from":"{long}"}}"#
            )),
        ),
    ] {
        assert_limit(&json, 100, Codec::max_name, &Kind::NameTooLong(field));
    }
}

#[test]
fn limits_of_nothing_refuse_everything_and_do_not_panic() {
    let none = Codec::new()
        .max_bytes(0)
        .max_depth(0)
        .max_nodes(0)
        .max_string(0)
        .max_name(0);
    for codec in [
        none,
        none.max_bytes(1_000),
        none.max_bytes(1_000).max_nodes(100),
    ] {
        assert!(
            codec
                .decode::<Message>(with_message(PING))
                .is_err_and(|error| error.is_over_limit())
        );
        let ping = Envelope::<Message>::from_json(with_message(PING)).expect("it is fine");
        assert!(
            codec
                .encode(&ping)
                .is_err_and(|error| error.is_over_limit())
        );
    }
}
