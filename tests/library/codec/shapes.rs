//! Tests of JSON that is not an envelope at all, and of the errors for it.

use oxide_bus::Envelope;
use oxide_bus::codec::{Codec, ErrorKind as Kind};
use oxide_bus::kernel::{Command, Event, Message};
use serde_json::Value;

use super::texts::{
    ID, PING, TIME, decode, kind, quote, unknown, with, with_message, with_payload,
};

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
    assert!(Envelope::<Message>::from_json(format!(" \t\r\n{json}\n \t\r\n")).is_ok());
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

#[test]
fn a_foreign_message_is_refused_in_its_own_words_and_the_envelope_in_typed_ones() {
    let codec = Codec::new();
    let json = with_message("{\"celsius\":true}");
    let error = codec
        .decode::<std::collections::BTreeMap<String, f64>>(&json)
        .expect_err("no number");
    assert!(
        matches!(error.kind(), Kind::Message(text) if text.contains("expected f64")),
        "{error}"
    );
    let error = codec
        .decode::<Value>(json.replace("\"s\"", "\"\""))
        .expect_err("no source");
    assert_eq!(error.kind(), &Kind::BadName("source"));
    let error = codec
        .decode::<Value>(json.replace("\"s\"", "8"))
        .expect_err("no source");
    assert_eq!(error.kind(), &Kind::WrongType("source"));
}

#[test]
fn what_an_error_quotes_neither_breaks_its_line_nor_turns_it_around() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(try_from = "String")]
    struct Repeats;

    impl TryFrom<String> for Repeats {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            Err(text)
        }
    }
    let text = "a\u{202e}b\u{200b}\u{feff}\u{2028}\u{9b}c\n";
    let shown = r"a\u{202e}b\u{200b}\u{feff}\u{2028}\u{9b}c\n";
    let own = Codec::new()
        .decode::<Repeats>(with_message(&quote(text)))
        .expect_err("it takes nothing");
    assert_eq!(own.kind(), &Kind::Message(shown.into()));
    let key = decode(with_message(&format!("{{{}:1}}", quote(text))));
    assert_eq!(key.kind(), &unknown(shown));
}
