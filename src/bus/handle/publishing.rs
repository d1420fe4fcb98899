//! Publishing without a capability: one envelope or a batch, with or without waiting.
//!
//! Guarded publishing, by publishers and by a capability's name, ends in the same functions. They keep the
//! promises of [isolation](crate::docs::guarantees#1-isolation) and of the
//! [receipt](crate::docs::guarantees#2-receipt).

use std::time::Duration;

use super::Bus;
use crate::bus::error::{BatchError, PublishError};
use crate::engine::attempt::Limit;
use crate::engine::core::Unfinished;
use crate::engine::pending::Pending;
use crate::engine::receipt::{BatchReceipt, Receipt};
use crate::message::draft::Draft;
use crate::message::envelope::Envelope;
use crate::message::id::stamp;
use crate::message::source::Source;
use crate::message::subject::Payload;

/// # Publishing, unguarded
impl<M: Payload> Bus<M> {
    /// Publishes an envelope to every subscriber that listens to it. No capability is checked.
    ///
    /// When this returns, the envelope was enqueued for every subscriber that the receipt counts as delivered. A
    /// publish waits for no subscriber, except for those with [`Overflow::Block`](crate::Overflow::Block) whose queues
    /// are full.
    ///
    /// # Errors
    ///
    /// [`PublishError::Closed`], with the envelope, if the bus has closed.
    ///
    /// # Panics
    ///
    /// If the payload's own [`subject`](Payload::subject) panics; then the envelope was offered to no subscriber. Also
    /// if a payload that this publish frees panics in its `Drop`, be it the publish's own payload or an earlier one.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe();
    /// let receipt = bus.publish(Envelope::new("counter", 7))?;
    /// assert_eq!(receipt.delivered(), 1);
    /// assert_eq!(numbers.try_recv()?.id, receipt.id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn publish(&self, envelope: Envelope<M>) -> Result<Receipt, PublishError<M>> {
        self.publish_within(envelope, Limit::Theirs)
    }

    /// Publishes a message in a new envelope of this source. No capability is checked: this is the usual way for a part
    /// of the program that holds the bus.
    ///
    /// It stamps a new id and the time, as [`Envelope::new`] does, and then does what [`publish`](Bus::publish) does.
    /// If `source` is not a [`Source`] already, that costs an allocation. A [`Publisher`](crate::Publisher) keeps its
    /// source and saves it.
    ///
    /// # Errors
    ///
    /// As [`publish`](Bus::publish).
    ///
    /// # Panics
    ///
    /// As [`publish`](Bus::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::Bus;
    ///
    /// let bus = Bus::<f64>::new();
    /// let mut readings = bus.subscribe();
    /// bus.send("thermometer", 21.5)?;
    /// let reading = readings.recv()?;
    /// assert_eq!((reading.source.as_str(), reading.message), ("thermometer", 21.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn send(
        &self,
        source: impl Into<Source>,
        message: impl Into<Draft<M>>,
    ) -> Result<Receipt, PublishError<M>> {
        self.publish(self.stamp(source, message))
    }

    /// Publishes an envelope if that takes no waiting. No capability is checked.
    ///
    /// The envelope goes to all or to none: if a subscriber with [`Overflow::Block`](crate::Overflow::Block) listens to
    /// it and has a full queue, no subscriber gets it. Subscribers with another policy are served as by
    /// [`publish`](Bus::publish).
    ///
    /// # Errors
    ///
    /// [`PublishError::Full`] if the publish would have to wait, [`PublishError::Closed`] if the bus has closed. Both
    /// hand the envelope back.
    ///
    /// # Panics
    ///
    /// As [`publish`](Bus::publish).
    ///
    /// # Cost
    ///
    /// As [`publish`](Bus::publish). A refused publish costs about as much, and may end the segment that is being
    /// filled.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope, Overflow, SubscribeOptions};
    ///
    /// let bus = Bus::<u32>::new();
    /// let lossless = Overflow::Block;
    /// let mut audit = bus.subscribe_with(SubscribeOptions::new().capacity(1).overflow(lossless))?;
    /// bus.try_publish(Envelope::new("counter", 1))?;
    /// let error = bus.try_publish(Envelope::new("counter", 2)).unwrap_err();
    /// assert!(error.is_full());
    ///
    /// assert_eq!(audit.recv()?.message, 1);
    /// bus.try_publish(error.into_envelope())?;
    /// assert_eq!(audit.recv()?.message, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_publish(&self, envelope: Envelope<M>) -> Result<Receipt, PublishError<M>> {
        self.publish_within(envelope, Limit::Refuse)
    }

    /// Publishes an envelope and waits for room up to `timeout`. No capability is checked.
    ///
    /// This does what [`publish`](Bus::publish) does, but waits for no subscriber longer than `timeout`, whatever that
    /// subscriber's policy says. If a subscriber has no room by then, the envelope is dropped for it and counted.
    ///
    /// # Errors
    ///
    /// As [`publish`](Bus::publish). A subscriber's loss is not an error: the receipt counts it.
    ///
    /// # Panics
    ///
    /// As [`publish`](Bus::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::{Bus, Envelope, Overflow, SubscribeOptions};
    ///
    /// let bus = Bus::<u32>::new();
    /// let lossless = Overflow::Block;
    /// let audit = bus.subscribe_with(SubscribeOptions::new().capacity(1).overflow(lossless))?;
    /// let timeout = Duration::from_millis(1);
    /// assert_eq!(bus.publish_timeout(Envelope::new("counter", 1), timeout)?.delivered(), 1);
    /// assert_eq!(bus.publish_timeout(Envelope::new("counter", 2), timeout)?.dropped(), 1);
    /// assert_eq!(audit.dropped(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn publish_timeout(
        &self,
        envelope: Envelope<M>,
        timeout: Duration,
    ) -> Result<Receipt, PublishError<M>> {
        self.publish_within(envelope, Limit::within(timeout))
    }

    /// Publishes many envelopes in order. No capability is checked. It does the same as publishing each, and is
    /// cheaper.
    ///
    /// As many envelopes as fit into one segment, 64 at most, are placed in one step. Another publisher's envelopes may
    /// come between two steps. If some subscriber has a filter, each envelope is placed by itself. The iterator is read
    /// to its end before the first envelope is placed.
    ///
    /// # Errors
    ///
    /// [`BatchError`], with the envelopes that were not published, if the bus has closed.
    ///
    /// # Panics
    ///
    /// If a payload's own [`subject`](Payload::subject) panics: then the envelopes before it are published, and it and
    /// those after it are lost. Also if a payload that this publish frees panics in its `Drop`: then the rest of the
    /// batch may be lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope, Source};
    ///
    /// let bus = Bus::<u32>::new();
    /// let numbers = bus.subscribe();
    /// let source = Source::from("counter");
    /// let receipt = bus.publish_batch((0..100).map(|number| Envelope::new(&source, number)))?;
    /// assert_eq!(receipt.published(), 100);
    /// assert_eq!(numbers.len(), 100);
    /// # Ok::<(), oxide_bus::BatchError<u32>>(())
    /// ```
    pub fn publish_batch(
        &self,
        envelopes: impl IntoIterator<Item = Envelope<M>>,
    ) -> Result<BatchReceipt, BatchError<M>> {
        let envelopes: Vec<_> = envelopes.into_iter().collect();
        if let Err(refusal) = envelopes.iter().try_for_each(|it| self.core.measure(it)) {
            return Err(BatchError::from(Unfinished {
                receipt: BatchReceipt::default(),
                left: envelopes,
                cause: refusal,
            }));
        }
        Ok(self.core.publish_batch(envelopes)?)
    }
}

impl<M: Payload> Bus<M> {
    /// Makes a stamped envelope of a source and a message.
    #[inline]
    pub(crate) fn stamp(
        &self,
        source: impl Into<Source>,
        message: impl Into<Draft<M>>,
    ) -> Envelope<M> {
        let Draft {
            message,
            correlation_id,
            mut headers,
        } = message.into();
        let trace = self.core.trace_context.as_ref();
        let is_traced = trace.is_some_and(|trace| trace.complete(&mut headers));
        let (id, timestamp) = stamp();
        Envelope {
            id,
            source: source.into(),
            correlation_id,
            timestamp,
            headers,
            message,
            is_traced,
        }
    }

    #[inline]
    pub(crate) fn publish_within(
        &self,
        envelope: Envelope<M>,
        limit: Limit,
    ) -> Result<Receipt, PublishError<M>> {
        match self.core.measure(&envelope) {
            Ok(()) => self.place(envelope, limit),
            Err(refusal) => Err(PublishError::refused(envelope, refusal)),
        }
    }

    /// Publishes an envelope that is measured already.
    #[inline]
    pub(crate) fn place(
        &self,
        envelope: Envelope<M>,
        limit: Limit,
    ) -> Result<Receipt, PublishError<M>> {
        let mut pending = Some(envelope);
        (self.core.publish(&mut pending, limit))
            .map_err(|refusal| PublishError::refused(Pending::take(&mut pending), refusal))
    }
}
