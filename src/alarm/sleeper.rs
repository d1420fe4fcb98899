//! Somebody who sets an alarm.

use std::sync::Arc;
use std::task::Waker;

use super::Alarm;
use crate::sync::{Ordering, fence};

/// One receiver of a queue. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Sleeper {
    alarm: Arc<Alarm>,
    id: u64,
    /// It has set the alarm since it was last awake.
    sleeps: bool,
}

impl Sleeper {
    pub(crate) fn new(alarm: &Arc<Alarm>) -> Self {
        let mut sleepers = alarm.sleepers.lock();
        let id = sleepers.known;
        sleepers.known += 1;
        drop(sleepers);
        Sleeper {
            alarm: Arc::clone(alarm),
            id,
            sleeps: false,
        }
    }

    /// Whether this is the alarm that it sets.
    pub(crate) fn is_at(&self, alarm: &Arc<Alarm>) -> bool {
        Arc::ptr_eq(&self.alarm, alarm)
    }

    /// Sets the alarm. The caller looks into the queue once more before he sleeps.
    pub(crate) fn set(&mut self, waker: &Waker) {
        let waker = waker.clone(); // not under the lock: it is other people's code
        let mut sleepers = self.alarm.sleepers.lock();
        let known = (sleepers.wakers.iter()).position(|(id, _)| *id == self.id);
        let before = known.map(|index| sleepers.wakers.swap_remove(index));
        sleepers.wakers.push((self.id, waker));
        self.alarm.mark(true); // the fence is below
        self.sleeps = true;
        drop(sleepers);
        drop(before); // and so is this
        fence(Ordering::SeqCst); // against the fences in `ring` and `Alarms::ring`
    }

    /// Does not wait any more.
    #[inline]
    pub(crate) fn awake(&mut self) {
        if self.sleeps {
            self.forget();
        }
    }

    #[cold]
    fn forget(&mut self) {
        self.sleeps = false;
        // Relaxed: it was set by this one, and has been reset since by who took the waker. That is so nearly
        // always.
        if !self.alarm.is_set.load(Ordering::Relaxed) {
            return;
        }
        let mut sleepers = self.alarm.sleepers.lock();
        let left = (sleepers.wakers.iter()).position(|(id, _)| *id == self.id);
        let left = left.map(|index| sleepers.wakers.swap_remove(index));
        let is_set = !sleepers.wakers.is_empty();
        self.alarm.mark(is_set);
        drop(sleepers);
        drop(left); // not under the lock
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.awake();
    }
}
