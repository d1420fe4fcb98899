//! A look at a bus: makes a snapshot from its public figures.

use std::collections::{BTreeMap, VecDeque};
use std::process;
use std::sync::Arc;
use std::time::Instant;

use crate::bus::handle::Bus;
use crate::bus::options::SubscribeOptions;
use crate::bus::stats::Stats;
use crate::bus::subscription::Subscription;
use crate::bus::subscription_stats::SubscriptionStats;
use crate::message::advisory::Advisory;
use crate::message::excerpt;
use crate::message::overflow::Overflow;
use crate::message::subject::Payload;
use crate::observe::inspect::ages::QueueAges;
use crate::observe::inspect::snapshot::{
    AdvisoryNote, Snapshot, SourceShare, SubscriptionSnapshot,
};

/// The most advisories that a snapshot has.
const ADVISORIES: usize = 256;

/// The most patterns, and sources, that are shown of one subscription. A module may set thousands.
const FILTERS: usize = 16;

/// The state that is kept from one look to the next.
#[derive(Debug)]
pub(super) struct Onlooker {
    began: Instant,
    ages: QueueAges,
    /// Keeps the newest until the next look, so that no thread has to receive them meanwhile.
    advisories: Subscription<Advisory>,
    notes: VecDeque<AdvisoryNote>,
}

impl Onlooker {
    pub(super) fn new<M: Payload>(bus: &Bus<M>) -> Self {
        let options = SubscribeOptions::new()
            .capacity(ADVISORIES)
            .overflow(Overflow::DropOldest);
        let advisories = bus.advisories_with(options);
        // A closed bus takes no options; a plain subscription to it is at its end.
        let advisories = advisories.unwrap_or_else(|_closed| bus.advisories());
        Onlooker {
            began: Instant::now(),
            ages: QueueAges::default(),
            advisories,
            notes: VecDeque::new(),
        }
    }

    pub(super) fn look<M: Payload>(&mut self, bus: &Bus<M>) -> Snapshot {
        let clock_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Stats {
            published,
            denied,
            predicate_panics,
            pending_requests,
            subscriptions,
        } = bus.stats();
        let waited = self.ages.look(&subscriptions, clock_ms);
        let told = self.advisories.try_iter().flatten();
        self.notes.extend(told.map(|told| AdvisoryNote::of(&told)));
        let too_many = self.notes.len().saturating_sub(ADVISORIES);
        self.notes.drain(..too_many);
        Snapshot {
            process: process::id(),
            clock_ms,
            closed: bus.is_closed(),
            published,
            denied,
            predicate_panics,
            pending_requests,
            subscriptions: (subscriptions.into_iter().zip(waited))
                .map(|(stats, oldest_ms)| shown(stats, oldest_ms))
                .collect(),
            capabilities: bus.grants(),
            newest: newest(bus),
            links: bus.core.links.figures(),
            advisories: self.notes.iter().cloned().collect(),
        }
    }
}

fn shown(mut stats: SubscriptionStats, oldest_ms: Option<u64>) -> SubscriptionSnapshot {
    let filters = stats.patterns.len() + stats.sources.len();
    stats.patterns.truncate(FILTERS);
    stats.sources.truncate(FILTERS);
    SubscriptionSnapshot {
        more_filters: filters - stats.patterns.len() - stats.sources.len(),
        stats,
        oldest_ms,
    }
}

fn newest<M: Payload>(bus: &Bus<M>) -> Vec<SourceShare> {
    let mut counts = BTreeMap::<Arc<str>, u64>::new();
    bus.core.newest(|envelopes| {
        for envelope in envelopes {
            *counts
                .entry(excerpt::name(&envelope.source).into())
                .or_default() += 1;
        }
    });
    let shares = counts.into_iter();
    let mut shares: Vec<_> =
        (shares.map(|(source, envelopes)| SourceShare { source, envelopes })).collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.envelopes));
    shares
}
