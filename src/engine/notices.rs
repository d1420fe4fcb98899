//! Notices: the place where a bus reports what happens, and the sinks that hear it.
//!
//! Advisory buses, `tracing` and audit logs are sinks of one trait, [`AdvisorySink`]. They are attached from above, so
//! the engine knows none of them.
//!
//! The tests are in `tests/library/advisories.rs`.

use std::sync::Arc;
use std::time::Instant;

use crate::message::advisory::Advisory;
use crate::support::clock;

/// What one bus tells, and to whom.
pub(crate) struct Notices {
    /// Sinks that are told while they listen. What they do about it may have to be told as well.
    listeners: Vec<Arc<dyn AdvisorySink>>,
    /// Sinks that record everything. Not a type of [`sync`](crate::support::sync), since no model has a record.
    records: arc_swap::ArcSwap<Vec<Arc<dyn AdvisorySink>>>,
    made: Instant,
}

/// A sink of advisories.
pub(crate) trait AdvisorySink: Send + Sync {
    /// Whether it takes anything now.
    fn listens(&self) -> bool;
    fn record(&self, advisory: &Advisory);
    /// Whether it is told of each denial, and not only of as many as the others are.
    fn takes_each_denial(&self) -> bool {
        false
    }
    /// Nothing more is told.
    fn close(&self) {}
}

impl Notices {
    pub(crate) fn new(listeners: Vec<Arc<dyn AdvisorySink>>) -> Self {
        Notices {
            listeners,
            records: arc_swap::ArcSwap::default(),
            made: clock::now(),
        }
    }

    /// Tells something, if anybody listens or records. Never called under a lock: listeners may run user code.
    #[inline]
    pub(crate) fn tell(&self, advisory: impl FnOnce() -> Advisory) {
        let is_heard = self.is_heard();
        if is_heard || self.is_recorded() {
            let advisory = advisory();
            self.record(&advisory);
            if is_heard {
                self.inform_listeners(&advisory);
            }
        }
    }

    /// Tells of a denial. `told` is the number of denials before it that were not told. If it is none, only sinks that
    /// [take each denial](AdvisorySink::takes_each_denial) are told of this one.
    pub(crate) fn tell_denied(&self, told: Option<u64>, advisory: impl Fn(u64) -> Advisory) {
        for record in &*self.records.load_full() {
            let suppressed = if record.takes_each_denial() {
                Some(0)
            } else {
                told
            };
            if let Some(suppressed) = suppressed {
                record.record(&advisory(suppressed));
            }
        }
        if let Some(suppressed) = told {
            self.announce(|| advisory(suppressed));
        }
    }

    /// Whether any record takes each denial.
    pub(crate) fn takes_each_denial(&self) -> bool {
        (self.records.load().iter()).any(|record| record.takes_each_denial())
    }

    /// Tells listeners only. The caller [records](Notices::record) the same thing by itself.
    pub(crate) fn announce(&self, advisory: impl FnOnce() -> Advisory) {
        if self.is_heard() {
            self.inform_listeners(&advisory());
        }
    }

    /// Whether anybody listens or records.
    pub(crate) fn is_listened_to(&self) -> bool {
        self.is_heard() || self.is_recorded()
    }

    /// From now on this sink records everything. Nothing is lost: a thread that tells something waits for it.
    pub(crate) fn attach(&self, record: &Arc<dyn AdvisorySink>) {
        self.records.rcu(|records| {
            let mut records = Vec::clone(records);
            records.push(Arc::clone(record));
            records
        });
    }

    /// Detaches the sink at this address.
    pub(crate) fn detach(&self, record: *const ()) {
        self.records.rcu(|records| {
            let mut records = Vec::clone(records);
            records.retain(|known| Arc::as_ptr(known).cast() != record);
            records
        });
    }

    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        !self.records.load().is_empty()
    }

    pub(crate) fn record(&self, advisory: &Advisory) {
        // A copy of the list, not a guard on it: recording may wait.
        for record in &*self.records.load_full() {
            record.record(advisory);
        }
    }

    /// Tells that the bus has closed, and nothing after that. Called once.
    pub(crate) fn close(&self) {
        self.tell(|| Advisory::Closed);
        self.listeners.iter().for_each(|listener| listener.close());
    }

    /// Returns how many milliseconds ago the bus was made.
    pub(crate) fn age(&self) -> u64 {
        let age = clock::now().saturating_duration_since(self.made);
        u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
    }

    #[inline]
    fn is_heard(&self) -> bool {
        self.listeners.iter().any(|listener| listener.listens())
    }

    #[cold]
    fn inform_listeners(&self, advisory: &Advisory) {
        for listener in self.listeners.iter().filter(|listener| listener.listens()) {
            listener.record(advisory);
        }
    }
}
