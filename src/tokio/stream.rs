//! `Stream` for a subscription: what an iterator is for threads.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use super::AsyncSubscription;
use crate::queue::delivery::Delivery;
use crate::queue::recv_error::RecvError;

/// Yields what is received, until the end. A loss is an item too, and an eviction is the last item, as with
/// [`Subscription::iter`](crate::Subscription::iter).
///
/// A task that publishes while it loops over the stream should hold an
/// [`AsyncWeakPublisher`](crate::AsyncWeakPublisher), so that the loop ends with the bus.
///
/// # Cancel safety
///
/// A task may stop waiting for an item: none is lost. Its waker is kept until something comes, the stream is polled
/// again, or the subscription is dropped; [`recv`](AsyncSubscription::recv) keeps none.
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
