//! The losses of one publish, which are told once it is done.
//!
//! Code that hears of a loss may publish, so nothing is told within a publish. Each subscriber's
//! [throttle](crate::queue::throttle) keeps its losses from being told too often.

use std::sync::Arc;

use crate::engine::notices::Notices;
use crate::message::advisory::Advisory;
use crate::queue::terms::Terms;

/// Subscribers that lost envelopes by one publish, and how many each has lost so far. Told after the publish.
pub(crate) struct LossNotices(Vec<(Arc<Terms>, u64)>);

impl LossNotices {
    pub(crate) fn none() -> Self {
        LossNotices(Vec::new()) // allocates nothing
    }

    pub(crate) fn note(
        &mut self,
        notices: &Notices,
        terms: &Arc<Terms>,
        dropped: impl FnOnce() -> u64,
    ) {
        if !notices.is_listened_to() {
            return;
        }
        if terms.lag_throttle.is_due(notices.age().max(1)) {
            self.0.push((Arc::clone(terms), dropped()));
        }
    }

    pub(crate) fn tell(self, notices: &Notices) {
        for (terms, dropped) in self.0 {
            notices.tell(|| Advisory::Lagging {
                id: terms.id,
                name: terms.name.clone(),
                dropped,
            });
        }
    }
}
