//! The accounts of a replay: how many lines were bad, and what became of the published envelopes.
//!
//! They can be closed at any moment, after an interrupt for example, and agree with the bus even then: publishing and
//! counting are one step, under a lock.

use std::mem;
use std::ops::ControlFlow;

use oxide_bus::{Envelope, Payload, PublishError, Receipt};
use parking_lot::Mutex;

use super::counters::Counters;

pub(crate) struct ReplayAccounts {
    entries: Mutex<ReplayEntries>,
    by_subject: bool,
}

#[derive(Default)]
struct ReplayEntries {
    counters: Counters,
    closed: bool,
}

impl ReplayAccounts {
    /// Returns empty accounts. With `by_subject` they count each subject, too.
    pub(crate) fn new(by_subject: bool) -> Self {
        ReplayAccounts {
            entries: Mutex::default(),
            by_subject,
        }
    }

    /// Publishes an envelope and counts it, in one step, unless the accounts or the bus are closed. A refused envelope
    /// counts as a bad line, and is reported as one.
    ///
    /// [`close`](ReplayAccounts::close) waits for this. So close the bus first: then this does not wait for room.
    pub(crate) fn publish(
        &self,
        envelope: Envelope,
        publish: impl FnOnce(Envelope) -> Result<Receipt, PublishError>,
        report: impl FnOnce(&PublishError),
    ) -> ControlFlow<()> {
        let subject = (self.by_subject).then(|| envelope.message.subject().to_string());
        let mut entries = self.entries.lock();
        if entries.closed {
            return ControlFlow::Break(());
        }
        match publish(envelope) {
            Ok(receipt) => {
                entries.counters.record(&receipt, subject);
                ControlFlow::Continue(())
            }
            Err(error) if error.is_denied() => {
                let is_told = entries.counters.enter_bad();
                drop(entries); // reporting may get stuck
                if is_told {
                    report(&error);
                }
                ControlFlow::Continue(())
            }
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Counts a bad line, unless the accounts are closed, and reports it if it is one of the first.
    pub(crate) fn bad(&self, report: impl FnOnce()) -> ControlFlow<()> {
        let mut entries = self.entries.lock();
        if entries.closed {
            return ControlFlow::Break(());
        }
        let is_told = entries.counters.enter_bad();
        drop(entries); // reporting may get stuck
        if is_told {
            report();
        }
        ControlFlow::Continue(())
    }

    /// Closes the accounts: nothing is published or reported any more.
    pub(crate) fn close(&self) -> Counters {
        let mut entries = self.entries.lock();
        entries.closed = true;
        mem::take(&mut entries.counters)
    }
}
