//! What can be wrong with a log.

use std::fmt;

use crate::codec::{ErrorKind, FileKind};
use crate::support::visible::escaped;

/// Something that is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flaw {
    /// Which of the files, counted from 0.
    pub file: usize,
    /// Which line in it, counted from 1.
    pub line: u64,
    /// What it is.
    pub finding: Finding,
}

/// What is wrong. Its text quotes nothing of a payload, and what it quotes is escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// There is no record, or the first is not the one that opens a log. Its beginning is missing, unless these
    /// files are known to [continue](super::super::Verifier::continued) others.
    NoBeginning,
    /// A record comes after the one that closes the log.
    AfterTheEnd,
    /// A file that is no log at all: of another format, or none of its first lines is a record. Nothing more of it is
    /// read, and the next file may continue what it should have held.
    NotALog {
        /// Its format, if that is a known one.
        looks_like: Option<FileKind>,
    },
    /// A line that is no record, and not torn by a crash.
    NotARecord,
    /// A record of a kind that no log writes.
    NoKnownKind,
    /// An event without something that such a record has, or with something that it has not, or with a value that a
    /// log does not write there.
    Malformed {
        /// What the record calls itself.
        event: String,
    },
    /// A record has another number than the next one.
    Record {
        /// The number that it has.
        found: u64,
        /// The number that it should have.
        expected: u64,
    },
    /// An envelope has another sequence number than the next one.
    Sequence {
        /// The number that it has.
        found: u64,
        /// The number that it should have.
        expected: u64,
    },
    /// An envelope cannot be read.
    Envelope(ErrorKind),
    /// An envelope is whole, but its message is none of those that
    /// [`Verifier::messages`](super::super::Verifier::messages) asked for.
    Message(ErrorKind),
    /// An envelope was published that the log could not hold.
    Unwritable,
    /// Something stands before envelopes that it came after.
    Early {
        /// What the record calls itself.
        event: String,
    },
    /// A number is greater than any that a log has.
    OutOfRange,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::NoBeginning => f.write_str("no head record: the beginning is missing"),
            Finding::AfterTheEnd => f.write_str("a record after the closing record"),
            Finding::NotALog { looks_like: None } => {
                f.write_str("not an audit log: its lines are no records")
            }
            Finding::NotALog {
                looks_like: Some(kind),
            } => write!(f, "not an audit log, but {kind}"),
            Finding::NotARecord => f.write_str("not a record"),
            Finding::NoKnownKind => f.write_str("a record of no known kind"),
            Finding::Malformed { event } => {
                let event = escaped(event.escape_debug());
                write!(f, "`{event}` is not as a log writes it")
            }
            Finding::Record { found, expected } => {
                write!(f, "record {found} instead of {expected}")
            }
            Finding::Sequence { found, expected } => {
                write!(f, "envelope {found} instead of {expected}")
            }
            Finding::Envelope(kind) => write!(f, "envelope: {kind}"),
            Finding::Message(kind) => write!(f, "a message of another vocabulary: {kind}"),
            Finding::Unwritable => f.write_str("an envelope that could not be written"),
            Finding::Early { event } => {
                let event = escaped(event.escape_debug());
                write!(f, "`{event}` stands before envelopes that it came after")
            }
            Finding::OutOfRange => f.write_str("a number out of range"),
        }
    }
}
