//! A slot: the place where the answers to one request wait for the side that asked.
//!
//! It is a channel and its receiver's waker in one allocation. Threads wait as tasks do: their waker is a parker. The
//! answering side puts answers in while the request is registered, and under the lock of the register. The thread that
//! takes the request off the register ends the slot. So nothing is put in after the end.
//!
//! # Why no answer and no wake-up is lost
//!
//! The invariant: *while the lock is free, an asking side that sleeps has its waker here, and has found neither an
//! answer nor the end.* There are two reasons. The asking side looks, and then leaves its waker, without giving the
//! lock back in between. The other side puts an answer in, or ends the slot, under the lock, and wakes afterwards.
//!
//! An answer that was put in before the end can still be taken after it. So can an answer that comes just as time is
//! up. The models in `tests/requests_slot_loom_models.rs` show this.

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

use smallvec::SmallVec;

use crate::support::clock;
use crate::support::parker::Parker;
use crate::support::sync::{AtomicU64, Mutex, Ordering};

/// There is no answer yet.
const WAITING: u64 = 0;
/// There is something to look at under the lock: an answer, or somebody has declined. More may come.
const ANSWERED: u64 = 1;
/// Nothing more comes: the request is off the register.
const OVER: u64 = 2;

pub(crate) struct Slot<T> {
    /// Written under the lock. Read without it as a hint whether it is worth taking the lock: hence Relaxed throughout.
    state: AtomicU64,
    /// How many answers may wait to be taken. If it is one, the first answer ends the slot.
    room: usize,
    /// Until when the asking side waits, if it does not wait as long as it takes.
    deadline: Option<Instant>,
    /// How many subscribers have the request. It is written and read by the asking side: hence Relaxed.
    delivered: AtomicU64,
    contents: Mutex<Contents<T>>,
}

struct Contents<T> {
    answers: SmallVec<[T; 1]>,
    /// How many answers found no room.
    dropped: u64,
    /// How many of those that have the request will not answer.
    declined: u64,
    /// Wakes the asking side, a thread or a task.
    waker: Option<Waker>,
}

impl<T> Slot<T> {
    pub(crate) fn new(room: usize, deadline: Option<Instant>) -> Self {
        Slot {
            state: AtomicU64::new(WAITING),
            room,
            deadline,
            delivered: AtomicU64::new(u64::MAX),
            contents: Mutex::new(Contents {
                answers: SmallVec::new(),
                dropped: 0,
                declined: 0,
                waker: None,
            }),
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

    /// Until when the asking side waits, if it does not wait as long as it takes.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Notes how many subscribers have the request. Once as many have declined, nothing more comes.
    pub(crate) fn delivered(&self, subscribers: usize) {
        self.delivered.store(subscribers as u64, Ordering::Relaxed);
    }

    /// Notes that one of the subscribers that have the request will not answer. Returns the waker of the
    /// asking side, for the caller to wake.
    #[cfg(any(feature = "link", all(test, oxide_loom)))]
    pub(crate) fn decline(&self) -> Option<Waker> {
        let mut contents = self.contents.lock();
        contents.declined += 1;
        if self.state.load(Ordering::Relaxed) == WAITING {
            self.state.store(ANSWERED, Ordering::Relaxed);
        }
        contents.waker.take()
    }

    /// Puts an answer in, or hands it back if there is no room. Returns the waker of the asking side, for the
    /// caller to wake: wakers and payloads are user code, which runs under no lock.
    pub(crate) fn put(&self, answer: T) -> Result<Option<Waker>, T> {
        let mut contents = self.contents.lock();
        if contents.answers.len() == self.room {
            contents.dropped += 1;
            return Err(answer);
        }
        contents.answers.push(answer);
        let state = if self.takes_one() { OVER } else { ANSWERED };
        self.state.store(state, Ordering::Relaxed);
        Ok(contents.waker.take())
    }

    /// Closes the slot: nothing comes any more. Returns the waker of the asking side, for the caller to wake.
    pub(crate) fn close(&self) -> Option<Waker> {
        let mut contents = self.contents.lock();
        self.state.store(OVER, Ordering::Relaxed);
        contents.waker.take()
    }

    /// The next answer, or that there will be none. Pending if neither is here.
    pub(crate) fn try_take(&self) -> Poll<Option<T>> {
        if self.state.load(Ordering::Relaxed) == WAITING {
            return Poll::Pending;
        }
        self.take(&mut self.contents.lock())
    }

    /// Like [`try_take`](Slot::try_take), but sleeps in the parker until the deadline. Pending if that comes first.
    pub(crate) fn wait(&self, parker: &Arc<Parker>) -> Poll<Option<T>> {
        let waker = Waker::from(Arc::clone(parker));
        loop {
            let nap = parker.nap();
            let found = self.poll(&waker);
            if found.is_ready() || self.deadline.is_some_and(|it| it <= clock::now()) {
                return found;
            }
            nap.sleep(self.deadline);
        }
    }

    /// Like [`try_take`](Slot::try_take). If it is pending, the waker will be woken.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Option<T>> {
        let found = self.try_take();
        if found.is_ready() {
            return found; // the waker was taken when this was put in
        }
        let mut waker = Some(waker.clone()); // to clone it is user code, so not under the lock
        let mut contents = self.contents.lock();
        let found = self.take(&mut contents);
        if found.is_pending() {
            std::mem::swap(&mut contents.waker, &mut waker);
        }
        drop(contents);
        drop(waker); // to drop it is user code too
        found
    }

    fn take(&self, contents: &mut Contents<T>) -> Poll<Option<T>> {
        let is_over = self.is_over();
        if contents.answers.is_empty() {
            return if is_over || contents.declined >= self.delivered.load(Ordering::Relaxed) {
                Poll::Ready(None)
            } else {
                Poll::Pending
            };
        }
        let answer = contents.answers.remove(0);
        if contents.answers.is_empty() && !is_over && contents.declined == 0 {
            self.state.store(WAITING, Ordering::Relaxed);
        }
        Poll::Ready(Some(answer))
    }

    /// How many answers found no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.contents.lock().dropped
    }
}

#[cfg(all(test, oxide_loom))]
#[path = "../tests/requests_slot_loom_models.rs"]
mod loom_models;
