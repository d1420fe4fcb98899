//! Subjects as an engine sees them.

use super::*;

fn escaped(token: &str) -> String {
    let mut out = String::new();
    escape(token, &mut out);
    out
}

#[test]
fn a_token_is_escaped_byte_by_byte_and_read_back() {
    for (token, wire) in [
        ("", "="),
        ("aZ_-09", "aZ_-09"),
        ("web.browser", "web=2Ebrowser"),
        ("*", "=2A"),
        (">", "=3E"),
        ("=", "=3D"),
        ("ä", "=C3=A4"),
        ("a b\n", "a=20b=0A"),
    ] {
        assert_eq!(escaped(token), wire);
        assert_eq!(unescape(wire).as_deref(), Some(token));
    }
}

#[test]
fn a_subject_has_the_tokens_that_it_was_made_of_and_no_others() {
    let long = "x".repeat(MAX_SUBJECT);
    let all: [&[&str]; 9] = [
        &[],
        &[""],
        &["a"],
        &["a", "b"],
        &["a.b"],
        &["ab"],
        &["a", ""],
        &["a", "b", "c"],
        &["ä", "="],
    ];
    for tokens in all {
        let subject = of_tokens("north", tokens).expect("it is short");
        for other in all {
            assert_eq!(
                has_tokens(&subject, other),
                other == tokens,
                "{subject} {other:?}"
            );
        }
    }
    for other in [
        "",
        "ob",
        "ob.north",
        "ob.north.",
        "ob.north.a.",
        "no.north.a",
    ] {
        assert!(
            !has_tokens(other, &["a"]) && !has_tokens(other, &[]),
            "{other}"
        );
    }
    assert!(
        !has_tokens(&format!("ob.north.{long}"), &[&long]),
        "it is too long"
    );
}

#[test]
fn any_other_text_is_no_token() {
    for wire in [
        "", "==", "=4", "=41", "=2e", "=FF", "a.b", "a b", "=_", "=c", "ä",
    ] {
        assert_eq!(unescape(wire), None, "{wire:?}");
    }
}

#[test]
fn a_pattern_covers_those_that_match_less() {
    for (wide, narrow) in [
        (">", "a.>"),
        ("*.b", "a.b"),
        ("a.*", "a.*"),
        ("a.>", "a.*.>"),
    ] {
        assert!(covers(wide, narrow), "{wide} {narrow}");
    }
    for (wide, narrow) in [
        ("a.>", ">"),
        ("*", ">"),
        ("a.*", "a.>"),
        ("a.>", "a"),
        ("a", "b"),
    ] {
        assert!(!covers(wide, narrow), "{wide} {narrow}");
    }
}

#[test]
fn a_joined_pattern_covers_both() {
    for (one, other, both) in [
        ("ob.*.a", "ob.*.a", "ob.*.a"),
        ("ob.n.a.>", "ob.s.a.b", "ob.*.a.>"),
        ("ob.n.a", "ob.n.a.b", "ob.n.>"),
        ("ob.n.a", "ob.n.>", "ob.n.>"),
        ("ob.n.a", "ob.n.a.>", "ob.n.>"),
        (">", "ob.n", ">"),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            assert_eq!(joined(one, other), both);
            assert!(covers(both, one) && covers(both, other));
        }
    }
}

#[test]
fn patterns_overlap_if_a_subject_matches_both() {
    for (one, other, overlap) in [
        ("ob.*.a.>", "ob.n.>", true),
        ("ob.*.a.>", "ob.n.*.b", true),
        ("ob.*.a.>", "ob.n.a", false),
        ("ob.*.a", "ob.n.b", false),
        ("ob.n", "ob.n", true),
    ] {
        assert_eq!(overlaps(one, other), overlap, "{one} {other}");
        assert_eq!(overlaps(other, one), overlap, "{other} {one}");
    }
}

#[test]
fn what_a_subject_is_for_is_seen_in_it() {
    assert_eq!(split("ob.north.a.b"), Some(("north", Purpose::Data)));
    assert_eq!(split(&mark("north")), Some(("north", Purpose::Mark)));
    assert_eq!(split(&gone("north")), Some(("north", Purpose::Gone)));
    assert_eq!(split(&hello("north")), Some(("north", Purpose::Hello)));
    assert_eq!(
        split(&want("north", "south")),
        Some(("north", Purpose::Want("south")))
    );
    assert_eq!(split(&imports("north")), Some(("north", Purpose::Imports)));
    assert_eq!(
        split(&declined("north", "south")),
        Some(("north", Purpose::Declined("south")))
    );
    for other in [
        "",
        "ob",
        "ob.north",
        "ob.north.",
        "other.north.a",
        "ob..",
        "obnorth.a",
    ] {
        assert_eq!(split(other), None, "{other:?}");
    }
}
