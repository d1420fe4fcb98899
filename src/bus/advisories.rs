//! Those who read what the bus says about itself: on a second bus, made when somebody asks for it.

use std::sync::{Arc, OnceLock};

use crate::bus::error::SubscribeError;
use crate::bus::handle::Bus;
use crate::bus::options::SubscribeOptions;
use crate::bus::shared::Shared;
use crate::bus::subscription::Subscription;
use crate::engine::notices::Record;
use crate::message::advisory::Advisory;
use crate::message::envelope::Envelope;
use crate::message::source::Source;
use crate::message::subject::Payload;

/// The bus that carries the advisories of another: made when somebody asks for it; none if that one has closed before.
/// Not of [`sync`](crate::support::sync), since no model asks.
#[derive(Default)]
pub(crate) struct Advisories(OnceLock<Option<Carrier>>);

struct Carrier {
    bus: Bus<Advisory>,
    source: Source,
}

impl Advisories {
    /// The bus that carries the advisories.
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

impl Record for Advisories {
    fn listens(&self) -> bool {
        self.carrier().is_some()
    }

    fn record(&self, advisory: &Advisory) {
        let Some(Carrier { bus, source }) = self.carrier() else {
            return;
        };
        // Who closes meanwhile has told all there was to tell.
        let _closed = bus.publish(Envelope::new(source, advisory.clone()));
    }

    fn close(&self) {
        if let Some(carrier) = self.0.get_or_init(|| None) {
            carrier.bus.close();
        }
    }
}

/// A bus that carries advisories has nothing to tell.
fn silent() -> Bus<Advisory> {
    Bus {
        core: Arc::new(Shared::silent()),
    }
}

impl<M: Payload> Bus<M> {
    /// Subscribes to what the bus says about itself, with the default options.
    ///
    /// What happens after this has returned is told, once it has happened. Each [`Advisory`] comes in an
    /// envelope whose source is `bus`. Those of one thread come in order. After
    /// [`Advisory::Closed`] the subscription is disconnected; on a closed bus it is so from the start.
    ///
    /// The queue is bounded as any other: who does not receive loses advisories, and is told how
    /// many. Telling waits for nobody. These subscriptions are not counted by
    /// [`subscriber_count`](Bus::subscriber_count), and nothing is told of them.
    ///
    /// # Cost
    ///
    /// Where nobody listens, an atomic load for each thing that would be told: none of them is a
    /// publish that finds room.
    pub fn advisories(&self) -> Subscription<Advisory> {
        self.core.advisories.bus().subscribe()
    }

    /// Subscribes to what the bus says about itself, with options.
    ///
    /// # Errors
    ///
    /// As [`subscribe_with`](Bus::subscribe_with); and [`SubscribeError::MayNotBlock`] for
    /// [`Overflow::Block`](crate::Overflow::Block): nothing that the bus does waits for who watches it.
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
