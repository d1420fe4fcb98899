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
//! A publish that has sent to many queues need not look at each one's alarm where [none is set](Alarms) in the whole bus:
//! who sets one counts it, before that fence.
//!
//! Where several wait, all are woken and not one of them. A task that was woken need not come: it may be
//! cancelled, or wait for something else by now. If it had been the only one, the envelope would lie
//! there while the others sleep.

use std::ops::Deref;
use std::sync::Arc;
use std::task::Waker;

use smallvec::SmallVec;

use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering, fence};
use crate::wait_list::wake;

/// How many alarms of a bus are set, of queues with a filter.
#[derive(Debug, Default)]
pub(crate) struct Alarms(AtomicU64);

impl Alarms {
    /// Wakes whoever waits for these queues. What it shall find was enqueued before.
    pub(crate) fn ring<'a>(&self, queues: impl Iterator<Item = &'a Alarm>) {
        if cfg!(feature = "tokio") {
            fence(Ordering::SeqCst); // against the fence in `set`
            if self.0.load(Ordering::Relaxed) > 0 {
                queues.for_each(Alarm::ring_after_fence);
            }
        }
    }
}

/// What a queue's ends share.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    /// Somebody waits. Written under the lock.
    is_set: AtomicBool,
    sleepers: Mutex<Sleepers>,
    /// Where it is counted while it is set.
    counted: Option<Arc<Alarms>>,
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
    /// Wakes whoever waits. What it shall find was enqueued before.
    pub(crate) fn ring(&self) {
        if cfg!(feature = "tokio") {
            fence(Ordering::SeqCst); // against the fence in `set`
            self.ring_after_fence();
        }
    }

    /// The same where the fence came before.
    pub(crate) fn ring_after_fence(&self) {
        // All that counts is which comes first: by the fences, or by a `SeqCst` operation that came before this one.
        if self.is_set.load(Ordering::SeqCst) {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(&self) {
        let mut sleepers = self.sleepers.lock();
        let wakers = std::mem::take(&mut sleepers.wakers);
        self.mark(false);
        drop(sleepers); // wakers are other people's code
        for (_, waker) in wakers {
            wake(waker);
        }
    }

    /// It is set or not, from now on. Called under the lock.
    fn mark(&self, is_set: bool) {
        // Relaxed, all of it: written under the lock, and the fence of who sets it comes after.
        let was_set = self.is_set.load(Ordering::Relaxed);
        self.is_set.store(is_set, Ordering::Relaxed);
        match &self.counted {
            Some(alarms) if is_set && !was_set => alarms.0.fetch_add(1, Ordering::Relaxed),
            Some(alarms) if was_set && !is_set => alarms.0.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

/// The publishers' end, which rings when it goes as well. Dropped after the channel's sending end, so that
/// who wakes finds that nobody sends any more.
#[derive(Debug)]
pub(crate) struct Ringer(Arc<Alarm>);

/// An alarm, with the publishers' end of it. While it is set it is counted among these.
pub(crate) fn alarm(alarms: &Arc<Alarms>) -> (Ringer, Arc<Alarm>) {
    let alarm = Arc::new(Alarm {
        counted: Some(Arc::clone(alarms)),
        ..Alarm::default()
    });
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
