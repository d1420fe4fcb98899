//! Publishing, unguarded: one envelope or many, waiting or not, by the short way or by the long one.

use std::time::Duration;

use super::Bus;
use crate::bus::error::{BatchError, PublishError};
use crate::engine::attempt::Limit;
use crate::engine::core::Unfinished;
use crate::engine::pending::Pending;
use crate::engine::receipt::{BatchReceipt, Receipt};
use crate::engine::refusal::Refusal;
use crate::message::draft::Draft;
use crate::message::envelope::Envelope;
use crate::message::id::stamp;
use crate::message::source::Source;
use crate::message::subject::Payload;

/// # Publishing, unguarded
impl<M: Payload> Bus<M> {
    /// Publishes an envelope to every subscriber that listens to it, unguarded.
    ///
    /// When it returns, the envelope was enqueued for every subscriber that the receipt counts as delivered. It waits
    /// for no subscriber, except those with [`Overflow::Block`](crate::Overflow::Block) that have no room.
    ///
    /// # Errors
    ///
    /// [`PublishError::Closed`], with the envelope, where the bus has closed.
    ///
    /// # Panics
    ///
    /// If the payload's own [`subject`](Payload::subject) does; then nobody was offered the envelope.
    /// And if the `Drop` of a payload does that this publish lets go of, its own or an earlier one.
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

    /// Publishes what this source says, unguarded: the usual way for a part of the program that holds the bus.
    ///
    /// It stamps a new id and the time, as [`Envelope::new`] does, and then does what [`publish`](Bus::publish)
    /// does. Where `source` is not a [`Source`] already, that costs an allocation: a
    /// [`Publisher`](crate::Publisher) keeps its source.
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

    /// Publishes an envelope if that takes no waiting, unguarded.
    ///
    /// It is for all or for none: where a subscriber with [`Overflow::Block`](crate::Overflow::Block)
    /// listens to the envelope and has no room, nobody gets it. What happens at a subscriber with another
    /// policy is the same as by [`publish`](Bus::publish).
    ///
    /// # Errors
    ///
    /// [`PublishError::Full`] where it would have to wait, [`PublishError::Closed`] where the bus has
    /// closed; both hand the envelope back.
    ///
    /// # Panics
    ///
    /// As [`publish`](Bus::publish).
    ///
    /// # Cost
    ///
    /// As [`publish`](Bus::publish). One that is refused costs about as much, and may end the segment that
    /// is being filled.
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

    /// Publishes an envelope, and waits for room up to `timeout`, unguarded.
    ///
    /// The same as [`publish`](Bus::publish), but that it waits for no subscriber any longer than this,
    /// whatever that one asked for. For whoever has no room by then the envelope is dropped and counted.
    ///
    /// # Errors
    ///
    /// As [`publish`](Bus::publish). That somebody lost the envelope is no error: the receipt tells it.
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

    /// Publishes many envelopes, in order, unguarded: the same as publishing each, and cheaper.
    ///
    /// As many as find room in one segment, 64 at most, are placed in one step; another publisher's
    /// envelopes may come between two steps. Where some subscriber has a filter, each is placed by
    /// itself. The iterator is read to its end before the first is placed.
    ///
    /// # Errors
    ///
    /// [`BatchError`], with those that were not published, where the bus has closed.
    ///
    /// # Panics
    ///
    /// If a payload's own [`subject`](Payload::subject) does; then those before it are published, and
    /// it and those after it are lost. And if the `Drop` of a payload does that this publish lets go of; then the rest of
    /// the batch may be lost.
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
    /// Makes the envelope of what a source says.
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
        if self.core.demands.is_some() {
            return self.measure_and_place(envelope, limit);
        }
        self.place(envelope, limit)
    }

    /// Appends an envelope that needs leave, if that is all there is to do.
    #[inline]
    pub(crate) fn append_if_permitted(
        &self,
        pending: &mut Option<Envelope<M>>,
        is_plain: impl FnOnce() -> bool,
        leave: impl FnOnce(&Envelope<M>) -> bool,
    ) -> Option<Receipt> {
        if self.core.demands.is_some() {
            return None; // it may have to be measured
        }
        let id = Pending::first(pending).id;
        let outcome = (self.core).append_if_permitted(pending, is_plain, leave)?;
        Some(Receipt::new(id, outcome))
    }

    /// Publishes an envelope that is not measured yet, whatever there is to do.
    #[inline(never)]
    fn measure_and_place(
        &self,
        envelope: Envelope<M>,
        limit: Limit,
    ) -> Result<Receipt, PublishError<M>> {
        match self.core.measure(&envelope) {
            Ok(()) => self.place(envelope, limit),
            Err(refusal) => Err(PublishError::refused(envelope, refusal)),
        }
    }

    /// Publishes an envelope, whatever there is to do.
    #[inline]
    pub(crate) fn place(
        &self,
        envelope: Envelope<M>,
        limit: Limit,
    ) -> Result<Receipt, PublishError<M>> {
        let mut pending = Some(envelope);
        self.place_pending(&mut pending, limit)
            .map_err(|refusal| PublishError::refused(Pending::take(&mut pending), refusal))
    }

    /// The same, but that one that is refused is left where it is.
    #[inline]
    pub(crate) fn place_pending(
        &self,
        pending: &mut Option<Envelope<M>>,
        limit: Limit,
    ) -> Result<Receipt, Refusal> {
        let id = Pending::first(pending).id;
        let outcome = self.core.publish(pending, limit)?;
        Ok(Receipt::new(id, outcome))
    }
}
