//! How long a task may go on without giving others a turn.
//!
//! Each subscription counts its receives, and each thread its publishes: when so many have found something at once,
//! the next one gives way, on any executor. That alone would not do for a task that awaits the first of several: while
//! one gives way, another is ready, and the task goes on. So every [`SHARE`]th is counted against tokio's budget too,
//! which is the task's. When that is used up, all give way until the task has had its turn.
//!
//! Not each is counted there: tokio's budget is for a task and for those that it wakes, together. Two bursts of 64
//! would use it up, and what is woken be left to another thread. To read a parcel there while it fills costs both
//! twice as much.

use std::cell::Cell;
use std::task::{Context, Poll};

use tokio::task::coop;

/// Every so many count one against tokio's budget, which is 128.
const SHARE: u8 = 16;

/// As many as a queue holds by default: who publishes without end lets those receive who run on his thread, before he
/// has filled their queues.
const PUBLISHES: u8 = 128;

/// Who waits after he has received as much need not give way, nor look at tokio's budget for the first few.
const RECEIVES: u8 = PUBLISHES + SHARE - 1;

/// How often in a row somebody gives way since tokio's budget is used up. Where another executor runs inside a task
/// of tokio's, that gets no new one, however often this one polls.
const PATIENCE: u8 = 16;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// How many may go on.
    left: u8,
    /// How often in a row it gave way because tokio's was used up.
    gave_way: u8,
}

impl Budget {
    pub(crate) const fn of_receives() -> Self {
        Budget::of(RECEIVES)
    }

    const fn of(left: u8) -> Self {
        Budget { left, gave_way: 0 }
    }

    /// False if others are due.
    #[inline]
    pub(crate) fn spend(&mut self, context: &mut Context<'_>) -> bool {
        if self.left.is_multiple_of(SHARE) && !self.share(context) {
            return false;
        }
        self.left -= 1;
        true
    }

    /// Looks whether one of the two is used up, and uses the other.
    #[cold]
    fn share(&mut self, context: &mut Context<'_>) -> bool {
        if self.left == 0 {
            *self = Budget::of(PUBLISHES);
            return false;
        }
        match coop::poll_proceed(context) {
            Poll::Ready(budget) => budget.made_progress(),
            Poll::Pending if self.gave_way < PATIENCE => {
                self.gave_way += 1;
                return false;
            }
            Poll::Pending => {}
        }
        self.gave_way = 0;
        true
    }
}

thread_local! {
    static PUBLISHED: Cell<Budget> = const { Cell::new(Budget::of(PUBLISHES)) };
}

/// False if others are due.
#[inline]
pub(super) fn spend_publish(context: &mut Context<'_>) -> bool {
    // A model's executions, which must all be alike, share one thread and would share what this counts.
    if cfg!(oxide_loom) {
        return true;
    }
    let mut budget = PUBLISHED.get();
    let may = budget.spend(context);
    PUBLISHED.set(budget);
    may
}

/// So many were published in one step: others are due the sooner.
pub(super) fn count_batch(published: usize) {
    let published = u8::try_from(published).unwrap_or(u8::MAX);
    let mut budget = PUBLISHED.get();
    budget.left = budget.left.saturating_sub(published);
    PUBLISHED.set(budget);
}

/// Lets others run. Whatever the executor, a task that is woken while it runs comes after those that wait for a turn.
#[cold]
pub(super) fn give_way<T>(context: &Context<'_>) -> Poll<T> {
    context.waker().wake_by_ref();
    Poll::Pending
}
