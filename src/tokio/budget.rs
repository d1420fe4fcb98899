//! The cooperative budget: how many operations a task may complete before it gives others a turn.
//!
//! A task whose operations always complete at once would starve the others. So each subscription counts its receives,
//! and each thread its publishes. After [`PUBLISHES`] that completed at once the next one gives way, on any executor.
//!
//! That alone would not do for a task that awaits the first of several: while one gives way, another is ready, and the
//! task goes on. So every [`SHARE`]th operation also counts against tokio's cooperative budget, which belongs to the
//! task. When that is used up, all operations give way until the task has had its turn.
//!
//! Not every operation counts there, because a task shares tokio's budget with the tasks that it wakes. Two bursts
//! of 64 would use it up, and the tasks that were woken would move to another thread. A segment that is read there
//! while it fills costs both sides twice as much.

use std::cell::Cell;
use std::task::{Context, Poll};

use tokio::task::coop;

/// This many operations count as one against tokio's budget, which is 128.
const SHARE: u8 = 16;

/// How many publishes may complete in a row: as many as a queue holds by default. So a task that publishes without end
/// lets the subscribers on its thread receive before it has filled their queues.
const PUBLISHES: u8 = 128;

/// How many receives a new subscription may complete. A task that receives a full queue and then waits need not give
/// way, nor look at tokio's budget for the first few.
const RECEIVES: u8 = PUBLISHES + SHARE - 1;

/// How often operations on a thread give way once tokio's budget is used up. Another executor may run inside a tokio
/// task. That task gets no new budget, however often the inner executor polls, so after this many the operations go on
/// without. A task that awaits fifty at once asks some 50 x 50 x 16 times before all of them give way.
const MAX_GIVING_WAY: u16 = u16::MAX;

/// How many operations may still complete at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget(u8);

impl Budget {
    pub(crate) const fn of_receives() -> Self {
        Budget(RECEIVES)
    }

    /// Refills the budget of a subscription that waits. What it received since the last share counts towards the next:
    /// while the task waits for this subscription, it may go on with another.
    pub(crate) fn refill(&mut self) {
        self.0 = PUBLISHES + self.0 % SHARE;
    }

    /// Counts one operation. Returns false if it is the turn of others.
    #[inline]
    pub(crate) fn spend(&mut self, context: &mut Context<'_>) -> bool {
        if self.0.is_multiple_of(SHARE) && !self.share(context) {
            return false;
        }
        self.0 -= 1;
        true
    }

    /// Checks whether either budget is used up, and counts one share against tokio's.
    #[cold]
    fn share(&mut self, context: &mut Context<'_>) -> bool {
        if self.0 == 0 {
            self.0 = PUBLISHES;
            return false;
        }
        let gave_way = match coop::poll_proceed(context) {
            Poll::Ready(budget) => {
                budget.made_progress();
                0
            }
            Poll::Pending => GAVE_WAY.get().saturating_add(1),
        };
        GAVE_WAY.set(gave_way);
        gave_way == 0 || gave_way == MAX_GIVING_WAY
    }
}

thread_local! {
    static PUBLISHED: Cell<Budget> = const { Cell::new(Budget(PUBLISHES)) };
    /// How often operations on this thread gave way since tokio's budget was used up.
    static GAVE_WAY: Cell<u16> = const { Cell::new(0) };
}

/// Counts one operation. Returns false if it is the turn of others.
#[inline]
pub(super) fn spend_publish(context: &mut Context<'_>) -> bool {
    // All executions of a model must be alike, but they share one thread, and so would share this count.
    if cfg!(oxide_loom) {
        return true;
    }
    let mut budget = PUBLISHED.get();
    let may = budget.spend(context);
    PUBLISHED.set(budget);
    may
}

/// Counts publishes that were made in one step, so the turn of others comes sooner.
pub(super) fn count_batch(published: usize) {
    let published = u8::try_from(published).unwrap_or(u8::MAX);
    let mut budget = PUBLISHED.get();
    budget.0 = budget.0.saturating_sub(published);
    PUBLISHED.set(budget);
}

/// Lets others run. On any executor, a task that is woken while it runs comes after those that wait for a turn.
#[cold]
pub(super) fn give_way<T>(context: &Context<'_>) -> Poll<T> {
    context.waker().wake_by_ref();
    Poll::Pending
}
