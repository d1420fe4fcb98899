//! A wait list: tasks and threads that wait until something has changed.
//!
//! There is one list for each thing that is waited for. The thread that changes that thing wakes the list, so nobody
//! polls.
//!
//! # Why no wake-up is lost
//!
//! A waiter registers, and then looks once more at what it waits for. A thread that changes that goes to the list
//! afterwards, and wakes the registered waiters. At least one of the two sees what the other did, because
//!
//! * both change the same word, where what is waited for lies in one word: a waiter that registered with
//!   [`Registration::register`] exchanges it for itself, which fails if it has changed; or
//! * both put a `SeqCst` fence between what they write and what they read:
//!   [`wake_all_after_fence`](WaitList::wake_all_after_fence) or [`Occupied::wake_all`], and
//!   [`Registration::register_and_fence`].
//!
//! If nobody waits, a thread that changes something reads one flag. The lock is only for waiters and for the threads
//! that wake them.
//!
//! Tasks and channels are woken directly, and all of them. A woken task may have been cancelled, so waking only one
//! could lose a wake-up. Threads are woken [by tree](crate::support::parker::WakeTree), because waking one is a system
//! call; a program may ask for [directly](Waking). Where any one of the threads will do, [one](WaitList::one_by_one) is
//! woken.
//!
//! The models are in `tests/wait_list_loom_models.rs`, the tests in `tests/wait_list.rs`.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::Waker;

use crossbeam_channel::Sender;
use smallvec::SmallVec;

use crate::support::panics::catch_panic;
use crate::support::parker::{Parker, Threads, WakeTree};
use crate::support::sync::{AtomicBool, AtomicU64, Mutex, Ordering, fence};

pub(crate) use self::registration::Registration;
pub(crate) use self::wait_until::{Look, wait_until};

#[cfg(all(test, oxide_loom, feature = "tokio"))]
#[path = "../tests/wait_list_loom_models.rs"]
mod loom_models;
mod registration;
#[cfg(all(test, not(oxide_loom), feature = "tokio"))]
#[path = "../tests/wait_list.rs"]
pub(crate) mod tests;
mod wait_until;

/// A list of waiters.
#[derive(Debug, Default)]
pub(crate) struct WaitList {
    /// Whether a waiter may be registered. Written under the lock.
    is_occupied: AtomicBool,
    /// Every entry with a lower number has been taken. Written under the lock.
    taken: AtomicU64,
    /// Made for the first waiter: most lists never have one.
    entries: Mutex<Option<Box<Entries>>>,
    /// The counter that counts this list while it is occupied.
    counted: Option<Arc<Occupied>>,
    waking: Waking,
    /// One thread is woken each time. It wakes the list again if it leaves something behind.
    one_by_one: bool,
}

/// How threads are woken, in all wait lists of a bus.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waking {
    /// The waking thread wakes two, and each woken thread wakes two more.
    #[default]
    ByTree,
    /// The waking thread wakes all of them.
    Directly,
}

/// How many of some wait lists are occupied. While this is zero, a thread that has changed many things need not look at
/// the list of each one.
#[derive(Debug, Default)]
pub(crate) struct Occupied(AtomicU64);

/// A waiter: a task, a thread that sleeps in its parker, or a thread that sleeps elsewhere and is sent a token.
#[derive(Debug)]
pub(crate) enum Waiter {
    #[cfg_attr(
        not(feature = "tokio"),
        expect(dead_code, reason = "without tokio there are no tasks")
    )]
    Task(Waker),
    Thread(Arc<Parker>),
    /// A channel at which the waiter looks, among others. It is sent a token.
    Channel(Sender<()>),
}

/// The registered waiters, in the order of their numbers: that in which they came. The memory is kept, so that waiting
/// and waking at rest allocate nothing.
#[derive(Debug, Default)]
struct Entries {
    next: u64,
    waiting: VecDeque<(u64, Waiter)>,
}

/// More memory than for this many waiters is given back when all are woken.
const KEPT: usize = 64;

impl Entries {
    /// Where a number is, or would be.
    fn find(&self, number: u64) -> Result<usize, usize> {
        self.waiting.binary_search_by_key(&number, |entry| entry.0)
    }
}

impl WaitList {
    /// Makes a list whose threads are woken in this way.
    pub(crate) fn waking(waking: Waking) -> Self {
        WaitList {
            waking,
            ..Self::default()
        }
    }

    /// Makes it a list where one thread is woken each time, with all tasks.
    pub(crate) fn one_by_one(self, one_by_one: bool) -> Self {
        WaitList { one_by_one, ..self }
    }

    /// Makes it a list that `occupied` counts while a waiter is registered.
    pub(crate) fn counted(self, occupied: &Arc<Occupied>) -> Self {
        WaitList {
            counted: Some(Arc::clone(occupied)),
            ..self
        }
    }

    /// Returns how its threads are woken.
    pub(crate) fn how(&self) -> Waking {
        self.waking
    }

    /// Wakes the registered waiters. What they are to find was written before, by a change of the word that they wait
    /// at.
    #[inline]
    pub(crate) fn wake_all(&self) {
        if self.is_occupied() {
            self.wake_registered(self.one_by_one);
        }
    }

    /// Like [`wake_all`](Self::wake_all), where what the waiters are to find was written before without such a word.
    pub(crate) fn wake_all_after_fence(&self) {
        fence(Ordering::SeqCst); // against the fence in `register_and_fence`
        self.wake_all();
    }

    /// Wakes all registered waiters, including all threads where otherwise only one would be woken.
    pub(crate) fn wake_every_thread(&self) {
        fence(Ordering::SeqCst); // against the fence in `register_and_fence`
        if self.is_occupied() {
            self.wake_registered(false);
        }
    }

    /// Whether a waiter may be registered. This is a hint, unless a fence or a change of the waiters' word came before.
    #[inline]
    pub(crate) fn is_occupied(&self) -> bool {
        // The order against `Registration::register` comes from a fence, from a word that both sides change, or from a
        // `SeqCst` operation that came before this one.
        self.is_occupied.load(Ordering::SeqCst)
    }

    #[cold]
    fn wake_registered(&self, only_one: bool) {
        let mut lock = self.entries.lock();
        let entries = lock.get_or_insert_default();
        let waiting = &mut entries.waiting;
        let mut woken = SmallVec::<[Waiter; 2]>::new();
        if only_one {
            // All threads but the first stay registered.
            let mut has_thread = false;
            for _ in 0..waiting.len() {
                let (number, waiter) = waiting.pop_front().expect("there are as many");
                if matches!(waiter, Waiter::Thread(_)) && mem::replace(&mut has_thread, true) {
                    waiting.push_back((number, waiter));
                } else {
                    woken.push(waiter);
                }
            }
        } else {
            woken.extend(waiting.drain(..).map(|(_, waiter)| waiter));
            waiting.shrink_to(KEPT);
        }
        self.note(entries);
        drop(lock); // wakers are user code
        let mut threads = Threads::new();
        for waiter in woken {
            match waiter {
                Waiter::Task(waker) => wake(waker),
                Waiter::Thread(parker) => threads.push(parker),
                Waiter::Channel(sender) => _ = sender.try_send(()), // full: it has a token already
            }
        }
        match self.waking {
            Waking::ByTree => WakeTree::wake_all(threads),
            Waking::Directly => threads.iter().for_each(|parker| parker.unpark()),
        }
    }

    /// Publishes what is known under the lock, which the caller holds, to threads that read without it.
    fn note(&self, entries: &Entries) {
        // Relaxed, all of it. A waiter that registers puts a fence or a change of its word after it. A waiter that
        // finds its number below `taken` needs to know nothing else.
        let first = entries.waiting.front().map(|(number, _)| *number);
        let taken = first.unwrap_or(entries.next);
        self.taken.store(taken, Ordering::Relaxed);
        let (was, is) = (self.is_occupied(), first.is_some());
        self.is_occupied.store(is, Ordering::Relaxed);
        match &self.counted {
            Some(occupied) if is && !was => occupied.0.fetch_add(1, Ordering::Relaxed),
            Some(occupied) if was && !is => occupied.0.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

impl Occupied {
    /// Wakes the waiters that are registered in these lists. What they are to find was written before.
    pub(crate) fn wake_all<'a>(&self, lists: impl Iterator<Item = &'a Arc<WaitList>>) {
        fence(Ordering::SeqCst); // against the fence in `register_and_fence`
        if self.0.load(Ordering::Relaxed) > 0 {
            lists.for_each(|list| list.wake_all());
        }
    }
}

/// Wakes a task. A panic of its waker is caught, so that the other waiters are still woken.
pub(crate) fn wake(waker: Waker) {
    let _panicked = catch_panic(|| waker.wake());
}
