//! The losses of each subscription and link, as far as the log tells them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::super::log_line::LoggedEvent;
use super::spoken::cut;

/// How many losers are told apart: memory must not grow with the log.
const MAX_LOSERS: usize = 10_000;

/// The kinds of losers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Loser {
    Subscription,
    Link,
    Log,
}

#[derive(Default)]
pub(super) struct Lost {
    counts: BTreeMap<(Loser, String), ReportedLosses>,
    /// Records of further losers.
    pub(super) others: u64,
}

#[derive(Default)]
struct ReportedLosses {
    name: Option<String>,
    envelopes: u64,
    evicted: Option<String>,
}

/// The losses of one subscription, one link or the log itself.
#[derive(Debug, Serialize)]
pub(super) struct LossCount<'a> {
    pub(super) loser: Loser,
    /// The name, or the id of a subscription without a name.
    pub(super) name: &'a str,
    /// The last count in the log. A subscription may have lost more since then.
    pub(super) envelopes: u64,
    /// Why it was evicted, if it was.
    pub(super) evicted: Option<&'a str>,
}

impl Lost {
    /// Takes in a record of a loss. Ignores every other record.
    pub(super) fn add(&mut self, event: &LoggedEvent) {
        let name = event.name.clone().map(cut);
        let loser = match &*event.kind {
            "lagging" | "evicted" => Loser::Subscription,
            "link_lagged" => Loser::Link,
            "lost" => Loser::Log,
            _ => return,
        };
        let key = match loser {
            Loser::Subscription => event.id.unwrap_or(Uuid::nil()).to_string(),
            Loser::Link => name.clone().unwrap_or_default(),
            Loser::Log => "audit log".to_owned(),
        };
        let key = (loser, key);
        if self.counts.len() >= MAX_LOSERS && !self.counts.contains_key(&key) {
            self.others += 1;
            return;
        }
        let losses = self.counts.entry(key).or_default();
        losses.name = losses.name.take().or(name);
        let count = event.count.unwrap_or(0);
        match &*event.kind {
            "evicted" => losses.evicted = event.why.clone().map(cut),
            "lagging" => losses.envelopes = count, // in all, so far
            _ => losses.envelopes = losses.envelopes.saturating_add(count),
        }
    }

    /// Returns all counts, the largest first.
    pub(super) fn counts(&self) -> Vec<LossCount<'_>> {
        let mut counts: Vec<_> = (self.counts.iter())
            .map(|((loser, key), losses)| LossCount {
                loser: *loser,
                name: losses.name.as_deref().unwrap_or(key),
                envelopes: losses.envelopes,
                evicted: losses.evicted.as_deref(),
            })
            .collect();
        counts.sort_by_key(|count| Reverse(count.envelopes));
        counts
    }
}
