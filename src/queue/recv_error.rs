//! The public errors of the receive functions: why no envelope was received.
//!
//! Each function has its own error type, as in crossbeam, so that none has a variant that cannot occur.
//!
//! The tests are in `tests/library/receive.rs`.

use std::error::Error;
use std::fmt;

const DISCONNECTED: &str = "the subscription is closed and the queue is empty";
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
/// assert!(subscription.recv().unwrap_err().is_end());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecvError {
    /// Envelopes that the subscriber listens to were lost before the next one, because its queue was full. This is
    /// reported once per gap; receiving goes on.
    Lagged {
        /// How many envelopes were lost in this gap; at least 1.
        missed: u64,
    },
    /// The bus or the subscription has closed, and everything was received.
    Disconnected,
    /// The bus has evicted the subscription, and everything was received. It had no room (see
    /// [`Overflow::Evict`](crate::Overflow::Evict)), or its [predicate](crate::SubscribeOptions::predicate) panicked,
    /// or it has [patterns](crate::Eviction::NoSubject) although its payloads never have a subject.
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
    /// Envelopes that the subscriber listens to were lost before the next one, because its queue was full. This is
    /// reported once per gap; receiving goes on.
    Lagged {
        /// How many envelopes were lost in this gap; at least 1.
        missed: u64,
    },
    /// The bus or the subscription has closed, and everything was received.
    Disconnected,
    /// The bus has evicted the subscription, and everything was received. It had no room (see
    /// [`Overflow::Evict`](crate::Overflow::Evict)), or its [predicate](crate::SubscribeOptions::predicate) panicked,
    /// or it has [patterns](crate::Eviction::NoSubject) although its payloads never have a subject.
    Evicted,
}

/// Why [`recv_timeout`](crate::Subscription::recv_timeout) or [`recv_deadline`](crate::Subscription::recv_deadline)
/// returned no envelope.
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
    /// Envelopes that the subscriber listens to were lost before the next one, because its queue was full. This is
    /// reported once per gap; receiving goes on.
    Lagged {
        /// How many envelopes were lost in this gap; at least 1.
        missed: u64,
    },
    /// The bus or the subscription has closed, and everything was received.
    Disconnected,
    /// The bus has evicted the subscription, and everything was received. It had no room (see
    /// [`Overflow::Evict`](crate::Overflow::Evict)), or its [predicate](crate::SubscribeOptions::predicate) panicked,
    /// or it has [patterns](crate::Eviction::NoSubject) although its payloads never have a subject.
    Evicted,
}

macro_rules! receive_error {
    ($error:ident $(, $nothing:ident = $text:literal)?) => {
        impl $error {
            /// Returns how many envelopes were lost, if this error reports a loss. Then receiving goes on.
            pub fn missed(&self) -> Option<u64> {
                match self {
                    $error::Lagged { missed } => Some(*missed),
                    _ => None,
                }
            }

            /// Whether this is the end: the bus or the subscription has closed, or the subscription was evicted, and
            /// everything was received.
            pub fn is_end(&self) -> bool {
                matches!(self, $error::Disconnected | $error::Evicted)
            }
        }

        impl fmt::Display for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $($error::$nothing => f.write_str($text),)?
                    $error::Lagged { missed } => write!(f, "lagged: missed {missed} envelopes"),
                    $error::Disconnected => f.write_str(DISCONNECTED),
                    $error::Evicted => f.write_str(EVICTED),
                }
            }
        }

        impl Error for $error {}
    };
}

receive_error!(RecvError);
receive_error!(TryRecvError, Empty = "nothing is queued");
receive_error!(RecvTimeoutError, Timeout = "nothing came in time");

impl From<RecvError> for TryRecvError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Lagged { missed } => TryRecvError::Lagged { missed },
            RecvError::Disconnected => TryRecvError::Disconnected,
            RecvError::Evicted => TryRecvError::Evicted,
        }
    }
}

impl From<RecvError> for RecvTimeoutError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Lagged { missed } => RecvTimeoutError::Lagged { missed },
            RecvError::Disconnected => RecvTimeoutError::Disconnected,
            RecvError::Evicted => RecvTimeoutError::Evicted,
        }
    }
}
