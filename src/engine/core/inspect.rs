//! Questions to the core that change nothing.
//!
//! Statistics, drains and tests ask them. Each answer is of one moment, and stops no publisher.

use std::sync::Arc;

use super::Core;
use crate::engine::head::Head;
use crate::engine::refusal::Refusal;
use crate::message::envelope::Envelope;
use crate::queue::entry::Entry;
use crate::queue::terms::Terms;

impl<M> Core<M> {
    /// Whether the bus has closed, so that publishes fail.
    pub(crate) fn is_closed(&self) -> bool {
        self.current.load().subscribers.closed
    }

    #[cfg(test)]
    pub(crate) fn current(&self) -> Arc<Head<M>> {
        self.current.load_full()
    }

    /// Returns what `look` sees in a head that was current before and after. The third try is the last: where
    /// publishers open one segment after the other, what is seen may mix several moments.
    pub(crate) fn steadily<R>(&self, look: impl Fn(&Head<M>) -> R) -> R {
        let mut tries = 3;
        loop {
            let current = self.current.load();
            let seen = look(&current);
            tries -= 1;
            if tries == 0 || Arc::ptr_eq(&current, &self.current.load()) {
                return seen;
            }
        }
    }

    /// Looks at the newest envelopes: those of the current segment, none if nobody has room for them.
    #[cfg(all(unix, feature = "inspect"))]
    pub(crate) fn newest<R>(
        &self,
        look: impl FnOnce(&mut dyn Iterator<Item = &Envelope<M>>) -> R,
    ) -> R {
        let current = self.current.load_full();
        look(&mut current.segment.written())
    }

    /// The sequence number of the next envelope.
    pub(crate) fn position(&self) -> u64 {
        let current = self.current.load();
        current.segment.base() + current.segment.filled().claimed as u64
    }

    pub(crate) fn subscriber_count(&self) -> usize {
        let subscribers = self.subscribers.load();
        if subscribers.closed {
            0
        } else {
            subscribers.subscriptions()
        }
    }

    /// How many envelopes were enqueued for a shared queue so far, and how many left out. None if it is not listed any
    /// more.
    pub(crate) fn standing(&self, terms: &Terms) -> Option<(u64, u64)> {
        let accounts = self.steadily(|current| current.accounts(terms));
        let Entry {
            enqueued, left_out, ..
        } = accounts?;
        Some((enqueued, left_out))
    }

    /// Checks the envelope against the limits of the bus, if it has any.
    #[inline]
    pub(crate) fn measure(&self, envelope: &Envelope<M>) -> Result<(), Refusal> {
        match &self.demands {
            None => Ok(()),
            Some(demands) => demands.check(envelope),
        }
    }
}
