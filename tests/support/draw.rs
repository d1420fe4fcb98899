//! Draws scripts from bytes: random ones for the property tests, a fuzzer's for its target.
//!
//! Any bytes will do. After the end of the bytes come zeros, so nothing here fails.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};

use super::model::{Filter, Policy, Terms, Token};
use super::script::{How, Operation, Tokens};

const CAPABILITIES: [&str; 2] = ["log:write", "disk:read"];
const SOURCES: [&str; 3] = ["kernel", "logger", ""];
const SUBJECTS: [Tokens; 8] = [
    &[],
    &["a"],
    &["b"],
    &["a", "b"],
    &["a", ""],
    &["a.b"],
    &["b", "a", "*"],
    &["b", "a", "b", "a", "b", "a"],
];
const TOKENS: [Token; 7] = [
    Token::Literal("a"),
    Token::Literal("b"),
    Token::Literal(""),
    Token::Literal("a.b"),
    Token::Literal("*"),
    Token::AnyOne,
    Token::AnyOne,
];
/// A small number, so that the same patterns are retained again and forgotten.
const RETAINED: [&[Token]; 4] = [
    &[Token::Rest],
    &[Token::Literal("a")],
    &[Token::Literal("a"), Token::AnyOne],
    &[Token::AnyOne, Token::Literal("a"), Token::Rest],
];

/// Draws operations until the bytes end, but at most `most`.
pub(crate) fn script(from: &mut Unstructured<'_>, most: usize) -> Vec<Operation> {
    let mut script = Vec::new();
    while !from.is_empty() && script.len() < most {
        script.push(operation(from).expect("any bytes will do"));
    }
    script
}

pub(crate) fn operation(from: &mut Unstructured<'_>) -> Result<Operation> {
    Ok(match from.int_in_range(0..=91)? {
        0..4 => Operation::Subscribe(terms(from)?),
        4..6 => Operation::SetPatterns(index(from)?, several(from, 2, pattern)?),
        6..8 => Operation::Unsubscribe(index(from)?),
        8..10 => Operation::Retain(retained(from)?, from.int_in_range(1..=4)?),
        10 => Operation::Forget(retained(from)?),
        11..35 => Operation::Publish {
            source: source(from)?,
            subject: subject(from)?,
            under: if one_in(5, from)? {
                Some(capability(from)?)
            } else {
                None
            },
        },
        35..41 => Operation::TryPublish {
            source: source(from)?,
            subject: subject(from)?,
        },
        41..71 => Operation::Receive {
            subscription: index(from)?,
            how: how(from)?,
        },
        71..73 => Operation::Grant(capability(from)?),
        73..75 => Operation::Revoke(capability(from)?),
        75..77 => Operation::NewPublisher {
            source: source(from)?,
            capability: capability(from)?,
        },
        77..85 => Operation::Speak {
            publisher: index(from)?,
            subject: subject(from)?,
        },
        85 => Operation::DropPublisher(index(from)?),
        86 => Operation::DropBus,
        87 if one_in(5, from)? => Operation::Close,
        88..90 => Operation::EndSubscription(index(from)?),
        90 => Operation::EndById(index(from)?),
        _ => Operation::CloneBus,
    })
}

pub(crate) fn how(from: &mut Unstructured<'_>) -> Result<How> {
    Ok(match from.int_in_range(0..=9)? {
        4 => How::Wait,
        5 => How::Lend,
        6 => How::Timeout(Duration::ZERO),
        7 => How::Timeout(Duration::from_nanos(1)),
        8 => How::PastDeadline,
        9 => *from.choose(&[How::Iterate, How::TryIterate])?,
        _ => How::Try,
    })
}

pub(crate) fn policy(from: &mut Unstructured<'_>) -> Result<Policy> {
    let policies = [
        Policy::DropNewest,
        Policy::DropOldest,
        Policy::Evict,
        Policy::Block,
    ];
    from.choose(&policies).copied()
}

/// Draws terms with 1 to 4 places, so that queues overflow all the time.
fn terms(from: &mut Unstructured<'_>) -> Result<Terms> {
    if one_in(4, from)? {
        return group(from);
    }
    Ok(Terms {
        capacity: from.int_in_range(1..=4)?,
        // Mostly no filter, so that queues fill.
        filter: if one_in(3, from)? {
            filter(from)?
        } else {
            Filter::default()
        },
        policy: policy(from)?,
        group: None,
    })
}

/// Draws the terms of a group: mostly the same ones.
fn group(from: &mut Unstructured<'_>) -> Result<Terms> {
    Ok(Terms {
        capacity: from.int_in_range(2..=3)?,
        filter: if one_in(30, from)? {
            // Predicates are never equal, unless they come from the same options.
            Filter {
                even: false,
                ..filter(from)?
            }
        } else {
            Filter::default()
        },
        policy: policy(from)?,
        group: Some(from.choose(&["red", "blue"])?),
    })
}

fn filter(from: &mut Unstructured<'_>) -> Result<Filter> {
    Ok(Filter {
        patterns: several(from, 2, pattern)?,
        sources: several(from, 2, source)?,
        even: one_in(5, from)?,
    })
}

fn pattern(from: &mut Unstructured<'_>) -> Result<Vec<Token>> {
    let mut tokens = several(from, 3, |from| from.choose(&TOKENS).copied())?;
    if tokens.is_empty() || one_in(2, from)? {
        tokens.push(Token::Rest);
    }
    Ok(tokens)
}

fn retained(from: &mut Unstructured<'_>) -> Result<Vec<Token>> {
    from.choose(&RETAINED).map(|pattern| pattern.to_vec())
}

fn capability(from: &mut Unstructured<'_>) -> Result<&'static str> {
    from.choose(&CAPABILITIES).copied()
}

fn source(from: &mut Unstructured<'_>) -> Result<&'static str> {
    from.choose(&SOURCES).copied()
}

fn subject(from: &mut Unstructured<'_>) -> Result<Tokens> {
    from.choose(&SUBJECTS).copied()
}

fn index(from: &mut Unstructured<'_>) -> Result<usize> {
    u8::arbitrary(from).map(usize::from)
}

/// Draws up to `most` values.
fn several<T>(
    from: &mut Unstructured<'_>,
    most: usize,
    draw: impl Fn(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = from.int_in_range(0..=most)?;
    (0..count).map(|_| draw(from)).collect()
}

fn one_in(many: u8, from: &mut Unstructured<'_>) -> Result<bool> {
    Ok(from.int_in_range(1..=many)? == many)
}
