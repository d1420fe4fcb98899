//! Weak handles for tasks: they do not keep the bus open.
//!
//! A task that loops over a subscription and publishes would otherwise keep its own loop from ending.

use std::fmt;

use super::{AsyncBus, AsyncPublisher};
use crate::bus::lifecycle::WeakBus;
use crate::bus::publisher::WeakPublisher;
use crate::message::kernel::Message;

/// A [`WeakBus`] for tasks, made by [`AsyncBus::downgrade`]. It is a separate type because a [`WeakBus`] upgrades to a
/// bus that blocks the thread while it waits for room, which would stop the executor.
pub struct AsyncWeakBus<M = Message> {
    bus: WeakBus<M>,
}

/// # Weak handles
impl<M> AsyncBus<M> {
    /// Returns a handle that does not keep the bus open; see [`Bus::downgrade`](crate::Bus::downgrade).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::AsyncBus;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = AsyncBus::<u32>::new();
    /// let mut numbers = bus.subscribe().await;
    /// let weak = bus.downgrade();
    /// weak.upgrade().expect("it is there").send("counter", 7).await?;
    /// assert_eq!(numbers.recv().await?.message, 7);
    /// drop(bus);
    /// assert!(weak.upgrade().is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "the bus itself is what keeps it open"]
    pub fn downgrade(&self) -> AsyncWeakBus<M> {
        AsyncWeakBus {
            bus: (**self).downgrade(),
        }
    }
}

impl<M> AsyncWeakBus<M> {
    /// Returns the bus, unless the last bus and the last publisher are gone; see [`WeakBus::upgrade`].
    #[must_use]
    pub fn upgrade(&self) -> Option<AsyncBus<M>> {
        Some(self.bus.upgrade()?.into_async())
    }
}

impl<M> Clone for AsyncWeakBus<M> {
    fn clone(&self) -> Self {
        AsyncWeakBus {
            bus: self.bus.clone(),
        }
    }
}

impl<M> fmt::Debug for AsyncWeakBus<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncWeakBus").field(&self.bus).finish()
    }
}

/// A [`WeakPublisher`] for tasks, made by [`AsyncPublisher::downgrade`]. It is a separate type because a
/// [`WeakPublisher`] upgrades to a publisher that blocks the thread while it waits for room, which would stop the
/// executor.
pub struct AsyncWeakPublisher<M = Message> {
    publisher: WeakPublisher<M>,
}

/// # Weak handles
impl<M> AsyncPublisher<M> {
    /// Returns a handle that does not keep the bus open; see [`Publisher::downgrade`](crate::Publisher::downgrade).
    ///
    /// # Examples
    ///
    /// A task that answers until the owner drops the bus:
    ///
    /// ```
    /// use futures::StreamExt;
    /// use oxide_bus::{AsyncBus, Grant};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = AsyncBus::<u32>::new();
    /// bus.grant(Grant::new("count"))?;
    /// let mut numbers = bus.subscribe().await;
    /// let counter = bus.publisher("counter", "count").downgrade();
    ///
    /// let counting = tokio::spawn(async move {
    ///     while let Some(item) = numbers.next().await {
    ///         let (Ok(number), Some(counter)) = (item, counter.upgrade()) else { break };
    ///         if number.message < 3 {
    ///             counter.publish(number.message + 1).await.expect("it is granted, and the bus is open");
    ///         }
    ///     }
    ///     counter.upgrade().is_none()
    /// });
    ///
    /// bus.publisher("owner", "count").publish(0).await?;
    /// drop(bus); // the end of the loop
    /// assert!(counting.await?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "the publisher itself keeps the bus open"]
    pub fn downgrade(&self) -> AsyncWeakPublisher<M> {
        AsyncWeakPublisher {
            publisher: (**self).downgrade(),
        }
    }
}

impl<M> AsyncWeakPublisher<M> {
    /// Returns the publisher, unless the last bus and the last publisher are gone; see [`WeakPublisher::upgrade`].
    #[must_use]
    pub fn upgrade(&self) -> Option<AsyncPublisher<M>> {
        Some(self.publisher.upgrade()?.into_async())
    }
}

impl<M> Clone for AsyncWeakPublisher<M> {
    fn clone(&self) -> Self {
        AsyncWeakPublisher {
            publisher: self.publisher.clone(),
        }
    }
}

impl<M> fmt::Debug for AsyncWeakPublisher<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncWeakPublisher")
            .field(&self.publisher)
            .finish()
    }
}
