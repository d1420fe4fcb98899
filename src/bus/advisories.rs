//! Subscribing to advisories: what a bus says about itself.

use crate::bus::error::SubscribeError;
use crate::bus::handle::Bus;
use crate::bus::options::SubscribeOptions;
use crate::bus::subscription::Subscription;
use crate::message::advisory::Advisory;
use crate::message::subject::Payload;

impl<M: Payload> Bus<M> {
    /// Subscribes to what the bus says about itself, with the default options.
    ///
    /// What happens after this has returned is reported, once it has happened. Each [`Advisory`] comes in an envelope
    /// whose source is `bus`. The advisories that one thread causes come in order. After [`Advisory::Closed`] the
    /// subscription is disconnected; on a closed bus it is disconnected from the start.
    ///
    /// The queue is bounded like any other: a subscriber that does not receive loses advisories, and is told how many.
    /// Reporting waits for no subscriber. [`subscriber_count`](Bus::subscriber_count) does not count these
    /// subscriptions, and no advisory is about them.
    ///
    /// # Cost
    ///
    /// Without a subscription to advisories, an atomic load for each thing that would be reported. A publish that finds
    /// room is not one of these things.
    pub fn advisories(&self) -> Subscription<Advisory> {
        self.advisory_bus().subscribe()
    }

    /// Subscribes to what the bus says about itself, with options.
    ///
    /// # Errors
    ///
    /// As [`subscribe_with`](Bus::subscribe_with). Also [`SubscribeError::MayNotBlock`] for
    /// [`Overflow::Block`](crate::Overflow::Block): nothing that the bus does waits for a subscriber to advisories.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Advisory, MessageBus, SubscribeOptions};
    ///
    /// let bus = MessageBus::new();
    /// let refusals = SubscribeOptions::new().pattern("advisory.denied");
    /// let mut refusals = bus.advisories_with(refusals)?;
    /// let llm = bus.publisher("llm", "llm:complete");
    /// assert!(llm.publish(oxide_bus::kernel::Command::Ping).is_err());
    ///
    /// let told = refusals.recv()?;
    /// assert!(matches!(&told.message, Advisory::Denied { source, .. } if source == "llm"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn advisories_with(
        &self,
        options: SubscribeOptions<Advisory>,
    ) -> Result<Subscription<Advisory>, SubscribeError> {
        if options.blocks() {
            return Err(SubscribeError::MayNotBlock);
        }
        self.advisory_bus().subscribe_with(options)
    }

    fn advisory_bus(&self) -> Bus<Advisory> {
        Bus {
            core: self.core.advisories.bus(),
        }
    }
}
