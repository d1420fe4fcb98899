//! One waiter's place in a wait list.

use std::sync::Arc;

use super::{WaitList, Waiter};
use crate::sync::{Ordering, fence};

/// Where one task or thread may wait. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Registration {
    list: Arc<WaitList>,
    /// The number of its entry, and how often all had been woken then.
    held: Option<(usize, u64)>,
}

impl Registration {
    pub(crate) fn new(list: &Arc<WaitList>) -> Self {
        Registration {
            list: Arc::clone(list),
            held: None,
        }
    }

    /// Registers a waiter, in the place of the one before. The caller looks once more before it sleeps, and first
    /// changes the word that it waits at.
    pub(crate) fn register(&mut self, waiter: Waiter) {
        let mut entries = self.list.entries.lock();
        let rounds = self.list.rounds.load(Ordering::Relaxed); // written under the lock
        let before = match self.held {
            Some((number, then)) if then == rounds => entries.at(number).replace(waiter),
            _ => {
                self.held = Some((entries.put(waiter), rounds));
                None
            }
        };
        self.list.is_occupied.store(true, Ordering::Relaxed); // the caller's change or fence comes after
        drop(entries);
        drop(before); // a waker is other people's code
    }

    /// Registers a waiter, in the place of the one before. The caller looks once more before it sleeps.
    pub(crate) fn register_and_fence(&mut self, waiter: Waiter) {
        self.register(waiter);
        fence(Ordering::SeqCst); // against the fence in `wake_all_after_fence`
    }

    /// Waits no more.
    #[inline]
    pub(crate) fn leave(&mut self) {
        if let Some((number, then)) = self.held.take() {
            // Relaxed: if it has changed the entry was taken. That is so nearly always.
            if self.list.rounds.load(Ordering::Relaxed) == then {
                self.take_back(number, then);
            }
        }
    }

    #[cold]
    fn take_back(&self, number: usize, then: u64) {
        let mut entries = self.list.entries.lock();
        if self.list.rounds.load(Ordering::Relaxed) == then {
            let waiter = entries.remove(number);
            if entries.is_empty() {
                self.list.is_occupied.store(false, Ordering::Relaxed);
            }
            drop(entries);
            drop(waiter); // not under the lock
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.leave();
    }
}
