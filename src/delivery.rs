//! What a subscriber receives.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::envelope::Envelope;
use crate::message::Message;

/// A received envelope: a handle on the one that was published, shared by all who received it.
///
/// It dereferences to [`Envelope`]. Cloning it, sending it to another thread and keeping it for
/// long are all cheap; the envelope is freed with the last handle on it.
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
    envelope: Arc<Envelope<M>>,
}

impl<M> Delivery<M> {
    pub(crate) fn new(envelope: Envelope<M>) -> Self {
        Delivery {
            envelope: Arc::new(envelope),
        }
    }

    /// The envelope itself, for a subscriber that wants to own it.
    ///
    /// Moves it out where this is the last handle on it, else clones it.
    pub fn into_envelope(self) -> Envelope<M>
    where
        M: Clone,
    {
        Arc::unwrap_or_clone(self.envelope)
    }
}

impl<M> Deref for Delivery<M> {
    type Target = Envelope<M>;

    fn deref(&self) -> &Envelope<M> {
        &self.envelope
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
            envelope: Arc::clone(&self.envelope),
        }
    }
}

impl<M: fmt::Debug> fmt::Debug for Delivery<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Delivery").field(&**self).finish()
    }
}
