//! The publisher for tasks: what a module is given instead of the bus.
//!
//! It wraps a [`Publisher`] and replaces the methods that may wait by `async` ones.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use super::placing;
use crate::authority::admission::CachedVerdict;
use crate::authority::scope::{Cause, Origin};
use crate::bus::error::{BatchError, PublishError};
use crate::bus::publisher::Publisher;
use crate::engine::attempt::Limit;
use crate::engine::pending::Pending;
use crate::engine::receipt::{BatchReceipt, Receipt};
use crate::message::draft::Draft;
use crate::message::envelope::Envelope;
use crate::message::kernel::Message;
use crate::message::pattern::{Pattern, PatternError};
use crate::message::subject::Payload;

/// A [`Publisher`] for tasks, made by [`AsyncBus::publisher`](crate::AsyncBus::publisher) or
/// [`Publisher::into_async`]. It is a handle on the same grant.
///
/// Methods that may wait are `async`: if a subscriber with [`Overflow::Block`](crate::Overflow::Block) has no room,
/// they wait as [`AsyncBus::publish`](crate::AsyncBus::publish) does. A publish that waits is not admitted yet: if
/// the capability is revoked meanwhile, it is refused, and hands back what was not published. An envelope is checked
/// and charged to the rate's allowance once. That counts for as long as the grant does not change. All other methods
/// are the [`Publisher`]'s own, by [`Deref`].
///
/// [`sink`](AsyncPublisher::sink) returns a `Sink` of messages.
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::{AsyncMessageBus, Event};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = AsyncMessageBus::new();
/// let mut subscription = bus.subscribe().await;
/// bus.grant("log:write")?;
/// let logger = bus.publisher("logger", "log:write");
///
/// let id = logger.publish(Event::Pong { from: "logger".into() }).await?.id();
/// assert_eq!(subscription.recv().await?.id, id);
/// # Ok(())
/// # }
/// ```
pub struct AsyncPublisher<M = Message> {
    publisher: Publisher<M>,
}

impl<M> AsyncPublisher<M> {
    /// Returns the same publisher, for threads.
    pub fn into_sync(self) -> Publisher<M> {
        self.publisher
    }

    /// Returns a publisher that may publish less; see [`Publisher::narrow`].
    ///
    /// # Errors
    ///
    /// As [`Publisher::narrow`].
    pub fn narrow<P>(&self, patterns: impl IntoIterator<Item = P>) -> Result<Self, PatternError>
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        Ok(self.publisher.narrow(patterns)?.into_async())
    }
}

/// # Publishing
impl<M: Payload> AsyncPublisher<M> {
    /// Publishes a message; see [`Publisher::publish`].
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish`].
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Cancel safety
    ///
    /// If it is cancelled, the message is in no queue, and is dropped.
    pub async fn publish(&self, message: impl Into<Draft<M>>) -> Result<Receipt, PublishError<M>> {
        self.place(self.stamp(message), Origin::Made).await
    }

    /// Publishes a message that answers a question; see [`Publisher::reply`].
    ///
    /// # Errors
    ///
    /// As [`Publisher::reply`].
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](AsyncPublisher::publish).
    pub async fn reply(
        &self,
        question: &Envelope<M>,
        message: impl Into<Draft<M>>,
    ) -> Result<Receipt, PublishError<M>> {
        self.publish(message.into().with_correlation_id(question.id))
            .await
    }

    /// Publishes an envelope that was made elsewhere, as it is; see [`Publisher::forward`].
    ///
    /// # Errors
    ///
    /// As [`Publisher::forward`].
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](AsyncPublisher::publish).
    pub async fn forward(&self, envelope: Envelope<M>) -> Result<Receipt, PublishError<M>> {
        self.place(envelope, self.publisher.forwarded()).await
    }

    pub(crate) async fn place(
        &self,
        envelope: Envelope<M>,
        origin: Origin<'_>,
    ) -> Result<Receipt, PublishError<M>> {
        let mut verdict = CachedVerdict::default();
        let publish = |pending: &mut _, limit| self.attempt(pending, origin, limit, &mut verdict);
        placing::publish(envelope, publish).await
    }

    fn attempt(
        &self,
        pending: &mut Option<Envelope<M>>,
        origin: Origin<'_>,
        limit: Limit,
        verdict: &mut CachedVerdict,
    ) -> Result<Receipt, Cause> {
        let publisher = &self.publisher;
        let objection = match publisher.append(pending, origin, verdict) {
            Ok(receipt) => return Ok(receipt),
            Err(objection) => objection,
        };
        let envelope = Pending::first(pending);
        let _guard = publisher.enter_unless(objection, envelope, origin, verdict)?;
        Ok((publisher.bus().core).publish(pending, limit)?)
    }

    /// Publishes a message, and waits for room up to `timeout` by tokio's clock; see
    /// [`Publisher::publish_timeout`].
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish_timeout`].
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish); and outside a tokio runtime, or in one whose clock is not enabled.
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](AsyncPublisher::publish).
    pub async fn publish_timeout(
        &self,
        message: impl Into<Draft<M>>,
        timeout: Duration,
    ) -> Result<Receipt, PublishError<M>> {
        let envelope = self.stamp(message);
        let mut verdict = CachedVerdict::default();
        let publish =
            |pending: &mut _, limit| self.attempt(pending, Origin::Made, limit, &mut verdict);
        placing::publish_timeout(envelope, timeout, publish).await
    }

    /// Publishes many messages, in order; see [`Publisher::publish_batch`].
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish_batch`].
    ///
    /// # Panics
    ///
    /// As [`Bus::publish_batch`](crate::Bus::publish_batch).
    ///
    /// # Cancel safety
    ///
    /// As [`AsyncBus::publish_batch`](crate::AsyncBus::publish_batch).
    pub async fn publish_batch<D: Into<Draft<M>>>(
        &self,
        messages: impl IntoIterator<Item = D>,
    ) -> Result<BatchReceipt, BatchError<M>> {
        let publisher = &self.publisher;
        let envelopes: Vec<_> = (messages.into_iter())
            .map(|message| publisher.stamp(message))
            .collect();
        let mut verdict = CachedVerdict::default();
        let publish = |batching: &mut _| publisher.place_all(batching, Limit::Refuse, &mut verdict);
        placing::publish_batch(envelopes, publish).await
    }
}

impl<M> Publisher<M> {
    /// Returns the same publisher, for tasks.
    pub fn into_async(self) -> AsyncPublisher<M> {
        AsyncPublisher { publisher: self }
    }
}

/// The methods that never wait.
impl<M> Deref for AsyncPublisher<M> {
    type Target = Publisher<M>;

    fn deref(&self) -> &Publisher<M> {
        &self.publisher
    }
}

impl<M> From<Publisher<M>> for AsyncPublisher<M> {
    fn from(publisher: Publisher<M>) -> Self {
        publisher.into_async()
    }
}

impl<M> From<AsyncPublisher<M>> for Publisher<M> {
    fn from(publisher: AsyncPublisher<M>) -> Self {
        publisher.into_sync()
    }
}

impl<M> Clone for AsyncPublisher<M> {
    fn clone(&self) -> Self {
        self.publisher.clone().into_async()
    }
}

impl<M> fmt::Debug for AsyncPublisher<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncPublisher")
            .field(&self.publisher)
            .finish()
    }
}
