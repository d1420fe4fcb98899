//! A parker: where one thread sleeps until something wakes it; and how many threads are woken at once.
//!
//! A thread may wait for several things. It registers its parker with each, as a task does with its waker, and sleeps
//! once. A wake-up that comes before the thread sleeps is not lost: the next `park` returns at once. Many threads are
//! woken [by tree](WakeTree).
//!
//! The models are in `tests/wait_list_loom_models.rs`.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Instant;

use smallvec::SmallVec;

use crate::support::clock;
use crate::support::sync::{AtomicU64, Condvar, Mutex, Ordering};

/// One thread's parker. Several things may wake it.
#[derive(Debug, Default)]
pub(crate) struct Parker {
    state: Mutex<ParkerState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct ParkerState {
    /// The thread was woken since it last slept.
    is_woken: bool,
    /// The thread is in a [`Nap`], so it will see what it is handed.
    is_napping: bool,
    /// The batch of which the thread is to wake two more.
    share: Option<Arc<WakeTree>>,
}

impl Parker {
    /// Sleeps until the thread is woken, was woken since it last slept, or the deadline has passed.
    pub(crate) fn park(self: &Arc<Self>, deadline: Option<Instant>) {
        let mut state = self.state.lock();
        while !state.is_woken {
            match deadline {
                None => clock::wait(&self.changed, &mut state),
                Some(deadline) => {
                    let waker = || Waker::from(Arc::clone(self));
                    if clock::wait_until(&self.changed, &mut state, deadline, waker) {
                        break;
                    }
                }
            }
        }
        state.is_woken = false;
    }

    pub(crate) fn unpark(&self) {
        self.state.lock().is_woken = true;
        self.changed.notify_all();
    }

    /// Wakes the thread, and hands it the batch of which it is to wake two more. Returns false if the thread is not in
    /// a nap or has a batch already. Then it is left alone.
    pub(crate) fn unpark_with(&self, share: &Arc<WakeTree>) -> bool {
        let mut state = self.state.lock();
        if !state.is_napping || state.share.is_some() {
            return false;
        }
        state.share = Some(Arc::clone(share));
        state.is_woken = true;
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Begins a nap: from now on the thread takes what it is handed.
    pub(crate) fn nap(self: &Arc<Self>) -> Nap<'_> {
        let mut state = self.state.lock();
        state.is_woken = false;
        state.is_napping = true;
        Nap(self)
    }
}

/// A thread that sleeps or is about to. However the nap ends, the thread then passes on what it was handed.
pub(crate) struct Nap<'a>(&'a Arc<Parker>);

impl Nap<'_> {
    /// Sleeps until the thread is woken, was woken since the nap began, or the deadline has passed.
    pub(crate) fn sleep(&self, deadline: Option<Instant>) {
        self.0.park(deadline);
    }

    #[cfg(all(test, not(oxide_loom), feature = "tokio"))]
    pub(crate) fn was_woken(&self) -> bool {
        self.0.state.lock().is_woken
    }
}

impl Drop for Nap<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.is_napping = false;
        let share = state.share.take();
        drop(state);
        if let Some(batch) = share {
            batch.wake_two();
        }
    }
}

/// Threads that are woken by tree: the waking thread wakes the first two, and each woken thread wakes two more, before
/// it does anything else.
///
/// Waking a thread is a system call. In this way the waking thread makes two of them, however many threads sleep, and
/// the last of many threads is woken sooner.
///
/// Invariant: while threads come after `next`, one thread that was woken has not taken its two yet. It takes them even
/// if its deadline passes just then. A woken thread that does not get to run holds up only the threads that no other
/// one takes.
#[derive(Debug)]
pub(crate) struct WakeTree {
    parkers: Threads,
    /// The index of the first thread that was not taken yet.
    next: AtomicU64,
}

/// Threads that are to be woken. As few as need no tree are no allocation.
pub(crate) type Threads = SmallVec<[Arc<Parker>; 2]>;

impl WakeTree {
    pub(crate) fn wake_all(parkers: Threads) {
        if parkers.len() > 2 {
            let next = AtomicU64::new(0);
            Arc::new(WakeTree { parkers, next }).wake_two();
        } else {
            for parker in &parkers {
                parker.unpark();
            }
        }
    }

    /// Wakes the next two threads of the batch. Two measured best on two cores.
    fn wake_two(self: &Arc<Self>) {
        for _ in 0..2 {
            loop {
                // Relaxed: each number is given out once; the parkers came with the `Arc`.
                let next = self.next.fetch_add(1, Ordering::Relaxed);
                let parker = usize::try_from(next)
                    .ok()
                    .and_then(|next| self.parkers.get(next));
                match parker {
                    None => return,
                    Some(parker) if parker.unpark_with(self) => break,
                    Some(_) => {} // no longer waiting: the next thread takes its turn
                }
            }
        }
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.unpark();
    }
}
