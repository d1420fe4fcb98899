//! Tests of ids, times, sources and numbers.

use oxide_bus::codec::ErrorKind as Kind;
use serde_json::json;

use super::texts::{ID, PING, TIME, kind, payload_of, quote, with, with_message, with_payload};

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
    for source in [r#""""#, r#""a\nb""#, r#""\u001b[31m""#, r#""\u0085""#] {
        let json = with(&quote(ID), source, &quote(TIME));
        assert_eq!(kind(json), Kind::BadName("source"));
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
