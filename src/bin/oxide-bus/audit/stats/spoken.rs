//! The messages of each source, counted by kind.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::log_line::LoggedEnvelope;
use super::kind::kind_of;

/// How many pairs of a source and a kind are counted separately: memory must not grow with the log.
const MAX_PAIRS: usize = 10_000;

/// How many bytes of a name are kept.
const MAX_NAME: usize = 256;

/// How often each source has said each kind of message.
#[derive(Default)]
pub(super) struct Spoken {
    counts: BTreeMap<String, BTreeMap<Option<String>, u64>>,
    pairs: usize,
    /// Envelopes of further pairs.
    pub(super) others: u64,
}

/// How often one source has said one kind of message.
#[derive(Debug, Serialize)]
pub(super) struct SpokenCount<'a> {
    pub(super) source: &'a str,
    /// `None` if the log does not hold it.
    pub(super) kind: Option<&'a str>,
    pub(super) envelopes: u64,
}

impl Spoken {
    pub(super) fn add(&mut self, envelope: &LoggedEnvelope<'_>) {
        let kind = kind_of(envelope).map(cut);
        let source = cut(envelope.source.to_string());
        let known = (self.counts.get_mut(&source)).and_then(|kinds| kinds.get_mut(&kind));
        if let Some(count) = known {
            *count += 1;
        } else if self.pairs < MAX_PAIRS {
            self.pairs += 1;
            self.counts.entry(source).or_default().insert(kind, 1);
        } else {
            self.others += 1;
        }
    }

    /// Returns all counts, the largest first.
    pub(super) fn counts(&self) -> Vec<SpokenCount<'_>> {
        let mut counts: Vec<_> = (self.counts.iter())
            .flat_map(|(source, kinds)| {
                kinds.iter().map(move |(kind, envelopes)| SpokenCount {
                    source,
                    kind: kind.as_deref(),
                    envelopes: *envelopes,
                })
            })
            .collect();
        counts.sort_by_key(|count| std::cmp::Reverse(count.envelopes));
        counts
    }
}

/// Cuts a name, which a stranger may have made long.
pub(super) fn cut(mut name: String) -> String {
    if name.len() > MAX_NAME {
        name.truncate(name.floor_char_boundary(MAX_NAME));
        name.push('…');
    }
    name
}
