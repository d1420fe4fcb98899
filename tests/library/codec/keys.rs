//! Tests of keys: unknown, missing and duplicate ones, and those of the seed.

use oxide_bus::Envelope;
use oxide_bus::codec::{Codec, ErrorKind as Kind};
use oxide_bus::kernel::{Command, Event, Message};
use serde_json::{Value, json};

use super::texts::{PING, duplicate, kind, unknown, with_message, with_payload};

#[test]
fn unknown_keys_are_refused_in_the_envelope_and_in_every_variant() {
    let json = with_message(PING).replace("{\"id\"", "{\"x\":[],\"id\"");
    assert_eq!(kind(json), unknown("x"));
    for variant in [
        r#""kind":"command","type":"start","module_id":"m""#,
        r#""kind":"command","type":"stop","module_id":"m""#,
        r#""kind":"command","type":"invoke","module_id":"m","method":"f","payload":null"#,
        r#""kind":"command","type":"ping""#,
        r#""kind":"event","type":"module_started","module_id":"m""#,
        r#""kind":"event","type":"module_stopped","module_id":"m""#,
        r#""kind":"event","type":"custom","module_id":"m","custom_kind":"k","payload":null"#,
        r#""kind":"event","type":"pong","from":"m""#,
    ] {
        assert!(Envelope::<Message>::from_json(with_message(&format!("{{{variant}}}"))).is_ok());
        let first = with_message(&format!("{{\"x\":1,{variant}}}"));
        let last = with_message(&format!("{{{variant},\"x\":1}}"));
        assert_eq!(kind(first), unknown("x"));
        assert_eq!(kind(last), unknown("x"));
    }
}

#[test]
fn a_field_of_another_variant_is_refused_wherever_it_stands() {
    for (key, value) in [
        ("module_id", "\"m\""),
        ("method", "\"f\""),
        ("payload", "{}"),
        ("from", "\"a\""),
        ("custom_kind", "\"k\""),
    ] {
        let last = format!(r#"{{"kind":"command","type":"ping","{key}":{value}}}"#);
        let first = format!(r#"{{"{key}":{value},"kind":"command","type":"ping"}}"#);
        for message in [last, first] {
            assert_eq!(kind(with_message(&message)), unknown(key), "{message}");
            let lenient = Codec::new().lenient(true);
            assert!(lenient.decode::<Message>(with_message(&message)).is_err());
        }
    }
}

#[test]
fn tags_that_do_not_exist_or_do_not_go_together_are_refused() {
    let tag = |key, value: &str| Kind::UnknownTag {
        key,
        value: value.into(),
    };
    assert_eq!(
        kind(with_message(r#"{"kind":"query"}"#)),
        tag("kind", "query")
    );
    assert_eq!(
        kind(with_message(r#"{"type":"Ping"}"#)),
        tag("type", "Ping")
    );
    let crossed = with_message(r#"{"kind":"event","type":"ping"}"#);
    assert_eq!(kind(crossed), tag("type", "ping"));
}

#[test]
fn missing_keys_are_named() {
    assert_eq!(kind("{}"), Kind::MissingKey("id"));
    assert_eq!(kind(with_message("{}")), Kind::MissingKey("kind"));
    assert_eq!(
        kind(with_message(r#"{"kind":"event"}"#)),
        Kind::MissingKey("type")
    );
    let custom = r#"{"kind":"event","type":"custom","module_id":"m","payload":1}"#;
    assert_eq!(kind(with_message(custom)), Kind::MissingKey("custom_kind"));
    let invoke = r#"{"kind":"command","type":"invoke","module_id":"m","method":"f"}"#;
    assert_eq!(kind(with_message(invoke)), Kind::MissingKey("payload"));
}

#[test]
fn duplicate_keys_are_refused_at_every_level() {
    for key in ["id", "source", "timestamp", "message"] {
        let json = with_message(PING);
        let value: Value = serde_json::from_str(&json).expect("JSON");
        let json = json.replacen('{', &format!("{{\"{key}\":{},", value[key]), 1);
        assert_eq!(kind(json), duplicate(key));
    }
    let twice =
        with_message(PING).replacen('{', r#"{"correlation_id":null,"correlation_id":null,"#, 1);
    assert_eq!(kind(twice), duplicate("correlation_id"));
    let twice = r#"{"kind":"command","type":"ping","type":"ping"}"#;
    assert_eq!(kind(with_message(twice)), duplicate("type"));
    let twice = r#"{"kind":"command","type":"start","module_id":"a","module_id":"a"}"#;
    assert_eq!(kind(with_message(twice)), duplicate("module_id"));
}

#[test]
fn duplicate_keys_in_a_payload_are_refused_at_any_depth_and_in_any_spelling() {
    for payload in [
        r#"{"a":1,"a":1}"#,
        r#"[[{"b":{"a":1,"c":2,"a":3}}]]"#,
        r#"{"a":1,"\u0061":1}"#,
    ] {
        assert_eq!(kind(with_payload(payload)), duplicate("a"), "{payload}");
        let message =
            format!(r#"{{"type":"invoke","module_id":"m","method":"f","payload":{payload}}}"#);
        assert!(serde_json::from_str::<Command>(&message).is_err());
    }
    assert_eq!(kind(with_payload(r#"{"":1,"":1}"#)), duplicate(""));
}

#[test]
fn a_custom_event_may_have_the_doubled_kind_of_the_seed_and_nothing_beyond() {
    let custom = |kinds: &str| {
        with_message(&format!(
            r#"{{{kinds},"type":"custom","module_id":"m","payload":1}}"#
        ))
    };
    let expected = Message::Event(Event::Custom {
        module_id: "m".into(),
        kind: "k".into(),
        payload: json!(1),
    });
    for kinds in [
        r#""kind":"event","kind":"k""#,
        r#""kind":"event","custom_kind":"k""#,
        r#""custom_kind":"k","kind":"event""#,
    ] {
        let read = Envelope::from_json(custom(kinds)).map(|envelope| envelope.message);
        assert_eq!(read.as_ref(), Ok(&expected), "{kinds}");
    }
    assert_eq!(
        kind(custom(r#""kind":"event","kind":"k","kind":"k""#)),
        duplicate("kind")
    );
    assert_eq!(
        kind(custom(r#""kind":"event","kind":"k","custom_kind":"k""#)),
        duplicate("custom_kind")
    );
    assert_eq!(
        kind(custom(r#""kind":"event","custom_kind":"k","kind":"k""#)),
        duplicate("kind")
    );
    for message in [
        r#"{"kind":"command","kind":"command","type":"ping"}"#,
        r#"{"kind":"command","type":"ping","kind":"command"}"#,
        r#"{"kind":"event","type":"pong","kind":"event","from":"a"}"#,
    ] {
        assert_eq!(kind(with_message(message)), duplicate("kind"));
    }
}

#[test]
fn the_key_that_serde_json_keeps_for_itself_is_refused_in_any_spelling() {
    for payload in [
        r#"{"$serde_json::private::Number":"1"}"#,
        r#"[{"\u0024serde_json::private::Number":"1"}]"#,
        r#"{"a":1,"$serde_json::private::Number":"1"}"#,
        r#"{"$serde_json::private::Number":{}}"#,
    ] {
        assert_eq!(kind(with_payload(payload)), Kind::ReservedKey, "{payload}");
        assert!(serde_json::from_str::<Envelope>(&with_payload(payload)).is_err());
    }
}

#[test]
fn a_lenient_codec_skips_unknown_keys_and_still_counts_what_it_skips() {
    let lenient = Codec::new().lenient(true);
    let json = with_message(r#"{"x":{"a":1,"a":[2]},"kind":"command","y":1,"type":"ping"}"#)
        .replacen('{', r#"{"z":[1],"z":2,"#, 1);
    assert!(Envelope::<Message>::from_json(&json).is_err());
    assert!(lenient.decode::<Message>(&json).is_ok());

    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    let bomb = format!("[{}0]", "0,".repeat(70_000));
    for (skipped, kind) in [
        (deep.as_str(), Kind::TooDeep(64)),
        (bomb.as_str(), Kind::TooManyNodes(65_536)),
        ("1e999", Kind::NumberOutOfRange),
    ] {
        let json = with_message(PING).replacen('{', &format!("{{\"z\":{skipped},"), 1);
        assert_eq!(
            lenient
                .decode::<Message>(json)
                .map_err(|error| error.kind().clone()),
            Err(kind)
        );
    }
    let twice = with_message(PING).replacen('{', r#"{"source":"t","#, 1);
    assert!(lenient.decode::<Message>(twice).is_err());
    assert!(
        lenient
            .decode::<Message>(with_payload(r#"{"a":1,"a":1}"#))
            .is_err()
    );
}
