//! The refused publishes, counted by capability, source and reason.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::super::log_line::LoggedEvent;
use super::spoken::cut;

/// How many refusals of different kinds are told apart: memory must not grow with the log.
const MAX_KINDS: usize = 10_000;

/// Refusals by capability, source and reason. Those that the log only counts have neither source nor reason.
#[derive(Default)]
pub(super) struct Denied {
    counts: BTreeMap<(String, Option<String>, Option<String>), u64>,
    /// Refusals of further kinds.
    pub(super) others: u64,
}

/// Refusals of one kind.
#[derive(Debug, Serialize)]
pub(super) struct DenialCount<'a> {
    pub(super) capability: &'a str,
    /// `None` if the log only counts them.
    pub(super) source: Option<&'a str>,
    pub(super) why: Option<&'a str>,
    pub(super) times: u64,
}

impl Denied {
    /// Takes in a record of a refusal, or of the number of refusals that have no record.
    pub(super) fn add(&mut self, event: &LoggedEvent) {
        let capability = cut(event.capability.clone().unwrap_or_default());
        if event.kind == "denied" {
            let (source, why) = (event.source.clone().map(cut), event.why.clone().map(cut));
            self.count((capability.clone(), source, why), 1);
        }
        if let Some(count) = event.count {
            self.count((capability, None, None), count);
        }
    }

    fn count(&mut self, kind: (String, Option<String>, Option<String>), times: u64) {
        let is_full = self.counts.len() >= MAX_KINDS && !self.counts.contains_key(&kind);
        let count = if is_full {
            &mut self.others
        } else {
            self.counts.entry(kind).or_default()
        };
        *count = count.saturating_add(times);
    }

    /// Returns all counts, the largest first.
    pub(super) fn counts(&self) -> Vec<DenialCount<'_>> {
        let mut counts: Vec<_> = (self.counts.iter())
            .map(|((capability, source, why), times)| DenialCount {
                capability,
                source: source.as_deref(),
                why: why.as_deref(),
                times: *times,
            })
            .collect();
        counts.sort_by_key(|count| Reverse(count.times));
        counts
    }
}
