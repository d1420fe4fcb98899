//! Rates, from two looks at a bus.

use std::collections::HashMap;
use std::time::Duration;

use oxide_bus::inspect::{Snapshot, SubscriptionSnapshot};
use serde::Serialize;

use super::super::bench::figures::rate;

/// The rates between two looks, in the order of the later snapshot.
#[derive(Debug, Serialize)]
pub(super) struct Rates {
    seconds: f64,
    pub(super) published_per_s: f64,
    denied_per_s: f64,
    pub(super) subscriptions: Vec<Flow>,
    pub(super) capabilities: Vec<DenialRate>,
}

/// The rates of one subscription.
#[derive(Debug, Serialize)]
pub(super) struct Flow {
    id: String,
    /// The envelopes that were published for it.
    pub(super) in_per_s: f64,
    /// The envelopes that it received.
    pub(super) out_per_s: f64,
    pub(super) dropped_per_s: f64,
}

/// How often publishes under a capability were denied.
#[derive(Debug, Serialize)]
pub(super) struct DenialRate {
    capability: String,
    pub(super) denied_per_s: f64,
}

impl Rates {
    /// Returns the rates, or nothing if the two are not of the same inspection, or no time has passed.
    ///
    /// A figure that is read while the bus works may be a little too high, and lower the next time. Then its rate is 0.
    pub(super) fn between(earlier: &Snapshot, later: &Snapshot) -> Option<Self> {
        let passed = later.clock_ms.checked_sub(earlier.clock_ms)?;
        if passed == 0 || later.process != earlier.process {
            return None;
        }
        let passed = Duration::from_millis(passed);
        let gained = |now: u64, before: u64| rate(now.saturating_sub(before), passed);
        let known: HashMap<_, _> = (earlier.subscriptions.iter())
            .map(|it| (it.stats.id, counts(it)))
            .collect();
        let denied: HashMap<_, _> = (earlier.capabilities.iter())
            .map(|it| (&it.capability, it.denied))
            .collect();
        Some(Rates {
            seconds: passed.as_secs_f64(),
            published_per_s: gained(later.published, earlier.published),
            denied_per_s: gained(later.denied, earlier.denied),
            subscriptions: (later.subscriptions.iter())
                .map(|it| {
                    let before = known.get(&it.stats.id).copied().unwrap_or_default();
                    let now = counts(it);
                    Flow {
                        id: it.stats.id.to_string(),
                        in_per_s: gained(now[0], before[0]),
                        out_per_s: gained(now[1], before[1]),
                        dropped_per_s: gained(now[2], before[2]),
                    }
                })
                .collect(),
            capabilities: (later.capabilities.iter())
                .map(|it| DenialRate {
                    capability: it.capability.to_string(),
                    denied_per_s: gained(
                        it.denied,
                        denied.get(&it.capability).copied().unwrap_or_default(),
                    ),
                })
                .collect(),
        })
    }
}

fn counts(subscription: &SubscriptionSnapshot) -> [u64; 3] {
    let stats = &subscription.stats;
    [stats.matched, stats.received, stats.dropped]
}
