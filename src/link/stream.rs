//! Streams of a server, as links see them: where an importer begins, and what can be wrong with a stream.

use std::error::Error;
use std::fmt;

/// Where an importing link begins if the stream does not know its name yet. Otherwise the link goes on where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StreamStart {
    /// With the first envelope that is sent from then on.
    #[default]
    New,
    /// With the last envelope of each subject that the stream keeps. A bus that [retains](crate::Bus::retain)
    /// these gives them to its own late subscribers.
    LastPerSubject,
    /// With the first envelope that the stream keeps.
    First,
}

/// What is wrong with a stream that a durable link needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamError {
    /// The server has no stream with this name. A link makes none.
    Missing(String),
    /// The server has no streams at all: it was started without them, or this user may not use them.
    Unavailable(String),
    /// The stream does not keep something that the link exports or imports.
    NotKept {
        /// The name of the stream.
        stream: String,
        /// The subject that it does not keep, as the server sees it.
        subject: String,
    },
    /// The link [shares](crate::link::LinkBuilder::import_shared) an import in this group, which a durable link cannot.
    Group(String),
    /// The server refuses a request.
    Refused {
        /// The subject of the request, or the subject that it is about.
        subject: String,
        /// What the server says.
        reason: String,
    },
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamError::Missing(stream) => {
                write!(f, "there is no stream {stream}; it must be made first")
            }
            StreamError::Unavailable(reason) => write!(f, "the server has no streams: {reason}"),
            StreamError::NotKept { stream, subject } => {
                write!(
                    f,
                    "the stream {stream} does not keep {subject}; add that to its subjects"
                )
            }
            StreamError::Group(group) => {
                write!(
                    f,
                    "a durable link shares nothing in a group, so not in {group}"
                )
            }
            StreamError::Refused { subject, reason } => {
                write!(f, "the server refuses {subject}: {reason}")
            }
        }
    }
}

impl Error for StreamError {}
