//! Requests, awaited.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::{AsyncBus, AsyncPublisher};
use crate::alarm::Sleeper;
use crate::delivery::Delivery;
use crate::envelope::Envelope;
use crate::error::{PublishError, RequestError};
use crate::receipt::Receipt;
use crate::request::{Requests, can_be_answered};
use crate::scope::Origin;
use crate::subject::Payload;

/// Registers a request, publishes it and waits for the answer.
async fn ask<M: Payload, F>(
    requests: &Requests<M>,
    envelope: Envelope<M>,
    publish: impl FnOnce(Envelope<M>) -> F,
) -> Result<Delivery<M>, RequestError<M>>
where
    F: Future<Output = Result<Receipt, PublishError<M>>>,
{
    let (asked, envelope) = requests.register(envelope)?;
    can_be_answered(&publish(envelope).await?)?;
    let mut sleeper = Sleeper::new(asked.alarm());
    poll_fn(|context| {
        sleeper.set(context.waker());
        asked.look().map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

/// Gives up when the time is over.
async fn within<M>(
    timeout: Duration,
    answer: impl Future<Output = Result<Delivery<M>, RequestError<M>>>,
) -> Result<Delivery<M>, RequestError<M>> {
    (tokio::time::timeout(timeout, answer).await).unwrap_or(Err(RequestError::TimedOut))
}

impl<M: Payload> AsyncBus<M> {
    /// Publishes an envelope, unguarded, and waits for the answer as long as it takes; see
    /// [`Bus::request`](crate::Bus::request).
    ///
    /// # Errors
    ///
    /// As [`Bus::request`](crate::Bus::request), but that it does not time out.
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Cancel safety
    ///
    /// Cancelled, it leaves nothing behind but the question, if that was published already. An answer that
    /// comes later goes to subscribers only.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{AsyncBus, Envelope};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = AsyncBus::<u32>::new();
    /// bus.grant_capability("square".into()).await;
    /// let server = bus.publisher("server", "square");
    /// let mut questions = bus.subscribe().await;
    /// tokio::spawn(async move {
    ///     let question = questions.recv().await.expect("it is asked");
    ///     let square = question.message * question.message;
    ///     server.reply(&question, square).await
    /// });
    ///
    /// let answer = bus.request(Envelope::new("client", 7)).await?;
    /// assert_eq!((answer.message, answer.source.as_str()), (49, "server"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn request(&self, envelope: Envelope<M>) -> Result<Delivery<M>, RequestError<M>> {
        let publish = |envelope| self.publish(envelope);
        ask(&self.core.requests, envelope, publish).await
    }

    /// The same, and waits up to `timeout` by tokio's clock. The time-out is for the whole.
    ///
    /// # Errors
    ///
    /// As [`Bus::request`](crate::Bus::request).
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish); and outside a tokio runtime, or in one without time.
    ///
    /// # Cancel safety
    ///
    /// As [`request`](AsyncBus::request).
    pub async fn request_timeout(
        &self,
        envelope: Envelope<M>,
        timeout: Duration,
    ) -> Result<Delivery<M>, RequestError<M>> {
        within(timeout, self.request(envelope)).await
    }
}

impl<M: Payload> AsyncPublisher<M> {
    /// Publishes a message, and waits for the answer as long as it takes; see
    /// [`Publisher::request`](crate::Publisher::request).
    ///
    /// # Errors
    ///
    /// As [`Publisher::request`](crate::Publisher::request), but that it does not time out.
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Cancel safety
    ///
    /// As [`AsyncBus::request`].
    pub async fn request(&self, message: M) -> Result<Delivery<M>, RequestError<M>> {
        let (_asking, envelope) = self.asking(self.stamp(message))?;
        let publish = |envelope| self.place(envelope, Origin::Made);
        ask(self.requests(), envelope, publish).await
    }

    /// The same, and waits up to `timeout` by tokio's clock. The time-out is for the whole.
    ///
    /// # Errors
    ///
    /// As [`Publisher::request`](crate::Publisher::request).
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish); and outside a tokio runtime, or in one without time.
    ///
    /// # Cancel safety
    ///
    /// As [`AsyncBus::request`].
    pub async fn request_timeout(
        &self,
        message: M,
        timeout: Duration,
    ) -> Result<Delivery<M>, RequestError<M>> {
        within(timeout, self.request(message)).await
    }
}
