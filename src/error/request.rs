//! Why a request got no answer.

use std::error::Error;
use std::fmt;

use super::{CLOSED, PublishError};
use crate::envelope::Envelope;
use crate::message::Message;
use crate::request::MAX_PENDING_REQUESTS;

/// Why a request got no answer. Where it was not even published, its envelope is handed back.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use oxide_bus::{Bus, Envelope, RequestError};
///
/// let bus = Bus::<u32>::new();
/// let nobody_answers = bus.subscribe();
/// let error = bus.request(Envelope::new("client", 7), Duration::ZERO).unwrap_err();
/// assert!(matches!(error, RequestError::TimedOut));
/// assert!(error.into_envelope().is_none());
///
/// bus.close();
/// let error = bus.request(Envelope::new("client", 7), Duration::ZERO).unwrap_err();
/// assert!(error.is_closed());
/// assert_eq!(error.into_envelope().map(|it| it.message), Some(7));
/// # drop(nobody_answers);
/// ```
#[non_exhaustive]
pub enum RequestError<M = Message> {
    /// It could not be published.
    NotPublished(PublishError<M>),
    /// Too many requests are pending: [`MAX_PENDING_REQUESTS`].
    TooMany(Box<Envelope<M>>),
    /// Too many requests under the publisher's capability are pending.
    Quota {
        /// What was not asked.
        envelope: Box<Envelope<M>>,
        /// How many may [be](crate::BusBuilder::max_requests).
        limit: usize,
    },
    /// A request with the same id is pending.
    Repeated(Box<Envelope<M>>),
    /// Nobody listens to it.
    NoResponders,
    /// Everybody who listens to it lost it, because their queues were full.
    Overloaded,
    /// There was no answer in time.
    TimedOut,
    /// The bus closed before there was an answer.
    Closed,
}

impl<M> RequestError<M> {
    /// Whether the bus has closed, before the request was published or after.
    pub fn is_closed(&self) -> bool {
        match self {
            RequestError::NotPublished(error) => error.is_closed(),
            error => matches!(error, RequestError::Closed),
        }
    }

    /// Whether the capability is not granted.
    pub fn is_denied(&self) -> bool {
        matches!(self, RequestError::NotPublished(error) if error.is_denied())
    }

    /// Whether there was no answer in time.
    pub fn is_timed_out(&self) -> bool {
        matches!(self, RequestError::TimedOut)
    }

    /// Takes the envelope back, if it was not published.
    pub fn into_envelope(self) -> Option<Envelope<M>> {
        match self {
            RequestError::NotPublished(error) => Some(error.into_envelope()),
            RequestError::TooMany(envelope)
            | RequestError::Quota { envelope, .. }
            | RequestError::Repeated(envelope) => Some(*envelope),
            _ => None,
        }
    }
}

impl<M> From<PublishError<M>> for RequestError<M> {
    fn from(error: PublishError<M>) -> Self {
        RequestError::NotPublished(error)
    }
}

impl<M> fmt::Debug for RequestError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::NotPublished(error) => {
                f.debug_tuple("NotPublished").field(error).finish()
            }
            RequestError::TooMany(_) => f.write_str("TooMany(..)"),
            RequestError::Quota { limit, .. } => {
                (f.debug_struct("Quota").field("limit", limit)).finish_non_exhaustive()
            }
            RequestError::Repeated(_) => f.write_str("Repeated(..)"),
            RequestError::NoResponders => f.write_str("NoResponders"),
            RequestError::Overloaded => f.write_str("Overloaded"),
            RequestError::TimedOut => f.write_str("TimedOut"),
            RequestError::Closed => f.write_str("Closed"),
        }
    }
}

impl<M> fmt::Display for RequestError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::NotPublished(error) => error.fmt(f),
            RequestError::TooMany(_) => {
                write!(f, "{MAX_PENDING_REQUESTS} requests are pending already")
            }
            RequestError::Quota { limit, .. } => {
                write!(
                    f,
                    "{limit} requests under the capability are pending already"
                )
            }
            RequestError::Repeated(envelope) => {
                write!(f, "request {} is pending already", envelope.id)
            }
            RequestError::NoResponders => f.write_str("nobody listens to the request"),
            RequestError::Overloaded => f.write_str("everybody who listens lost the request"),
            RequestError::TimedOut => f.write_str("no answer came in time"),
            RequestError::Closed => f.write_str(CLOSED),
        }
    }
}

impl<M> Error for RequestError<M> {}
