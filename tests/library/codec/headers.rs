//! Tests of headers on the wire.

use std::collections::BTreeMap;

use oxide_bus::codec::{Codec, ErrorKind as Kind};
use oxide_bus::kernel::{Command, Message};
use oxide_bus::{Envelope, HeaderError, Headers};

use super::texts::{PING, decode, duplicate, kind, with_message};

fn ping() -> Envelope {
    Envelope::new("kernel", Command::Ping.into())
}

/// Returns the text of an envelope with these headers.
fn with_headers(headers: &str) -> String {
    with_message(PING).replace(r#""message""#, &format!(r#""headers":{headers},"message""#))
}

fn bad(error: HeaderError) -> Kind {
    Kind::BadHeader(error)
}

#[test]
fn headers_are_written_after_the_timestamp_by_name_and_only_if_there_are_any() {
    let without = ping().to_json().unwrap();
    assert!(!without.contains("headers"));
    let with = ping().with_header("b", "2").unwrap();
    let with = with.with_header("a", "\"1\"").unwrap();
    let json = with.to_json().unwrap();
    let headers = r#"Z","headers":{"a":"\"1\"","b":"2"},"message":"#;
    assert!(json.contains(headers), "{json}");
    assert_eq!(Envelope::from_json(json).unwrap(), with);
    let none = Envelope::<Message>::from_json(with_headers("{}")).unwrap();
    assert_eq!(none.headers, Headers::new());
    assert!(!none.to_json().unwrap().contains("headers"));
}

#[test]
fn a_header_that_breaks_a_rule_is_refused_even_by_a_lenient_codec() {
    let long = "n".repeat(Headers::MAX_NAME + 1);
    let heavy = "v".repeat(Headers::MAX_BYTES);
    let many: Vec<_> = (0..=Headers::MAX_LEN)
        .map(|number| format!(r#""h{number}":"""#))
        .collect();
    for (headers, error) in [
        (r#"{"":"1"}"#.to_owned(), bad(HeaderError::BadName)),
        (r#"{"Tenant":"1"}"#.to_owned(), bad(HeaderError::BadName)),
        (format!(r#"{{"{long}":"1"}}"#), bad(HeaderError::BadName)),
        (r#"{"a":"\n"}"#.to_owned(), bad(HeaderError::BadValue)),
        (format!(r#"{{"a":"{heavy}"}}"#), bad(HeaderError::TooLarge)),
        (format!("{{{}}}", many.join(",")), bad(HeaderError::TooMany)),
        (r#"{"a":"1","b":"2","a":"1"}"#.to_owned(), duplicate("a")),
        (r#"{"a":1}"#.to_owned(), Kind::WrongType("headers")),
        (r#"{"a":null}"#.to_owned(), Kind::WrongType("headers")),
        (r#"["a"]"#.to_owned(), Kind::WrongType("headers")),
        ("null".to_owned(), Kind::WrongType("headers")),
        (r#"{},"headers":{}"#.to_owned(), duplicate("headers")),
    ] {
        let json = with_headers(&headers);
        assert_eq!(kind(&json), error, "{headers}");
        assert!(Codec::new().lenient(true).decode::<Message>(&json).is_err());
        assert!(serde_json::from_str::<Envelope>(&json).is_err());
    }
}

#[test]
fn the_error_says_where_the_header_is() {
    let json = with_headers("{\n\"a\":\"1\",\n\"B\":\"2\"}");
    let error = decode(json);
    assert_eq!((error.line(), error.column()), (3, 3));
    assert_eq!(error.kind(), &bad(HeaderError::BadName));
    assert!(!error.is_over_limit(), "larger limits would not do");
}

#[test]
fn postcard_refuses_headers_that_json_would() {
    type Raw<'a> = (
        [u8; 16],
        &'a str,
        Option<[u8; 16]>,
        i64,
        u32,
        BTreeMap<String, String>,
        Message,
    );
    let read = |headers: &[(String, &str)]| {
        let headers = headers.iter().cloned();
        let headers = headers.map(|(name, value)| (name, value.to_owned()));
        let raw: Raw<'_> = (
            [1; 16],
            "s",
            None,
            0,
            0,
            headers.collect(),
            Command::Ping.into(),
        );
        postcard::from_bytes::<Envelope>(&postcard::to_stdvec(&raw).unwrap())
    };
    let one = |name: &str, value| read(&[(name.to_owned(), value)]);
    assert_eq!(one("a", "1").unwrap().header("a"), Some("1"));
    assert!(one("A", "1").is_err());
    assert!(one("a", "\n").is_err());
    let many: Vec<_> = (0..=Headers::MAX_LEN)
        .map(|number| (format!("h{number}"), ""))
        .collect();
    assert!(read(&many[1..]).is_ok());
    assert!(read(&many).is_err());
}
