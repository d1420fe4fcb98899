//! Tests of laws that hold for all subjects and patterns.

use oxide_bus::{Pattern, Subject};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::cases::cases;
use crate::support::model::{Token, matches};

fn pattern(text: &str) -> Pattern {
    text.parse()
        .unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

/// Texts in which the special characters of patterns are frequent.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(&[
            ".", "*", ">", r"\", "e", "u", "{", "}", "a", "1f", "d800", r"\e", r"\u{", r"\.", "ä", "\n",
        ])
        .prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn tokens() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 1..6)
}

fn subject(tokens: &[String]) -> Subject<'_> {
    Subject::new(tokens.iter().map(String::as_str))
}

fn model_token() -> impl Strategy<Value = Token> {
    prop_oneof![
        3 => prop::sample::select(&["a", "b", "", ".", "*", ">", r"\e"]).prop_map(Token::Literal),
        2 => Just(Token::AnyOne),
    ]
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn a_subject_as_text_is_the_pattern_of_exactly_that_subject(
        tokens in tokens(),
        other in tokens(),
    ) {
        let (subject, other) = (subject(&tokens), subject(&other));
        let pattern = pattern(&subject.to_string());
        prop_assert!(pattern.matches(&subject));
        prop_assert_eq!(pattern.matches(&other), other == subject);
        prop_assert_eq!(&pattern.to_string(), &subject.to_string());
        let escaped: Vec<_> = tokens.iter().map(|it| Pattern::escape(it)).collect();
        prop_assert_eq!(escaped.join("."), subject.to_string());
        prop_assert!(!subject.to_string().contains(char::is_control));
    }

    #[test]
    fn one_token_more_less_or_other_is_another_subject(
        tokens in tokens(),
        at in any::<prop::sample::Index>(),
        token in text(),
    ) {
        let pattern = pattern(&subject(&tokens).to_string());
        let at = at.index(tokens.len());
        let mut longer = tokens.clone();
        longer.insert(at, token.clone());
        prop_assert!(!pattern.matches(&subject(&longer)));
        let mut shorter = tokens.clone();
        shorter.remove(at);
        prop_assert!(!pattern.matches(&subject(&shorter)));
        let mut changed = tokens.clone();
        changed[at].clone_from(&token);
        prop_assert_eq!(pattern.matches(&subject(&changed)), token == tokens[at]);
    }

    #[test]
    fn any_text_is_a_pattern_that_is_written_as_it_is_read_or_an_error_in_its_place(
        text in text(),
    ) {
        match text.parse::<Pattern>() {
            Ok(pattern) => {
                let written = pattern.to_string();
                prop_assert_eq!(written.parse(), Ok(pattern));
            }
            Err(error) => {
                prop_assert!(error.offset() <= text.len());
                prop_assert!(text.is_char_boundary(error.offset()));
            }
        }
    }

    #[test]
    fn a_pattern_matches_what_the_model_says(
        mut tokens in vec(model_token(), 0..5),
        open_ended in any::<bool>(),
        given in vec(prop::sample::select(&["a", "b", "", ".", "*", ">", r"\e"]), 0..6),
    ) {
        if open_ended || tokens.is_empty() {
            tokens.push(Token::Rest);
        }
        let written: Vec<_> = tokens
            .iter()
            .map(|token| match token {
                Token::Literal(literal) => Subject::new([*literal]).to_string(),
                Token::AnyOne => "*".to_owned(),
                Token::Rest => ">".to_owned(),
            })
            .collect();
        let pattern = pattern(&written.join("."));
        let subject = Subject::new(given.iter().copied());
        prop_assert_eq!(pattern.matches(&subject), matches(&tokens, &given));
    }
}
