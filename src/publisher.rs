//! What a module is given instead of the bus: the right to speak as itself.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::bus::Bus;
use crate::capability::{Capability, GrantHandle};
use crate::envelope::Envelope;
use crate::error::{BatchError, PublishError};
use crate::message::{Command, Event, Message};
use crate::receipt::{BatchReceipt, Receipt};
use crate::source::Source;
use crate::subject::Payload;

/// A handle that publishes as one source under one capability, made by
/// [`Bus::publisher`](crate::Bus::publisher).
///
/// Id, time and source of what it publishes are stamped here, so a module that holds only a
/// `Publisher` can speak for nobody else; from it there is no way back to the bus. Its capability
/// may be revoked and granted again at any time: the check is one atomic load at each publish.
///
/// Clones are cheap and share the grant. A `Publisher` keeps the bus open.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Capability, Event, MessageBus};
///
/// let bus = MessageBus::new();
/// let mut subscription = bus.subscribe();
/// let write = Capability::new("log:write");
/// let logger = bus.publisher("logger", &write);
///
/// let event = || Event::Pong { from: "logger".into() };
/// assert!(logger.emit_event(event()).unwrap_err().is_denied());
///
/// bus.grant_capability(write);
/// let id = logger.emit_event(event())?;
/// let delivery = subscription.recv()?;
/// assert_eq!((delivery.id, delivery.source.as_str()), (id, "logger"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Publisher<M = Message> {
    bus: Bus<M>,
    source: Source,
    grant: Arc<GrantHandle>,
}

impl<M> Publisher<M> {
    pub(crate) fn new(bus: Bus<M>, source: Source, grant: GrantHandle) -> Self {
        Publisher {
            bus,
            source,
            grant: Arc::new(grant),
        }
    }

    /// The source of everything that it publishes.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The capability that it publishes under.
    pub fn capability(&self) -> &Capability {
        self.grant.capability()
    }

    /// Whether the capability is granted now.
    pub fn is_granted(&self) -> bool {
        self.grant.is_granted()
    }
}

impl<M: Payload> Publisher<M> {
    /// Publishes a message; see [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Errors
    ///
    /// [`PublishError::Denied`] where the capability is not granted, [`PublishError::Closed`] where
    /// the bus has closed; both hand the message back in its envelope.
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::Bus;
    ///
    /// let bus = Bus::<f64>::new();
    /// let thermometer = bus.publisher("thermometer", "sensor:report");
    /// let error = thermometer.publish(21.5).unwrap_err();
    /// assert!(error.is_denied());
    /// let reading = error.into_envelope().message;
    ///
    /// bus.grant_capability("sensor:report".into());
    /// thermometer.publish(reading)?;
    /// # Ok::<(), oxide_bus::PublishError<f64>>(())
    /// ```
    #[inline]
    pub fn publish(&self, message: M) -> Result<Receipt, PublishError<M>> {
        self.admit(Envelope::new(&self.source, message))
    }

    /// Publishes a message that answers or continues another.
    ///
    /// # Errors
    ///
    /// As [`publish`](Publisher::publish).
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Command, Event, MessageBus};
    ///
    /// let bus = MessageBus::new();
    /// let mut subscription = bus.subscribe();
    /// bus.grant_capability("pong".into());
    /// let echo = bus.publisher("echo", "pong");
    ///
    /// let ping = bus.send_command("kernel", Command::Ping)?;
    /// echo.publish_correlated(Event::Pong { from: "echo".into() }.into(), ping)?;
    /// subscription.recv()?;
    /// assert_eq!(subscription.recv()?.correlation_id, Some(ping));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn publish_correlated(
        &self,
        message: M,
        correlation_id: Uuid,
    ) -> Result<Receipt, PublishError<M>> {
        self.admit(Envelope::new(&self.source, message).with_correlation_id(correlation_id))
    }

    /// Publishes many messages, in order; see [`Bus::publish_batch`](crate::Bus::publish_batch).
    ///
    /// The capability is checked once, at the beginning.
    ///
    /// # Errors
    ///
    /// [`BatchError`], with those that were not published in their envelopes, where the capability
    /// is not granted or the bus has closed.
    ///
    /// # Panics
    ///
    /// As [`Bus::publish_batch`](crate::Bus::publish_batch).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::Bus;
    ///
    /// let bus = Bus::<u32>::new();
    /// let numbers = bus.subscribe();
    /// bus.grant_capability("count".into());
    /// bus.publisher("counter", "count").publish_batch(0..100)?;
    /// assert_eq!(numbers.len(), 100);
    /// # Ok::<(), oxide_bus::BatchError<u32>>(())
    /// ```
    pub fn publish_batch(
        &self,
        messages: impl IntoIterator<Item = M>,
    ) -> Result<BatchReceipt, BatchError<M>> {
        let envelopes = (messages.into_iter()).map(|message| Envelope::new(&self.source, message));
        if self.grant.is_granted() {
            self.bus.publish_batch(envelopes)
        } else {
            let capability = self.grant.capability().clone();
            self.bus.core.deny(&self.source, &capability);
            Err(BatchError::denied(capability, envelopes.collect()))
        }
    }

    #[inline]
    fn admit(&self, envelope: Envelope<M>) -> Result<Receipt, PublishError<M>> {
        if !self.grant.is_granted() {
            self.bus.core.deny(&self.source, self.grant.capability());
            return Err(PublishError::Denied {
                envelope: Box::new(envelope),
                capability: self.grant.capability().clone(),
            });
        }
        self.bus.publish(envelope)
    }
}

impl Publisher<Message> {
    /// Publishes a command, and returns its envelope's id.
    ///
    /// # Errors
    ///
    /// As [`publish`](Publisher::publish).
    pub fn send_command(&self, command: Command) -> Result<Uuid, PublishError> {
        Ok(self.publish(Message::Command(command))?.id())
    }

    /// Publishes an event, and returns its envelope's id.
    ///
    /// # Errors
    ///
    /// As [`publish`](Publisher::publish).
    pub fn emit_event(&self, event: Event) -> Result<Uuid, PublishError> {
        Ok(self.publish(Message::Event(event))?.id())
    }
}

impl<M> Clone for Publisher<M> {
    fn clone(&self) -> Self {
        Publisher {
            bus: self.bus.clone(),
            source: self.source.clone(),
            grant: Arc::clone(&self.grant),
        }
    }
}

impl<M> fmt::Debug for Publisher<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("source", &self.source)
            .field("capability", self.capability())
            .field("granted", &self.is_granted())
            .finish_non_exhaustive()
    }
}
