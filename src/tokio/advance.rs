//! Waiting for the next envelope.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::AsyncSubscription;
use super::budget::give_way;
use crate::follower::Follower;
use crate::subscription::Subscription;
use crate::wait::{Nothing, Wait};

impl<M> AsyncSubscription<M> {
    /// Goes on to the next envelope, if it is there. Else the task is woken when it is worth asking again.
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

    /// Where it waits depends on what it holds, which may change before it sleeps.
    #[inline(never)]
    fn poll_once_more(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Nothing>> {
        loop {
            let found = if let Some(spot) = &mut self.spot
                && holds_open_parcel(&self.subscription)
            {
                spot.wait(context.waker());
                let follower = self.subscription.follower();
                if follower.is_some_and(Follower::is_awaited) {
                    break;
                }
                self.subscription.advance(Wait::No)
            } else {
                self.sleeper.set(context.waker());
                let found = self.subscription.advance(Wait::Alarmed);
                if found == Err(Nothing::Empty) && !holds_open_parcel(&self.subscription) {
                    break;
                }
                found
            };
            if found != Err(Nothing::Empty) {
                self.awake();
                return Poll::Ready(found);
            }
        }
        self.budget.refill();
        Poll::Pending
    }

    /// Waits nowhere any more.
    #[inline]
    fn awake(&mut self) {
        self.sleeper.awake();
        if let Some(spot) = &mut self.spot {
            spot.leave();
        }
    }

    /// Goes on to the next envelope. Cancelled, it has gone on to none, and leaves no waker behind.
    pub(super) fn advance(&mut self) -> Advance<'_, M> {
        Advance(self)
    }
}

fn holds_open_parcel<M>(subscription: &Subscription<M>) -> bool {
    (subscription.follower()).is_some_and(Follower::holds_open_parcel)
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
