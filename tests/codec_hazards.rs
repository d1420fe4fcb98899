//! What a stranger may send, each refused with a typed error.

use oxide_bus::codec::{
    Codec, DecodeError, DecodeErrorKind as Kind, EncodeErrorKind, Limits, NameFlaw,
};
use oxide_bus::{Command, Envelope, Event, Message};
use serde_json::{Value, json};

const ID: &str = "f18ca6a0-f663-4a05-ab64-ff8a88849d6c";
const TIME: &str = "2026-11-24T06:07:20Z";
const PING: &str = r#"{"kind":"command","type":"ping"}"#;

/// An envelope with that message, as text.
fn with_message(message: &str) -> String {
    format!(r#"{{"id":"{ID}","source":"s","timestamp":"{TIME}","message":{message}}}"#)
}

fn with_payload(payload: &str) -> String {
    with_message(&format!(
        r#"{{"kind":"command","type":"invoke","module_id":"m","method":"f","payload":{payload}}}"#
    ))
}

/// An envelope with the source, the id and the time given as JSON.
fn with(id: &str, source: &str, time: &str) -> String {
    format!(r#"{{"id":{id},"source":{source},"timestamp":{time},"message":{PING}}}"#)
}

fn kind(json: impl AsRef<[u8]>) -> Kind {
    decode(json).kind().clone()
}

fn decode(json: impl AsRef<[u8]>) -> DecodeError {
    Codec::new().decode(json).expect_err("it should be refused")
}

fn payload_of(json: &str) -> Value {
    match Envelope::from_json(json)
        .expect("it should be taken")
        .message
    {
        Message::Command(Command::Invoke { payload, .. }) => payload,
        other => panic!("{other:?}"),
    }
}

fn unknown(key: &str) -> Kind {
    Kind::UnknownKey(key.into())
}

fn duplicate(key: &str) -> Kind {
    Kind::DuplicateKey(key.into())
}

fn quote(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}

#[test]
fn an_envelope_that_is_an_array_is_refused() {
    let json = format!(r#"["{ID}","s",null,"{TIME}",{PING}]"#);
    assert_eq!(kind(&json), Kind::WrongType("envelope"));
    assert!(serde_json::from_str::<Envelope>(&json).is_err());
    for json in ["null", "1", "true", "\"\""] {
        assert_eq!(kind(json), Kind::WrongType("envelope"));
    }
}

#[test]
fn a_message_that_is_an_array_or_a_string_is_refused() {
    for message in [
        r#"["command","ping"]"#,
        r#"["command",["ping"]]"#,
        r#""ping""#,
        "null",
    ] {
        assert_eq!(kind(with_message(message)), Kind::WrongType("message"));
        assert!(serde_json::from_str::<Message>(message).is_err());
    }
    assert!(serde_json::from_str::<Command>(r#"["ping"]"#).is_err());
    assert!(serde_json::from_str::<Event>(r#"["pong","a"]"#).is_err());
}

#[test]
fn fields_of_the_wrong_type_are_named() {
    let id = quote(ID);
    let (source, time) = (quote("s"), quote(TIME));
    assert_eq!(kind(with("1", &source, &time)), Kind::WrongType("id"));
    assert_eq!(kind(with(&id, "null", &time)), Kind::WrongType("source"));
    assert_eq!(kind(with(&id, &source, "[]")), Kind::WrongType("timestamp"));
    let json = with_message(r#"{"kind":"event","type":"pong","from":{}}"#);
    assert_eq!(kind(json), Kind::WrongType("from"));
    let json = with_message(r#"{"kind":7,"type":"ping"}"#);
    assert_eq!(kind(json), Kind::WrongType("kind"));
    let json = with(&id, &source, &time).replace("{\"id\"", "{\"correlation_id\":7,\"id\"");
    assert_eq!(kind(json), Kind::WrongType("correlation_id"));
}

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
        assert!(Envelope::from_json(with_message(&format!("{{{variant}}}"))).is_ok());
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
            assert!(lenient.decode(with_message(&message)).is_err());
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
fn ids_in_any_other_form_and_nil_are_refused() {
    let (source, time) = (quote("s"), quote(TIME));
    for id in [
        "",
        "00000000-0000-0000-0000-000000000000",
        "f18ca6a0f6634a05ab64ff8a88849d6c",
        "{f18ca6a0-f663-4a05-ab64-ff8a88849d6c}",
        "urn:uuid:f18ca6a0-f663-4a05-ab64-ff8a88849d6c",
        " f18ca6a0-f663-4a05-ab64-ff8a88849d6",
        "f18ca6a0-f663-4a05-ab64-ff8a88849d6c ",
        "f18ca6a0-f663-4a05-ab64-ff8a88849d6g",
        "f18ca6a0f-663-4a05-ab64-ff8a88849d6c",
        "f18ca6a0-f663-4a05-ab64-ff8a88849dé",
    ] {
        assert_eq!(
            kind(with(&quote(id), &source, &time)),
            Kind::BadId("id"),
            "{id}"
        );
        let json =
            with_message(PING).replacen('{', &format!("{{\"correlation_id\":{},", quote(id)), 1);
        assert_eq!(kind(json), Kind::BadId("correlation_id"), "{id}");
    }
}

#[test]
fn times_in_any_other_form_are_refused() {
    for time in [
        " 2026-11-24T06:07:20Z",
        "2026-1-1T0:0:0Z",
        "2026-11-24T06:07:20\u{2212}01:00",
        "2026-11-24T06:07:60Z",
        "+262142-01-01T00:00:00Z",
        "-262142-01-01T00:00:00Z",
        "2026-11-24 06:07:20Z",
        "2026-11-24T06:07:20",
    ] {
        let json = with(&quote(ID), &quote("s"), &quote(time));
        assert_eq!(kind(json), Kind::BadTime, "{time}");
    }
}

#[test]
fn a_source_must_be_visible_text() {
    for (source, flaw) in [
        (r#""""#, NameFlaw::Empty),
        (r#""a\nb""#, NameFlaw::Control),
        (r#""\u001b[31m""#, NameFlaw::Control),
        (r#""\u0085""#, NameFlaw::Control),
    ] {
        let json = with(&quote(ID), source, &quote(TIME));
        assert_eq!(
            kind(json),
            Kind::BadName {
                field: "source",
                flaw
            }
        );
    }
}

#[test]
fn numbers_that_would_become_others_are_refused() {
    for number in [
        "18446744073709551616",
        "-9223372036854775809",
        "1e400",
        "-1e400",
        "1e-400",
        "0.000001e-320000",
    ] {
        for payload in [
            number.to_owned(),
            format!("[[{number}]]"),
            format!("{{\"a\":{number}}}"),
        ] {
            assert_eq!(
                kind(with_payload(&payload)),
                Kind::NumberOutOfRange,
                "{payload}"
            );
        }
    }
}

#[test]
fn numbers_that_can_be_kept_are_kept() {
    assert_eq!(
        payload_of(&with_payload("18446744073709551615")),
        json!(u64::MAX)
    );
    assert_eq!(
        payload_of(&with_payload("-9223372036854775808")),
        json!(i64::MIN)
    );
    assert_eq!(
        payload_of(&with_payload("1.7976931348623157e308")),
        json!(f64::MAX)
    );
    assert_eq!(payload_of(&with_payload("5e-324")), json!(5e-324));
    assert_eq!(payload_of(&with_payload("0e-999")), json!(0.0));
    let zero = payload_of(&with_payload("-0"));
    assert_eq!(zero.as_f64().map(f64::is_sign_negative), Some(true));
    assert_eq!(zero.to_string(), "-0.0");
}

#[test]
fn words_that_are_not_json_are_refused() {
    for payload in [
        "NaN",
        "Infinity",
        "01",
        "+1",
        ".5",
        "1.",
        "'a'",
        "tru",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"a\nb\"",
        "[1,]",
        "{\"a\"}",
    ] {
        assert!(
            matches!(kind(with_payload(payload)), Kind::Syntax(_)),
            "{payload}"
        );
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
fn the_plain_implementations_go_down_to_the_limit_of_serde_json_and_no_deeper() {
    let nested =
        |depth: usize| with_payload(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    let deepest: Envelope = serde_json::from_str(&nested(125)).expect("127 levels in all");
    assert_eq!(
        serde_json::to_string(&deepest).map(|json| json.len()).ok(),
        Some(nested(125).len() + r#""correlation_id":null,"#.len())
    );
    assert!(serde_json::from_str::<Envelope>(&nested(126)).is_err());
    let codec = Codec::new().limits(Limits {
        depth: 1_000,
        ..Limits::default()
    });
    assert!(codec.decode(nested(125)).is_ok());
    assert!(codec.encode(&deepest).is_ok());
    let error = codec.decode(nested(126)).expect_err("too deep");
    assert_eq!(error.kind(), &Kind::TooDeep(Limits::MAX_DEPTH));
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
    let plain = serde_json::to_string(&envelope).is_err();
    let binary = postcard::to_stdvec(&envelope).is_err();
    // A deep value is dropped by recursion too.
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
    assert!(matches!(typed, Err(EncodeErrorKind::TooDeep(_))));
    assert!(plain && binary);
}

fn json_object(value: Value) -> Value {
    let mut members = serde_json::Map::new();
    members.insert(String::new(), value);
    Value::Object(members)
}

#[test]
fn input_that_is_not_utf_8_is_refused_with_its_place() {
    let mut json = with_message(PING).into_bytes();
    json[2] = 0xff;
    let error = decode(&json);
    assert_eq!(
        (error.kind(), error.line(), error.column()),
        (&Kind::NotUtf8, 1, 3)
    );
}

#[test]
fn anything_after_the_envelope_is_refused_but_white_space() {
    let json = with_message(PING);
    assert!(Envelope::from_json(format!(" \t\r\n{json}\n \t\r\n")).is_ok());
    for rest in ["{}", ",", "null", "\0", "\u{feff}", "}", "//"] {
        assert!(
            matches!(kind(format!("{json}{rest}")), Kind::Syntax(_)),
            "{rest}"
        );
    }
    assert!(matches!(kind(format!("\u{feff}{json}")), Kind::Syntax(_)));
}

#[test]
fn an_envelope_that_ends_anywhere_is_refused() {
    let json = with_payload(r#"{"a":[1.5,"\u00e9"]}"#);
    for end in 0..json.len() {
        assert!(matches!(kind(&json[..end]), Kind::Syntax(_)), "{end}");
    }
}

#[test]
fn errors_say_what_and_where_in_one_line() {
    let json = with_message(PING).replace("\"source\"", "\n  \"so\\u001burce\"");
    let error = decode(json);
    assert_eq!(
        error.to_string(),
        r#"unknown key "so\u{1b}urce" at line 2 column 16"#
    );
    let long = format!("{{\"{}\":1}}", "k".repeat(1_000));
    assert_eq!(kind(long), Kind::UnknownKey(format!("{}…", "k".repeat(64))));
    let spoof = decode(r#"{"x at line 7 column 7":1}"#);
    assert_eq!((spoof.line(), spoof.column()), (1, 23));
    assert_eq!(
        decode("").to_string(),
        "unexpected end of input at line 1 column 1"
    );
}

#[test]
fn errors_never_print_a_payload() {
    for json in [
        with_payload(r#"{"a":"secret","a":"secret"}"#),
        with_payload(r#"["secret", 1e999]"#),
        with_payload(r#""secret" "secret""#),
        with(&quote("secret"), &quote("s"), &quote(TIME)),
        with(&quote(ID), "[\"secret\"]", &quote(TIME)),
        with_message(r#""secret""#),
    ] {
        let error = decode(json);
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

fn limited(change: impl FnOnce(&mut Limits)) -> Codec {
    let mut limits = Limits::default();
    change(&mut limits);
    Codec::new().limits(limits)
}

/// Both directions take the envelope at the limit, and refuse it one below.
#[track_caller]
fn assert_limit(
    json: &str,
    at: usize,
    set: fn(&mut Limits, usize),
    decoded: &Kind,
    encoded: &EncodeErrorKind,
) {
    let envelope = Envelope::from_json(json).expect("within the defaults");
    let json = envelope.to_json().expect("within the defaults");
    let enough = limited(|limits| set(limits, at));
    assert_eq!(enough.decode(&json).as_ref(), Ok(&envelope));
    assert_eq!(enough.encode(&envelope).as_ref(), Ok(&json));
    let short = limited(|limits| set(limits, at - 1));
    let error = short.decode(&json).expect_err("one over");
    assert_eq!(error.kind(), decoded);
    assert!(error.is_over_limit());
    let error = short.encode(&envelope).expect_err("one over");
    assert_eq!(error.kind(), encoded);
    assert!(error.is_over_limit());
}

#[test]
fn bytes_are_limited() {
    let json = Envelope::from_json(with_payload("[1]"))
        .map(|envelope| envelope.to_json().expect("it fits"));
    let json = json.expect("it is fine");
    let at = json.len();
    assert_limit(
        &json,
        at,
        |limits, at| limits.bytes = at,
        &Kind::TooLarge(at - 1),
        &EncodeErrorKind::TooLarge(at - 1),
    );
}

#[test]
fn depth_is_limited() {
    let json = with_payload(r#"[{"a":[]}]"#);
    assert_limit(
        &json,
        5,
        |limits, at| limits.depth = at,
        &Kind::TooDeep(4),
        &EncodeErrorKind::TooDeep(4),
    );
}

#[test]
fn values_are_limited() {
    // Envelope, id, source, correlation id, time, message, kind, type, module id, method: ten.
    let json = with_payload(r#"[1,{"a":null,"b":"c"}]"#);
    assert_limit(
        &json,
        15,
        |limits, at| limits.nodes = at,
        &Kind::TooManyNodes(14),
        &EncodeErrorKind::TooManyNodes(14),
    );
}

#[test]
fn strings_are_limited_keys_as_well() {
    for payload in [
        format!("\"{}\"", "é\\n".repeat(50)),
        format!("{{\"{}\":1}}", "é\\n".repeat(50)),
    ] {
        let json = with_payload(&payload);
        assert_limit(
            &json,
            150,
            |limits, at| limits.string = at,
            &Kind::StringTooLong(149),
            &EncodeErrorKind::StringTooLong(149),
        );
    }
}

#[test]
fn names_are_limited() {
    let long = "é".repeat(50);
    let flaw = NameFlaw::TooLong;
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
        assert_limit(
            &json,
            100,
            |limits, at| limits.name = at,
            &Kind::BadName { field, flaw },
            &EncodeErrorKind::BadName { field, flaw },
        );
    }
}

#[test]
fn limits_of_nothing_refuse_everything_and_do_not_panic() {
    let none = Limits {
        bytes: 0,
        depth: 0,
        nodes: 0,
        string: 0,
        name: 0,
    };
    for limits in [
        none,
        Limits {
            bytes: 1_000,
            ..none
        },
        Limits {
            bytes: 1_000,
            nodes: 100,
            ..none
        },
    ] {
        let codec = Codec::new().limits(limits);
        assert!(
            codec
                .decode(with_message(PING))
                .is_err_and(|error| error.is_over_limit())
        );
        let ping = Envelope::from_json(with_message(PING)).expect("it is fine");
        assert!(
            codec
                .encode(&ping)
                .is_err_and(|error| error.is_over_limit())
        );
    }
}

#[test]
fn a_lenient_codec_skips_unknown_keys_and_still_counts_what_it_skips() {
    let lenient = Codec::new().lenient(true);
    let json = with_message(r#"{"x":{"a":1,"a":[2]},"kind":"command","y":1,"type":"ping"}"#)
        .replacen('{', r#"{"z":[1],"z":2,"#, 1);
    assert!(Envelope::from_json(&json).is_err());
    assert!(lenient.decode(&json).is_ok());

    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    let bomb = format!("[{}0]", "0,".repeat(70_000));
    for (skipped, kind) in [
        (deep.as_str(), Kind::TooDeep(64)),
        (bomb.as_str(), Kind::TooManyNodes(65_536)),
        ("1e999", Kind::NumberOutOfRange),
    ] {
        let json = with_message(PING).replacen('{', &format!("{{\"z\":{skipped},"), 1);
        assert_eq!(
            lenient.decode(json).map_err(|error| error.kind().clone()),
            Err(kind)
        );
    }
    let twice = with_message(PING).replacen('{', r#"{"source":"t","#, 1);
    assert!(lenient.decode(twice).is_err());
    assert!(lenient.decode(with_payload(r#"{"a":1,"a":1}"#)).is_err());
}

#[test]
fn a_foreign_message_is_refused_in_its_own_words_and_the_envelope_in_typed_ones() {
    let codec = Codec::new();
    let json = with_message("{\"celsius\":true}");
    let error = codec
        .decode_as::<std::collections::BTreeMap<String, f64>>(&json)
        .expect_err("no number");
    assert!(
        matches!(error.kind(), Kind::Message(text) if text.contains("expected f64")),
        "{error}"
    );
    let error = codec
        .decode_as::<Value>(json.replace("\"s\"", "\"\""))
        .expect_err("no source");
    assert_eq!(
        error.kind(),
        &Kind::BadName {
            field: "source",
            flaw: NameFlaw::Empty
        }
    );
    let error = codec
        .decode_as::<Value>(json.replace("\"s\"", "8"))
        .expect_err("no source");
    assert_eq!(error.kind(), &Kind::WrongType("source"));
}
