//! A publisher for tasks that does not keep the bus open.

use std::fmt;

use super::AsyncPublisher;
use crate::message::Message;
use crate::publisher::WeakPublisher;

/// A [`WeakPublisher`] for tasks, made by [`AsyncPublisher::downgrade`]. It is a type of its own because what a
/// [`WeakPublisher`] upgrades to waits for room in the thread, which would stop the executor.
pub struct AsyncWeakPublisher<M = Message> {
    publisher: WeakPublisher<M>,
}

impl<M> AsyncPublisher<M> {
    /// A handle that does not keep the bus open; see [`Publisher::downgrade`](crate::Publisher::downgrade).
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
    /// The publisher, unless the last bus and the last publisher are gone; see [`WeakPublisher::upgrade`].
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
