//! The flaws that a verifier finds in a log.

use std::fmt;

use crate::codec::{ErrorKind, FileKind};
use crate::support::visible::escaped;

/// A flaw of a log, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flaw {
    /// Which of the files, counted from 0.
    pub file: usize,
    /// Which line of the file, counted from 1.
    pub line: u64,
    /// What it is.
    pub finding: Finding,
}

/// What is wrong. Its text quotes nothing of a payload; whatever else it quotes is escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// There is no record, or the first is not `opened`. The beginning of the log is missing, unless these
    /// files are known to [continue](super::super::Verifier::continued) others.
    NoBeginning,
    /// A record comes after the one that ends the log.
    AfterTheEnd,
    /// A file is no log at all: it has another format, or none of its first lines is a record. The rest of it is not
    /// read, and the next file may continue what it should have held.
    NotALog {
        /// The format of the file, if it is a known one.
        looks_like: Option<FileKind>,
    },
    /// A line is no record, and was not torn by a crash.
    NotARecord,
    /// A record has a kind that no log writes.
    NoKnownKind,
    /// An event lacks a key that such a record has, or has one that it does not have, or has a value that a log does
    /// not write there.
    Malformed {
        /// What the record calls itself.
        event: String,
    },
    /// A record does not have the next number.
    Record {
        /// The number that it has.
        found: u64,
        /// The number that it should have.
        expected: u64,
    },
    /// An envelope does not have the next sequence number.
    Sequence {
        /// The number that it has.
        found: u64,
        /// The number that it should have.
        expected: u64,
    },
    /// An envelope cannot be read.
    Envelope(ErrorKind),
    /// An envelope is whole, but its message is not of the type that
    /// [`Verifier::messages`](super::super::Verifier::messages) requires.
    Message(ErrorKind),
    /// An envelope was published that the log could not hold.
    Unwritable,
    /// An event stands before envelopes that it came after.
    Early {
        /// What the record calls itself.
        event: String,
    },
    /// A head of the hash chain does not fit: since the one before, a line was changed, removed, added or moved.
    Chain,
    /// The log does not have a head that was kept elsewhere: it was changed before that, or its end is missing.
    Head {
        /// The record that should have it.
        record: u64,
    },
    /// A number is greater than any that a log has.
    OutOfRange,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::NoBeginning => f.write_str("no opening record: the beginning is missing"),
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
            Finding::Chain => f.write_str("the lines before are not those of the hash chain"),
            Finding::Head { record } => {
                write!(f, "record {record} does not have the head that was kept")
            }
            Finding::OutOfRange => f.write_str("a number out of range"),
        }
    }
}
