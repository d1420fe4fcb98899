//! The errors of an inspection: those of the program that serves it, and those of its clients.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a bus cannot be inspected, made by [`Bus::serve_inspection`](crate::Bus::serve_inspection).
#[derive(Debug)]
#[non_exhaustive]
pub enum InspectError {
    /// Another program, or another part of this one, serves an inspection at this path.
    InUse {
        /// The path of its socket.
        path: PathBuf,
    },
    /// At this path is something that is no socket. It is left alone.
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// The socket, or the thread that serves it, could not be made.
    Io {
        /// The path of the socket.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
}

impl fmt::Display for InspectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, what) = match self {
            InspectError::InUse { path } => (path, "another inspection is served here"),
            InspectError::NoSocket { path } => (path, "there is something here that is no socket"),
            InspectError::Io { path, .. } => (path, "the inspection cannot be served here"),
        };
        write!(f, "{}: {what}", path.display())
    }
}

impl Error for InspectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            InspectError::Io { error, .. } => Some(error),
            InspectError::InUse { .. } | InspectError::NoSocket { .. } => None,
        }
    }
}

/// Why there is no snapshot, made by [`look`](crate::inspect::look).
#[derive(Debug)]
#[non_exhaustive]
pub enum LookError {
    /// No program listens at this path: there is no socket, or its program has ended.
    Gone {
        /// The error of the operating system.
        error: io::Error,
    },
    /// This user may not connect to the program.
    Denied {
        /// The error of the operating system.
        error: io::Error,
    },
    /// The program did not answer in time, or hung up.
    Io {
        /// The error of the operating system.
        error: io::Error,
    },
    /// The answer is longer than 64 MiB, if it ends at all.
    TooLong,
    /// The program has refused to answer.
    Refused {
        /// Why, in its own words, cut after 256 bytes.
        reason: String,
    },
    /// The program speaks another version of the protocol.
    Version {
        /// The version of its answer.
        version: u64,
    },
    /// The answer is no snapshot.
    Answer {
        /// What is wrong with it.
        error: serde_json::Error,
    },
}

impl fmt::Display for LookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookError::Gone { .. } => f.write_str("no program serves an inspection here"),
            LookError::Denied { .. } => f.write_str("this user may not look here"),
            LookError::TooLong => f.write_str("the answer is longer than 64 MiB"),
            LookError::Io { .. } => f.write_str("the program does not answer"),
            LookError::Refused { reason } => write!(f, "the program refuses to answer: {reason}"),
            LookError::Version { version } => {
                write!(
                    f,
                    "the program speaks version {version} of the protocol, not 1"
                )
            }
            LookError::Answer { .. } => f.write_str("the answer is no snapshot"),
        }
    }
}

impl Error for LookError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            LookError::Gone { error } | LookError::Denied { error } | LookError::Io { error } => {
                Some(error)
            }
            LookError::Answer { error } => Some(error),
            LookError::TooLong | LookError::Refused { .. } | LookError::Version { .. } => None,
        }
    }
}
