//! Tests of headers: order, clones, and what is refused.

use super::*;

fn names(headers: &Headers) -> Vec<&str> {
    headers.iter().map(|(name, _)| name).collect()
}

#[test]
fn headers_are_sorted_and_replaced_by_name() {
    let mut headers = Headers::new();
    for (name, value) in [("b", "1"), ("a", "2"), ("b.c", ""), ("b", "3")] {
        headers.insert(name, value).unwrap();
    }
    assert_eq!(names(&headers), ["a", "b", "b.c"]);
    assert_eq!((headers.get("b"), headers.get("c")), (Some("3"), None));
    assert!(headers.remove("a") && !headers.remove("a"));
    assert_eq!(format!("{headers:?}"), r#"{"b": "3", "b.c": ""}"#);
}

#[test]
fn what_was_emptied_equals_what_never_had_any() {
    let mut headers = Headers::new();
    assert!(headers.is_empty() && !headers.remove("a"));
    headers.insert("a", "1").unwrap();
    assert!(!headers.is_empty() && headers != Headers::new());
    assert!(headers.remove("a"));
    assert_eq!((headers.len(), headers), (0, Headers::default()));
}

#[test]
fn a_change_of_one_clone_is_not_seen_in_another() {
    let mut headers = Headers::new();
    headers.insert("a", "1").unwrap();
    let clone = headers.clone();
    headers.insert("a", "2").unwrap();
    headers.insert("b", "3").unwrap();
    assert_eq!((clone.get("a"), clone.len()), (Some("1"), 1));
    assert!(headers.remove("a"));
    assert_eq!(clone.get("a"), Some("1"));
}

#[test]
fn a_name_is_short_lower_case_and_begins_with_a_letter_or_a_digit() {
    let longest = "n".repeat(Headers::MAX_NAME);
    for name in ["a", "0", "traceparent", "x-request-id", "a._-", &longest] {
        Headers::new().insert(name, "").unwrap();
    }
    let longer = format!("{longest}n");
    for name in ["", "A", "-a", ".a", "_a", "a b", "a\n", "ä", "a:b", &longer] {
        let refused = Headers::new().insert(name, "");
        assert_eq!(refused, Err(HeaderError::BadName), "{name:?}");
    }
}

#[test]
fn a_value_is_text_without_control_characters() {
    for value in ["", "ä \u{1f980} = \"quoted\"", "\u{2028}"] {
        Headers::new().insert("a", value).unwrap();
    }
    for value in ["\n", "a\tb", "\0", "\u{7f}", "\u{85}"] {
        let refused = Headers::new().insert("a", value);
        assert_eq!(refused, Err(HeaderError::BadValue), "{value:?}");
    }
}

#[test]
fn there_are_so_many_headers_and_no_more_and_one_of_them_can_be_replaced() {
    let mut headers = Headers::new();
    for number in 0..Headers::MAX_LEN {
        headers.insert(&format!("h{number}"), "").unwrap();
    }
    let full = headers.clone();
    assert_eq!(headers.insert("one-more", ""), Err(HeaderError::TooMany));
    assert_eq!(headers, full);
    headers.insert("h7", "new").unwrap();
    assert_eq!(headers.len(), Headers::MAX_LEN);
}

#[test]
fn all_together_have_so_many_bytes_and_no_more_and_what_is_replaced_does_not_count() {
    let mut headers = Headers::new();
    headers.insert("b", "").unwrap();
    let room = "v".repeat(Headers::MAX_BYTES - 2);
    for _ in 0..2 {
        headers.insert("a", room.as_str()).unwrap();
    }
    let full = headers.clone();
    for (name, value) in [("b", "v"), ("c", ""), ("a", &format!("{room}v"))] {
        assert_eq!(headers.insert(name, value), Err(HeaderError::TooLarge));
    }
    assert_eq!(headers, full);
    let endless = "\n".repeat(Headers::MAX_BYTES + 1);
    assert_eq!(headers.insert("a", endless), Err(HeaderError::TooLarge));
}
