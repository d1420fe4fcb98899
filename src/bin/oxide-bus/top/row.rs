//! One row of the table of subscriptions.

use oxide_bus::inspect::SubscriptionSnapshot;

use super::rates::Flow;

/// One subscription, with its rates if there are any yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueRow<'a> {
    pub(super) subscription: &'a SubscriptionSnapshot,
    pub(super) flow: Option<&'a Flow>,
}

impl QueueRow<'_> {
    /// How full the queue is, from 0 to 1.
    #[expect(
        clippy::cast_precision_loss,
        reason = "it is for a bar of some columns"
    )]
    pub(super) fn fullness(&self) -> f64 {
        let stats = &self.subscription.stats;
        (stats.queued as f64 / stats.capacity.max(1) as f64).min(1.0)
    }

    /// Returns one of its rates, 0 if there are none yet.
    pub(super) fn rate(&self, of: impl FnOnce(&Flow) -> f64) -> f64 {
        self.flow.map_or(0.0, of)
    }
}
