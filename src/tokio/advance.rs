//! The wait of a task for the next envelope.
//!
//! It tries, registers its waker, and tries again: a publish between the first try and the registration is seen by
//! the second. The models in `loom_models` show that no wake-up is lost.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::AsyncSubscription;
use super::budget::give_way;
use crate::queue::wait::{Nothing, Wait};
use crate::support::wait_list::Waiter;

impl<M> AsyncSubscription<M> {
    /// Moves on to the next envelope, if there is one. If not, the task is woken when it is worth trying again.
    #[inline]
    pub(super) fn poll_advance(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Nothing>> {
        if !self.budget.spend(context) {
            return give_way(context);
        }
        match self.subscription.advance(Wait::No) {
            Err(Nothing::Empty) => self.poll_once_more(context),
            found => {
                self.awake();
                Poll::Ready(found)
            }
        }
    }

    #[inline(never)]
    fn poll_once_more(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Nothing>> {
        let waiter = || Waiter::Task(context.waker().clone());
        loop {
            if !self.subscription.is_ready_or_register(&waiter) {
                self.budget.refill();
                return Poll::Pending;
            }
            let found = self.subscription.advance(Wait::No);
            if found != Err(Nothing::Empty) {
                self.awake();
                return Poll::Ready(found);
            }
        }
    }

    /// Leaves the wait list.
    #[inline]
    fn awake(&mut self) {
        self.subscription.leave_wait_list();
    }

    /// Moves on to the next envelope. If it is cancelled, it has not moved, and leaves no waker behind.
    pub(super) fn advance(&mut self) -> Advance<'_, M> {
        Advance(self)
    }
}

#[must_use = "futures do nothing unless they are awaited"]
pub(super) struct Advance<'a, M>(&'a mut AsyncSubscription<M>);

impl<M> Future for Advance<'_, M> {
    type Output = Result<(), Nothing>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_advance(context)
    }
}

impl<M> Drop for Advance<'_, M> {
    #[inline]
    fn drop(&mut self) {
        self.0.awake();
    }
}
