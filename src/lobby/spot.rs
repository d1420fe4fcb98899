//! Somebody's spot in the lobby.

use std::sync::Arc;
use std::task::Waker;

use super::{Lobby, Waiting};
use crate::sync::Ordering;

/// Where one task may wait. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Spot {
    lobby: Arc<Lobby>,
    /// The number of its waker, and how often all had been woken then.
    held: Option<(usize, u64)>,
}

impl Spot {
    pub(crate) fn new(lobby: &Arc<Lobby>) -> Self {
        Spot {
            lobby: Arc::clone(lobby),
            held: None,
        }
    }

    /// Leaves a waker. The caller looks once more before he sleeps.
    pub(crate) fn wait(&mut self, waker: &Waker) {
        let waker = waker.clone(); // not under the lock: it is other people's code
        let mut waiting = self.lobby.waiting.lock();
        let rings = self.lobby.rings.load(Ordering::Relaxed); // written under the lock
        let before = match self.held {
            Some((number, then)) if then == rings => waiting.at(number).replace(waker),
            _ => {
                self.held = Some((waiting.put(waker), rings));
                None
            }
        };
        self.lobby.is_occupied.store(true, Ordering::Relaxed); // the caller's change of the word comes after
        drop(waiting);
        drop(before); // and so is this
    }

    /// Does not wait any more.
    #[inline]
    pub(crate) fn leave(&mut self) {
        if let Some((number, then)) = self.held.take() {
            // Relaxed: if it has changed the waker was taken. That is so nearly always.
            if self.lobby.rings.load(Ordering::Relaxed) == then {
                self.take_back(number, then);
            }
        }
    }

    #[cold]
    fn take_back(&self, number: usize, then: u64) {
        let mut waiting = self.lobby.waiting.lock();
        if self.lobby.rings.load(Ordering::Relaxed) == then {
            let waker = waiting.remove(number);
            drop(waiting);
            drop(waker); // not under the lock
        }
    }
}

impl Drop for Spot {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Waiting {
    /// The waker with a number, if one was put there since all were taken.
    fn at(&mut self, number: usize) -> &mut Option<Waker> {
        match number.checked_sub(1) {
            None => &mut self.first,
            Some(other) => &mut self.others[other],
        }
    }

    /// Puts a waker where none is, and returns its number.
    fn put(&mut self, waker: Waker) -> usize {
        if self.first.is_none() {
            self.first = Some(waker);
            return 0;
        }
        let other = self.free.pop().unwrap_or_else(|| {
            self.others.push(None);
            self.others.len() - 1
        });
        self.others[other] = Some(waker);
        other + 1
    }

    fn remove(&mut self, number: usize) -> Option<Waker> {
        self.free.extend(number.checked_sub(1));
        self.at(number).take()
    }
}
