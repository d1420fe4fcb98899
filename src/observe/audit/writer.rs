//! The log's thread: it receives envelopes and audit events, and writes them to the file in order.
//!
//! A thread of its own keeps the disk out of the publishers' way. It sleeps in the subscription's parker, which every
//! audit event unparks too.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use serde::Serialize;

use super::event::{Attached, LogItem, What};
use super::file::LogFile;
use super::options::OnError;
use super::record::{self, AuditEvent, Numbered};
use super::{AuditError, Flush};
use crate::bus::subscription::Subscription;
use crate::codec::Codec;
use crate::message::excerpt;
use crate::message::id::stamp;
use crate::message::subject::Payload;
use crate::queue::delivery::Delivery;
use crate::queue::recv_error::RecvTimeoutError;
use crate::support::panics::catch_panic;
use crate::support::parker::Parker;

/// How long a log that is [flushed every so many lines](Flush::Lines) waits for more lines before it is flushed anyway.
const IDLE: Duration = Duration::from_millis(20);

/// How long the log waits, when the bus has closed, for the event that says so.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The error of a log that was ended by a panic.
const PANICKED: &str = "the log's thread panicked";

/// How far a log has got. The log's thread writes it, and the handles read it.
#[derive(Default)]
pub(super) struct LogProgress {
    /// How many records are known to be on disk.
    synced: AtomicU64,
    error: OnceLock<AuditError>,
    has_ended: AtomicBool,
}

impl LogProgress {
    pub(super) fn synced(&self) -> Option<u64> {
        self.synced.load(Ordering::Acquire).checked_sub(1) // pairs with the release in `flush`
    }

    pub(super) fn error(&self) -> Option<AuditError> {
        self.error.get().cloned()
    }

    /// Returns whether nothing more is written. By then all answers are given, and the error is set if there is one.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire) // pairs with the release at the end of `run`
    }
}

pub(super) struct Writer<M: Payload> {
    pub(super) subscription: Subscription<M>,
    pub(super) items: Receiver<LogItem>,
    /// Where the thread sleeps; unparked after each audit event.
    pub(super) parker: Arc<Parker>,
    /// The sequence number that the bus had reached.
    pub(super) position: u64,
    pub(super) file: LogFile,
    pub(super) flush: Flush,
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
            parker,
            position,
            file,
            flush,
            codec,
            progress,
            on_error,
            attached,
        } = self;
        let mut log = Log {
            file,
            codec,
            flush,
            progress,
            next_record: 0,
            position,
            unflushed: 0,
            flushed_at: Instant::now(),
            items,
            parker,
            held: None,
        };
        // A payload's `drop` may panic here.
        let outcome = catch_panic(|| log.live(&mut subscription))
            .unwrap_or_else(|| Err(log.failed(io::Error::other(PANICKED))));
        let error = outcome.err();
        log.progress.has_ended.store(true, Ordering::Release); // pairs with the acquire in `has_ended`
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
    file: LogFile,
    codec: Codec,
    flush: Flush,
    progress: Arc<LogProgress>,
    next_record: u64,
    /// The sequence number after the last envelope that was written.
    position: u64,
    /// How many records were written since the last flush.
    unflushed: u32,
    flushed_at: Instant,
    items: Receiver<LogItem>,
    parker: Arc<Parker>,
    /// An audit event that came after an envelope that was not received yet.
    held: Option<LogItem>,
}

impl Log {
    fn live<M: Payload + Serialize>(
        &mut self,
        subscription: &mut Subscription<M>,
    ) -> Result<(), AuditError> {
        let position = self.position;
        self.event(&AuditEvent::new(position, stamp().1, "opened"))?;
        loop {
            let due = self.due_at();
            let happened = || match &self.held {
                None => !self.items.is_empty(),
                Some(held) => held.at <= self.position, // later events wait behind the held one
            };
            match subscription.recv_unless(&self.parker, due, happened) {
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
            if self.unflushed > 0 && due.is_some_and(|due| Instant::now() >= due) {
                self.flush()?;
            }
        }
    }

    /// Returns when written lines must be flushed even if nothing more happens.
    fn due_at(&self) -> Option<Instant> {
        let since = (self.unflushed > 0).then_some(self.flushed_at)?;
        match self.flush {
            Flush::EachLine => None,
            Flush::Lines(_) => Instant::now().checked_add(IDLE),
            Flush::Interval(interval) => since.checked_add(interval),
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
                self.line(&record::envelope(self.next_record, sequence, &json))?;
                None
            }
            Some(Err(error)) => Some(error.to_string()),
            None => Some("writing it panicked".to_owned()),
        };
        if why.is_some() {
            self.event(&AuditEvent {
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
        self.event(&AuditEvent {
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
                self.event(&event)?;
            }
            What::Flush(done) => {
                self.flush()?;
                // The caller may have gone. Its call came after the `opened` record, so there is at least one record.
                let _gone = done.send(self.next_record - 1);
            }
            What::End => {
                self.event(&AuditEvent::new(self.position, stamp().1, "ended"))?;
                self.flush()?;
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

    fn event(&mut self, event: &AuditEvent) -> Result<(), AuditError> {
        let numbered = Numbered {
            record: self.next_record,
            what: event,
        };
        let mut line = serde_json::to_string(&numbered)
            .map_err(|cause| self.failed(io::Error::other(cause)))?;
        line.push('\n');
        self.line(&line)
    }

    fn line(&mut self, line: &str) -> Result<(), AuditError> {
        self.file.write(line).map_err(|cause| self.failed(cause))?;
        self.next_record += 1;
        self.unflushed += 1;
        let is_due = match self.flush {
            Flush::EachLine => true,
            Flush::Lines(lines) => self.unflushed >= lines,
            Flush::Interval(_) => false,
        };
        let is_full = self.file.is_full();
        if is_due || is_full {
            self.flush()?;
        }
        if is_full {
            self.file.rotate().map_err(|cause| self.failed(cause))?;
        }
        Ok(())
    }

    /// Sets the cause before the log's end can be noticed: a `flush` that gets no answer returns this cause.
    fn failed(&self, cause: io::Error) -> AuditError {
        let error = AuditError::new(self.file.path(), cause);
        let _first = self.progress.error.set(error.clone());
        error
    }

    fn flush(&mut self) -> Result<(), AuditError> {
        self.file.flush().map_err(|cause| self.failed(cause))?;
        if self.file.syncs() {
            // Release, pairs with the acquire in `synced`: a reader of the count finds those records in the file.
            (self.progress.synced).store(self.next_record, Ordering::Release);
        }
        self.unflushed = 0;
        self.flushed_at = Instant::now();
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::PathBuf;

    use crossbeam_channel::{TryRecvError, bounded};

    use super::*;

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
        let mut log = Log {
            file,
            codec: Codec::new(),
            flush: Flush::Interval(Duration::MAX),
            progress: Arc::default(),
            next_record: 0,
            position: 0,
            unflushed: 0,
            flushed_at: Instant::now(),
            items: bounded(1).1,
            parker: Arc::default(),
            held: None,
        };
        log.event(&AuditEvent::new(0, stamp().1, "opened")).unwrap();
        assert!(log.progress.error().is_none());
        let (done, is_done) = bounded(1);
        let error = log.item(What::Flush(done)).unwrap_err();
        assert_eq!(error.io_error().kind(), io::ErrorKind::StorageFull);
        // The cause is there as soon as it is clear that no answer comes.
        assert_eq!(is_done.try_recv(), Err(TryRecvError::Disconnected));
        let told = log.progress.error().expect("the cause is there");
        assert_eq!(told.io_error().kind(), io::ErrorKind::StorageFull);
    }
}
