//! The audit log: a record on disk of what happened on a bus, in order and without losses.
//!
//! An [`AuditLog`] writes what was published, refused, granted, revoked and subscribed to, as JSON Lines,
//! on a thread of its own. (It records every single refusal only [on demand](Options::each_denial).) [`verify()`]
//! reads it back and reports whether something is missing. A [`Verifier`] does so with other limits, and can require
//! one type of messages.
//!
//! ```
//! use oxide_bus::audit::{self, AuditLog, Options};
//! use oxide_bus::kernel::Command;
//! use oxide_bus::MessageBus;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("audit.jsonl");
//! let bus = MessageBus::new();
//! let log = AuditLog::start(&bus, &path, Options::new())?;
//! bus.send_command("kernel", Command::Ping)?;
//! bus.revoke("log:write");
//! log.close()?;
//!
//! let report = audit::verify([&path])?;
//! assert!(report.is_whole());
//! assert_eq!(report.envelopes, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The format
//!
//! Each line is an object. Each has `record`, which counts the lines from 0 across all files that a log was
//! rotated into, so a missing line shows. An envelope's line goes on with:
//!
//! | key | value |
//! | --- | --- |
//! | `sequence` | its [place](crate::Delivery::sequence) in the bus's own order |
//! | `envelope` | what was published, in the form of the [codec](crate::codec) |
//!
//! Every other line goes on with:
//!
//! | key | value |
//! | --- | --- |
//! | `at` | the sequence number that the bus had reached when the event was recorded. A grant is recorded just before it takes effect, any other event just after it came about (a revoke perhaps at the same moment) |
//! | `time` | when, by the system's clock |
//! | `event` | `opened`, `subscribed`, `listening`, `unsubscribed`, `evicted`, `lagging`, `denied`, `suppressed`, `granted`, `revoked`, `drained`, `link_lagged`, `link_cut`, `link_restored`, `link_namesake`, `closed` (the bus), `lost`, `unwritable`, `head`, `ended` (the log) |
//! | others | what belongs to the event |
//!
//! These keys belong to the events:
//!
//! | `event` | has | may have |
//! | --- | --- | --- |
//! | `opened`, `ended` | | `hash` |
//! | `closed` | | |
//! | `head` | `hash` | |
//! | `subscribed` | `id` | `name`, `why`: what it listens to, if not to everything |
//! | `listening`: it was [set](crate::Subscription::set_patterns) to other patterns | `id` | `name`, `why`: the patterns |
//! | `unsubscribed` | `id` | `name` |
//! | `evicted` | `id`, `why` | `name` |
//! | `lagging` | `id`, `count` | `name` |
//! | `link_lagged` | `name`, `count` | |
//! | `link_cut`, `link_restored`, `link_namesake` | `name` | |
//! | `denied` | `source`, `claimed`, `capability`, `why` | `subject`, `count` |
//! | `suppressed` | `count` | `capability` |
//! | `granted` | `capability` | `why`: what it allows |
//! | `revoked`, `drained` | `capability` | |
//! | `lost` | `count` | |
//! | `unwritable` | `id`, `sequence`, `source`, `why` | `subject` |
//!
//! The `count` of `lagging` is what the subscription has lost so far in all; there is one such record a second at most.
//!
//! No record has other keys, and no `count` is 0. The `at` of `opened` is the sequence number of the envelope that
//! comes first.
//!
//! `lost` says that `count` envelopes were dropped for the log. That happens only if a bus closes while a publisher
//! waits for the log. ([`publish_timeout`](crate::Bus::publish_timeout) waits for the log beyond its time-out.)
//!
//! `unwritable` stands for an envelope that the codec refuses. It has the envelope's `sequence`, `id`, `source` and
//! `subject` (the latter two up to 256 bytes), and why it was refused. A bus that was
//! [built](crate::BusBuilder::writable_by) for the log's codec publishes no such envelope.
//!
//! `hash` is there if the log has a [hash chain](Options::hash_chain): 64 hexadecimal digits. That of `opened` is all
//! zeros. Every other is the SHA-256 of the 32 bytes of the one before, and of all lines from that one's on, up to this
//! line. A `head` is written at each flush.
//!
//! No text is longer than 64 KiB. A longer one, such as the scope of a capability with thousands of sources, is cut
//! there and ends with `…`.
//!
//! `denied` has the publisher's `source`, and, of the refused envelope, the source that it `claimed` and its
//! `subject`. For each capability ten refusals are recorded at once after a pause, and ten a second, so a publisher
//! that is refused cannot fill the disk. The others are counted by the next refusal that is recorded, or by
//! `suppressed`. That comes before the capability is granted, after it was revoked, at each
//! [flush](AuditLog::flush) and at the end. With [`Options::each_denial`] each refusal is recorded, and none is only
//! counted.
//!
//! A log begins with `opened`. If it or its bus was closed, it ends with `ended`.
//!
//! # Order
//!
//! * Envelopes stand in the order of their sequence numbers.
//! * All other events stand in the order in which the bus reported them. Grants and revokes stand in the order in
//!   which they came about, and before the refusals that they cause.
//! * An envelope that a grant admits stands after `granted`, and its sequence number is no lower than the `at` there.
//!   An earlier grant may have admitted the envelopes that come next.
//! * After `revoked` there may be envelopes that were admitted before the revoke took effect. After `drained` there are
//!   none, until the next `granted`.
//! * Before each event stand all envelopes with a sequence number below its `at`. Some later envelopes may stand there
//!   too, but before a grant none that it admitted.
//!
//! # What it costs
//!
//! Nothing is lost because callers wait. A publisher waits while the log's queue is full, as for any subscriber with
//! [`Overflow::Block`]. A caller that subscribes, grants, revokes or is refused waits while as many events as the
//! [capacity](Options::capacity) are queued. A grant takes effect only after that wait; a revoke takes effect at once.
//! So in the long run a bus with a log is as fast as the log. The log counts as a subscriber, also in receipts. Its
//! thread sleeps while nothing happens.
//!
//! Do not let the `drop` of a payload publish, grant or revoke: the log's thread may drop the payload, and would wait
//! for itself if its queue is full.
//!
//! # When writing fails
//!
//! The log ends: it keeps the [error](AuditLog::error), calls [`Options::on_error`], and leaves the
//! bus, which goes on without it. What was not written is not written later. The same happens if the `drop` of a
//! payload panics on the log's thread. (A payload that panics while it is written is `unwritable`.)

mod chain;
mod error;
mod event;
mod file;
mod line;
mod options;
mod output;
mod pace;
mod progress;
mod record;
mod verify;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::thread::{self, Builder, JoinHandle};

use crossbeam_channel::{TryRecvError, bounded};
use serde::Serialize;

#[cfg(feature = "hash-chain")]
pub use self::chain::{ChainHead, ChainHeadError};
pub use self::error::AuditError;
pub use self::options::{Flush, Options};
pub use self::pace::Pace;
pub use self::verify::{Finding, Flaw, Report, Verifier, verify};

use self::event::{Attached, EventRecorder, LogItem, Outbox, What};
use self::file::LogFile;
use self::output::Output;
use self::progress::LogProgress;
use self::writer::Writer;
use crate::bus::error::SubscribeError;
use crate::bus::handle::Bus;
use crate::bus::options::SubscribeOptions;
use crate::message::overflow::Overflow;
use crate::message::subject::Payload;
use crate::support::clock;
use crate::support::wait_list::{Look, wait_until};

/// Writes to a file what happens on a bus; see the [module](crate::audit).
///
/// Dropping it [closes](AuditLog::close) it, and errors are not reported. It does not keep the bus open, and
/// ends when the bus closes. Dropping the copy in a forked process does nothing.
#[must_use = "a log that is dropped ends"]
pub struct AuditLog {
    progress: Arc<LogProgress>,
    items: Outbox,
    attached: Arc<dyn Attached>,
    thread: Option<JoinHandle<()>>,
    /// The process that has the thread. A fork of it has none.
    process: u32,
}

impl AuditLog {
    /// Starts to write what happens on a bus from now on. If the file exists, the log appends to it. Envelopes that the
    /// bus [retained](Bus::retain) were published before, and are not written.
    ///
    /// A relative path, and symbolic links on the way to the file's folder, are resolved now: the log stays where
    /// it began even if the program changes its working directory. A log that cannot be started leaves no new file
    /// behind.
    ///
    /// # Errors
    ///
    /// [`AuditError`] if the file cannot be written or another log is being written to it, the bus has closed,
    /// the capacity is 0 or above [`MAX_CAPACITY`](crate::limits::MAX_CAPACITY), or no thread can be started.
    pub fn start<M: Payload + Serialize>(
        bus: &Bus<M>,
        path: impl Into<PathBuf>,
        options: Options,
    ) -> Result<Self, AuditError> {
        let path = path.into();
        let path = file::settled(&path).map_err(|cause| AuditError::new(&path, cause))?;
        let file = LogFile::open(path.clone(), options.rotate_at, options.sync)
            .map_err(|cause| AuditError::new(&path, cause))?;
        let other = |cause: SubscribeError| AuditError::new(&path, std::io::Error::other(cause));
        let terms = SubscribeOptions::new()
            .name("audit")
            .capacity(options.capacity)
            .overflow(Overflow::Block)
            .own() // retained envelopes were published before the log started
            .override_limit(); // or a publisher with a short time-out could keep an envelope out of the log
        let mut subscription = bus.subscribe_with(terms).map_err(other)?;
        let position = (subscription.first()).ok_or_else(|| other(SubscribeError::Closed))?;
        // `subscribe_with` has accepted the capacity.
        let (sender, receiver) = bounded(options.capacity);
        let parker = subscription.parker();
        let items = Outbox { sender, parker };
        let attached: Arc<dyn Attached> =
            EventRecorder::attach(&bus.core, items.clone(), options.each_denial);
        let progress = Arc::new(LogProgress::new(bus.core.readers.how()));
        let writer = Writer {
            subscription,
            items: receiver,
            position,
            output: Output::new(
                file,
                options.flush,
                options.is_chained,
                Arc::clone(&progress),
            ),
            codec: options.codec,
            progress: Arc::clone(&progress),
            on_error: options.on_error,
            attached: Arc::clone(&attached),
        };
        let thread = Builder::new()
            .name("oxide-bus-audit".to_owned())
            .spawn(move || writer.run())
            .map_err(|cause| {
                attached.detach();
                AuditError::new(&path, cause)
            })?;
        Ok(AuditLog {
            progress,
            items,
            attached,
            thread: Some(thread),
            process: process::id(),
        })
    }

    /// Returns the number of the last record that is known to be on disk; `None` before the first, or without
    /// [`Options::sync`].
    pub fn synced(&self) -> Option<u64> {
        self.progress.synced()
    }

    /// Returns the head of the [hash chain](Options::hash_chain) at the last flush; `None` before the first, or without
    /// a chain.
    #[cfg(feature = "hash-chain")]
    pub fn head(&self) -> Option<ChainHead> {
        self.progress.head()
    }

    /// Waits until everything that happened before this call is written, flushed, and on disk if
    /// [`Options::sync`] says so. Returns the number of the last record.
    ///
    /// # Errors
    ///
    /// [`AuditError`] if the log has failed, with the cause, or has ended with its bus.
    pub fn flush(&self) -> Result<u64, AuditError> {
        self.attached.tell_suppressed();
        let (done, is_done) = bounded(1);
        // Fails if the log has ended; then no answer comes.
        drop(self.items.send(LogItem {
            at: self.attached.position(),
            what: What::Flush(done),
        }));
        let look = || {
            // Read before the channel, so an answer that is given in between is not missed.
            let has_ended = self.progress.has_ended();
            match is_done.try_recv() {
                Ok(record) => Look::Found(Ok(record)),
                // What is sent while the log ends may stay in its channel for ever.
                Err(TryRecvError::Empty) if !has_ended => Look::Nothing,
                Err(_) => Look::Found(Err(self.error().unwrap_or_else(AuditError::ended))),
            }
        };
        // The writer goes by no clock of a test.
        clock::in_real_time(|| wait_until(&self.progress.flushes, None, look))
            .unwrap_or_else(|| unreachable!("there is no deadline"))
    }

    /// Returns the error that ended the log, if one did. It is set before anything else shows that the log has ended.
    pub fn error(&self) -> Option<AuditError> {
        self.progress.error()
    }

    /// Writes what has happened until now, ends the log, and leaves the bus.
    ///
    /// # Errors
    ///
    /// [`AuditError`] if the log has failed.
    pub fn close(mut self) -> Result<(), AuditError> {
        self.finish();
        self.error().map_or(Ok(()), Err)
    }

    fn finish(&mut self) {
        if process::id() != self.process {
            return;
        }
        if let Some(thread) = self.thread.take() {
            self.attached.tell_suppressed();
            self.attached.detach();
            // Fails if it has ended already.
            let _ended = self.items.send(LogItem {
                at: self.attached.position(),
                what: What::End,
            });
            // The thread itself may end the log, in the callback for errors.
            if thread.thread().id() != thread::current().id() {
                let _panicked = thread.join();
            }
        }
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.finish();
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog")
            .field("synced", &self.synced())
            .field("error", &self.error())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use std::io::ErrorKind;

    use super::*;
    use crate::MessageBus;
    use crate::kernel::Command;

    #[test]
    fn a_fork_that_drops_its_copy_of_a_log_neither_ends_nor_unlocks_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let bus = MessageBus::new();
        let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
        drop(AuditLog {
            progress: Arc::clone(&log.progress),
            items: log.items.clone(),
            attached: Arc::clone(&log.attached),
            thread: Some(thread::spawn(|| ())),
            process: log.process + 1,
        });
        let refused = AuditLog::start(&bus, &path, Options::new()).unwrap_err();
        assert_eq!(refused.io_error().kind(), ErrorKind::ResourceBusy);
        bus.send_command("kernel", Command::Ping).unwrap();
        log.flush().unwrap();
        assert_eq!(verify([&path]).unwrap().envelopes, 1);
    }
}
