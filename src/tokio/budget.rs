//! How long a task may go on without giving others a turn.
//!
//! Each subscription counts its receives, and each thread its publishes: when so many have found something at once,
//! the next one gives way, on any executor. That alone would not do for a task that awaits the first of several: while
//! one gives way, another is ready, and the task goes on. So every [`SHARE`]th is counted against tokio's budget too,
//! which is the task's. When that is used up, all give way until the task has had its turn.
//!
//! Not each is counted there: tokio's budget is for a task and for those that it wakes, together. Two bursts of 64
//! would use it up, and what is woken be left to another thread. To read a segment there while it fills costs both
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

/// How often somebody on a thread gives way since tokio's budget is used up. Where another executor runs inside a task
/// of tokio's, that gets no new one, however often this one polls: then it goes on without. A task that awaits fifty at
/// once asks some 50 x 50 x 16 times before all of them give way.
const PATIENCE: u16 = u16::MAX;

/// How many may go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget(u8);

impl Budget {
    pub(crate) const fn of_receives() -> Self {
        Budget(RECEIVES)
    }

    /// Somebody waits. What he has received since the last share counts towards the next: while he waits for this, his
    /// task may go on with another.
    pub(crate) fn refill(&mut self) {
        self.0 = PUBLISHES + self.0 % SHARE;
    }

    /// False if others are due.
    #[inline]
    pub(crate) fn spend(&mut self, context: &mut Context<'_>) -> bool {
        if self.0.is_multiple_of(SHARE) && !self.share(context) {
            return false;
        }
        self.0 -= 1;
        true
    }

    /// Looks whether one of the two is used up, and uses the other.
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
        gave_way == 0 || gave_way == PATIENCE
    }
}

thread_local! {
    static PUBLISHED: Cell<Budget> = const { Cell::new(Budget(PUBLISHES)) };
    /// How often somebody on this thread gave way since tokio's budget is used up.
    static GAVE_WAY: Cell<u16> = const { Cell::new(0) };
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
    budget.0 = budget.0.saturating_sub(published);
    PUBLISHED.set(budget);
}

/// Lets others run. Whatever the executor, a task that is woken while it runs comes after those that wait for a turn.
#[cold]
pub(super) fn give_way<T>(context: &Context<'_>) -> Poll<T> {
    context.waker().wake_by_ref();
    Poll::Pending
}
