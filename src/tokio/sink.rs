//! `Sink` for a publisher: messages of a stream are forwarded to the bus.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_sink::Sink;

use super::AsyncPublisher;
use crate::bus::error::PublishError;
use crate::engine::receipt::Receipt;
use crate::message::kernel::Message;
use crate::message::subject::Payload;

/// A `Sink` that publishes messages in order, made by [`AsyncPublisher::sink`].
///
/// It holds at most one message. Flushing the sink, or waiting until it is ready for the next message, publishes what
/// it holds, and waits until there is room. A message that is refused is handed back by the error, and the sink goes
/// on. Closing the sink waits until it holds nothing, and leaves the bus open.
///
/// # Cancel safety
///
/// A task that stops waiting loses nothing: the sink goes on with what it holds when it is polled again. A sink that
/// is dropped drops what it holds, which is in no queue.
///
/// # Panics
///
/// As [`Bus::publish`](crate::Bus::publish); and if `start_send` is called though the sink is not ready, since it would
/// lose what it holds.
///
/// # Examples
///
/// ```
/// use futures::{SinkExt, StreamExt, stream};
/// use oxide_bus::AsyncBus;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = AsyncBus::<u32>::new();
/// let numbers = bus.subscribe().await;
/// bus.grant("count")?;
///
/// let counter = bus.publisher("counter", "count");
/// stream::iter(0..100).map(Ok).forward(counter.sink()).await?;
/// assert_eq!(numbers.len(), 100);
/// # Ok(())
/// # }
/// ```
#[must_use = "sinks do nothing unless something is sent"]
pub struct PublishSink<M = Message> {
    publisher: AsyncPublisher<M>,
    publishing: Option<Publishing<M>>,
}

type Publishing<M> = Pin<Box<dyn Future<Output = Result<Receipt, PublishError<M>>> + Send>>;

impl<M> AsyncPublisher<M> {
    /// Returns a sink that publishes messages; see [`PublishSink`].
    pub fn sink(&self) -> PublishSink<M> {
        PublishSink {
            publisher: self.clone(),
            publishing: None,
        }
    }
}

impl<M: Payload> Sink<M> for PublishSink<M> {
    type Error = PublishError<M>;

    fn poll_ready(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Self::Error>> {
        self.poll_flush(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: M) -> Result<(), Self::Error> {
        assert!(
            self.publishing.is_none(),
            "a sink takes a message when it is ready for it"
        );
        let publisher = self.publisher.clone();
        self.publishing = Some(Box::pin(async move { publisher.publish(message).await }));
        Ok(())
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Self::Error>> {
        // The future is taken out, so if a payload's code panics it is gone, and the sink goes on.
        let Some(mut publishing) = self.publishing.take() else {
            return Poll::Ready(Ok(()));
        };
        let published = publishing.as_mut().poll(context);
        if published.is_pending() {
            self.publishing = Some(publishing);
        }
        published.map_ok(drop)
    }

    fn poll_close(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Self::Error>> {
        self.poll_flush(context)
    }
}

impl<M> fmt::Debug for PublishSink<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishSink")
            .field("publisher", &self.publisher)
            .field("holds", &self.publishing.is_some())
            .finish()
    }
}
