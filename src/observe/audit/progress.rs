//! How far a log has got. The log's thread writes it, and the handles read it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

#[cfg(feature = "hash-chain")]
use parking_lot::Mutex;

use super::AuditError;
#[cfg(feature = "hash-chain")]
use super::chain::{ChainHead, Hash};
use crate::support::wait_list::{WaitList, Waking};

pub(super) struct LogProgress {
    /// How many records are known to be on disk.
    pub(super) synced: AtomicU64,
    /// The last head of the chain.
    #[cfg(feature = "hash-chain")]
    head: Mutex<Option<ChainHead>>,
    pub(super) error: OnceLock<AuditError>,
    has_ended: AtomicBool,
    /// Callers that wait for an answer, or for the log to end.
    pub(super) flushes: Arc<WaitList>,
}

impl LogProgress {
    /// No record is written yet. Threads that wait are woken in this way.
    pub(super) fn new(waking: Waking) -> Self {
        LogProgress {
            synced: AtomicU64::new(0),
            #[cfg(feature = "hash-chain")]
            head: Mutex::default(),
            error: OnceLock::new(),
            has_ended: AtomicBool::new(false),
            flushes: Arc::new(WaitList::waking(waking)),
        }
    }

    pub(super) fn synced(&self) -> Option<u64> {
        self.synced.load(Ordering::Acquire).checked_sub(1) // pairs with the release in `flush_file`
    }

    pub(super) fn error(&self) -> Option<AuditError> {
        self.error.get().cloned()
    }

    /// Returns whether nothing more is written. By then all answers are given, and the error is set if there is one.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire) // pairs with the release in `end`
    }

    pub(super) fn end(&self) {
        self.has_ended.store(true, Ordering::Release); // pairs with the acquire in `has_ended`
        self.wake_flushes();
    }

    /// Wakes the callers of `flush`, after an answer to one of them.
    pub(super) fn wake_flushes(&self) {
        self.flushes.wake_all_after_fence();
    }

    #[cfg(feature = "hash-chain")]
    pub(super) fn head(&self) -> Option<ChainHead> {
        *self.head.lock()
    }

    /// The record with this number holds a head, if the log has a chain.
    #[cfg(feature = "hash-chain")]
    pub(super) fn passed(&self, record: u64, hash: Option<Hash>) {
        *self.head.lock() = hash.map(|hash| ChainHead { record, hash });
    }
}
