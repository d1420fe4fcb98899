//! A subscription as a stream: the iterator of tasks.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use super::AsyncSubscription;
use crate::queue::delivery::Delivery;
use crate::queue::recv_error::RecvError;

/// What comes, until the end. A loss is an item too, and an eviction is the last item, as with
/// [`Subscription::iter`](crate::Subscription::iter). A task that publishes while it loops over the stream holds an
/// [`AsyncWeakPublisher`](crate::AsyncWeakPublisher), so that the loop ends with the bus.
///
/// # Cancel safety
///
/// Waiting for an item can be given up: none is lost. The waker of who gave up is kept until something
/// comes, somebody asks again, or the subscription is dropped; [`recv`](AsyncSubscription::recv) keeps
/// none.
impl<M> Stream for AsyncSubscription<M> {
    type Item = Result<Delivery<M>, RecvError>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.poll_advance(context)
            .map(|advanced| this.subscription.item(advanced))
    }
}

impl<M> FusedStream for AsyncSubscription<M> {
    fn is_terminated(&self) -> bool {
        self.subscription.has_ended()
    }
}
