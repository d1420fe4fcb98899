//! The lines of a log on their way to its file: numbered, chained, flushed when it is time, and rotated.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::chain::{BEGINNING, Chain, to_hex};
use super::file::LogFile;
use super::progress::LogProgress;
use super::record::{self, AuditEvent, Numbered};
use super::{AuditError, Flush};
use crate::message::id::stamp;

/// How long a log that is [flushed after a number of lines](Flush::Lines) waits for more lines before it is flushed
/// anyway.
const IDLE: Duration = Duration::from_millis(20);

pub(super) struct Output {
    file: LogFile,
    flush: Flush,
    /// The hash chain over the records since the last head, if the log has one.
    chain: Option<Chain>,
    progress: Arc<LogProgress>,
    next_record: u64,
    /// How many records were written since the last flush.
    unflushed: u32,
    flushed_at: Instant,
}

impl Output {
    pub(super) fn new(
        file: LogFile,
        flush: Flush,
        is_chained: bool,
        progress: Arc<LogProgress>,
    ) -> Self {
        Output {
            file,
            flush,
            chain: Chain::after(is_chained.then_some(BEGINNING)),
            progress,
            next_record: 0,
            unflushed: 0,
            flushed_at: Instant::now(),
        }
    }

    /// Writes the first record. The bus has reached this position.
    pub(super) fn open(&mut self, position: u64) -> Result<(), AuditError> {
        self.event(&AuditEvent {
            hash: self.chain.as_ref().map(|_| to_hex(&BEGINNING)),
            ..AuditEvent::new(position, stamp().1, "opened")
        })
    }

    /// Writes the last record, and flushes.
    pub(super) fn end(&mut self, position: u64) -> Result<(), AuditError> {
        self.head(position, "ended")?;
        self.flush_file()?;
        self.rotate_if_full()
    }

    /// Returns when written lines must be flushed even if nothing more happens.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let since = (self.unflushed > 0).then_some(self.flushed_at)?;
        match self.flush {
            Flush::EachLine => None,
            Flush::Lines(_) => Instant::now().checked_add(IDLE),
            Flush::Interval(interval) => since.checked_add(interval),
        }
    }

    /// Writes an envelope's record. `json` is written as it is.
    pub(super) fn envelope(&mut self, sequence: u64, json: &str) -> Result<(), AuditError> {
        let line = record::envelope(self.next_record, sequence, json);
        self.line(&line, sequence)
    }

    pub(super) fn event(&mut self, event: &AuditEvent) -> Result<(), AuditError> {
        let line = self.numbered(event)?;
        self.line(&line, event.at)
    }

    /// Flushes what was written. Returns the number of the last record.
    pub(super) fn flush(&mut self, position: u64) -> Result<u64, AuditError> {
        if self.unflushed > 0 && self.chain.is_some() {
            self.head(position, "head")?;
        }
        self.flush_file()?;
        Ok(self.next_record - 1) // `opened` came before
    }

    /// Sets the cause before the log's end can be noticed: a `flush` that gets no answer returns this cause.
    pub(super) fn failed(&self, cause: io::Error) -> AuditError {
        let error = AuditError::new(self.file.path(), cause);
        let _first = self.progress.error.set(error.clone());
        error
    }

    fn line(&mut self, line: &str, position: u64) -> Result<(), AuditError> {
        self.put(line)?;
        let is_due = match self.flush {
            Flush::EachLine => true,
            Flush::Lines(lines) => self.unflushed >= lines,
            Flush::Interval(_) => false,
        };
        if is_due || self.file.is_full() {
            self.flush(position)?;
        }
        self.rotate_if_full()
    }

    fn rotate_if_full(&mut self) -> Result<(), AuditError> {
        if self.unflushed == 0 && self.file.is_full() {
            self.file.rotate().map_err(|cause| self.failed(cause))?;
        }
        Ok(())
    }

    /// Writes a record with the head of the chain, if there is one.
    fn head(&mut self, position: u64, kind: &'static str) -> Result<(), AuditError> {
        let hash = self.chain.take().map(Chain::head);
        self.chain = Chain::after(hash);
        #[cfg(feature = "hash-chain")]
        self.progress.passed(self.next_record, hash);
        let line = self.numbered(&AuditEvent {
            hash: hash.as_ref().map(to_hex),
            ..AuditEvent::new(position, stamp().1, kind)
        })?;
        self.put(&line)
    }

    fn numbered(&self, event: &AuditEvent) -> Result<String, AuditError> {
        let numbered = Numbered {
            record: self.next_record,
            what: event,
        };
        let mut line = serde_json::to_string(&numbered)
            .map_err(|cause| self.failed(io::Error::other(cause)))?;
        line.push('\n');
        Ok(line)
    }

    fn put(&mut self, line: &str) -> Result<(), AuditError> {
        self.file.write(line).map_err(|cause| self.failed(cause))?;
        if let Some(chain) = &mut self.chain {
            chain.add(line.as_bytes());
        }
        self.next_record += 1;
        self.unflushed += 1;
        Ok(())
    }

    fn flush_file(&mut self) -> Result<(), AuditError> {
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
