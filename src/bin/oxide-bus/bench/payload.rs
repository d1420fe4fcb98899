//! The payload of the benchmark, its subjects, and which subscribers it is for.

use std::sync::OnceLock;
use std::time::Instant;

use oxide_bus::{Payload, Subject};

/// The payload of an envelope.
pub(super) struct BenchLoad {
    /// The number of the publisher, a token of the subject.
    pub(super) publisher: u16,
    /// The number of the subscriber that it is for, if it is for one. This is a token too.
    pub(super) target: Option<u16>,
    /// When it was about to be published, if it is one of those that are timed.
    pub(super) published: Option<Instant>,
    pub(super) bytes: Box<[u8]>,
}

impl Payload for BenchLoad {
    fn subject(&self) -> Subject<'_> {
        match self.target {
            None => subject(self.publisher),
            Some(target) => Subject::new(["bench", token(self.publisher), token(target)]),
        }
    }
}

/// Returns the subject of a publisher's envelopes.
pub(super) fn subject<'a>(publisher: u16) -> Subject<'a> {
    Subject::new(["bench", token(publisher)])
}

/// The numbers of publishers and subscribers as texts. Envelopes have only the numbers, because moving less is faster.
static TOKENS: OnceLock<Vec<String>> = OnceLock::new();

/// Prepares the texts of this many numbers. Call this once, before any envelope is made.
pub(super) fn prepare_tokens(count: u16) {
    TOKENS.get_or_init(|| (0..count).map(|number| number.to_string()).collect());
}

fn token(number: u16) -> &'static str {
    &TOKENS.get().expect("prepared")[usize::from(number)]
}

/// The subscribers that a publisher's envelopes are for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Address {
    /// All subscribers.
    All,
    /// Each of this many, in turn.
    InTurn(u16),
    /// The one with this number.
    One(u16),
}

impl Address {
    /// Returns the subscriber that the next envelope is for, by how many were published before.
    pub(super) fn of(self, published: u64) -> Option<u16> {
        match self {
            Address::All => None,
            Address::InTurn(turns) => {
                let turn = published % u64::from(turns);
                Some(turn.try_into().expect("less than their number"))
            }
            Address::One(number) => Some(number),
        }
    }
}
