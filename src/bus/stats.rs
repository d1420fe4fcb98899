//! Statistics: what has become of all envelopes so far, in figures.
//!
//! They make losses, refusals and slow subscribers visible. They keep the promise of
//! [exact accounts](crate::docs::guarantees#3-exact-accounts), which `tests/library/accounts.rs` shows.

use serde::Serialize;

use crate::bus::handle::Bus;
use crate::bus::subscription_stats::SubscriptionStats;
use crate::engine::head::Head;
use crate::engine::listener::Listener;
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
            let high_water = queue.state().high_water.level(accounts.queued());
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
