//! One waiter's place in a wait list.

use std::sync::Arc;

use super::{WaitList, Waiter};
use crate::support::sync::{Ordering, fence};

/// Where one task or thread may wait. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Registration {
    list: Arc<WaitList>,
    /// The number of its entry.
    entry: Option<u64>,
}

impl Registration {
    pub(crate) fn new(list: &Arc<WaitList>) -> Self {
        Registration {
            list: Arc::clone(list),
            entry: None,
        }
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn list(&self) -> &Arc<WaitList> {
        &self.list
    }

    /// Registers a waiter, in the place of the one before. The caller looks once more before it sleeps, and first
    /// changes the word that it waits at.
    pub(crate) fn register(&mut self, waiter: Waiter) {
        let mut entries = self.list.entries.lock();
        let before = self
            .entry
            .and_then(|number| entries.waiting.remove(&number));
        let number = entries.next;
        entries.next += 1;
        entries.waiting.insert(number, waiter);
        self.entry = Some(number);
        self.list.note(&entries); // the caller's change or fence comes after
        drop(entries);
        drop(before); // a waker is other people's code
    }

    /// Registers a waiter, in the place of the one before. The caller looks once more before it sleeps.
    pub(crate) fn register_and_fence(&mut self, waiter: Waiter) {
        self.register(waiter);
        fence(Ordering::SeqCst); // against the fences in `wake_all_after_fence` and `Occupied::wake_all`
    }

    /// Waits no more. True if it was woken since it registered.
    #[inline]
    pub(crate) fn leave(&mut self) -> bool {
        self.entry.take().is_some_and(|number| {
            // Relaxed: a lower number was taken. That is so nearly always.
            number < self.list.taken.load(Ordering::Relaxed) || self.take_back(number)
        })
    }

    /// True if the entry is gone.
    #[cold]
    fn take_back(&self, number: u64) -> bool {
        let mut entries = self.list.entries.lock();
        let waiter = entries.waiting.remove(&number);
        self.list.note(&entries);
        drop(entries);
        waiter.is_none() // it is dropped here, not under the lock
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.leave();
    }
}
