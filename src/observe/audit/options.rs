//! How a log writes.

use std::fmt;
use std::time::Duration;

use super::AuditError;
use crate::codec::Codec;

/// When what was written is handed to the operating system, and to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flush {
    /// After each line.
    EachLine,
    /// After so many lines, and when nothing more is waiting to be written.
    Lines(u32),
    /// So often, if there is something.
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
#[must_use = "options do nothing until a log is started with them"]
pub struct Options {
    pub(super) capacity: usize,
    pub(super) flush: Flush,
    pub(super) sync: bool,
    pub(super) rotate_at: Option<u64>,
    pub(super) each_denial: bool,
    pub(super) codec: Codec,
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
            on_error: None,
        }
    }
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many envelopes may wait to be written, and how many of anything else: from 1 to
    /// [`MAX_CAPACITY`](crate::limits::MAX_CAPACITY).
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// When what was written is flushed. What is not may be lost when the process is killed.
    pub fn flush(mut self, flush: Flush) -> Self {
        self.flush = flush;
        self
    }

    /// Whether flushing waits until the disk has it (`fsync`). Without, it survives the end of the process but not
    /// of the machine, and [`AuditLog::synced`](super::AuditLog::synced) knows of nothing.
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Begins a new file when one has this many bytes. The full one gets the next free number at the
    /// end of its name: `audit.jsonl.1`, `audit.jsonl.2`. No file is ever deleted, or written over. The log
    /// fails if its file cannot be put aside: such as when somebody else has moved or replaced it.
    pub fn rotate_at(mut self, bytes: u64) -> Self {
        self.rotate_at = Some(bytes);
        self
    }

    /// Whether each publish that was refused is recorded, as each that was not is. Without, whoever is refused cannot
    /// fill the disk; with it he can, though no faster than the log writes, since he waits for it.
    pub fn each_denial(mut self, each: bool) -> Self {
        self.each_denial = each;
        self
    }

    /// What writes envelopes, and so how large they may be.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// What to call if writing fails, once, on the log's thread, when it has left the bus.
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
            .finish_non_exhaustive()
    }
}
