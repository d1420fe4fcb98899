//! The errors of reading and writing JSON Lines, each with the number of its line.
//!
//! With the number a person finds the line in a log. The tests are in `tests/library/codec/lines.rs`.

use std::error::Error;
use std::fmt;
use std::io;

use super::error::{DecodeError, EncodeError};
use super::file_kind::FileKind;

/// The reason why a line of a log could not be read or written.
///
/// Lines are counted from 1. A [`LinesReader`](crate::codec::LinesReader) counts the lines that it has read, a
/// [`LinesWriter`](crate::codec::LinesWriter) those that it has written.
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::Message;
/// use oxide_bus::codec::{LineError, LinesReader};
///
/// let error = LinesReader::<_, Message>::new(&b"\n{}\n"[..]).find_map(Result::err);
/// assert!(matches!(error, Some(LineError::Decode { line: 2, .. })));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum LineError {
    /// The line is not an envelope. The reading goes on with the next one.
    Decode {
        /// Its number.
        line: u64,
        /// What is wrong with it. Its own [line](DecodeError::line) is always 1.
        error: DecodeError,
    },
    /// The envelope cannot be encoded. Nothing was written.
    Encode {
        /// The number that its line would have had.
        line: u64,
        /// What is wrong with it.
        error: EncodeError,
    },
    /// The input is another kind of file. Nothing more of it will be read.
    Format {
        /// The number of the line that shows it.
        line: u64,
        /// The kind of file.
        looks_like: FileKind,
    },
    /// The line could not be read, and nothing more will be read. Or the line could not be written, or only a part of
    /// it.
    Io {
        /// Its number.
        line: u64,
        /// The error of the input or the output.
        error: io::Error,
    },
}

impl LineError {
    /// Returns the number of the line, counted from 1.
    pub fn line(&self) -> u64 {
        match self {
            LineError::Decode { line, .. }
            | LineError::Encode { line, .. }
            | LineError::Format { line, .. }
            | LineError::Io { line, .. } => *line,
        }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineError::Decode { line, error } => {
                let (kind, column) = (error.kind(), error.column());
                write!(f, "{kind} at line {line} column {column}")
            }
            LineError::Encode { line, .. } => write!(f, "cannot encode line {line}"),
            LineError::Format { looks_like, .. } => write!(f, "not JSON Lines but {looks_like}"),
            LineError::Io { line, .. } => write!(f, "cannot read or write line {line}"),
        }
    }
}

impl Error for LineError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            LineError::Decode { error, .. } => Some(error),
            LineError::Encode { error, .. } => Some(error),
            LineError::Format { .. } => None,
            LineError::Io { error, .. } => Some(error),
        }
    }
}
