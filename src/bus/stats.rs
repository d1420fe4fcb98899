//! Statistics: what has become of all envelopes so far, in figures.
//!
//! They make losses, refusals and slow subscribers visible. They keep the promise of
//! [exact accounts](crate::docs::guarantees#3-exact-accounts), which `tests/library/accounts.rs` shows.

use std::fmt::Display;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::bus::handle::Bus;
use crate::engine::head::Head;
use crate::engine::listener::Listener;
use crate::message::overflow::Overflow;
use crate::message::pattern::Pattern;
use crate::message::source::Source;
use crate::queue::accounts::Accounts;
use crate::queue::terms::Terms;
use crate::support::sync::Ordering;

/// The figures of a bus, made by [`Bus::stats`].
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
    /// How many envelopes were published, matched or not.
    pub published: u64,
    /// How many publishes were denied; a batch counts as one.
    pub denied: u64,
    /// How often a predicate has panicked; its subscription is evicted each time.
    pub predicate_panics: u64,
    /// How many requests wait for their answers.
    pub pending_requests: u64,
    /// All subscriptions; none once the bus has closed.
    pub subscriptions: Vec<SubscriptionStats>,
}

/// The figures of one subscription, a part of [`Stats`].
///
/// `matched` is `received + queued + dropped`. An envelope that a publisher waits to place is in none of them yet. At a
/// quiet moment all figures are exact. While envelopes are published or received, each figure is true for some moment
/// during the call, but not all for the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SubscriptionStats {
    /// The subscription's id.
    #[serde(serialize_with = "as_text")]
    pub id: Uuid,
    /// Its name, if it has one.
    #[serde(serialize_with = "as_str")]
    pub name: Option<Arc<str>>,
    /// The group that it is a member of. A group is one entry here, under the id and name of its first member.
    #[serde(serialize_with = "as_str")]
    pub group: Option<Arc<str>>,
    /// How many subscriptions receive from its queue: the members of a group, else 1.
    pub members: usize,
    /// The patterns that it listens to; empty for every subject.
    #[serde(serialize_with = "as_texts")]
    pub patterns: Vec<Pattern>,
    /// The sources that it listens to; empty for every source.
    #[serde(serialize_with = "as_texts")]
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

/// # Statistics
impl<M> Bus<M> {
    /// Returns what has become of all envelopes so far.
    ///
    /// # Cost
    ///
    /// One walk over the subscribers. It takes no lock but that of each queue that keeps the newest; publishers and
    /// subscribers do not notice. The publish path counts nothing for it: the figures follow from what the bus needs
    /// anyway.
    pub fn stats(&self) -> Stats {
        self.core.steadily(|current| self.stats_at(current))
    }

    fn stats_at(&self, current: &Head<M>) -> Stats {
        let published = current.end_sequence();
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
