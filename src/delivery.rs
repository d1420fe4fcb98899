//! What a subscriber receives.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::envelope::Envelope;
use crate::message::Message;
use crate::parcel::Parcel;

/// A received envelope: a handle on the one that was published, shared by all who received it.
///
/// It dereferences to [`Envelope`]. Cloning it and sending it to another thread are cheap. Keeping it
/// keeps the parcel in which it lies: up to 64 envelopes that were published about the same time,
/// and no more than 16 KiB of them. Who keeps envelopes for long takes them out with
/// [`into_envelope`](Delivery::into_envelope).
///
/// # Examples
///
/// ```
/// use oxide_bus::{Command, MessageBus};
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
    parcel: Arc<Parcel<M>>,
    slot: usize,
}

impl<M> Delivery<M> {
    #[inline]
    pub(crate) fn new(parcel: Arc<Parcel<M>>, slot: usize) -> Self {
        parcel.get(slot); // it is written from now on
        Delivery { parcel, slot }
    }

    /// The envelope's place in the one order in which the bus took what somebody listens to.
    ///
    /// Subscribers without a filter receive each number once, in order, except where they lagged.
    pub fn sequence(&self) -> u64 {
        self.parcel.base() + self.slot as u64
    }

    /// A copy of the envelope, for a subscriber that wants to own it; lets go of the parcel.
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
        self.parcel.get(self.slot)
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
            parcel: Arc::clone(&self.parcel),
            slot: self.slot,
        }
    }
}

impl<M: fmt::Debug> fmt::Debug for Delivery<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Delivery").field(&**self).finish()
    }
}
