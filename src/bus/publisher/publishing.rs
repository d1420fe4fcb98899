//! Publishing by a publisher: messages, which it stamps, and envelopes that were made elsewhere.

use std::time::Duration;

use super::Publisher;
use crate::authority::admission::CachedVerdict;
use crate::bus::error::{BatchError, PublishError};
use crate::engine::attempt::Limit;
use crate::engine::core::Batching;
use crate::engine::receipt::{BatchReceipt, Receipt};
use crate::message::draft::Draft;
use crate::message::envelope::Envelope;
use crate::message::subject::Payload;

/// # Publishing
impl<M: Payload> Publisher<M> {
    /// Publishes a message, or a [`Draft`]; see [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Errors
    ///
    /// [`PublishError::Denied`] if the capability is not granted, [`PublishError::Closed`] if the bus has closed. Both
    /// hand the message back in its envelope.
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
    /// bus.grant("sensor:report")?;
    /// thermometer.publish(reading)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn publish(&self, message: impl Into<Draft<M>>) -> Result<Receipt, PublishError<M>> {
        self.publish_stamped(self.stamp(message), Limit::Theirs)
    }

    /// Publishes a message if that takes no waiting; see [`Bus::try_publish`](crate::Bus::try_publish).
    ///
    /// # Errors
    ///
    /// As [`publish`](Publisher::publish), and [`PublishError::Full`] if the publish would have to wait.
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    pub fn try_publish(&self, message: impl Into<Draft<M>>) -> Result<Receipt, PublishError<M>> {
        self.publish_stamped(self.stamp(message), Limit::Refuse)
    }

    /// Publishes a message and waits for room up to `timeout`; see
    /// [`Bus::publish_timeout`](crate::Bus::publish_timeout).
    ///
    /// # Errors
    ///
    /// As [`publish`](Publisher::publish).
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    pub fn publish_timeout(
        &self,
        message: impl Into<Draft<M>>,
        timeout: Duration,
    ) -> Result<Receipt, PublishError<M>> {
        self.publish_stamped(self.stamp(message), Limit::within(timeout))
    }

    /// Publishes a message that answers a question: [`publish`](Publisher::publish) with the question's id as
    /// correlation id. It replaces a correlation id that the draft has.
    ///
    /// The caller of a pending [request](crate::Bus::request) gets the first answer. The answer goes to subscribers as
    /// well.
    ///
    /// # Errors
    ///
    /// As [`publish`](Publisher::publish), and [`PublishError::Unwritable`] if the question's id is nil.
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::{Command, Event};
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// let mut subscription = bus.subscribe();
    /// bus.grant("pong")?;
    /// let echo = bus.publisher("echo", "pong");
    ///
    /// bus.send("kernel", Command::Ping)?;
    /// let ping = subscription.recv()?;
    /// echo.reply(&ping, Event::Pong { from: "echo".into() })?;
    /// assert_eq!(subscription.recv()?.correlation_id, Some(ping.id));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reply(
        &self,
        question: &Envelope<M>,
        message: impl Into<Draft<M>>,
    ) -> Result<Receipt, PublishError<M>> {
        self.publish(message.into().with_correlation_id(question.id))
    }

    /// Publishes an envelope that was made elsewhere, as it is: id, time and correlation id are kept.
    ///
    /// Envelopes that are read from a file or come from a peer enter the bus this way. An envelope passes under three
    /// conditions. The capability is granted with the right to [forward](crate::Grant::forwards). The envelope's source
    /// is one that the [grant](crate::Grant::sources) names, or this publisher's own if the grant names none. The
    /// envelope's subject is within the scope.
    ///
    /// # Errors
    ///
    /// As [`publish`](Publisher::publish), and [`PublishError::Unwritable`] if an id is nil or the time is in a leap
    /// second or beyond the years 0 to 9999.
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::{Command, Message};
    /// use oxide_bus::{Denial, Envelope, Grant, MessageBus};
    ///
    /// let bus = MessageBus::new();
    /// let pings = Grant::new("peer:relay").pattern("command.ping");
    /// bus.grant(pings.forwards().sources(["north"]))?;
    /// let relay = bus.publisher("relay", "peer:relay");
    ///
    /// let json = Envelope::new("north", Message::from(Command::Ping)).to_json()?;
    /// relay.forward(Envelope::from_json(json)?)?;
    ///
    /// let forged = Envelope::new("kernel", Message::from(Command::Ping));
    /// assert_eq!(relay.forward(forged).unwrap_err().denial(), Some(Denial::Source));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forward(&self, envelope: Envelope<M>) -> Result<Receipt, PublishError<M>> {
        self.publish_checked(envelope, self.forwarded(), Limit::Theirs)
    }

    /// Publishes many messages in order; see [`Bus::publish_batch`](crate::Bus::publish_batch).
    ///
    /// All messages are checked at the beginning: if one may not be published, none is. (An empty batch is never
    /// refused.) Up to 64 are published in one step. If the capability is revoked between two steps, the rest is
    /// refused.
    ///
    /// # Errors
    ///
    /// [`BatchError`], with the messages that were not published in their envelopes, if the capability does not let all
    /// of them pass or the bus has closed.
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
    /// bus.grant("count")?;
    /// bus.publisher("counter", "count").publish_batch(0..100)?;
    /// assert_eq!(numbers.len(), 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn publish_batch<D: Into<Draft<M>>>(
        &self,
        messages: impl IntoIterator<Item = D>,
    ) -> Result<BatchReceipt, BatchError<M>> {
        // Read to the end before the check: the iterator may take its time.
        let envelopes: Vec<_> = (messages.into_iter())
            .map(|message| self.stamp(message))
            .collect();
        let mut batching = Batching::new(envelopes);
        let outcome = self.place_all(&mut batching, Limit::Theirs, &mut CachedVerdict::default());
        Ok(batching.into_result(outcome)?)
    }
}
