//! What can go wrong, as types.

use std::error::Error;
use std::fmt;

use crate::capability::Capability;
use crate::envelope::Envelope;
use crate::message::Message;
use crate::options::MAX_CAPACITY;
use crate::receipt::BatchReceipt;

/// Why an envelope was not published. It is handed back.
///
/// Its text names the source and the capability, never the payload.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Capability, Command, Envelope, Message, MessageBus};
///
/// let bus = MessageBus::new();
/// let envelope = Envelope::new("llm", Message::Command(Command::Ping));
/// let id = envelope.id;
///
/// let error = bus
///     .publish_with_capability(envelope, &Capability::new("llm:complete"))
///     .unwrap_err();
/// assert!(error.is_denied());
/// assert_eq!(error.to_string(), "`llm` may not publish: capability `llm:complete` is not granted");
/// assert_eq!(error.into_envelope().id, id);
/// ```
#[non_exhaustive]
pub enum PublishError<M = Message> {
    /// The bus has closed.
    Closed(Box<Envelope<M>>),
    /// The capability is not granted.
    Denied {
        /// The envelope that was refused.
        envelope: Box<Envelope<M>>,
        /// The capability that it was to be published under.
        capability: Capability,
    },
}

impl<M> PublishError<M> {
    /// Whether the bus has closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, PublishError::Closed(_))
    }

    /// Whether the capability is not granted.
    pub fn is_denied(&self) -> bool {
        matches!(self, PublishError::Denied { .. })
    }

    /// The envelope that was not published.
    pub fn envelope(&self) -> &Envelope<M> {
        match self {
            PublishError::Closed(envelope) | PublishError::Denied { envelope, .. } => envelope,
        }
    }

    /// Takes the envelope back.
    pub fn into_envelope(self) -> Envelope<M> {
        match self {
            PublishError::Closed(envelope) | PublishError::Denied { envelope, .. } => *envelope,
        }
    }
}

impl<M> fmt::Debug for PublishError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PublishError::Closed(_) => f.write_str("Closed(..)"),
            PublishError::Denied { capability, .. } => f
                .debug_struct("Denied")
                .field("capability", capability)
                .finish_non_exhaustive(),
        }
    }
}

impl<M> fmt::Display for PublishError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PublishError::Closed(_) => f.write_str(CLOSED),
            PublishError::Denied {
                envelope,
                capability,
            } => {
                write!(f, "`{}` may not publish: ", envelope.source.escape_debug())?;
                write_not_granted(f, capability)
            }
        }
    }
}

impl<M> Error for PublishError<M> {}

/// Why a batch was not published whole. What was not published is handed back.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Bus, Envelope};
///
/// let bus = Bus::<u32>::new();
/// bus.close();
/// let error = bus.publish_batch([Envelope::new("counter", 1)]).unwrap_err();
/// assert!(error.is_closed());
/// assert_eq!(error.receipt().published(), 0);
/// assert_eq!(error.into_envelopes()[0].message, 1);
/// ```
pub struct BatchError<M = Message> {
    /// None: the bus has closed.
    denied: Option<Capability>,
    receipt: BatchReceipt,
    envelopes: Vec<Envelope<M>>,
}

impl<M> BatchError<M> {
    pub(crate) fn closed(receipt: BatchReceipt, envelopes: Vec<Envelope<M>>) -> Self {
        BatchError {
            denied: None,
            receipt,
            envelopes,
        }
    }

    pub(crate) fn denied(capability: Capability, envelopes: Vec<Envelope<M>>) -> Self {
        BatchError {
            denied: Some(capability),
            receipt: BatchReceipt::default(),
            envelopes,
        }
    }

    /// Whether the bus has closed.
    pub fn is_closed(&self) -> bool {
        self.denied.is_none()
    }

    /// Whether the capability is not granted.
    pub fn is_denied(&self) -> bool {
        self.denied.is_some()
    }

    /// What became of those that were published before.
    pub fn receipt(&self) -> BatchReceipt {
        self.receipt
    }

    /// Those that were not published, in order.
    pub fn envelopes(&self) -> &[Envelope<M>] {
        &self.envelopes
    }

    /// Takes those back that were not published, in order.
    pub fn into_envelopes(self) -> Vec<Envelope<M>> {
        self.envelopes
    }
}

impl<M> fmt::Debug for BatchError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchError")
            .field("denied", &self.denied)
            .field("receipt", &self.receipt)
            .field("left", &self.envelopes.len())
            .finish_non_exhaustive()
    }
}

impl<M> fmt::Display for BatchError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} envelopes not published: ", self.envelopes.len())?;
        match &self.denied {
            None => f.write_str(CLOSED),
            Some(capability) => write_not_granted(f, capability),
        }
    }
}

impl<M> Error for BatchError<M> {}

const CLOSED: &str = "the bus is closed";

fn write_not_granted(f: &mut fmt::Formatter<'_>, capability: &Capability) -> fmt::Result {
    let name = capability.as_str().escape_debug();
    write!(f, "capability `{name}` is not granted")
}

/// Why there is no subscription.
///
/// # Examples
///
/// ```
/// use oxide_bus::{MessageBus, SubscribeError, SubscribeOptions};
///
/// let bus = MessageBus::new();
/// bus.close();
/// let error = bus.subscribe_with(SubscribeOptions::new()).unwrap_err();
/// assert_eq!(error, SubscribeError::Closed);
/// assert_eq!(error.to_string(), "the bus is closed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The capacity is zero or above [`MAX_CAPACITY`].
    Capacity(usize),
    /// The bus has closed.
    Closed,
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubscribeError::Capacity(capacity) => {
                write!(
                    f,
                    "a capacity of {capacity} is not within 1..={MAX_CAPACITY}"
                )
            }
            SubscribeError::Closed => f.write_str(CLOSED),
        }
    }
}

impl Error for SubscribeError {}

/// A gap: so many envelopes that the subscriber listens to were lost, here, because its queue was
/// full.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Bus, Envelope, SubscribeOptions};
///
/// let bus = Bus::<u32>::new();
/// let mut numbers = bus.subscribe_with(SubscribeOptions::new().capacity(1))?;
/// bus.publish_batch((1..=3).map(|number| Envelope::new("counter", number)))?;
///
/// assert_eq!(numbers.recv()?.message, 1);
/// let lagged = numbers.recv().unwrap_err().lagged().expect("two were lost");
/// assert_eq!(lagged.to_string(), "lagged: missed 2 envelopes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lagged {
    /// How many envelopes were lost in this gap; at least 1.
    pub missed: u64,
}

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lagged: missed {} envelopes", self.missed)
    }
}

impl Error for Lagged {}

const DISCONNECTED: &str = "the bus is closed and the queue is empty";

/// Why [`recv`](crate::Subscription::recv) returned no envelope.
///
/// # Examples
///
/// ```
/// use oxide_bus::MessageBus;
///
/// let bus = MessageBus::new();
/// let mut subscription = bus.subscribe();
/// drop(bus);
/// assert!(subscription.recv().unwrap_err().is_disconnected());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecvError {
    /// Envelopes were lost before the next one. Told once; receiving goes on.
    Lagged(Lagged),
    /// The bus has closed and everything was received.
    Disconnected,
}

/// Why [`try_recv`](crate::Subscription::try_recv) returned no envelope.
///
/// # Examples
///
/// ```
/// use oxide_bus::{MessageBus, TryRecvError};
///
/// let bus = MessageBus::new();
/// let mut subscription = bus.subscribe();
/// assert_eq!(subscription.try_recv().unwrap_err(), TryRecvError::Empty);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryRecvError {
    /// Nothing is queued now.
    Empty,
    /// Envelopes were lost before the next one. Told once; receiving goes on.
    Lagged(Lagged),
    /// The bus has closed and everything was received.
    Disconnected,
}

/// Why [`recv_timeout`](crate::Subscription::recv_timeout) or
/// [`recv_deadline`](crate::Subscription::recv_deadline) returned no envelope.
///
/// # Examples
///
/// ```
/// use std::time::Instant;
/// use oxide_bus::{MessageBus, RecvTimeoutError};
///
/// let bus = MessageBus::new();
/// let mut subscription = bus.subscribe();
/// let error = subscription.recv_deadline(Instant::now()).unwrap_err();
/// assert_eq!(error, RecvTimeoutError::Timeout);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// Nothing came in time.
    Timeout,
    /// Envelopes were lost before the next one. Told once; receiving goes on.
    Lagged(Lagged),
    /// The bus has closed and everything was received.
    Disconnected,
}

macro_rules! receive_error {
    ($error:ident $(, $nothing:ident = $text:literal)?) => {
        impl $error {
            /// The gap, if that is what is told.
            pub fn lagged(&self) -> Option<Lagged> {
                match self {
                    $error::Lagged(lagged) => Some(*lagged),
                    _ => None,
                }
            }

            /// Whether nothing will ever come again.
            pub fn is_disconnected(&self) -> bool {
                matches!(self, $error::Disconnected)
            }
        }

        impl fmt::Display for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $($error::$nothing => f.write_str($text),)?
                    $error::Lagged(lagged) => lagged.fmt(f),
                    $error::Disconnected => f.write_str(DISCONNECTED),
                }
            }
        }

        impl Error for $error {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                match self {
                    $error::Lagged(lagged) => Some(lagged),
                    _ => None,
                }
            }
        }

        impl From<Lagged> for $error {
            fn from(lagged: Lagged) -> Self {
                $error::Lagged(lagged)
            }
        }
    };
}

receive_error!(RecvError);
receive_error!(TryRecvError, Empty = "nothing is queued");
receive_error!(RecvTimeoutError, Timeout = "nothing came in time");
