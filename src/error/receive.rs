//! Why nothing was received.

use std::error::Error;
use std::fmt;

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
const EVICTED: &str = "the subscription was evicted and the queue is empty";

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
    /// The bus has put the subscription out, and everything was received: it had no room (see
    /// [`Overflow::Disconnect`](crate::Overflow::Disconnect)), or its
    /// [predicate](crate::SubscribeOptions::predicate) has panicked, or it has [patterns](crate::Eviction::NoSubject)
    /// where payloads never have a subject.
    Evicted,
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
    /// The bus has put the subscription out, and everything was received: it had no room (see
    /// [`Overflow::Disconnect`](crate::Overflow::Disconnect)), or its
    /// [predicate](crate::SubscribeOptions::predicate) has panicked, or it has [patterns](crate::Eviction::NoSubject)
    /// where payloads never have a subject.
    Evicted,
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
    /// The bus has put the subscription out, and everything was received: it had no room (see
    /// [`Overflow::Disconnect`](crate::Overflow::Disconnect)), or its
    /// [predicate](crate::SubscribeOptions::predicate) has panicked, or it has [patterns](crate::Eviction::NoSubject)
    /// where payloads never have a subject.
    Evicted,
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

            /// Whether the bus has closed and everything was received.
            pub fn is_disconnected(&self) -> bool {
                matches!(self, $error::Disconnected)
            }

            /// Whether the subscription was evicted and everything was received.
            pub fn is_evicted(&self) -> bool {
                matches!(self, $error::Evicted)
            }
        }

        impl fmt::Display for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $($error::$nothing => f.write_str($text),)?
                    $error::Lagged(lagged) => lagged.fmt(f),
                    $error::Disconnected => f.write_str(DISCONNECTED),
                    $error::Evicted => f.write_str(EVICTED),
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
