//! Requests for tasks: a message is published, and the answers to it are awaited.

use std::future::poll_fn;
use std::time::{Duration, Instant};

use super::{AsyncBus, AsyncPublisher, AsyncReplies};
use crate::authority::scope::Origin;
use crate::bus::error::{PublishError, RequestError};
use crate::bus::request::Asked;
use crate::bus::state::NEVER;
use crate::engine::receipt::Receipt;
use crate::engine::requests::Wanted;
use crate::message::draft::Draft;
use crate::message::source::Source;
use crate::message::subject::Payload;
use crate::queue::delivery::Delivery;

/// Publishes a request, and waits for the answer to it.
async fn answer<M>(
    asked: Asked<M>,
    publish: impl Future<Output = Result<Receipt, PublishError<M>>>,
) -> Result<Delivery<M>, RequestError<M>> {
    asked.published(&publish.await?)?;
    poll_fn(|context| asked.poll(context.waker())).await
}

/// Fails with [`RequestError::TimedOut`] when the time is up. Without a time-out it needs no clock.
async fn within<M, R>(
    timeout: Duration,
    asking: impl Future<Output = Result<R, RequestError<M>>>,
) -> Result<R, RequestError<M>> {
    if timeout == NEVER {
        return asking.await;
    }
    let late = |_| Err(RequestError::TimedOut(timeout));
    (tokio::time::timeout(timeout, asking).await).unwrap_or_else(late)
}

/// The end of a time-out by tokio's clock; `None` if the clock cannot hold it.
fn after(timeout: Duration) -> Option<Instant> {
    let end = tokio::time::Instant::now().checked_add(timeout)?;
    Some(end.into_std())
}

/// # Asking
impl<M: Payload> AsyncBus<M> {
    /// Publishes a message, unguarded, and waits for the first answer; see [`Bus::request`](crate::Bus::request).
    ///
    /// It waits up to the [time-out](crate::BusBuilder::request_timeout) of the bus, by tokio's clock. The time-out
    /// covers the whole call, the wait for room included.
    ///
    /// # Errors
    ///
    /// As [`Bus::request`](crate::Bus::request).
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish); and outside a tokio runtime, or in one whose clock is not enabled,
    /// unless the time-out is `None`.
    ///
    /// # Cancel safety
    ///
    /// If it is cancelled, it leaves nothing behind but the question, if that was published already. An answer that
    /// comes later goes to subscribers only.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::AsyncBus;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = AsyncBus::<u32>::new();
    /// bus.grant("square")?;
    /// let server = bus.publisher("server", "square");
    /// let mut questions = bus.subscribe().await;
    /// tokio::spawn(async move {
    ///     let question = questions.recv().await.expect("it is asked");
    ///     let square = question.message * question.message;
    ///     server.reply(&question, square).await
    /// });
    ///
    /// let answer = bus.request("client", 7).await?;
    /// assert_eq!((answer.message, answer.source.as_str()), (49, "server"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn request(
        &self,
        source: impl Into<Source>,
        message: impl Into<Draft<M>>,
    ) -> Result<Delivery<M>, RequestError<M>> {
        let envelope = self.as_sync().stamp(source, message);
        let timeout = self.core.request_timeout;
        let (asked, envelope) =
            Asked::register(&self.core, None, envelope, Wanted::One, after(timeout))?;
        let asking = answer(asked, self.publish(envelope));
        within(timeout, asking).await
    }
}

/// # Asking
impl<M: Payload> AsyncPublisher<M> {
    /// Publishes a message, and waits for the first answer; see [`Publisher::request`](crate::Publisher::request).
    ///
    /// It waits up to the [time-out](crate::Publisher::with_request_timeout) of this publisher, by tokio's clock.
    ///
    /// # Errors
    ///
    /// As [`Publisher::request`](crate::Publisher::request).
    ///
    /// # Panics
    ///
    /// As [`AsyncBus::request`].
    ///
    /// # Cancel safety
    ///
    /// As [`AsyncBus::request`].
    pub async fn request(
        &self,
        message: impl Into<Draft<M>>,
    ) -> Result<Delivery<M>, RequestError<M>> {
        self.request_timeout(message, self.patience()).await
    }

    /// Like [`request`](AsyncPublisher::request), with a time-out of its own. The time-out covers the whole call.
    ///
    /// # Errors
    ///
    /// As [`Publisher::request`](crate::Publisher::request).
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish); and outside a tokio runtime, or in one whose clock is not enabled.
    ///
    /// # Cancel safety
    ///
    /// As [`AsyncBus::request`].
    pub async fn request_timeout(
        &self,
        message: impl Into<Draft<M>>,
        timeout: Duration,
    ) -> Result<Delivery<M>, RequestError<M>> {
        let (asked, envelope) = self.register(message, Wanted::One, after(timeout))?;
        let asking = answer(asked, self.place(envelope, Origin::Made));
        within(timeout, asking).await
    }

    /// Publishes a message, and returns its answers as they come, until the time-out; see
    /// [`Publisher::request_many`](crate::Publisher::request_many).
    ///
    /// # Errors
    ///
    /// As [`Publisher::request_many`](crate::Publisher::request_many); and [`RequestError::TimedOut`] if the question
    /// found no room in time.
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish); and outside a tokio runtime, or in one whose clock is not enabled.
    ///
    /// # Cancel safety
    ///
    /// As [`AsyncBus::request`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::AsyncBus;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = AsyncBus::<u32>::new();
    /// for (name, price) in [("north", 12), ("south", 9)] {
    ///     let shop = bus.trusted_publisher(name);
    ///     let mut questions = bus.subscribe().await;
    ///     tokio::spawn(async move {
    ///         let question = questions.recv().await.expect("it is asked");
    ///         shop.reply(&question, price).await
    ///     });
    /// }
    ///
    /// let client = bus.trusted_publisher("client");
    /// let mut answers = client.request_many(0, Duration::from_secs(10)).await?;
    /// let (one, other) = (answers.recv().await, answers.recv().await);
    /// let best = one.into_iter().chain(other).map(|answer| answer.message).min();
    /// assert_eq!(best, Some(9));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn request_many(
        &self,
        message: impl Into<Draft<M>>,
        timeout: Duration,
    ) -> Result<AsyncReplies<M>, RequestError<M>> {
        let timer = Box::pin(tokio::time::sleep(timeout));
        let (asked, envelope) = self.register(message, Wanted::Many, after(timeout))?;
        let asking = async {
            let receipt = self.place(envelope, Origin::Made).await?;
            asked.published(&receipt)?;
            Ok(receipt)
        };
        let receipt = within(timeout, asking).await?;
        Ok(AsyncReplies::new(asked, receipt, timer))
    }

    /// Returns the same publisher, with another time-out for [`request`](AsyncPublisher::request); see
    /// [`Publisher::with_request_timeout`](crate::Publisher::with_request_timeout).
    #[must_use = "it is what it returns that has the time-out"]
    pub fn with_request_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        self.into_sync().with_request_timeout(timeout).into_async()
    }
}
