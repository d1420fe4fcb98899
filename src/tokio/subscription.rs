//! The subscription for tasks.
//!
//! It wraps a [`Subscription`] and replaces the methods that may wait by `async` ones.

use std::fmt;
use std::ops::Deref;
use std::time::{Duration, Instant};

use tokio::time::error::Elapsed;

use super::budget::Budget;
use crate::bus::error::SubscribeError;
use crate::bus::subscription::Subscription;
use crate::bus::subscription::iter::TryIter;
use crate::message::envelope::Envelope;
use crate::message::kernel::Message;
use crate::message::subject::Payload;
use crate::queue::delivery::Delivery;
use crate::queue::recv_error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::queue::wait::{Nothing, Wait};

/// A [`Subscription`] that tasks receive from, made by [`AsyncBus::subscribe`](crate::AsyncBus::subscribe)
/// or [`Subscription::into_async`]. It reports losses and the end in the same way.
///
/// It is also a `Stream` of `Result<Delivery<M>, RecvError>`, the counterpart of [`Subscription::iter`] and of
/// the owned iterator. The methods that take `&self` are the [`Subscription`]'s own.
///
/// # Waiting
///
/// A task that waits sleeps until a publisher wakes it: it does not poll, and needs no helper thread. While
/// envelopes are queued each receive completes at once, except one in 129, which gives other tasks a turn.
/// Any executor will do.
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::{AsyncMessageBus, Command};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = AsyncMessageBus::new();
/// let mut commands = bus.subscribe().await;
/// let reader = tokio::spawn(async move { commands.recv().await });
///
/// let id = bus.send_command("kernel", Command::Ping).await?;
/// assert_eq!(reader.await??.id, id);
/// # Ok(())
/// # }
/// ```
#[must_use = "a subscription that is dropped receives nothing"]
pub struct AsyncSubscription<M = Message> {
    pub(super) subscription: Subscription<M>,
    pub(super) budget: Budget,
}

impl<M> Subscription<M> {
    /// Returns the same subscription, for tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe().into_async();
    /// std::thread::spawn(move || bus.publish(Envelope::new("counter", 7)));
    /// assert_eq!(numbers.recv().await?.message, 7);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_async(self) -> AsyncSubscription<M> {
        AsyncSubscription {
            subscription: self,
            budget: Budget::of_receives(),
        }
    }
}

impl<M> AsyncSubscription<M> {
    /// Returns the same subscription, for threads.
    pub fn into_sync(self) -> Subscription<M> {
        self.subscription
    }

    /// Receives the next envelope, and waits for it as long as it takes; see [`Subscription::recv`].
    ///
    /// # Errors
    ///
    /// As [`Subscription::recv`].
    ///
    /// # Cancel safety
    ///
    /// If it is cancelled, it has received nothing, and leaves nothing behind.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{AsyncBus, Envelope, RecvError};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = AsyncBus::<u32>::new();
    /// let mut numbers = bus.subscribe().await;
    /// bus.publish(Envelope::new("counter", 7)).await?;
    /// assert_eq!(numbers.recv().await?.message, 7);
    ///
    /// bus.close();
    /// assert_eq!(numbers.recv().await.unwrap_err(), RecvError::Disconnected);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub async fn recv(&mut self) -> Result<Delivery<M>, RecvError> {
        self.advance().await?;
        Ok(self.subscription.delivery())
    }

    /// Receives the next envelope as [`recv`](AsyncSubscription::recv) does, and lends it until the next
    /// call.
    ///
    /// # Errors
    ///
    /// As [`Subscription::recv`].
    ///
    /// # Cancel safety
    ///
    /// As [`recv`](AsyncSubscription::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{AsyncBus, Envelope};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = AsyncBus::<String>::new();
    /// let mut lines = bus.subscribe().await;
    /// bus.publish(Envelope::new("reader", "first".to_owned())).await?;
    /// assert_eq!(lines.recv_ref().await?.message, "first");
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub async fn recv_ref(&mut self) -> Result<&Envelope<M>, RecvError> {
        self.advance().await?;
        Ok(self.subscription.envelope())
    }

    /// Receives up to `max` envelopes into `deliveries`. It waits for the first, then takes what is queued, up
    /// to the next gap; see [`Subscription::recv_batch`].
    ///
    /// # Errors
    ///
    /// As [`Subscription::recv_batch`].
    ///
    /// # Cancel safety
    ///
    /// As [`recv`](AsyncSubscription::recv): it waits only while it has received nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{AsyncBus, Envelope};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = AsyncBus::<u32>::new();
    /// let mut numbers = bus.subscribe().await;
    /// bus.publish_batch((0..10).map(|number| Envelope::new("counter", number))).await?;
    ///
    /// let mut batch = Vec::new();
    /// assert_eq!(numbers.recv_batch(&mut batch, 8).await?, 8);
    /// assert_eq!(numbers.recv_batch(&mut batch, 8).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recv_batch(
        &mut self,
        deliveries: &mut Vec<Delivery<M>>,
        max: usize,
    ) -> Result<usize, RecvError> {
        if max == 0 {
            return Ok(0);
        }
        self.advance().await?;
        Ok(self.subscription.gather(deliveries, max))
    }

    /// Receives the next envelope, and waits for it up to `timeout` by tokio's clock.
    ///
    /// # Errors
    ///
    /// As [`Subscription::recv_timeout`].
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, or in one whose clock is not enabled.
    ///
    /// # Cancel safety
    ///
    /// As [`recv`](AsyncSubscription::recv). A time-out too loses nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::kernel::AsyncMessageBus;
    /// use oxide_bus::RecvTimeoutError;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let bus = AsyncMessageBus::new();
    /// let mut subscription = bus.subscribe().await;
    /// let error = subscription.recv_timeout(Duration::from_millis(1)).await.unwrap_err();
    /// assert_eq!(error, RecvTimeoutError::Timeout);
    /// # }
    /// ```
    pub async fn recv_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<Delivery<M>, RecvTimeoutError> {
        let in_time = tokio::time::timeout(timeout, self.advance()).await;
        self.received_in(in_time)
    }

    /// Receives the next envelope, and waits for it until `deadline` by tokio's clock. It takes what is queued even if
    /// the deadline has passed already.
    ///
    /// # Errors
    ///
    /// As [`Subscription::recv_timeout`].
    ///
    /// # Panics
    ///
    /// As [`recv_timeout`](AsyncSubscription::recv_timeout).
    ///
    /// # Cancel safety
    ///
    /// As [`recv_timeout`](AsyncSubscription::recv_timeout).
    pub async fn recv_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<Delivery<M>, RecvTimeoutError> {
        let in_time = tokio::time::timeout_at(deadline.into(), self.advance()).await;
        self.received_in(in_time)
    }

    fn received_in(
        &mut self,
        in_time: Result<Result<(), Nothing>, Elapsed>,
    ) -> Result<Delivery<M>, RecvTimeoutError> {
        // If the time is up, `advance` may have given others a turn instead of looking.
        in_time.unwrap_or_else(|_| self.subscription.advance(Wait::No))?;
        Ok(self.subscription.delivery())
    }

    /// Receives the next envelope if one is queued; see [`Subscription::try_recv`].
    ///
    /// # Errors
    ///
    /// As [`Subscription::try_recv`].
    #[inline]
    pub fn try_recv(&mut self) -> Result<Delivery<M>, TryRecvError> {
        self.subscription.try_recv()
    }

    /// Receives the next envelope if one is queued, and lends it until the next call; see
    /// [`Subscription::try_recv_ref`].
    ///
    /// # Errors
    ///
    /// As [`Subscription::try_recv`].
    #[inline]
    pub fn try_recv_ref(&mut self) -> Result<&Envelope<M>, TryRecvError> {
        self.subscription.try_recv_ref()
    }

    /// Calls `look` with every envelope that is queued now; see [`Subscription::try_recv_each`]. It gives no other
    /// task a turn.
    ///
    /// # Errors
    ///
    /// As [`Subscription::try_recv_each`].
    pub fn try_recv_each(&mut self, look: impl FnMut(&Envelope<M>)) -> Result<usize, TryRecvError> {
        self.subscription.try_recv_each(look)
    }

    /// Iterates over what is queued, without waiting; see [`Subscription::try_iter`]. It gives no other
    /// task a turn.
    pub fn try_iter(&mut self) -> TryIter<'_, M> {
        self.subscription.try_iter()
    }
}

impl<M: Payload> AsyncSubscription<M> {
    /// Makes a new subscription with the same options; see [`Subscription::resubscribe`].
    ///
    /// # Errors
    ///
    /// As [`Subscription::resubscribe`].
    pub fn resubscribe(&self) -> Result<Self, SubscribeError> {
        self.subscription
            .resubscribe()
            .map(Subscription::into_async)
    }
}

/// The methods that take `&self`; none of them waits.
impl<M> Deref for AsyncSubscription<M> {
    type Target = Subscription<M>;

    fn deref(&self) -> &Subscription<M> {
        &self.subscription
    }
}

impl<M> From<Subscription<M>> for AsyncSubscription<M> {
    fn from(subscription: Subscription<M>) -> Self {
        subscription.into_async()
    }
}

impl<M> From<AsyncSubscription<M>> for Subscription<M> {
    fn from(subscription: AsyncSubscription<M>) -> Self {
        subscription.into_sync()
    }
}

impl<M> fmt::Debug for AsyncSubscription<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncSubscription")
            .field(&self.subscription)
            .finish()
    }
}
