//! Where tasks wait that have received all, and hold the parcel that is appended to. There is one for the
//! whole bus.
//!
//! # Why no wake-up is lost
//!
//! Who waits leaves its waker here, and then looks at the parcel's word: nothing may have been claimed since it
//! read, the parcel may not be closed, and the word must say that somebody waits. Who claims a slot that is
//! awaited, who has opened the next parcel and handed it over, who has put another in its place, and who has closed
//! the bus, come here after that and wake everybody. The word orders the two: either the waker is found, or the
//! change is seen. Both change it, so who comes second knows what the first had done before, the mark that somebody
//! is here included. Where nobody is, it is all that a publisher looks at: the lock is for those who wait, and who
//! wakes them.
//!
//! A waker is found by all who come, not by one: who has changed the word and is stopped holds up only the tasks
//! that he alone was to wake, see [`parcel`](crate::parcel).

use std::task::Waker;

use crate::alarm::wake;
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};

#[derive(Debug, Default)]
pub(crate) struct Lobby {
    /// Somebody may be here. Written under the lock.
    is_occupied: AtomicBool,
    /// How often all were woken. Written under the lock.
    rings: AtomicU64,
    waiting: Mutex<Waiting>,
}

/// Wakers, by number. The first needs no allocation.
#[derive(Debug, Default)]
struct Waiting {
    first: Option<Waker>,
    others: Vec<Option<Waker>>,
    /// Which of the others are none.
    free: Vec<usize>,
}

impl Lobby {
    /// Wakes everybody. What they shall find was done before.
    #[inline]
    pub(crate) fn ring(&self) {
        // Relaxed: who waits set it before he changed the parcel's word, and that came first: see above.
        if cfg!(feature = "tokio") && self.is_occupied.load(Ordering::Relaxed) {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(&self) {
        let mut waiting = self.waiting.lock();
        let first = waiting.first.take();
        let others = std::mem::take(&mut waiting.others);
        waiting.free.clear();
        // Relaxed: who reads it without the lock, and finds another number than his, needs to know no more.
        let rings = self.rings.load(Ordering::Relaxed);
        self.rings.store(rings + 1, Ordering::Relaxed);
        self.is_occupied.store(false, Ordering::Relaxed);
        drop(waiting); // wakers are other people's code
        if let Some(first) = first {
            wake(first);
        }
        for waker in others.into_iter().flatten() {
            wake(waker);
        }
    }
}

#[cfg(feature = "tokio")]
pub(crate) use self::spot::Spot;

#[cfg(feature = "tokio")]
mod spot;

#[cfg(all(test, oxide_loom, feature = "tokio"))]
mod loom_models;
#[cfg(all(test, not(oxide_loom), feature = "tokio"))]
mod tests;
