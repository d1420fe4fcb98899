//! Audit events on their way to the log's thread: everything that is recorded beside the published envelopes.
//!
//! The bus reports them through [`AdvisorySink`]; a bounded channel carries them.

use std::sync::{Arc, Weak};

use crossbeam_channel::{SendError, Sender};

use super::record::AuditEvent;
use crate::bus::state::BusState;
use crate::engine::notices::AdvisorySink;
use crate::message::advisory::Advisory;
use crate::message::id::stamp;
use crate::support::parker::Parker;

/// An item for the log's thread, and the sequence number that the bus had reached by then.
pub(super) struct LogItem {
    pub(super) at: u64,
    pub(super) what: What,
}

pub(super) enum What {
    Event(Box<AuditEvent>),
    /// A caller waits until everything before this is flushed. The answer is the number of the last record.
    Flush(Sender<u64>),
    /// The log must end.
    End,
}

/// The sender to the log's thread.
#[derive(Clone)]
pub(super) struct Outbox {
    pub(super) sender: Sender<LogItem>,
    /// Where that thread sleeps.
    pub(super) parker: Arc<Parker>,
}

impl Outbox {
    /// Waits if the log is behind; fails if it has ended.
    pub(super) fn send(&self, item: LogItem) -> Result<(), SendError<LogItem>> {
        self.sender.send(item)?;
        self.parker.unpark();
        Ok(())
    }
}

/// Records the notices of the bus in the log.
pub(super) struct EventRecorder<M> {
    core: Weak<BusState<M>>,
    log: Outbox,
    each_denial: bool,
}

/// What the log needs of the bus, without the type of its messages.
pub(super) trait Attached: Send + Sync {
    fn position(&self) -> u64;
    /// Reports the refusals that were only counted.
    fn tell_suppressed(&self);
    /// Detaches the log from the bus: nothing is recorded any more.
    fn detach(&self);
}

impl<M: Send + Sync + 'static> EventRecorder<M> {
    pub(super) fn attach(core: &Arc<BusState<M>>, log: Outbox, each_denial: bool) -> Arc<Self> {
        let recorder = Arc::new(EventRecorder {
            core: Arc::downgrade(core),
            log,
            each_denial,
        });
        let record: Arc<dyn AdvisorySink> = Arc::clone(&recorder) as _;
        core.notices.attach(&record);
        recorder
    }
}

impl<M: Send + Sync + 'static> Attached for EventRecorder<M> {
    fn position(&self) -> u64 {
        // When the last handle is going nobody publishes any more, so every envelope comes before this.
        (self.core.upgrade()).map_or(u64::MAX, |core| core.position())
    }

    fn tell_suppressed(&self) {
        if let Some(core) = self.core.upgrade() {
            core.grants.tell_all_suppressed(&core.notices);
        }
    }

    fn detach(&self) {
        if let Some(core) = self.core.upgrade() {
            core.notices.detach(std::ptr::from_ref(self).cast());
        }
    }
}

impl<M: Send + Sync + 'static> AdvisorySink for EventRecorder<M> {
    fn record(&self, advisory: &Advisory) {
        if self.each_denial && matches!(advisory, Advisory::Suppressed { .. }) {
            return; // each refusal is recorded, so none is only counted
        }
        let at = self.position();
        let event = Box::new(AuditEvent::of(at, stamp().1, advisory));
        let _ended = self.log.send(LogItem {
            at,
            what: What::Event(event),
        });
    }

    fn listens(&self) -> bool {
        true
    }

    fn takes_each_denial(&self) -> bool {
        self.each_denial
    }
}
