//! The errors of a link: it could not be made, is not ready, or was not drained.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::bus::error::SubscribeError;
use crate::link::engine::EngineError;
use crate::link::stream::StreamError;
use crate::message::pattern::PatternError;

/// Why a link could not be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkError {
    /// The link has no name, or one that is longer than 64 characters, or that has others than lowercase letters,
    /// digits and `-`.
    Name(String),
    /// An import is from a name that no link can have; see
    /// [`LinkBuilder::import_from`](crate::link::LinkBuilder::import_from).
    Origin(String),
    /// A group has a name that no group can have; see
    /// [`LinkBuilder::import_shared`](crate::link::LinkBuilder::import_shared).
    Group(String),
    /// The link neither exports nor imports.
    Idle,
    /// An export or an import is not a pattern.
    Pattern(PatternError),
    /// The bus refused the exporting subscription.
    Subscribe(SubscribeError),
    /// The bus has closed.
    Closed,
    /// The engine could not connect.
    Engine(EngineError),
    /// The stream of a durable link is not there, or not as it must be.
    Stream(StreamError),
    /// The engine did not connect in this time.
    TimedOut(Duration),
    /// The thread, or the runtime on it, could not be started.
    Thread(io::Error),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::Name(name) if name.is_empty() => f.write_str("the link has no name"),
            LinkError::Name(name) => write!(
                f,
                "the name of the link, {name:?}, is not 1 to 64 lowercase letters, digits and hyphens"
            ),
            LinkError::Origin(name) => write!(
                f,
                "an import is from {name:?}, and the name of a link is 1 to 64 lowercase letters, digits and hyphens"
            ),
            LinkError::Group(name) => write!(
                f,
                "the name of the group, {name:?}, is not 1 to 64 lowercase letters, digits and hyphens"
            ),
            LinkError::Idle => f.write_str("the link has neither an export nor an import"),
            LinkError::Pattern(_) => {
                f.write_str("an export or an import of the link is not a pattern")
            }
            LinkError::Subscribe(_) => f.write_str("the bus refused the exporting subscription"),
            LinkError::Closed => f.write_str("the bus has closed"),
            LinkError::Engine(_) => f.write_str("the link has no connection"),
            LinkError::Stream(_) => f.write_str("the link has no stream"),
            LinkError::TimedOut(limit) => write!(f, "no connection within {limit:?}"),
            LinkError::Thread(_) => f.write_str("no thread for the link could be started"),
        }
    }
}

impl Error for LinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            LinkError::Pattern(error) => Some(error),
            LinkError::Subscribe(error) => Some(error),
            LinkError::Engine(error) => Some(error),
            LinkError::Stream(error) => Some(error),
            LinkError::Thread(error) => Some(error),
            LinkError::Name(_)
            | LinkError::Origin(_)
            | LinkError::Group(_)
            | LinkError::Idle
            | LinkError::Closed
            | LinkError::TimedOut(_) => None,
        }
    }
}

/// Why a link is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotReadyError {
    /// The server has not confirmed the subscriptions in this time.
    TimedOut(Duration),
    /// The server has refused something.
    Denied {
        /// The subject that it is about, if the server says so.
        subject: Option<String>,
        /// What the server says.
        reason: String,
    },
    /// The link has ended.
    Ended,
}

impl fmt::Display for NotReadyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotReadyError::TimedOut(limit) => write!(
                f,
                "the server has not confirmed the subscriptions of the link within {limit:?}"
            ),
            NotReadyError::Denied {
                subject: Some(subject),
                reason,
            } => write!(f, "the server refuses {subject}: {reason}"),
            NotReadyError::Denied {
                subject: None,
                reason,
            } => write!(f, "the server refuses: {reason}"),
            NotReadyError::Ended => f.write_str("the link has ended"),
        }
    }
}

impl Error for NotReadyError {}

/// Why a link was not drained.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkDrainError {
    /// The time was up. Something was not confirmed, or not published.
    TimedOut {
        /// How many envelopes that the bus had given to the link may not have reached the server.
        lost: u64,
        /// How many envelopes of others, as far as the link knew of them, were not published on its bus.
        unpublished: u64,
    },
    /// The bus closed meanwhile, so envelopes that had come could not be published.
    BusClosed {
        /// How many envelopes that the bus had given to the link may not have reached the server.
        lost: u64,
        /// How many envelopes of others, as far as the link knew of them, were not published on its bus.
        unpublished: u64,
    },
    /// The link had ended already.
    Ended,
}

impl fmt::Display for LinkDrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkDrainError::TimedOut { lost, unpublished } => write!(
                f,
                "the link was not drained in time: {lost} envelopes are not confirmed, and {unpublished} that came are \
                 not published"
            ),
            LinkDrainError::BusClosed { lost, unpublished } => write!(
                f,
                "the bus closed before the link was drained: {lost} envelopes are not confirmed, and {unpublished} that \
                 came are not published"
            ),
            LinkDrainError::Ended => f.write_str("the link has ended"),
        }
    }
}

impl Error for LinkDrainError {}
