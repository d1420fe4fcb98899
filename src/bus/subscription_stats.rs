//! The figures of one subscription. Errors carry them too.

use std::fmt::Display;
use std::sync::Arc;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use crate::message::overflow::Overflow;
use crate::message::pattern::Pattern;
use crate::message::source::Source;
use crate::queue::accounts::Accounts;
use crate::queue::terms::Terms;

/// The figures of one subscription, a part of [`Stats`](crate::Stats).
///
/// `matched` is `received + queued + dropped`. An envelope that a publisher waits to place is in none of them yet. At a
/// quiet moment all figures are exact. While envelopes are published or received, each figure is true for some moment
/// during the call, but not all for the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscriptionStats {
    /// The subscription's id.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub id: Uuid,
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// The group that it is a member of. A group is one entry here, under the id and name of its first member.
    pub group: Option<Arc<str>>,
    /// How many subscriptions receive from its queue: the members of a group, else 1.
    pub members: usize,
    /// The patterns that it listens to; empty for every subject.
    pub patterns: Vec<Pattern>,
    /// The sources that it listens to; empty for every source.
    #[serde(serialize_with = "as_texts", deserialize_with = "from_texts")]
    pub sources: Vec<Source>,
    /// What happens when its queue is full. JSON has it as the command line does: `"drop-newest"`.
    pub overflow: Overflow,
    /// How many envelopes its queue holds at most. Without a filter, a queue with [`Overflow::DropOldest`] may hold up
    /// to 128 more.
    pub capacity: u64,
    /// How many envelopes are queued now.
    pub queued: u64,
    /// How many envelopes that it listens to were published since it subscribed.
    pub matched: u64,
    /// How many of them it has received. (A [`Receipt`](crate::Receipt) counts as delivered what was enqueued.)
    pub received: u64,
    /// How many of them it lost because its queue was full. With [`Overflow::DropOldest`], these were queued and newer
    /// ones took their places.
    pub dropped: u64,
    /// The most envelopes that were ever queued.
    ///
    /// With a filter, the queue is measured at each 16th receive, so there may have been up to 15 more. Without a
    /// filter, it is measured where a segment is opened and where it is read, so there may have been up to one segment
    /// more, which is 64 envelopes. A queue that ever lost something was full, and that is always seen.
    pub high_water: u64,
}

impl SubscriptionStats {
    pub(super) fn new(
        terms: &Terms,
        members: usize,
        (patterns, sources): (&[Pattern], &[Source]),
        accounts: Accounts,
        high_water: u64,
    ) -> Self {
        let queued = accounts.queued();
        SubscriptionStats {
            id: terms.id,
            name: terms.name.clone(),
            group: terms.group.clone(),
            members,
            patterns: patterns.to_vec(),
            sources: sources.to_vec(),
            overflow: terms.overflow,
            capacity: terms.capacity as u64,
            queued,
            matched: accounts.placed + accounts.dropped,
            received: accounts.placed - queued,
            dropped: accounts.dropped,
            high_water,
        }
    }
}

fn as_text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(D::Error::custom)
}

/// As texts, since an envelope's source is checked, and one that a subscription waits for may be anything.
fn as_texts<S: Serializer>(sources: &[Source], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(sources.iter().map(Source::as_str))
}

fn from_texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Source>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    Ok(texts.into_iter().map(Source::from).collect())
}
