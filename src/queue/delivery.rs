//! A delivery: what a subscriber receives.
//!
//! It refers to an envelope in a segment, so that delivering an envelope copies nothing, whatever the number of
//! subscribers.
//!
//! The tests are in `tests/library/receive.rs`, and in `tests/library/payload_drop.rs` for the end of the payload.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::message::envelope::Envelope;
use crate::message::kernel::Message;
use crate::queue::segment::Segment;

/// A received envelope: a handle on the one that was published, which all its receivers share.
///
/// It dereferences to [`Envelope`]. Cloning it and sending it to another thread are cheap.
///
/// # Cost of keeping it
///
/// Envelopes that are published one after the other lie in one piece of memory, which is freed as a whole. So a
/// delivery that is kept keeps up to 63 other envelopes alive. Together they take up to 16 KiB, or more if one alone is
/// larger. The heap memory of their payloads comes on top of that and is not bounded: with payloads of 1 MiB, one
/// delivery may keep up to 64 MiB alive. There are three ways to bound it:
///
/// * [`BusBuilder::max_segment`](crate::BusBuilder::max_segment) sets how many envelopes lie together;
/// * [`into_envelope`](Delivery::into_envelope) copies the envelope and releases the delivery;
/// * a payload that holds its data in an `Arc` lets a subscriber keep that instead of the delivery.
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::Command;
/// use oxide_bus::MessageBus;
///
/// let bus = MessageBus::new();
/// let mut subscription = bus.subscribe();
/// let id = bus.send_command("kernel", Command::Ping)?;
///
/// let delivery = subscription.recv()?;
/// assert_eq!(delivery.id, id);
/// assert_eq!(delivery.source, "kernel");
///
/// let envelope = delivery.into_envelope();
/// assert_eq!(envelope.message, Command::Ping.into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Delivery<M = Message> {
    segment: Arc<Segment<M>>,
    slot: usize,
}

impl<M> Delivery<M> {
    #[inline]
    pub(crate) fn new(segment: Arc<Segment<M>>, slot: usize) -> Self {
        segment.get(slot); // waits until it is written
        Delivery { segment, slot }
    }

    /// Like [`new`](Delivery::new), for a slot that is written already.
    #[inline]
    pub(crate) fn written(segment: Arc<Segment<M>>, slot: usize) -> Self {
        Delivery { segment, slot }
    }

    /// Makes a delivery of an envelope that lies in no segment of the bus.
    pub(crate) fn alone(sequence: u64, envelope: Envelope<M>) -> Self {
        let segment = Arc::new(Segment::full(sequence, vec![envelope]));
        Delivery { segment, slot: 0 }
    }

    /// Returns the envelope's sequence number: its place in the one order in which the bus accepted everything that was
    /// published, whether or not it had subscribers. The first number is 0.
    ///
    /// A subscriber without a filter receives each number once, in order, except where it lagged. A subscriber with a
    /// filter does not receive the numbers of envelopes that do not match, and the numbers of publishes that overlapped
    /// in time may come in any order.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope};
    ///
    /// let bus = Bus::<char>::new();
    /// let (mut one, mut other) = (bus.subscribe(), bus.subscribe());
    /// bus.publish_batch(['a', 'b'].map(|letter| Envelope::new("alphabet", letter)))?;
    /// let (a, b) = (one.recv()?, one.recv()?);
    /// assert_eq!(b.sequence(), a.sequence() + 1);
    /// assert_eq!(other.recv()?.sequence(), a.sequence());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sequence(&self) -> u64 {
        self.segment.base() + self.slot as u64
    }

    /// Returns a copy of the envelope, for a subscriber that wants to own it, and releases the segment.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope};
    ///
    /// let bus = Bus::<String>::new();
    /// let mut lines = bus.subscribe();
    /// bus.publish(Envelope::new("reader", "first".to_owned()))?;
    /// let mut line = lines.recv()?.into_envelope();
    /// line.message.push_str(" and changed"); // nobody else sees it
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_envelope(self) -> Envelope<M>
    where
        M: Clone,
    {
        (*self).clone()
    }
}

impl<M> Deref for Delivery<M> {
    type Target = Envelope<M>;

    #[inline]
    fn deref(&self) -> &Envelope<M> {
        self.segment.get(self.slot)
    }
}

impl<M> AsRef<Envelope<M>> for Delivery<M> {
    fn as_ref(&self) -> &Envelope<M> {
        self
    }
}

impl<M> Clone for Delivery<M> {
    fn clone(&self) -> Self {
        Delivery {
            segment: Arc::clone(&self.segment),
            slot: self.slot,
        }
    }
}

impl<M: fmt::Debug> fmt::Debug for Delivery<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Delivery").field(&**self).finish()
    }
}
