//! Where a thread sleeps until it is woken, by whichever of the things that it waits for; and how many are woken.

use std::sync::Arc;
use std::task::Wake;
use std::time::Instant;

use crate::support::sync::{AtomicU64, Condvar, Mutex, Ordering};

/// One thread's bed. Several things may wake it.
#[derive(Debug, Default)]
pub(crate) struct Parker {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// It was woken since it slept last.
    is_woken: bool,
    /// It is in a [`Nap`], so it will see what it is handed.
    is_napping: bool,
    /// Those that it is to wake in turn.
    share: Option<Arc<Batch>>,
}

impl Parker {
    /// Sleeps until it is woken, or was since it slept last, or until the deadline.
    pub(crate) fn park(&self, deadline: Option<Instant>) {
        let mut state = self.state.lock();
        while !state.is_woken {
            match deadline {
                None => self.changed.wait(&mut state),
                Some(deadline) => {
                    if self.changed.wait_until(&mut state, deadline).timed_out() {
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

    /// Wakes it, and hands it those that it is to wake in turn. False if it does not sleep: then it is left alone.
    pub(crate) fn unpark_with(&self, share: &Arc<Batch>) -> bool {
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

    /// Begins to wait: from now on it takes what it is handed.
    pub(crate) fn nap(&self) -> Nap<'_> {
        let mut state = self.state.lock();
        state.is_woken = false;
        state.is_napping = true;
        Nap(self)
    }
}

/// A thread that sleeps or is about to. It passes on what it was handed when it ends, however that comes.
pub(crate) struct Nap<'a>(&'a Parker);

impl Nap<'_> {
    /// Sleeps until it is woken, or was since the nap began, or until the deadline.
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

/// Threads that are woken by tree: the first two by a publisher, and two more by each thread that has woken up, before
/// it does anything else.
///
/// To wake a thread is a call of the system. This way a publisher makes two of them, whoever sleeps, and the last of
/// many threads has its envelope sooner.
///
/// Invariant: while threads come after `next`, one that was woken has not taken its two yet. It takes them though its
/// time may be up just then. A woken thread that does not get to run holds up only those that no other takes.
#[derive(Debug)]
pub(crate) struct Batch {
    parkers: Vec<Arc<Parker>>,
    /// The first that was not taken yet.
    next: AtomicU64,
}

impl Batch {
    pub(crate) fn wake_all(parkers: Vec<Arc<Parker>>) {
        if parkers.len() > 2 {
            let next = AtomicU64::new(0);
            Arc::new(Batch { parkers, next }).wake_two();
        } else {
            for parker in &parkers {
                parker.unpark();
            }
        }
    }

    /// Two looked best on two cores.
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
                    Some(_) => {} // it waits no more: another takes its turn
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
