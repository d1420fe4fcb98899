//! The options of a log: how it writes, how often it flushes, when it rotates.

use std::fmt;
use std::time::Duration;

use super::AuditError;
use crate::codec::Codec;

/// When written lines are handed to the operating system, and to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flush {
    /// After each line.
    EachLine,
    /// After this many lines, and when nothing more is waiting to be written.
    Lines(u32),
    /// After this time, if anything was written.
    Interval(Duration),
}

pub(super) type OnError = Box<dyn FnOnce(&AuditError) + Send>;

/// How an [`AuditLog`](super::AuditLog) writes.
///
/// # Defaults
///
/// | option | default |
/// | --- | --- |
/// | [`capacity`](Self::capacity) | 1,024 |
/// | [`flush`](Self::flush) | each second |
/// | [`sync`](Self::sync) | yes |
/// | [`rotate_at`](Self::rotate_at) | never |
/// | [`each_denial`](Self::each_denial) | no: ten a second of each capability, and the number of the others |
/// | [`codec`](Self::codec) | the default limits |
/// | `hash_chain` (feature `hash-chain`) | no |
#[must_use = "options do nothing until a log is started with them"]
pub struct Options {
    pub(super) capacity: usize,
    pub(super) flush: Flush,
    pub(super) sync: bool,
    pub(super) rotate_at: Option<u64>,
    pub(super) each_denial: bool,
    pub(super) codec: Codec,
    pub(super) is_chained: bool,
    pub(super) on_error: Option<OnError>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            capacity: 1_024,
            flush: Flush::Interval(Duration::from_secs(1)),
            sync: true,
            rotate_at: None,
            each_denial: false,
            codec: Codec::new(),
            is_chained: false,
            on_error: None,
        }
    }
}

impl Options {
    /// Returns the default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many envelopes may wait to be written, and how many other events: from 1 to
    /// [`MAX_CAPACITY`](crate::limits::MAX_CAPACITY).
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets when written lines are flushed. Lines that are not flushed may be lost when the process is killed.
    pub fn flush(mut self, flush: Flush) -> Self {
        self.flush = flush;
        self
    }

    /// Sets whether flushing waits until the disk has the lines (`fsync`). Without, they survive the end of the process
    /// but not of the machine, and [`AuditLog::synced`](super::AuditLog::synced) always returns `None`.
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Begins a new file when the current one has this many bytes. The full one gets the next free number at the
    /// end of its name: `audit.jsonl.1`, `audit.jsonl.2`. No file is ever deleted or overwritten. The log
    /// fails if its file cannot be renamed, for example because somebody else has moved or replaced it.
    pub fn rotate_at(mut self, bytes: u64) -> Self {
        self.rotate_at = Some(bytes);
        self
    }

    /// Sets whether each refused publish is recorded. Without, a publisher that is refused cannot fill the disk. With
    /// it, a publisher can, though no faster than the log writes, since it waits for the log.
    pub fn each_denial(mut self, each: bool) -> Self {
        self.each_denial = each;
        self
    }

    /// Sets the codec that writes envelopes, and so how large they may be.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Sets whether the log has a hash chain: at each flush a record holds a SHA-256 over all records before. If a
    /// [head](super::AuditLog::head) is kept elsewhere, the [verifier](super::Verifier::head) finds what was changed,
    /// removed or moved before it. Without a kept head it finds only changes that left the chain as it was: a program
    /// that can write the file can also make a new chain.
    ///
    /// # Cost
    ///
    /// Each line is hashed, and each flush writes one line more.
    #[cfg(feature = "hash-chain")]
    pub fn hash_chain(mut self, chained: bool) -> Self {
        self.is_chained = chained;
        self
    }

    /// Sets a function to call if writing fails. It is called once, on the log's thread, after the log has left the
    /// bus.
    pub fn on_error(mut self, call: impl FnOnce(&AuditError) + Send + 'static) -> Self {
        self.on_error = Some(Box::new(call));
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("capacity", &self.capacity)
            .field("flush", &self.flush)
            .field("sync", &self.sync)
            .field("rotate_at", &self.rotate_at)
            .field("each_denial", &self.each_denial)
            .field("codec", &self.codec)
            .field("is_chained", &self.is_chained)
            .finish_non_exhaustive()
    }
}
