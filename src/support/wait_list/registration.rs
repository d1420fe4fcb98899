//! A registration: one waiter's place in a wait list.
//!
//! A registration that is dropped takes its entry off the list. So a task that is cancelled, or a thread that gives up,
//! leaves nothing behind.

use std::mem;
use std::sync::Arc;

use super::{WaitList, Waiter};
use crate::support::sync::{Ordering, fence};

/// One waiter's place in a list, registered or not. Dropping it removes the entry.
#[derive(Debug)]
pub(crate) struct Registration {
    list: Arc<WaitList>,
    /// The number of its entry, while it is registered.
    entry: Option<u64>,
    /// The number of its last entry.
    last: Option<u64>,
}

impl Registration {
    pub(crate) fn new(list: &Arc<WaitList>) -> Self {
        Registration {
            list: Arc::clone(list),
            entry: None,
            last: None,
        }
    }

    pub(crate) fn list(&self) -> &Arc<WaitList> {
        &self.list
    }

    /// Registers a waiter in place of the previous one. Before it sleeps, the caller changes the word that it waits at,
    /// and then looks once more.
    pub(crate) fn register(&mut self, waiter: Waiter) {
        self.register_at(None, waiter);
    }

    /// Registers a waiter at the number that it had last, if it had one: so it keeps its place in the list. The caller
    /// looks once more before it sleeps.
    pub(crate) fn register_again_and_fence(&mut self, waiter: Waiter) {
        self.register_at(self.last, waiter);
        fence(Ordering::SeqCst); // against the fences in `wake_all_after_fence` and `Occupied::wake_all`
    }

    /// Whether it is registered, or was woken since it registered.
    pub(crate) fn is_registered(&self) -> bool {
        self.entry.is_some()
    }

    fn register_at(&mut self, place: Option<u64>, waiter: Waiter) {
        let mut lock = self.list.entries.lock();
        let entries = lock.get_or_insert_default();
        let known = self.entry.and_then(|number| entries.find(number).ok());
        let before = if let Some(index) = known {
            Some(mem::replace(&mut entries.waiting[index].1, waiter))
        } else {
            let number = place.unwrap_or(entries.next);
            entries.next = entries.next.max(number + 1);
            let (Ok(index) | Err(index)) = entries.find(number);
            entries.waiting.insert(index, (number, waiter));
            self.entry = Some(number);
            None
        };
        self.list.note(entries); // the caller's fence or change of the word comes after
        drop(lock);
        drop(before); // dropping a waker is user code
    }

    /// Registers a waiter in place of the previous one, and puts a fence after it. The caller looks once more before it
    /// sleeps.
    pub(crate) fn register_and_fence(&mut self, waiter: Waiter) {
        self.register(waiter);
        fence(Ordering::SeqCst); // against the fences in `wake_all_after_fence` and `Occupied::wake_all`
    }

    /// Leaves the list. Returns true if the waiter was woken since it registered.
    #[inline]
    pub(crate) fn deregister(&mut self) -> bool {
        self.entry.take().is_some_and(|number| {
            self.last = Some(number);
            // Relaxed: entries with a number below `taken` are gone, and nothing else depends on it. This is the usual
            // case.
            number < self.list.taken.load(Ordering::Relaxed) || self.take_back(number)
        })
    }

    /// Removes the entry. Returns true if it was gone already.
    #[cold]
    fn take_back(&self, number: u64) -> bool {
        let mut lock = self.list.entries.lock();
        let entries = lock.get_or_insert_default();
        let place = entries.find(number).ok();
        let waiter = place.and_then(|place| entries.waiting.remove(place));
        self.list.note(entries);
        drop(lock);
        waiter.is_none() // the waiter is dropped after the lock is released
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.deregister();
    }
}
