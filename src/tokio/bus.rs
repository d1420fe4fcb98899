//! The bus for tasks.
//!
//! It wraps a [`Bus`] and replaces the methods that may wait by `async` ones.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use super::placing;
use super::{AsyncPublisher, AsyncSubscription};
use crate::bus::error::{BatchError, PublishError, SubscribeError};
use crate::bus::handle::Bus;
use crate::bus::options::SubscribeOptions;
use crate::bus::subscription::Subscription;
use crate::engine::attempt::Limit;
use crate::engine::core::Batching;
use crate::engine::demands::Measured;
use crate::engine::receipt::{BatchReceipt, Receipt};
use crate::engine::refusal::Refusal;
use crate::message::advisory::Advisory;
use crate::message::capability::Capability;
use crate::message::draft::Draft;
use crate::message::envelope::Envelope;
use crate::message::kernel::Message;
use crate::message::pattern::{Pattern, PatternError};
use crate::message::source::Source;
use crate::message::subject::Payload;

/// The bus of a program whose tasks exchange [`Message`]s. It corresponds to `MessageBus` of `oxide-k`.
pub type AsyncMessageBus = AsyncBus<Message>;

/// A [`Bus`] for tasks. It is a handle on the same bus, and both kinds may be in use at once: threads
/// publish and tasks receive, or the other way round.
///
/// Methods that may wait are `async`. So are those of `oxide-k`'s bus, though most of them never wait.
/// All others are the [`Bus`]'s own, by [`Deref`].
///
/// # Examples
///
/// ```
/// use oxide_bus::{AsyncBus, Bus, Envelope};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = AsyncBus::<u32>::new();
/// let mut in_a_task = bus.subscribe().await;
/// let mut in_a_thread = Bus::from(bus.clone()).subscribe();
///
/// let thread = std::thread::spawn(move || in_a_thread.recv());
/// bus.publish(Envelope::new("counter", 7)).await?;
/// assert_eq!(in_a_task.recv().await?.message, 7);
/// assert_eq!(thread.join().expect("it has not panicked")?.message, 7);
/// # Ok(())
/// # }
/// ```
pub struct AsyncBus<M = Message> {
    bus: Bus<M>,
}

/// # Creating a bus
impl<M> AsyncBus<M> {
    /// Creates a bus; see [`Bus::new`].
    pub fn new() -> Self
    where
        M: Payload,
    {
        Bus::new().into()
    }
}

/// # Publishing, unguarded
impl<M: Payload> AsyncBus<M> {
    /// Publishes an envelope to every subscriber that listens to it, unguarded; see [`Bus::publish`].
    ///
    /// If a subscriber with [`Overflow::Block`](crate::Overflow::Block) has no room, the publish waits until it has,
    /// however long that takes. Other tasks run meanwhile, and no subscriber gets the envelope before. The time-out of
    /// the subscriber does not count, since there is no clock here: see
    /// [`publish_timeout`](AsyncBus::publish_timeout). Otherwise the publish completes at once, except that about one
    /// in 129 on a thread lets other tasks run first.
    ///
    /// # Errors
    ///
    /// As [`Bus::publish`].
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`].
    ///
    /// # Cancel safety
    ///
    /// If it is cancelled, the envelope is in no queue, and is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{AsyncBus, Envelope, Overflow, SubscribeOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = AsyncBus::<u32>::new();
    /// let lossless = Overflow::Block;
    /// let options = SubscribeOptions::new().capacity(1).overflow(lossless);
    /// let mut audit = bus.subscribe_with(options).await?;
    /// bus.publish(Envelope::new("counter", 1)).await?;
    ///
    /// let second = tokio::spawn(async move { bus.publish(Envelope::new("counter", 2)).await });
    /// assert_eq!(audit.recv().await?.message, 1);
    /// assert_eq!(audit.recv().await?.message, 2);
    /// assert_eq!(second.await??.delivered(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn publish(
        &self,
        envelope: Envelope<M>,
    ) -> impl Future<Output = Result<Receipt, PublishError<M>>> {
        placing::publish_unguarded(&self.bus, envelope)
    }

    /// Publishes a message of this source, unguarded; see [`Bus::send`]. It waits as [`publish`](AsyncBus::publish)
    /// does.
    ///
    /// # Errors
    ///
    /// As [`Bus::send`].
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`].
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](AsyncBus::publish).
    pub async fn send(
        &self,
        source: impl Into<Source>,
        message: impl Into<Draft<M>>,
    ) -> Result<Receipt, PublishError<M>> {
        self.publish(self.stamp(source, message)).await
    }

    /// Publishes an envelope, unguarded, and waits for room up to `timeout` by tokio's clock; see
    /// [`Bus::publish_timeout`]. As there, it waits for an [audit log](crate::audit) longer than that. Other tasks run
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Bus::publish_timeout`].
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`]; and outside a tokio runtime, or in one whose clock is not enabled.
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](AsyncBus::publish).
    pub async fn publish_timeout(
        &self,
        envelope: Envelope<M>,
        timeout: Duration,
    ) -> Result<Receipt, PublishError<M>> {
        let mut measured = Measured::default();
        let publish = |pending: &mut _, limit| {
            let placed = placing::measure_and_place(&self.bus, pending, limit, &mut measured);
            Ok(placed?)
        };
        placing::publish_timeout(envelope, timeout, publish).await
    }

    /// Publishes many envelopes, in order; see [`Bus::publish_batch`]. Before each step it waits as
    /// [`publish`](AsyncBus::publish) does.
    ///
    /// # Errors
    ///
    /// As [`Bus::publish_batch`].
    ///
    /// # Panics
    ///
    /// As [`Bus::publish_batch`].
    ///
    /// # Cancel safety
    ///
    /// If it is cancelled, the first envelopes may have been published. The others are in no queue, and are dropped.
    pub async fn publish_batch(
        &self,
        envelopes: impl IntoIterator<Item = Envelope<M>>,
    ) -> Result<BatchReceipt, BatchError<M>> {
        let mut measured = Measured::default();
        let publish = |batching: &mut Batching<M>| {
            measured
                .once(|| (batching.left().iter()).try_for_each(|it| self.bus.core.measure(it)))?;
            let goes_on = || Ok::<_, Refusal>(());
            Ok(self.core.place_all(batching, Limit::Refuse, goes_on)?)
        };
        placing::publish_batch(envelopes.into_iter().collect(), publish).await
    }
}

/// # Subscribing
#[expect(
    clippy::unused_async,
    reason = "the signatures are those of `oxide-k`, and one may come to wait"
)]
impl<M: Payload> AsyncBus<M> {
    /// Subscribes to everything, with the default options; see [`Bus::subscribe`]. It does not wait.
    pub async fn subscribe(&self) -> AsyncSubscription<M> {
        self.bus.subscribe().into_async()
    }

    /// Subscribes to the subjects that this pattern matches; see [`Bus::subscribe_to`]. It does not wait.
    ///
    /// # Errors
    ///
    /// As [`Bus::subscribe_to`].
    pub async fn subscribe_to<P>(&self, pattern: P) -> Result<AsyncSubscription<M>, SubscribeError>
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        Ok(self.bus.subscribe_to(pattern)?.into_async())
    }

    /// Subscribes with options; see [`Bus::subscribe_with`]. It does not wait.
    ///
    /// # Errors
    ///
    /// As [`Bus::subscribe_with`].
    pub async fn subscribe_with(
        &self,
        options: SubscribeOptions<M>,
    ) -> Result<AsyncSubscription<M>, SubscribeError> {
        Ok(self.bus.subscribe_with(options)?.into_async())
    }

    /// Makes many subscriptions in one step; see [`Bus::subscribe_many`]. It does not wait.
    ///
    /// # Errors
    ///
    /// As [`Bus::subscribe_many`].
    pub async fn subscribe_many(
        &self,
        options: impl IntoIterator<Item = SubscribeOptions<M>>,
    ) -> Result<Vec<AsyncSubscription<M>>, SubscribeError> {
        let subscriptions = self.bus.subscribe_many(options)?;
        Ok((subscriptions.into_iter())
            .map(Subscription::into_async)
            .collect())
    }

    /// Returns the number of subscriptions; see [`Bus::subscriber_count`]. It does not wait.
    pub async fn subscriber_count(&self) -> usize {
        self.bus.subscriber_count()
    }
}

/// # Authority
impl<M: Payload> AsyncBus<M> {
    /// Returns a handle that publishes as one source under one capability; see [`Bus::publisher`].
    pub fn publisher(
        &self,
        source: impl Into<Source>,
        capability: impl Into<Capability>,
    ) -> AsyncPublisher<M> {
        self.bus.publisher(source, capability).into()
    }

    /// Returns a handle that publishes as one source, for a trusted part of the program; see
    /// [`Bus::trusted_publisher`].
    pub fn trusted_publisher(&self, source: impl Into<Source>) -> AsyncPublisher<M> {
        self.bus.trusted_publisher(source).into()
    }
}

/// # Observing the bus
impl<M: Payload> AsyncBus<M> {
    /// Subscribes to what the bus says about itself; see [`Bus::advisories`].
    pub fn advisories(&self) -> AsyncSubscription<Advisory> {
        self.bus.advisories().into_async()
    }

    /// Subscribes to what the bus says about itself, with options; see [`Bus::advisories_with`].
    ///
    /// # Errors
    ///
    /// As [`Bus::advisories_with`].
    pub fn advisories_with(
        &self,
        options: SubscribeOptions<Advisory>,
    ) -> Result<AsyncSubscription<Advisory>, SubscribeError> {
        Ok(self.bus.advisories_with(options)?.into_async())
    }
}

/// # For tasks
impl<M> Bus<M> {
    /// Returns a handle on the same bus, for tasks.
    pub fn into_async(self) -> AsyncBus<M> {
        AsyncBus { bus: self }
    }
}

impl<M> AsyncBus<M> {
    pub(super) fn as_sync(&self) -> &Bus<M> {
        &self.bus
    }

    /// Returns a handle on the same bus, for threads.
    pub fn into_sync(self) -> Bus<M> {
        self.bus
    }
}

/// The methods that never wait.
impl<M> Deref for AsyncBus<M> {
    type Target = Bus<M>;

    fn deref(&self) -> &Bus<M> {
        &self.bus
    }
}

impl<M> From<Bus<M>> for AsyncBus<M> {
    fn from(bus: Bus<M>) -> Self {
        bus.into_async()
    }
}

impl<M> From<AsyncBus<M>> for Bus<M> {
    fn from(bus: AsyncBus<M>) -> Self {
        bus.into_sync()
    }
}

impl<M> Clone for AsyncBus<M> {
    fn clone(&self) -> Self {
        self.bus.clone().into_async()
    }
}

impl<M: Payload> Default for AsyncBus<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> fmt::Debug for AsyncBus<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncBus").field(&self.bus).finish()
    }
}
