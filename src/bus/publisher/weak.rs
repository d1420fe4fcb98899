//! A publisher handle that does not keep the bus open.
//!
//! A thread that publishes in a loop over its own subscription needs one: a [`Publisher`] would keep the loop from
//! ending.

use std::fmt;
use std::sync::Arc;

use super::{Own, Publisher};
use crate::authority::grants::GrantHandle;
use crate::bus::lifecycle::WeakBus;
use crate::message::kernel::Message;
use crate::message::source::Source;

/// A handle on a [`Publisher`] that does not keep the bus open, made by [`Publisher::downgrade`].
///
/// It is for a thread that loops over its own subscription and publishes in the loop. The loop ends when the last
/// [`Bus`](crate::Bus) and the last [`Publisher`] are gone. With a `Publisher` in the loop, the loop would wait for its
/// own end.
///
/// It keeps the source, the capability with its grant, the patterns that the publisher was
/// [narrowed](Publisher::narrow) to, and its time-out for requests. If the capability was revoked meanwhile, the
/// upgraded publisher is refused.
pub struct WeakPublisher<M = Message> {
    bus: WeakBus<M>,
    source: Source,
    grant: Arc<GrantHandle>,
    own: Option<Arc<Own>>,
}

/// # A handle that does not keep the bus open
impl<M> Publisher<M> {
    /// Returns a handle that does not keep the bus open.
    ///
    /// # Examples
    ///
    /// The [guide](crate#the-end) has a thread that publishes in a loop over its own subscription.
    ///
    /// ```
    /// use oxide_bus::{Bus, Grant};
    ///
    /// let bus = Bus::<f64>::new();
    /// bus.grant(Grant::new("sensor:report"))?;
    /// let thermometer = bus.publisher("thermometer", "sensor:report").downgrade();
    ///
    /// let upgraded = thermometer.upgrade().expect("the bus is held");
    /// upgraded.publish(21.5)?;
    /// drop((upgraded, bus));
    /// assert!(thermometer.upgrade().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "the publisher itself keeps the bus open"]
    pub fn downgrade(&self) -> WeakPublisher<M> {
        WeakPublisher {
            bus: self.bus.downgrade(),
            source: self.source.clone(),
            grant: Arc::clone(&self.grant),
            own: self.own.clone(),
        }
    }
}

impl<M> WeakPublisher<M> {
    /// Returns the publisher, unless the last [`Bus`](crate::Bus) and the last [`Publisher`] are gone. The bus may have
    /// closed.
    ///
    /// The returned publisher keeps the bus open, so drop it before the next receive. Upgrading costs what cloning a
    /// [`Publisher`] costs: a few atomic additions.
    #[must_use]
    pub fn upgrade(&self) -> Option<Publisher<M>> {
        Some(Publisher {
            bus: self.bus.upgrade()?,
            source: self.source.clone(),
            stripe: self.grant.admission().stripe(),
            grant: Arc::clone(&self.grant),
            own: self.own.clone(),
        })
    }
}

impl<M> Clone for WeakPublisher<M> {
    fn clone(&self) -> Self {
        WeakPublisher {
            bus: self.bus.clone(),
            source: self.source.clone(),
            grant: Arc::clone(&self.grant),
            own: self.own.clone(),
        }
    }
}

impl<M> fmt::Debug for WeakPublisher<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakPublisher")
            .field("source", &self.source)
            .field("capability", &self.grant.capability())
            .finish_non_exhaustive()
    }
}
