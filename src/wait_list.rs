//! A wait list: tasks and threads that wait until something has changed.
//!
//! Whoever waits registers here, and then looks once more at what it waits for. Whoever changes that comes here
//! afterwards and wakes everybody. One of them at least sees what the other did, because
//!
//! * both change the same word: a [segment's](crate::parcel), by a claim and by
//!   [`await_after`](crate::parcel::Parcel::await_after); or
//! * both put a `SeqCst` fence between what they write and what they read:
//!   [`wake_all_after_fence`](WaitList::wake_all_after_fence) and
//!   [`Registration::register_and_fence`].
//!
//! Where nobody waits, a publisher reads one flag. The lock is for those that wait and those that wake them.
//!
//! Tasks are woken directly. Threads are woken [by tree](crate::parker::Batch), for to wake a thread is a call of the system: the
//! publisher wakes a few, and each of them wakes more before it does anything else.

use std::sync::Arc;
use std::task::Waker;

use crate::caught::caught;
use crate::parker::{Batch, Parker};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering, fence};

pub(crate) use self::registration::Registration;

#[cfg(all(test, oxide_loom, feature = "tokio"))]
mod loom_models;
mod registration;
#[cfg(all(test, not(oxide_loom), feature = "tokio"))]
mod tests;

/// A list of waiters.
#[derive(Debug, Default)]
pub(crate) struct WaitList {
    /// Somebody may be registered. Written under the lock.
    is_occupied: AtomicBool,
    /// How often all were woken. Written under the lock.
    rounds: AtomicU64,
    entries: Mutex<Entries>,
}

/// A task, or a thread that sleeps in its parker.
#[derive(Debug)]
pub(crate) enum Waiter {
    #[cfg_attr(
        not(feature = "tokio"),
        expect(dead_code, reason = "without tokio there are no tasks")
    )]
    Task(Waker),
    Thread(Arc<Parker>),
}

/// Waiters, by number. The first needs no allocation.
#[derive(Debug, Default)]
struct Entries {
    first: Option<Waiter>,
    others: Vec<Option<Waiter>>,
    /// Which of the others are none.
    free: Vec<usize>,
}

impl WaitList {
    /// Wakes everybody. What they are to find was written before, by a change of the word that they wait at.
    #[inline]
    pub(crate) fn wake_all(&self) {
        // Relaxed: it was set before the change of the word that came before the caller's.
        if self.is_occupied() {
            self.wake_registered();
        }
    }

    /// Wakes everybody. What they are to find was written before.
    pub(crate) fn wake_all_after_fence(&self) {
        fence(Ordering::SeqCst); // against the fence in `register_and_fence`
        self.wake_all();
    }

    /// Whether somebody may be waiting: a hint, unless a fence or a change of their word came before.
    #[inline]
    pub(crate) fn is_occupied(&self) -> bool {
        self.is_occupied.load(Ordering::Relaxed)
    }

    #[cold]
    fn wake_registered(&self) {
        let mut entries = self.entries.lock();
        let first = entries.first.take();
        let others = std::mem::take(&mut entries.others);
        entries.free.clear();
        // Relaxed: whoever reads it without the lock, and finds another number than its own, needs to know no more.
        let rounds = self.rounds.load(Ordering::Relaxed);
        self.rounds.store(rounds + 1, Ordering::Relaxed);
        self.is_occupied.store(false, Ordering::Relaxed);
        drop(entries); // wakers are other people's code
        let mut threads = Vec::new();
        for waiter in first.into_iter().chain(others.into_iter().flatten()) {
            match waiter {
                Waiter::Task(waker) => wake(waker),
                Waiter::Thread(parker) => threads.push(parker),
            }
        }
        Batch::wake_all(threads);
    }
}

/// Wakes a task. A panic of its waker is caught, so that the others are woken all the same.
pub(crate) fn wake(waker: Waker) {
    let _panicked = caught(|| waker.wake());
}

impl Entries {
    /// The entry with a number, if it was put there since all were taken.
    fn at(&mut self, number: usize) -> &mut Option<Waiter> {
        match number.checked_sub(1) {
            None => &mut self.first,
            Some(other) => &mut self.others[other],
        }
    }

    /// Puts a waiter where none is, and returns its number.
    fn put(&mut self, waiter: Waiter) -> usize {
        if self.first.is_none() {
            self.first = Some(waiter);
            return 0;
        }
        let other = self.free.pop().unwrap_or_else(|| {
            self.others.push(None);
            self.others.len() - 1
        });
        self.others[other] = Some(waiter);
        other + 1
    }

    fn remove(&mut self, number: usize) -> Option<Waiter> {
        self.free.extend(number.checked_sub(1));
        self.at(number).take()
    }

    fn is_empty(&self) -> bool {
        self.first.is_none() && self.others.len() == self.free.len()
    }
}
