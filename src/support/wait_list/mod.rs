//! A wait list: tasks and threads that wait until something has changed.
//!
//! There is one for the subscribers of a bus that have no filter, one for each queue with a filter, and one for each
//! other thing that is waited for: room in a queue, the list of subscribers with the queues that are
//! [drained](crate::engine::drain), the end of what is on its way.
//!
//! Whoever waits registers, and then looks once more at what it waits for. Whoever changes that comes to the list
//! afterwards, and wakes those that are registered. One of them at least sees what the other did, because
//!
//! * both change the same word: a [segment's](crate::queue::segment), by a claim and by
//!   [`await_after`](crate::queue::segment::Segment::await_after); or
//! * both put a `SeqCst` fence between what they write and what they read:
//!   [`wake_all_after_fence`](WaitList::wake_all_after_fence) or [`Occupied::wake_all`], and
//!   [`Registration::register_and_fence`].
//!
//! Where nobody waits, a publisher reads one flag. The lock is for those that wait and those that wake them.
//!
//! Tasks and channels are woken directly, and all of them: one that was woken need not come, for it may be cancelled. Threads are
//! woken [by tree](crate::support::parker::Batch), for to wake one is a call of the system. Of the threads of a group one is woken for
//! each envelope.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::task::Waker;

use crossbeam_channel::Sender;

use crate::support::panics::catch_panic;
use crate::support::parker::{Batch, Parker};
use crate::support::sync::{AtomicBool, AtomicU64, Mutex, Ordering, fence};

pub(crate) use self::looking::{Look, look_when_woken};
pub(crate) use self::registration::Registration;

mod looking;
#[cfg(all(test, oxide_loom, feature = "tokio"))]
#[path = "../tests/wait_list_loom_models.rs"]
mod loom_models;
mod registration;
#[cfg(all(test, not(oxide_loom), feature = "tokio"))]
#[path = "../tests/wait_list.rs"]
pub(crate) mod tests;

/// A list of waiters.
#[derive(Debug, Default)]
pub(crate) struct WaitList {
    /// Somebody may be registered. Written under the lock.
    is_occupied: AtomicBool,
    /// Every entry with a lower number was taken. Written under the lock.
    taken: AtomicU64,
    entries: Mutex<Entries>,
    /// Where it is counted while it is occupied.
    counted: Option<Arc<Occupied>>,
    threads: Threads,
}

/// How threads are woken.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// Two by the publisher, and two by each that was woken.
    #[default]
    ByTree,
    /// All by the publisher.
    Directly,
    /// One for each time: a thread that was woken [hands on](crate::queue::direct::DirectReceiver::hand_on) what it does not take.
    One,
}

/// How many wait lists of a bus are occupied, of queues with a filter. A publish that has sent to many queues need not
/// look at each one's list where this is zero.
#[derive(Debug, Default)]
pub(crate) struct Occupied(AtomicU64);

/// A task, a thread that sleeps in its parker, or one that sleeps elsewhere and is sent a token.
#[derive(Debug)]
pub(crate) enum Waiter {
    #[cfg_attr(
        not(feature = "tokio"),
        expect(dead_code, reason = "without tokio there are no tasks")
    )]
    Task(Waker),
    Thread(Arc<Parker>),
    /// A channel that whoever waits looks at, among others: it gets a token.
    Channel(Sender<()>),
}

/// Those that wait, in the order in which they came.
#[derive(Debug, Default)]
struct Entries {
    next: u64,
    waiting: BTreeMap<u64, Waiter>,
}

impl WaitList {
    /// One whose threads are woken in this way.
    pub(crate) fn waking(threads: Threads) -> Self {
        WaitList {
            threads,
            ..Self::default()
        }
    }

    /// One that is counted among these while it is occupied.
    pub(crate) fn counted(threads: Threads, occupied: &Arc<Occupied>) -> Self {
        WaitList {
            counted: Some(Arc::clone(occupied)),
            ..Self::waking(threads)
        }
    }

    /// Wakes those that are registered. What they are to find was written before, by a change of the word that they wait
    /// at.
    #[inline]
    pub(crate) fn wake_all(&self) {
        if self.is_occupied() {
            self.wake_registered(self.threads);
        }
    }

    /// The same, where what they are to find was written before without such a word.
    pub(crate) fn wake_all_after_fence(&self) {
        fence(Ordering::SeqCst); // against the fence in `register_and_fence`
        self.wake_all();
    }

    /// Wakes all threads, where else one would be.
    pub(crate) fn wake_every_thread(&self) {
        fence(Ordering::SeqCst); // as above
        if self.is_occupied() {
            self.wake_registered(Threads::ByTree);
        }
    }

    /// Whether somebody may be waiting: a hint, unless a fence or a change of their word came before.
    #[inline]
    pub(crate) fn is_occupied(&self) -> bool {
        // Which comes first is said by a fence, or by a change of the word that both change, or by a `SeqCst` operation that
        // came before this one.
        self.is_occupied.load(Ordering::SeqCst)
    }

    #[cold]
    fn wake_registered(&self, how: Threads) {
        let mut entries = self.entries.lock();
        let mut woken = mem::take(&mut entries.waiting);
        if how == Threads::One {
            // All but the first of the threads stay.
            let mut has_thread = false;
            entries.waiting = (woken)
                .extract_if(.., |_, waiter| {
                    matches!(waiter, Waiter::Thread(_)) && mem::replace(&mut has_thread, true)
                })
                .collect();
        }
        self.note(&entries);
        drop(entries); // wakers are other people's code
        let mut threads = Vec::new();
        for waiter in woken.into_values() {
            match waiter {
                Waiter::Task(waker) => wake(waker),
                Waiter::Thread(parker) => threads.push(parker),
                Waiter::Channel(sender) => _ = sender.try_send(()), // full: it has a token
            }
        }
        if how == Threads::Directly {
            for parker in &threads {
                parker.unpark();
            }
        } else {
            Batch::wake_all(threads);
        }
    }

    /// Notes outside what is known under the lock, which is held.
    fn note(&self, entries: &Entries) {
        // Relaxed, all of it: whoever registers puts a fence or a change of its word after it; and whoever finds its
        // number below `taken` needs to know no more.
        let first = entries.waiting.first_key_value();
        let taken = first.map_or(entries.next, |(number, _)| *number);
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
    /// Wakes those that are registered in these lists. What they are to find was written before.
    pub(crate) fn wake_all<'a>(&self, lists: impl Iterator<Item = &'a WaitList>) {
        fence(Ordering::SeqCst); // against the fence in `register_and_fence`
        if self.0.load(Ordering::Relaxed) > 0 {
            lists.for_each(WaitList::wake_all);
        }
    }
}

/// Wakes a task. A panic of its waker is caught, so that the others are woken all the same.
pub(crate) fn wake(waker: Waker) {
    let _panicked = catch_panic(|| waker.wake());
}
