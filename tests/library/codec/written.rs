//! Tests of what the codec writes, and that it reads the same back.

use oxide_bus::chrono::DateTime;
use oxide_bus::codec::ErrorKind;
use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::serde_json::{self, Value, json};
use oxide_bus::uuid::Uuid;
use oxide_bus::{Envelope, Source};

const SEED: &str = include_str!("../../data/seed.jsonl");

fn envelope(message: impl Into<Message>) -> Envelope {
    Envelope::new("tests", message.into())
}

fn invoke(payload: Value) -> Envelope {
    envelope(Command::Invoke {
        module_id: "m".into(),
        method: "f".into(),
        payload,
    })
}

fn custom() -> Event {
    Event::Custom {
        module_id: "thermo".into(),
        kind: "reading".into(),
        payload: json!({ "c": 21.5 }),
    }
}

#[test]
fn the_lines_of_the_seed_are_read_and_all_but_custom_events_written_byte_for_byte() {
    for line in SEED.lines() {
        let envelope = Envelope::from_json(line).expect("the seed wrote it");
        let written = envelope.to_json().expect("it was read");
        if let Message::Event(Event::Custom { .. }) = envelope.message {
            assert_eq!(
                written,
                line.replace(r#""kind":"reading""#, r#""custom_kind":"reading""#)
            );
        } else {
            assert_eq!(written, line);
        }
    }
    assert_eq!(SEED.lines().count(), 8);
}

#[test]
fn serde_json_alone_reads_and_writes_the_same() {
    for line in SEED.lines() {
        let envelope: Envelope = serde_json::from_str(line).expect("the seed wrote it");
        assert_eq!(
            serde_json::to_string(&envelope).ok(),
            envelope.to_json().ok()
        );
        let value = serde_json::to_value(&envelope).expect("it was read");
        assert_eq!(
            serde_json::from_value::<Envelope>(value).ok(),
            Some(envelope)
        );
    }
}

#[test]
fn a_custom_event_by_itself_is_written_like_one_in_a_message_and_read_in_both_forms() {
    let json =
        r#"{"type":"custom","module_id":"thermo","custom_kind":"reading","payload":{"c":21.5}}"#;
    assert_eq!(serde_json::to_string(&custom()).ok().as_deref(), Some(json));
    for json in [json, &json.replace("custom_kind", "kind")] {
        assert_eq!(serde_json::from_str::<Event>(json).ok(), Some(custom()));
    }
    let both = json.replace("\"payload\"", r#""kind":"x","payload""#);
    assert!(serde_json::from_str::<Event>(&both).is_err());
    assert!(serde_json::from_str::<Event>(r#"{"type":"pong","from":"a","kind":"x"}"#).is_err());
    assert!(serde_json::from_str::<Event>(r#"{"kind":"event","type":"pong","from":"a"}"#).is_err());
}

#[test]
fn a_command_is_no_event_and_an_event_no_command() {
    assert_eq!(
        serde_json::from_str::<Command>(r#"{"type":"ping"}"#).ok(),
        Some(Command::Ping)
    );
    assert!(serde_json::from_str::<Event>(r#"{"type":"ping"}"#).is_err());
    assert!(serde_json::from_str::<Command>(r#"{"type":"pong","from":"a"}"#).is_err());
    assert!(serde_json::from_str::<Command>(r#"{"kind":"command","type":"ping"}"#).is_err());
}

#[test]
fn keys_come_in_any_order_the_tags_last_as_well() {
    let json = r#"{
        "message": {"payload": [1], "method": "f", "module_id": "m", "type": "invoke", "kind": "command"},
        "timestamp": "2026-11-24T07:07:20+01:00",
        "source": "tests",
        "id": "F18CA6A0-F663-4A05-AB64-FF8A88849D6C"
    }"#;
    let read = Envelope::<Message>::from_json(json).expect("it is well-formed");
    assert_eq!(read.message, invoke(json!([1])).message);
    assert_eq!(read.timestamp.to_string(), "2026-11-24 06:07:20 UTC");
    assert_eq!(read.correlation_id, None);
}

#[test]
fn other_messages_travel_in_envelopes_too() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Reading {
        celsius: f64,
    }
    let envelope = Envelope::new("thermo", Reading { celsius: 21.5 });
    let json = envelope.to_json().expect("it fits");
    assert_eq!(Envelope::from_json(&json).ok(), Some(envelope));
    let bare = Envelope::new("thermo", custom());
    let json = bare.to_json().expect("it fits");
    assert_eq!(Envelope::from_json(&json).ok(), Some(bare));
}

#[test]
fn a_source_is_a_string_with_the_rules_of_a_source() {
    assert_eq!(
        serde_json::to_string(&Source::from("a\"b")).ok().as_deref(),
        Some(r#""a\"b""#)
    );
    assert_eq!(
        serde_json::from_str::<Source>(r#""\u00e9""#).ok(),
        Some("é".into())
    );
    for bad in ["", "a\nb", "\u{7f}", "\u{85}"] {
        assert!(serde_json::to_string(&Source::from(bad)).is_err());
        let json = serde_json::to_string(bad).expect("it is a string");
        assert!(serde_json::from_str::<Source>(&json).is_err());
    }
}

fn changed(envelope: &Envelope, change: impl FnOnce(&mut Envelope)) -> Envelope {
    let mut envelope = envelope.clone();
    change(&mut envelope);
    envelope
}

#[test]
fn what_no_reader_takes_is_not_written() {
    let good = envelope(Command::Ping);
    let kind = |envelope: &Envelope| {
        assert!(serde_json::to_string(envelope).is_err());
        assert!(postcard::to_stdvec(envelope).is_err());
        envelope.to_json().map_err(|error| error.kind().clone())
    };
    let nil = Uuid::nil();
    assert_eq!(
        kind(&changed(&good, |it| it.id = nil)),
        Err(ErrorKind::BadId("id"))
    );
    assert_eq!(
        kind(&good.clone().with_correlation_id(nil)),
        Err(ErrorKind::BadId("correlation_id"))
    );
    for (seconds, nanos) in [
        (253_402_300_800, 0),
        (-62_167_219_201, 999_999_999),
        (1_483_228_799, 1_500_000_000),
    ] {
        let timestamp = DateTime::from_timestamp(seconds, nanos).expect("chrono takes it");
        let late = changed(&good, |it| it.timestamp = timestamp);
        assert_eq!(kind(&late), Err(ErrorKind::BadTime));
    }
    for source in ["", "a\u{1b}b"] {
        let source = Source::from(source);
        assert_eq!(
            kind(&changed(&good, |it| it.source = source)),
            Err(ErrorKind::BadName("source"))
        );
    }
    assert_eq!(
        kind(&invoke(json!([{ "$serde_json::private::Number": "1" }]))),
        Err(ErrorKind::ReservedKey)
    );
}

#[test]
fn postcard_refuses_ids_times_and_payloads_that_json_would() {
    type Headers = std::collections::BTreeMap<String, String>;
    type Raw = (
        [u8; 16],
        &'static str,
        Option<[u8; 16]>,
        i64,
        u32,
        Headers,
        Message,
    );

    let good = postcard::to_stdvec(&invoke(json!({ "a": 1 }))).expect("it fits");
    assert!(postcard::from_bytes::<Envelope>(&good).is_ok());
    let replaced = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = good
            .windows(from.len())
            .position(|part| part == from.as_bytes());
        let at = at.expect("it is there");
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        postcard::from_bytes::<Envelope>(&bytes)
    };
    assert!(replaced(r#"{"a":1}"#, r#"{"a":2}"#).is_ok());
    for payload in [
        r#"{"a":1,"#,
        r#"{"a" 1}"#,
        "[1e999]",
        "{\"a\":1]",
        "1 [2,3]",
        "       ",
    ] {
        assert!(replaced(r#"{"a":1}"#, payload).is_err(), "{payload}");
    }
    assert!(replaced("tests", "te\nts").is_err());
    let mut nil = good.clone();
    nil[..16].fill(0);
    assert!(postcard::from_bytes::<Envelope>(&nil).is_err());
    for end in 0..good.len() {
        assert!(postcard::from_bytes::<Envelope>(&good[..end]).is_err());
    }

    let raw = |correlation, seconds, nanos| {
        let raw: Raw = (
            [1; 16],
            "s",
            correlation,
            seconds,
            nanos,
            Headers::new(),
            Command::Ping.into(),
        );
        postcard::from_bytes::<Envelope>(&postcard::to_stdvec(&raw).expect("it fits"))
    };
    assert!(raw(Some([2; 16]), 0, 999_999_999).is_ok());
    assert!(raw(Some([0; 16]), 0, 0).is_err());
    for (seconds, nanos) in [
        (0, 1_000_000_000),
        (59, u32::MAX),
        (i64::MAX, 0),
        (i64::MIN, 0),
    ] {
        assert!(raw(None, seconds, nanos).is_err(), "{seconds} {nanos}");
    }
}

#[test]
fn postcard_payloads_keep_the_default_limits_in_both_directions() {
    let nested = |depth| (1..depth).fold(json!([]), |inner, _| json!([inner]));
    let depth = 64;
    let good = postcard::to_stdvec(&invoke(nested(depth))).expect("it fits");
    assert!(postcard::from_bytes::<Envelope>(&good).is_ok());
    assert!(postcard::to_stdvec(&invoke(nested(depth + 1))).is_err());
    assert!(postcard::to_stdvec(&invoke(json!(vec![0; 70_000]))).is_err());
}
