//! What a subscriber receives.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::message::envelope::Envelope;
use crate::message::kernel::Message;
use crate::queue::segment::Segment;

/// A received envelope: a handle on the one that was published, shared by all who received it.
///
/// It dereferences to [`Envelope`]. Cloning it and sending it to another thread are cheap.
///
/// # Cost of keeping it
///
/// Envelopes that are published one after the other lie in one piece of memory, which is freed as a whole. So a
/// delivery that is kept keeps up to 63 others. The envelopes take up to 16 KiB together, or one alone if it is
/// larger. What their payloads have on the heap comes on top of that, and nothing bounds it: of payloads of 1 MiB, one
/// kept delivery keeps up to 64 MiB. Either of these bounds it:
///
/// * [`BusBuilder::max_segment`](crate::BusBuilder::max_segment) says how many envelopes lie together;
/// * [`into_envelope`](Delivery::into_envelope) takes a copy of the envelope, and lets go of the delivery;
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
        segment.get(slot); // it is written from now on
        Delivery { segment, slot }
    }

    /// The same of a slot that is written.
    #[inline]
    pub(crate) fn written(segment: Arc<Segment<M>>, slot: usize) -> Self {
        Delivery { segment, slot }
    }

    /// An envelope that lies in no segment of the bus.
    pub(crate) fn alone(sequence: u64, envelope: Envelope<M>) -> Self {
        let segment = Arc::new(Segment::full(sequence, vec![envelope]));
        Delivery { segment, slot: 0 }
    }

    /// The envelope's place in the one order in which the bus took what was published, whoever
    /// listened. It begins at 0.
    ///
    /// Subscribers without a filter receive each number once, in order, except where they lagged.
    /// For one with a filter, numbers are missing that it does not listen to, and those of publishes
    /// that overlapped in time may come in any order.
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

    /// A copy of the envelope, for a subscriber that wants to own it; lets go of the segment.
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
