//! A snapshot: what an inspection shows of a bus. Both sides of the socket use these types.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::authority::grants::GrantStats;
use crate::bus::link_figures::LinkFigures;
use crate::bus::subscription_stats::SubscriptionStats;

/// What an inspection shows of a bus at one moment.
///
/// At a quiet moment all figures are exact. While envelopes are published or received, each figure is true for some
/// moment during the look, but not all figures for the same moment. Two snapshots give rates: the difference of a
/// count, divided by the difference of [`clock_ms`](Self::clock_ms).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// The id of the process.
    pub process: u32,
    /// Milliseconds since the inspection began, by the program's own clock.
    pub clock_ms: u64,
    /// Whether the bus has closed.
    pub closed: bool,
    /// How many envelopes were published, matched or not.
    pub published: u64,
    /// How many publishes were denied; a batch counts as one.
    pub denied: u64,
    /// How often a predicate has panicked; its subscription is evicted each time.
    pub predicate_panics: u64,
    /// How many requests wait for their answers.
    pub pending_requests: u64,
    /// All subscriptions; none once the bus has closed.
    pub subscriptions: Vec<SubscriptionSnapshot>,
    /// All capabilities that are granted, or that some publisher holds, by name.
    pub capabilities: Vec<GrantStats>,
    /// The sources of the newest envelopes, those with the most first.
    pub newest: Vec<SourceShare>,
    /// The links of the bus; none without the feature `link`.
    pub links: Vec<LinkFigures>,
    /// What the bus has said about itself since the inspection began: the last 256 advisories, oldest first.
    pub advisories: Vec<AdvisoryNote>,
}

/// One subscription in a [`Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscriptionSnapshot {
    /// Its figures, with at most 16 patterns and 16 sources.
    #[serde(flatten)]
    pub stats: SubscriptionStats,
    /// How many more patterns and sources it listens to.
    pub more_filters: usize,
    /// How long its oldest envelope has been queued at least, in milliseconds: at a look this long ago, the queue held
    /// it already. `None` if nothing is queued, or nothing that was queued at an earlier look.
    pub oldest_ms: Option<u64>,
}

/// How many of the newest envelopes have one source.
///
/// The bus does not count by source, because that would cost every publish something. It shows the envelopes of its
/// newest segment: a few at rest, up to 64 under load, and none if no subscriber has room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SourceShare {
    /// The source, cut after 256 bytes.
    pub source: Arc<str>,
    /// How many envelopes have it.
    pub envelopes: u64,
}

/// Something that the bus has said about itself, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AdvisoryNote {
    /// The time, in RFC 3339.
    pub time: String,
    /// What kind of [`Advisory`](crate::Advisory) it is: the second token of its subject, such as `lagging`.
    pub kind: String,
    /// The id of the subscription that it is about, as text, if it is about one.
    pub subscription: Option<String>,
    /// What it says beside that.
    pub text: Arc<str>,
}
