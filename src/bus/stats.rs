//! What has become of everything so far, in figures.

use std::fmt::Display;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::bus::handle::Bus;
use crate::engine::head::Head;
use crate::engine::subscriber_list::Listener;
use crate::message::overflow::Overflow;
use crate::message::pattern::Pattern;
use crate::message::source::Source;
use crate::queue::accounts::Accounts;
use crate::queue::terms::Terms;
use crate::support::sync::Ordering;

/// What has become of everything so far: made by [`Bus::stats`].
///
/// # Examples
///
/// ```
/// use oxide_bus::{Bus, Envelope, SubscribeOptions};
///
/// let bus = Bus::<u32>::new();
/// let mut numbers = bus.subscribe_with(SubscribeOptions::new().name("sum").capacity(2))?;
/// for number in 0..5 {
///     bus.publish(Envelope::new("counter", number))?;
/// }
/// numbers.recv()?;
///
/// let stats = bus.stats();
/// assert_eq!((stats.published, stats.denied), (5, 0));
/// let sum = &stats.subscriptions[0];
/// assert_eq!(sum.name.as_deref(), Some("sum"));
/// assert_eq!((sum.matched, sum.received, sum.queued, sum.dropped), (5, 1, 1, 3));
/// assert_eq!(sum.high_water, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// How many envelopes were published, whoever listened.
    pub published: u64,
    /// How many publishes were refused for want of a right; a batch counts as one.
    pub denied: u64,
    /// How often a predicate has panicked; each time its subscription was evicted.
    pub predicate_panics: u64,
    /// How many requests wait for their answers.
    pub pending_requests: u64,
    /// Everybody who is subscribed; nobody once the bus has closed.
    pub subscriptions: Vec<SubscriptionStats>,
}

/// One subscription's part in [`Stats`].
///
/// `matched` is `received + queued + dropped`, and an envelope that a publisher waits to place is in none
/// of them yet. At a quiet moment all are exact; in the midst of things they are as of a moment
/// during the call, not all the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SubscriptionStats {
    /// The subscription's id.
    #[serde(serialize_with = "as_text")]
    pub id: Uuid,
    /// Its name, if it has one.
    #[serde(serialize_with = "as_str")]
    pub name: Option<Arc<str>>,
    /// The group that it is one of; a group is one entry here, under the id and name of its first
    /// member.
    #[serde(serialize_with = "as_str")]
    pub group: Option<Arc<str>>,
    /// How many subscriptions receive from its queue: of a group its members, else 1.
    pub members: usize,
    /// What it listens to by subject; empty for every subject.
    #[serde(serialize_with = "as_texts")]
    pub patterns: Vec<Pattern>,
    /// What it listens to by source; empty for every source.
    #[serde(serialize_with = "as_texts")]
    pub sources: Vec<Source>,
    /// What happens when its queue is full. In JSON as on the command line: `"drop-newest"`.
    pub overflow: Overflow,
    /// How many envelopes its queue holds at most; without a filter, up to 128 more with [`Overflow::DropOldest`].
    pub capacity: u64,
    /// How many are in it now.
    pub queued: u64,
    /// How many envelopes it listens to were published since it subscribed.
    pub matched: u64,
    /// How many of them it has received. (A [`Receipt`](crate::Receipt) counts as delivered what was enqueued.)
    pub received: u64,
    /// How many it lost, because its queue was full. With [`Overflow::DropOldest`] these
    /// were queued, and newer ones took their places.
    pub dropped: u64,
    /// The most that were ever queued.
    ///
    /// With a filter it is looked at each 16th time that the subscriber receives, so there may have been up to 15
    /// more. Without one it is recorded where a segment is opened, and where it is read:
    /// in between there may have been up to one segment more, which is 64 envelopes. A queue that
    /// ever lost something was full, and that is always seen.
    pub high_water: u64,
}

impl SubscriptionStats {
    fn new(
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

/// # Looking at it
impl<M> Bus<M> {
    /// What has become of everything so far.
    ///
    /// # Cost
    ///
    /// One walk over the subscribers, without a lock but that of each queue that keeps the newest; publishers and subscribers do not notice. On the
    /// publish path nothing is counted for it: the figures follow from what the bus needs anyhow.
    pub fn stats(&self) -> Stats {
        self.core.steadily(|current| self.stats_at(current))
    }

    fn stats_at(&self, current: &Head<M>) -> Stats {
        let published = current.end();
        let shared = (current.standings()).filter(|(queue, _)| !queue.is_evicted());
        let shared = shared.map(|(queue, entry)| {
            let accounts = queue.accounts(&entry);
            let high_water = queue.state().high_water(accounts.queued());
            SubscriptionStats::new(queue.terms(), 1, (&[], &[]), accounts, high_water)
        });
        let direct =
            (current.subscribers.direct.iter()).filter(|listener| !listener.queue.is_evicted());
        let direct = direct.map(|listener| {
            let Listener { queue, filter, .. } = &**listener;
            let accounts = queue.accounts();
            let high_water = queue.credits().high_water(accounts.queued());
            SubscriptionStats::new(
                queue.terms(),
                queue.members(),
                filter.address(),
                accounts,
                high_water,
            )
        });
        let subscriptions = if current.subscribers.closed {
            Vec::new()
        } else {
            shared.chain(direct).collect()
        };
        Stats {
            published,
            denied: self.core.grants.denied(),
            predicate_panics: self.core.predicate_panics.load(Ordering::Relaxed), // a figure, no more
            pending_requests: self.core.requests.pending() as u64,
            subscriptions,
        }
    }
}

fn as_text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[expect(clippy::ref_option, reason = "serde hands it over like this")]
fn as_str<S: Serializer>(name: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    name.as_deref().serialize(serializer)
}

fn as_texts<S: Serializer>(values: &[impl Display], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(ToString::to_string))
}
