//! Wakes the tasks that wait for a queue with a filter, or for something else that is not an envelope.
//!
//! A thread that waits sleeps in the queue's channel, which wakes it. A task sets the queue's alarm
//! instead, and leaves its waker there.
//!
//! # Why no wake-up is lost
//!
//! Who enqueues something does so, then comes a fence, then a look whether the alarm is set. Who waits
//! sets the alarm, then comes a fence, then another look into the queue. One of them at least sees what
//! the other did.
//!
//! A subscriber without a filter waits in the bus's [wait list](crate::wait_list) instead.
//!
//! Where several wait, all are woken and not one of them. A task that was woken need not come: it may be
//! cancelled, or wait for something else by now. If it had been the only one, the envelope would lie
//! there while the others sleep.

use std::ops::Deref;
use std::sync::Arc;
use std::task::Waker;

use smallvec::SmallVec;

use crate::sync::{AtomicBool, Mutex, Ordering, fence};
use crate::wait_list::wake;

/// What a queue's ends share.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    /// Somebody waits. Written under the lock.
    is_set: AtomicBool,
    sleepers: Mutex<Sleepers>,
}

#[derive(Debug, Default)]
struct Sleepers {
    /// By whom they were left.
    wakers: SmallVec<[(u64, Waker); 1]>,
    /// How many receivers there ever were.
    #[cfg(feature = "tokio")]
    known: u64,
}

impl Alarm {
    /// Wakes whoever waits. What he shall find was enqueued before.
    pub(crate) fn ring(&self) {
        Self::ring_all([self]);
    }

    /// The same for several queues.
    pub(crate) fn ring_all<'a>(alarms: impl IntoIterator<Item = &'a Alarm>) {
        if cfg!(feature = "tokio") {
            fence(Ordering::SeqCst); // against the fence in `set`
            alarms.into_iter().for_each(Alarm::ring_after_fence);
        }
    }

    /// The same where the fence came before.
    pub(crate) fn ring_after_fence(&self) {
        // Relaxed: all that counts is which comes first, by the fences.
        if self.is_set.load(Ordering::Relaxed) {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(&self) {
        let mut sleepers = self.sleepers.lock();
        let wakers = std::mem::take(&mut sleepers.wakers);
        self.is_set.store(false, Ordering::Relaxed);
        drop(sleepers); // wakers are other people's code
        for (_, waker) in wakers {
            wake(waker);
        }
    }
}

/// The publishers' end, which rings when it goes as well. Dropped after the channel's sending end, so that
/// who wakes finds that nobody sends any more.
#[derive(Debug)]
pub(crate) struct Ringer(Arc<Alarm>);

/// An alarm, with the publishers' end of it.
pub(crate) fn alarm() -> (Ringer, Arc<Alarm>) {
    let alarm = Arc::<Alarm>::default();
    (Ringer(Arc::clone(&alarm)), alarm)
}

impl Deref for Ringer {
    type Target = Alarm;

    fn deref(&self) -> &Alarm {
        &self.0
    }
}

impl Drop for Ringer {
    fn drop(&mut self) {
        self.ring();
    }
}

#[cfg(feature = "tokio")]
pub(crate) use self::sleeper::Sleeper;

#[cfg(feature = "tokio")]
mod sleeper;

#[cfg(all(test, oxide_loom, feature = "tokio"))]
mod loom_models;
#[cfg(all(test, not(oxide_loom), feature = "tokio"))]
pub(crate) mod tests;
