//! How long a publish may wait for room: as long as the subscribers ask for, a time, or not at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::bus::Bus;
use crate::draft::Draft;
use crate::envelope::Envelope;
use crate::error::PublishError;
use crate::fanout::Refusal;
use crate::line::Line;
use crate::parcel::Parcel;
use crate::pick::PickQueue;
use crate::publisher::Publisher;
use crate::queue::Terms;
use crate::receipt::Receipt;
use crate::room::NoPlace;
use crate::subject::Payload;

/// How long a publish may wait for room.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// As long as each subscriber asks for.
    Theirs,
    /// The same, but no longer than this.
    Until(Instant),
    /// It may not: where it would have to, nothing is published.
    Refuse,
    /// It waits no longer, but for those who insist: where one of these has no room, nothing is published.
    #[cfg(feature = "tokio")]
    Late(Instant),
}

/// Places that are held before an envelope is published, so that it need not wait. What is not
/// used is given back. The queues are used in the order in which they were reserved; here they stand in
/// reverse, so that the next one is the last.
pub(crate) struct Held<M>(SmallVec<[Arc<Line<M>>; 1]>);

impl<M> Held<M> {
    pub(crate) fn none() -> Self {
        Held(SmallVec::new())
    }

    /// Holds a place in each of these queues that publishers wait for, or in none. [`fill`](Held::fill) is
    /// to be asked in the same order.
    pub(crate) fn reserve<'a>(
        queues: impl Iterator<Item = &'a Arc<PickQueue<M>>>,
    ) -> Result<Self, Refusal>
    where
        M: 'a,
    {
        let mut held = Held::none();
        for line in queues.filter_map(|queue| queue.line()) {
            match line.room().hold() {
                Ok(()) => held.0.push(Arc::clone(line)),
                Err(NoPlace::Full) => return Err(Refusal::Full(Arc::clone(line.vacancy()))),
                Err(NoPlace::Gone) => {}
            }
        }
        held.0.reverse();
        Ok(held)
    }

    /// Uses the place that is held in this queue, if one is.
    pub(crate) fn fill(
        &mut self,
        queue: &PickQueue<M>,
        parcel: &Arc<Parcel<M>>,
        slot: usize,
    ) -> Option<Result<(), NoPlace>> {
        let line = queue.line()?;
        (self.0.last()).filter(|next| Arc::ptr_eq(next, line))?;
        let line = self.0.pop()?;
        line.room().keep();
        Some(line.fill(parcel, slot))
    }
}

impl<M> Drop for Held<M> {
    fn drop(&mut self) {
        for line in &self.0 {
            line.release();
        }
    }
}

impl Limit {
    /// No longer than this, from now on. A time beyond the clock's end is none.
    fn within(timeout: Duration) -> Self {
        Instant::now()
            .checked_add(timeout)
            .map_or(Limit::Theirs, Limit::Until)
    }

    pub(crate) fn deadline(self) -> Option<Instant> {
        match self {
            Limit::Until(deadline) => Some(deadline),
            #[cfg(feature = "tokio")]
            Limit::Late(deadline) => Some(deadline),
            Limit::Theirs | Limit::Refuse => None,
        }
    }

    /// Whether there are queues that this refuses.
    pub(crate) fn may_refuse(self) -> bool {
        !matches!(self, Limit::Theirs | Limit::Until(_))
    }

    /// Whether nothing is published where this queue would have to be waited for.
    pub(crate) fn refuses(self, terms: &Terms) -> bool {
        match self {
            Limit::Theirs | Limit::Until(_) => false,
            Limit::Refuse => terms.blocks(),
            #[cfg(feature = "tokio")]
            Limit::Late(_) => terms.blocks() && terms.insists,
        }
    }
}

impl<M: Payload> Bus<M> {
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
    /// As [`publish`](Bus::publish). One that is refused costs about as much, and may end the parcel that
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
}

impl<M: Payload> Publisher<M> {
    /// Publishes a message if that takes no waiting; see [`Bus::try_publish`](crate::Bus::try_publish).
    ///
    /// # Errors
    ///
    /// As [`publish`](Publisher::publish), and [`PublishError::Full`] where it would have to wait.
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    pub fn try_publish(&self, message: impl Into<Draft<M>>) -> Result<Receipt, PublishError<M>> {
        self.admit(self.stamp(message), Limit::Refuse)
    }

    /// Publishes a message, and waits for room up to `timeout`; see
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
        self.admit(self.stamp(message), Limit::within(timeout))
    }
}
