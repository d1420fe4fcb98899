//! The error of a request without an answer.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::{CLOSED, PublishError};
use crate::message::envelope::Envelope;
use crate::message::kernel::Message;

/// Why a request got no answer. If it was not even published, the error hands its envelope back.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use oxide_bus::{Bus, RequestError};
///
/// let bus = Bus::<u32>::builder().request_timeout(Duration::from_millis(5)).build();
/// let nobody_answers = bus.subscribe();
/// let error = bus.request("client", 7).unwrap_err();
/// assert_eq!(error.to_string(), "no answer came within 5ms");
/// assert!(error.into_envelope().is_none());
///
/// bus.close();
/// let error = bus.request("client", 7).unwrap_err();
/// assert!(error.is_closed());
/// assert_eq!(error.into_envelope().map(|it| it.message), Some(7));
/// # drop(nobody_answers);
/// ```
#[non_exhaustive]
pub enum RequestError<M = Message> {
    /// The request could not be published.
    NotPublished(PublishError<M>),
    /// Too many requests are pending, on the bus or under the publisher's capability.
    TooManyPending {
        /// The envelope that was not published.
        envelope: Box<Envelope<M>>,
        /// How many may be pending: [`MAX_PENDING_REQUESTS`](crate::limits::MAX_PENDING_REQUESTS) on the bus, or what
        /// [`max_requests`](crate::BusBuilder::max_requests) says under the capability.
        limit: usize,
    },
    /// No subscriber listens to the request; or only [links](crate::docs::links#requests) do, and nobody elsewhere.
    NoResponders,
    /// Every subscriber that listens to the request lost it, because their queues were full.
    Overloaded,
    /// No answer came within this time.
    TimedOut(Duration),
    /// The bus closed before an answer came.
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

    /// Whether no answer came in time.
    pub fn is_timed_out(&self) -> bool {
        matches!(self, RequestError::TimedOut(_))
    }

    /// Takes the envelope back if it was not published.
    pub fn into_envelope(self) -> Option<Envelope<M>> {
        match self {
            RequestError::NotPublished(error) => Some(error.into_envelope()),
            RequestError::TooManyPending { envelope, .. } => Some(*envelope),
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
            RequestError::TooManyPending { limit, .. } => f
                .debug_struct("TooManyPending")
                .field("limit", limit)
                .finish_non_exhaustive(),
            RequestError::NoResponders => f.write_str("NoResponders"),
            RequestError::Overloaded => f.write_str("Overloaded"),
            RequestError::TimedOut(timeout) => f.debug_tuple("TimedOut").field(timeout).finish(),
            RequestError::Closed => f.write_str("Closed"),
        }
    }
}

impl<M> fmt::Display for RequestError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::NotPublished(error) => error.fmt(f),
            RequestError::TooManyPending { limit, .. } => {
                write!(f, "{limit} requests are pending already")
            }
            RequestError::NoResponders => f.write_str("nobody listens to the request"),
            RequestError::Overloaded => f.write_str("everybody who listens lost the request"),
            RequestError::TimedOut(timeout) => write!(f, "no answer came within {timeout:?}"),
            RequestError::Closed => f.write_str(CLOSED),
        }
    }
}

impl<M: 'static> Error for RequestError<M> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            RequestError::NotPublished(error) => Some(error),
            _ => None,
        }
    }
}
