//! The place where the answers to one request wait for whoever asked.
//!
//! It takes the part of a channel and of what wakes its receiver, in one allocation, for threads and tasks alike.
//! The answering side puts answers in while the request is registered, and under the lock of the register; whoever takes the
//! request off the register ends the slot. So nothing is put in after the end.
//!
//! # Why no answer and no wake-up is lost
//!
//! The invariant: *while the lock is free, a side that sleeps has its waker here, or sleeps on the condition, and found
//! neither an answer nor the end.* For the asking side looks, and leaves its waker or goes to sleep, without letting go of
//! the lock in between; and whoever puts an answer in, or ends the slot, does it under the lock, and wakes afterwards. An answer
//! that was put in before the end can still be taken after it, and so can one that comes just as time is up.

use std::task::{Poll, Waker};
use std::time::Instant;

use smallvec::SmallVec;

use crate::support::sync::{AtomicU64, Condvar, Mutex, Ordering};
use crate::support::wait_list::wake;

/// No answer is here yet.
const WAITING: u64 = 0;
/// There is one, and there may be more.
const ANSWERED: u64 = 1;
/// What is here is all: the request is off the register.
const OVER: u64 = 2;

pub(crate) struct Slot<T> {
    /// Written under the lock. Read without it as a hint, whether it is worth taking: hence Relaxed throughout.
    state: AtomicU64,
    /// How many answers may wait to be taken. Where it is one, the first ends the slot.
    room: usize,
    held: Mutex<Held<T>>,
    /// Threads sleep here.
    changed: Condvar,
}

struct Held<T> {
    answers: SmallVec<[T; 1]>,
    /// How many found no room.
    dropped: u64,
    /// Of the task that waits.
    waker: Option<Waker>,
}

impl<T> Slot<T> {
    pub(crate) fn new(room: usize) -> Self {
        Slot {
            state: AtomicU64::new(WAITING),
            room,
            held: Mutex::new(Held {
                answers: SmallVec::new(),
                dropped: 0,
                waker: None,
            }),
            changed: Condvar::default(),
        }
    }

    /// Whether the first answer is the only one.
    pub(crate) fn takes_one(&self) -> bool {
        self.room == 1
    }

    /// Whether the request was taken off the register, or is about to be.
    pub(crate) fn is_over(&self) -> bool {
        self.state.load(Ordering::Relaxed) == OVER
    }

    /// Puts an answer in, or hands it back if there is no room. The caller [wakes](Slot::wake) afterwards: wakers and
    /// payloads are user code, which runs under no lock.
    pub(crate) fn put(&self, answer: T) -> Result<Option<Waker>, T> {
        let mut held = self.held.lock();
        if held.answers.len() == self.room {
            held.dropped += 1;
            return Err(answer);
        }
        held.answers.push(answer);
        let state = if self.takes_one() { OVER } else { ANSWERED };
        self.state.store(state, Ordering::Relaxed);
        Ok(held.waker.take())
    }

    /// Nothing comes any more. The caller wakes as above, unless it is the asking side.
    pub(crate) fn end(&self) -> Option<Waker> {
        let mut held = self.held.lock();
        self.state.store(OVER, Ordering::Relaxed);
        held.waker.take()
    }

    /// Wakes the asking side. What it shall find is here already.
    pub(crate) fn wake(&self, waker: Option<Waker>) {
        self.changed.notify_all();
        waker.into_iter().for_each(wake);
    }

    /// The next answer, or that there will be none; pending if neither is here.
    pub(crate) fn look(&self) -> Poll<Option<T>> {
        if self.state.load(Ordering::Relaxed) == WAITING {
            return Poll::Pending;
        }
        self.take(&mut self.held.lock())
    }

    /// Waits for that until the deadline; pending if that comes first.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Poll<Option<T>> {
        let mut held = self.held.lock();
        let mut is_late = false;
        loop {
            let found = self.take(&mut held);
            if found.is_ready() || is_late {
                return found;
            }
            match deadline {
                None => self.changed.wait(&mut held),
                Some(deadline) => {
                    is_late = self.changed.wait_until(&mut held, deadline).timed_out();
                }
            }
        }
    }

    /// The same for a task: if it is pending, the task will be woken.
    #[cfg(feature = "tokio")]
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Option<T>> {
        let found = self.look();
        if found.is_ready() {
            return found; // whoever has put it in took the waker
        }
        let mut waker = Some(waker.clone()); // user code, so not under the lock
        let mut held = self.held.lock();
        let found = self.take(&mut held);
        if found.is_pending() {
            std::mem::swap(&mut held.waker, &mut waker);
        }
        drop(held);
        drop(waker); // and so is this
        found
    }

    fn take(&self, held: &mut Held<T>) -> Poll<Option<T>> {
        let is_over = self.is_over();
        if held.answers.is_empty() {
            return if is_over {
                Poll::Ready(None)
            } else {
                Poll::Pending
            };
        }
        let answer = held.answers.remove(0);
        if held.answers.is_empty() && !is_over {
            self.state.store(WAITING, Ordering::Relaxed);
        }
        Poll::Ready(Some(answer))
    }

    /// How many answers found no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.held.lock().dropped
    }
}

#[cfg(all(test, oxide_loom))]
#[path = "../tests/requests_slot_loom_models.rs"]
mod loom_models;
