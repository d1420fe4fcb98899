//! Exports the figures of a bus to a recorder of the `metrics` facade.

use std::collections::HashMap;
use std::fmt;

use metrics::{Label, SharedString, counter, gauge};
use uuid::Uuid;

use crate::bus::stats::Stats;
use crate::bus::subscription_stats::SubscriptionStats;

/// Hands the figures of one bus to the recorder of the `metrics` crate: feature `metrics`.
///
/// The bus itself records nothing, so it pays nothing. A program that wants its figures exported calls
/// [`export`](Metrics::export) now and then, every ten seconds for example.
///
/// | metric | kind | labels |
/// | --- | --- | --- |
/// | `oxide_bus_published_total`, `oxide_bus_denied_total`, `oxide_bus_predicate_panics_total` | counter | `bus` |
/// | `oxide_bus_subscribers`, `oxide_bus_pending_requests` | gauge | `bus` |
/// | `oxide_bus_matched_total`, `oxide_bus_received_total`, `oxide_bus_dropped_total` | counter | `bus`, `subscription` |
/// | `oxide_bus_queued` | gauge | `bus`, `subscription` |
///
/// The label `subscription` is the subscription's name, or that of its group, or empty. Subscriptions with the same
/// label are added up, so there are no more metrics than names. What a subscription did between the last export and
/// its end is not exported.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Metrics, MessageBus};
///
/// let bus = MessageBus::new();
/// let mut metrics = Metrics::new("kernel");
/// metrics.export(&bus.stats());
/// ```
pub struct Metrics {
    bus: SharedString,
    published: u64,
    denied: u64,
    predicate_panics: u64,
    /// What was exported for each subscription of the last export.
    known: HashMap<Uuid, [u64; 3]>,
    /// How many envelopes were queued, by label.
    queued: HashMap<SharedString, u64>,
}

/// The counters of a subscription, in the order of [`counts`].
const COUNTERS: [&str; 3] = [
    "oxide_bus_matched_total",
    "oxide_bus_received_total",
    "oxide_bus_dropped_total",
];

fn counts(stats: &SubscriptionStats) -> [u64; 3] {
    [stats.matched, stats.received, stats.dropped]
}

fn label(stats: &SubscriptionStats) -> SharedString {
    let label = stats.name.as_ref().or(stats.group.as_ref());
    label.map_or_else(SharedString::default, |label| label.to_string().into())
}

impl Metrics {
    /// Returns an exporter for one bus; `bus` is its label.
    pub fn new(bus: impl Into<String>) -> Self {
        Metrics {
            bus: bus.into().into(),
            published: 0,
            denied: 0,
            predicate_panics: 0,
            known: HashMap::new(),
            queued: HashMap::new(),
        }
    }

    /// Records what has changed since the last export.
    pub fn export(&mut self, stats: &Stats) {
        let bus = || vec![Label::new("bus", self.bus.clone())];
        let gained = |now: u64, before: &mut u64| {
            // A figure that is read while the bus works may be a little too high, and lower the next time.
            let now = now.max(*before);
            now - std::mem::replace(before, now)
        };
        counter!("oxide_bus_published_total", bus())
            .increment(gained(stats.published, &mut self.published));
        counter!("oxide_bus_denied_total", bus()).increment(gained(stats.denied, &mut self.denied));
        counter!("oxide_bus_predicate_panics_total", bus())
            .increment(gained(stats.predicate_panics, &mut self.predicate_panics));
        gauge!("oxide_bus_subscribers", bus()).set(real(stats.subscriptions.len() as u64));
        gauge!("oxide_bus_pending_requests", bus()).set(real(stats.pending_requests));

        self.queued.values_mut().for_each(|queued| *queued = 0); // 0 stays for subscriptions that are gone
        let mut known = HashMap::with_capacity(stats.subscriptions.len());
        for subscriber in &stats.subscriptions {
            let label = label(subscriber);
            let mut labels = bus();
            labels.push(Label::new("subscription", label.clone()));
            let mut before = self.known.remove(&subscriber.id).unwrap_or_default();
            for ((name, now), before) in COUNTERS.iter().zip(counts(subscriber)).zip(&mut before) {
                counter!(*name, labels.clone()).increment(gained(now, before));
            }
            known.insert(subscriber.id, before);
            *self.queued.entry(label).or_default() += subscriber.queued;
        }
        self.known = known;
        for (label, queued) in &self.queued {
            let mut labels = bus();
            labels.push(Label::new("subscription", label.clone()));
            gauge!("oxide_bus_queued", labels).set(real(*queued));
        }
        self.queued.retain(|_, queued| *queued > 0);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn real(number: u64) -> f64 {
    number as f64
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("bus", &self.bus)
            .finish_non_exhaustive()
    }
}
