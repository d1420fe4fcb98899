//! How long a task may go on without giving others a turn.

use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Poll};

use tokio::task::yield_now;

/// How many receives in a row find something before one gives way, and after how many publishes one does. As tokio has
/// it, and as many as a queue holds by default: who publishes without end lets those receive who run on his thread,
/// before he has filled their queues.
const FULL: u8 = 128;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget(u8);

impl Budget {
    pub(crate) fn full() -> Self {
        Budget(FULL)
    }

    /// False once each time that it is spent: then it is full again, and others are due.
    #[inline]
    pub(crate) fn spend(&mut self) -> bool {
        if self.0 == 0 {
            self.refill();
            return false;
        }
        self.0 -= 1;
        true
    }

    /// The others had their turn.
    pub(crate) fn refill(&mut self) {
        self.0 = FULL;
    }
}

thread_local! {
    /// How many publishes there may be on this thread before others are due.
    ///
    /// It is not tokio's budget, which is for a task and for those that it wakes, together: two bursts of 64 would
    /// use it up, and what is woken be left to another thread. To read a parcel there while it fills costs both twice
    /// as much.
    static PUBLISHES: Cell<Budget> = const { Cell::new(Budget(FULL)) };
}

/// False once each time that so many were published and nobody on this thread has had to wait: others are due.
#[inline]
pub(super) fn spend_publish() -> bool {
    // A model's executions, which must all be alike, share one thread and would share what this counts.
    if cfg!(oxide_loom) {
        return true;
    }
    let mut budget = PUBLISHES.get();
    let may = budget.spend();
    PUBLISHES.set(budget);
    may
}

/// Somebody on this thread waits now: others have their turn.
pub(super) fn refill_publishes() {
    PUBLISHES.set(Budget(FULL));
}

/// Lets others run. Tokio wakes the task when all others had their turn; elsewhere it is woken at once.
#[cold]
pub(super) fn give_way<T>(context: &mut Context<'_>) -> Poll<T> {
    let _pending = pin!(yield_now()).poll(context);
    Poll::Pending
}
