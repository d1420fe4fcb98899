//! What the publishers of a round say, and what a subscription listens to.
//!
//! Each publisher, asker and answerer writes a *line* of consecutive numbers. So whoever receives a line knows
//! exactly what it has missed.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use oxide_bus::{Envelope, Payload, Subject, SubscribeOptions};

/// The names of lines: source and first token of their envelopes.
pub(super) const LINES: [&str; 24] = [
    "l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7", "l8", "l9", "l10", "l11", "l12", "l13", "l14",
    "l15", "l16", "l17", "l18", "l19", "l20", "l21", "l22", "l23",
];

/// The kinds of ordinary envelopes: the second token.
pub(super) const KINDS: [&str; 4] = ["k0", "k1", "k2", "k3"];

/// The first token of what no scoped publisher may say.
const FOREIGN: &str = "foreign";

/// What the envelopes of a line are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Talk,
    Ask,
    Answer,
    /// Some of them are retained.
    Keep,
}

impl Role {
    /// The second token of the envelope with this number.
    pub(super) fn kind(self, number: u64) -> &'static str {
        match self {
            Role::Talk => KINDS[(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 62) as usize],
            Role::Ask => "ask",
            Role::Answer => "answer",
            Role::Keep => "keep",
        }
    }
}

/// One envelope of a line.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) line: usize,
    pub(super) number: u64,
    /// Another line, and how many of it had been published before this one was: they come first, for everybody.
    pub(super) witness: (usize, u64),
    /// The line and the number of the question that this answers.
    pub(super) answers: Option<(usize, u64)>,
    kind: &'static str,
    scope: &'static str,
    _alive: Alive,
}

impl Load {
    pub(super) fn new(
        (line, role): (usize, Role),
        number: u64,
        witness: (usize, u64),
        alive: &Arc<AtomicI64>,
    ) -> Self {
        Load {
            line,
            number,
            witness,
            answers: None,
            kind: role.kind(number),
            scope: LINES[line],
            _alive: Alive::new(alive),
        }
    }

    /// The same, where it is to be refused.
    pub(super) fn foreign(self) -> Self {
        Load {
            scope: FOREIGN,
            ..self
        }
    }
}

impl Payload for Load {
    fn subject(&self) -> Subject<'_> {
        Subject::new([self.scope, self.kind])
    }
}

/// Counts the payloads that are there.
#[derive(Debug)]
struct Alive(Arc<AtomicI64>);

impl Alive {
    fn new(count: &Arc<AtomicI64>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Alive(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a subscription listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// It has no filter.
    None,
    /// A filter that everything matches.
    Everything,
    Kind(&'static str),
    Sources(usize, usize),
    /// A predicate: no multiples of three.
    Predicate,
    KindAndPredicate(&'static str),
    /// A predicate that panics at this number and all above.
    Panics(u64),
    /// Patterns that change all the time; `k0` is always one of them.
    Changing,
}

/// The patterns that [`Filter::Changing`] goes through.
pub(super) const CHANGES: [[&str; 2]; 3] = [["*.k0", "*.k1"], ["*.k0", "*.k2"], ["k9.>", "*.k0"]];

impl Filter {
    /// Whether an envelope is for it, of those that are for certain.
    pub(super) fn accepts(self, line: usize, role: Role, number: u64) -> bool {
        let is = |kind| role.kind(number) == kind;
        match self {
            Filter::None | Filter::Everything => true,
            Filter::Kind(kind) => is(kind),
            Filter::Sources(one, other) => line == one || line == other,
            Filter::Predicate => !number.is_multiple_of(3),
            Filter::KindAndPredicate(kind) => is(kind) && !number.is_multiple_of(3),
            Filter::Panics(from) => number < from,
            Filter::Changing => is("k0"),
        }
    }

    /// Whether it may be for it besides, at some time.
    pub(super) fn tolerates(self, role: Role, number: u64) -> bool {
        self == Filter::Changing && ["k1", "k2"].contains(&role.kind(number))
    }

    /// Adds it to options; panics are counted.
    pub(super) fn apply(
        self,
        options: SubscribeOptions<Load>,
        panics: &Arc<AtomicU64>,
    ) -> SubscribeOptions<Load> {
        let thirds = |envelope: &Envelope<Load>| !envelope.message.number.is_multiple_of(3);
        match self {
            Filter::None => options,
            Filter::Everything => options.pattern(">"),
            Filter::Kind(kind) => options.pattern(format!("*.{kind}")),
            Filter::Sources(one, other) => options.sources([LINES[one], LINES[other]]),
            Filter::Predicate => options.predicate(thirds),
            Filter::KindAndPredicate(kind) => {
                options.pattern(format!("*.{kind}")).predicate(thirds)
            }
            Filter::Panics(from) => {
                let panics = Arc::clone(panics);
                options.predicate(move |envelope| {
                    if envelope.message.number >= from {
                        panics.fetch_add(1, Ordering::Relaxed);
                        resume_unwind(Box::new("a predicate panics, as it is to")); // not by the hook
                    }
                    true
                })
            }
            Filter::Changing => options.patterns(CHANGES[0]),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::None => f.write_str("all"),
            Filter::Everything => f.write_str("pattern >"),
            Filter::Kind(kind) => write!(f, "pattern *.{kind}"),
            Filter::Sources(one, other) => write!(f, "sources {} {}", LINES[*one], LINES[*other]),
            Filter::Predicate => f.write_str("predicate"),
            Filter::KindAndPredicate(kind) => write!(f, "pattern *.{kind} and predicate"),
            Filter::Panics(from) => write!(f, "predicate that panics at {from}"),
            Filter::Changing => f.write_str("changing patterns"),
        }
    }
}
