//! A subscription as a stream: the iterator of tasks.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use super::AsyncSubscription;
use crate::delivery::Delivery;
use crate::error::{Lagged, RecvError};

/// What comes, until the end. Losses are items too, as those of
/// [`Subscription::iter`](crate::Subscription::iter) are.
///
/// # Cancel safety
///
/// Waiting for an item can be given up: none is lost. The waker of who gave up is kept until something
/// comes, somebody asks again, or the subscription is dropped; [`recv`](AsyncSubscription::recv) keeps
/// none.
impl<M> Stream for AsyncSubscription<M> {
    type Item = Result<Delivery<M>, Lagged>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.poll_advance(context)
            .map(|advanced| match advanced.map_err(RecvError::from) {
                Ok(()) => Some(Ok(this.subscription.delivery())),
                Err(RecvError::Lagged(lagged)) => Some(Err(lagged)),
                Err(RecvError::Disconnected | RecvError::Evicted) => {
                    this.has_ended = true;
                    None
                }
            })
    }
}

impl<M> FusedStream for AsyncSubscription<M> {
    fn is_terminated(&self) -> bool {
        self.has_ended
    }
}
