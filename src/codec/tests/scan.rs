//! Tests of the scanner: what it refuses, and where.

use super::{ErrorKind, is_in_range, scan};
use crate::codec::limits::Limits;

#[test]
fn integers_are_in_range_where_they_fit_64_bits() {
    for number in ["0", "-0", "18446744073709551615", "-9223372036854775808"] {
        assert!(is_in_range(number), "{number}");
    }
    for number in ["18446744073709551616", "-9223372036854775809"] {
        assert!(!is_in_range(number), "{number}");
    }
}

#[test]
fn decimals_are_in_range_where_the_nearest_float_is_neither_infinite_nor_a_false_zero() {
    let tiny = format!("0.{}1", "0".repeat(400));
    let zero = format!("0.{}", "0".repeat(400));
    for number in [
        "1e308",
        "5e-324",
        "0e-999",
        "-0.0e999",
        "1.5",
        zero.as_str(),
    ] {
        assert!(is_in_range(number), "{number}");
    }
    for number in ["1e309", "-1e400", "1e-400", "2e-324", tiny.as_str()] {
        assert!(!is_in_range(number), "{number}");
    }
}

#[test]
fn strings_are_measured_as_they_are_after_unescaping() {
    for (text, length) in [
        (r#""abc""#, 3),
        (r#""\n\"\\""#, 3),
        (r#""\u0041""#, 1),
        (r#""\u00e9""#, 2),
        (r#""\u20AC""#, 3),
        (r#""\ud83d\uDE00""#, 4),
        (r#""é€😀""#, 9),
    ] {
        assert_eq!(
            serde_json::from_str::<String>(text)
                .map(|text| text.len())
                .ok(),
            Some(length)
        );
        let limits = |string| Limits {
            string,
            ..Limits::default()
        };
        assert_eq!(scan(text, &limits(length)), Ok(()), "{text}");
        assert_eq!(
            scan(text, &limits(length - 1)).map_err(|fault| fault.kind),
            Err(ErrorKind::StringTooLong(length - 1)),
            "{text}"
        );
    }
}

#[test]
fn keys_are_no_values_wherever_their_colon_is() {
    let limits = Limits {
        nodes: 3,
        ..Limits::default()
    };
    assert_eq!(scan("{\"a\" \n :{\"b\":\"c\"}}", &limits), Ok(()));
    assert!(scan("{\"a\" \n :{\"b\":[\"c\"]}}", &limits).is_err());
}

#[test]
fn a_text_that_ends_anywhere_is_no_trouble() {
    let text = r#"{"a\u0041\"":[1.5e3,true,"\\"]}"#;
    for end in 0..text.len() {
        assert_eq!(scan(&text[..end], &Limits::default()), Ok(()));
    }
}
