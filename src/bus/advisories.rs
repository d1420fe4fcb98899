//! Advisories: what a bus says about itself, carried by a second bus.
//!
//! The second bus is made for the first subscription, so a bus without one pays next to nothing.

use std::sync::{Arc, OnceLock};

use crate::bus::error::SubscribeError;
use crate::bus::handle::Bus;
use crate::bus::options::SubscribeOptions;
use crate::bus::state::BusState;
use crate::bus::subscription::Subscription;
use crate::engine::notices::AdvisorySink;
use crate::message::advisory::Advisory;
use crate::message::envelope::Envelope;
use crate::message::source::Source;
use crate::message::subject::Payload;

/// The bus that carries the advisories of another bus. It is made for the first subscription to advisories; `None` if
/// the other bus had closed before. The cell is not that of [`sync`](crate::support::sync), since no model subscribes
/// to advisories.
#[derive(Default)]
pub(crate) struct Advisories(OnceLock<Option<Carrier>>);

struct Carrier {
    bus: Bus<Advisory>,
    source: Source,
}

impl Advisories {
    /// Returns the bus that carries the advisories; a closed one if the other bus has closed.
    fn bus(&self) -> Bus<Advisory> {
        let carrier = self.0.get_or_init(|| {
            Some(Carrier {
                bus: silent(),
                source: Source::from("bus"),
            })
        });
        if let Some(carrier) = carrier {
            return carrier.bus.clone();
        }
        let closed = silent();
        closed.close();
        closed
    }

    fn carrier(&self) -> Option<&Carrier> {
        let carrier = self.0.get()?.as_ref()?;
        (carrier.bus.subscriber_count() > 0).then_some(carrier)
    }
}

impl AdvisorySink for Advisories {
    fn listens(&self) -> bool {
        self.carrier().is_some()
    }

    fn record(&self, advisory: &Advisory) {
        let Some(Carrier { bus, source }) = self.carrier() else {
            return;
        };
        // An error means that the bus has closed meanwhile: then everything was reported.
        let _closed = bus.publish(Envelope::new(source, advisory.clone()));
    }

    fn close(&self) {
        if let Some(carrier) = self.0.get_or_init(|| None) {
            carrier.bus.close();
        }
    }
}

/// Makes a bus that carries advisories. It has no advisories of its own.
fn silent() -> Bus<Advisory> {
    Bus {
        core: Arc::new(BusState::silent()),
    }
}

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
        self.core.advisories.bus().subscribe()
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
        self.core.advisories.bus().subscribe_with(options)
    }
}
