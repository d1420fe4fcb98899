//! The answers to one request, for tasks.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::time::Sleep;

use crate::bus::request::Asked;
use crate::engine::receipt::Receipt;
use crate::message::kernel::Message;
use crate::queue::delivery::Delivery;

/// The answers to one request, made by [`AsyncPublisher::request_many`](crate::AsyncPublisher::request_many): a
/// [`Replies`](crate::Replies) for tasks.
///
/// It is a `Stream`. It ends at the time-out by tokio's clock, or when the bus closes.
#[must_use = "the answers come here"]
pub struct AsyncReplies<M = Message> {
    asked: Asked<M>,
    receipt: Receipt,
    timer: Pin<Box<Sleep>>,
}

impl<M> AsyncReplies<M> {
    pub(super) fn new(asked: Asked<M>, receipt: Receipt, timer: Pin<Box<Sleep>>) -> Self {
        AsyncReplies {
            asked,
            receipt,
            timer,
        }
    }

    /// Waits for the next answer, and returns it; `None` at the end.
    ///
    /// # Cancel safety
    ///
    /// If it is cancelled, it has taken no answer.
    pub async fn recv(&mut self) -> Option<Delivery<M>> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery<M>>> {
        let is_late = self.timer.is_elapsed() || self.timer.as_mut().poll(context).is_ready();
        if is_late {
            // From here on it takes only what has come, or it would not end while others go on answering.
            self.asked.close();
        }
        self.asked.poll(context.waker()).map(Result::ok)
    }

    /// Returns the receipt of the question. [`delivered`](Receipt::delivered) is how many subscribers got it.
    pub fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// Returns how many answers found no room here.
    pub fn dropped(&self) -> u64 {
        self.asked.dropped()
    }
}

/// Yields the answers, until the end.
impl<M> Stream for AsyncReplies<M> {
    type Item = Delivery<M>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery<M>>> {
        self.poll_recv(context)
    }
}

impl<M> fmt::Debug for AsyncReplies<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncReplies")
            .field("receipt", &self.receipt)
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}
