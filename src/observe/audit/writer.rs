//! The log's thread: it receives envelopes and audit events, and writes them to the file in order.
//!
//! A thread of its own keeps the disk out of the publishers' way. It sleeps in the subscription's parker, which every
//! audit event unparks too.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use serde::Serialize;

use super::AuditError;
use super::event::{Attached, LogItem, What};
use super::options::OnError;
use super::output::Output;
use super::progress::LogProgress;
use super::record::AuditEvent;
use crate::bus::subscription::Subscription;
use crate::codec::Codec;
use crate::message::excerpt;
use crate::message::id::stamp;
use crate::message::subject::Payload;
use crate::queue::delivery::Delivery;
use crate::queue::recv_error::RecvTimeoutError;
use crate::queue::wait::Wait;
use crate::support::panics::catch_panic;

/// How long the log waits, when the bus has closed, for the event that says so.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The error of a log that was ended by a panic.
const PANICKED: &str = "the log's thread panicked";

pub(super) struct Writer<M: Payload> {
    pub(super) subscription: Subscription<M>,
    pub(super) items: Receiver<LogItem>,
    /// The sequence number that the bus had reached.
    pub(super) position: u64,
    pub(super) output: Output,
    pub(super) codec: Codec,
    pub(super) progress: Arc<LogProgress>,
    pub(super) on_error: Option<OnError>,
    pub(super) attached: Arc<dyn Attached>,
}

impl<M: Payload + Serialize> Writer<M> {
    pub(super) fn run(self) {
        let Writer {
            mut subscription,
            items,
            position,
            output,
            codec,
            progress,
            on_error,
            attached,
        } = self;
        let mut log = Log {
            output,
            codec,
            position,
            items,
            progress: Arc::clone(&progress),
            held: None,
        };
        // A payload's `drop` may panic here.
        let outcome = catch_panic(|| log.live(&mut subscription))
            .unwrap_or_else(|| Err(log.output.failed(io::Error::other(PANICKED))));
        let error = outcome.err();
        progress.end();
        // Detach first, so nobody waits for a log that no longer listens. The subscription comes last, since its end is
        // an event that is reported.
        attached.detach();
        drop(log);
        let _panicked = catch_panic(|| drop(subscription));
        if let Some((error, call)) = error.as_ref().zip(on_error) {
            call(error);
        }
    }
}

/// The log while its thread runs.
struct Log {
    output: Output,
    codec: Codec,
    /// The sequence number after the last envelope that was written.
    position: u64,
    items: Receiver<LogItem>,
    progress: Arc<LogProgress>,
    /// An audit event that came after an envelope that was not received yet.
    held: Option<LogItem>,
}

impl Log {
    fn live<M: Payload + Serialize>(
        &mut self,
        subscription: &mut Subscription<M>,
    ) -> Result<(), AuditError> {
        self.output.open(self.position)?;
        loop {
            let due = self.output.due_at();
            let wait = due.map_or(Wait::Forever, Wait::Until);
            let happened = || match &self.held {
                None => !self.items.is_empty(),
                Some(held) => held.at <= self.position, // later events wait behind the held one
            };
            match subscription.recv_unless(wait, happened) {
                Ok(delivery) => {
                    // First the events that are known to have come before it.
                    if self.happened(delivery.sequence())?.is_break() {
                        return Ok(());
                    }
                    self.envelope(&delivery)?;
                }
                Err(RecvTimeoutError::Lagged { missed: lost }) => self.lost(lost)?,
                Err(RecvTimeoutError::Timeout) => {
                    if self.happened(self.position)?.is_break() {
                        return Ok(());
                    }
                }
                Err(_) => return self.last_words(),
            }
            if due.is_some_and(|due| Instant::now() >= due) {
                self.output.flush(self.position)?;
            }
        }
    }

    fn envelope<M: Payload + Serialize>(
        &mut self,
        delivery: &Delivery<M>,
    ) -> Result<(), AuditError> {
        let sequence = delivery.sequence();
        // This runs the payload's own code, which may panic.
        let encoded = catch_panic(|| self.codec.encode(delivery));
        let why = match encoded {
            Some(Ok(json)) => {
                self.output.envelope(sequence, &json)?;
                None
            }
            Some(Err(error)) => Some(error.to_string()),
            None => Some("writing it panicked".to_owned()),
        };
        if why.is_some() {
            self.output.event(&AuditEvent {
                sequence: Some(sequence),
                id: Some(delivery.id.to_string()),
                source: Some(excerpt::name(&delivery.source).into_owned()),
                subject: excerpt::subject(&delivery.message).map(|subject| subject.to_string()),
                why,
                ..AuditEvent::new(sequence, stamp().1, "unwritable")
            })?;
        }
        self.position = sequence + 1;
        Ok(())
    }

    fn lost(&mut self, missed: u64) -> Result<(), AuditError> {
        self.output.event(&AuditEvent {
            count: Some(missed),
            ..AuditEvent::new(self.position, stamp().1, "lost")
        })?;
        self.position += missed;
        Ok(())
    }

    /// Writes the audit events that came before the bus had passed this position. Breaks at the end of the log.
    fn happened(&mut self, position: u64) -> Result<ControlFlow<()>, AuditError> {
        while let Some(item) = self.held.take().or_else(|| self.items.try_recv().ok()) {
            if item.at > position {
                self.held = Some(item);
                break;
            }
            if self.item(item.what)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn item(&mut self, what: What) -> Result<ControlFlow<()>, AuditError> {
        match what {
            What::Event(mut event) => {
                event.at = event.at.min(self.position); // `closed` may carry `u64::MAX`: it comes after every envelope
                self.output.event(&event)?;
            }
            What::Flush(done) => {
                let last = self.output.flush(self.position)?;
                let _gone = done.send(last); // the caller may have gone
                self.progress.wake_flushes();
            }
            What::End => {
                self.output.end(self.position)?;
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Writes the last events once the bus has closed: there are no more envelopes, and `closed` is about to come.
    fn last_words(&mut self) -> Result<(), AuditError> {
        let deadline = Instant::now() + LAST_WORDS;
        let mut closed = false;
        while !closed {
            let next = (self.held.take())
                .ok_or(())
                .or_else(|()| self.items.recv_deadline(deadline).map_err(|_over| ()));
            let Ok(item) = next else {
                break;
            };
            if let What::Event(event) = &item.what {
                closed = event.kind == "closed";
            }
            if self.item(item.what)?.is_break() {
                return Ok(());
            }
        }
        self.item(What::End).map(drop)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::PathBuf;

    use crossbeam_channel::{TryRecvError, bounded};

    use super::super::Flush;
    use super::super::file::LogFile;
    use super::*;
    use crate::support::wait_list::Waking;

    #[test]
    fn a_caller_that_a_log_with_a_full_disk_leaves_alone_finds_the_cause() {
        let file = loop {
            match LogFile::open(PathBuf::from("/dev/full"), None, false) {
                // Another test has the file.
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    std::thread::yield_now();
                }
                file => break file.unwrap(),
            }
        };
        let progress = Arc::new(LogProgress::new(Waking::default()));
        let flush = Flush::Interval(Duration::MAX);
        let mut log = Log {
            output: Output::new(file, flush, false, Arc::clone(&progress)),
            codec: Codec::new(),
            position: 0,
            items: bounded(1).1,
            progress: Arc::clone(&progress),
            held: None,
        };
        log.output.open(0).unwrap();
        assert!(progress.error().is_none());
        let (done, is_done) = bounded(1);
        let error = log.item(What::Flush(done)).unwrap_err();
        assert_eq!(error.io_error().kind(), io::ErrorKind::StorageFull);
        // The cause is there as soon as it is clear that no answer comes.
        assert_eq!(is_done.try_recv(), Err(TryRecvError::Disconnected));
        let told = progress.error().expect("the cause is there");
        assert_eq!(told.io_error().kind(), io::ErrorKind::StorageFull);
    }
}
