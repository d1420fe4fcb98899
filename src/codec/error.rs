//! Why an envelope could not be read or written.

use std::error::Error;
use std::fmt;

use super::scan::Excess;
use crate::visible::escaped;

/// The most characters of a key that an error quotes.
const QUOTED_CHARS: usize = 64;
/// The most characters of a foreign error's text that an error repeats.
const REPEATED_CHARS: usize = 256;

/// What is wrong with a name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameFlaw {
    /// It is empty, and must not be.
    Empty,
    /// It has a control character, and must not.
    Control,
    /// It is longer than [`Limits::name`](crate::codec::Limits::name).
    TooLong,
}

impl fmt::Display for NameFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameFlaw::Empty => "is empty",
            NameFlaw::Control => "has a control character",
            NameFlaw::TooLong => "is too long",
        })
    }
}

/// What is wrong with an input.
///
/// Keys and tags are kept escaped, and cut after 64 characters. No value of a payload is ever kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// It has more bytes than this limit.
    TooLarge(usize),
    /// It nests deeper than this limit.
    TooDeep(usize),
    /// It has more values than this limit.
    TooManyNodes(usize),
    /// A string or a key has more bytes than this limit.
    StringTooLong(usize),
    /// An integer fits neither `i64` nor `u64`, or a number with a fraction or an exponent is
    /// beyond what an `f64` holds, or is not zero and would become zero.
    NumberOutOfRange,
    /// It is not UTF-8.
    NotUtf8,
    /// It is not JSON, or something follows the envelope; the text says what the JSON reader said.
    Syntax(String),
    /// A key that does not belong where it stands.
    UnknownKey(String),
    /// A key that came before in the same object.
    DuplicateKey(String),
    /// A key that must be there and is not.
    MissingKey(&'static str),
    /// The value of this key, or the whole `envelope`, has the wrong JSON type.
    WrongType(&'static str),
    /// A tag (`kind` or `type`) that the format does not have.
    UnknownTag {
        /// The tag's key.
        key: &'static str,
        /// What stands there.
        value: String,
    },
    /// The id under this key is nil, or not in the hyphenated form of 36 characters.
    BadId(&'static str),
    /// The time is not in the form `2026-11-24T06:07:20.5Z`, or beyond the years 0 to 9999.
    BadTime,
    /// A name that is not one.
    BadName {
        /// The name's key.
        field: &'static str,
        /// What is wrong with it.
        flaw: NameFlaw,
    },
    /// A key that `serde_json` keeps for itself.
    ReservedKey,
    /// The message's own [`Deserialize`](serde::Deserialize) refused it, in these words.
    Message(String),
}

impl From<Excess> for DecodeErrorKind {
    fn from(excess: Excess) -> Self {
        match excess {
            Excess::Bytes(limit) => DecodeErrorKind::TooLarge(limit),
            Excess::Depth(limit) => DecodeErrorKind::TooDeep(limit),
            Excess::Nodes(limit) => DecodeErrorKind::TooManyNodes(limit),
            Excess::String(limit) => DecodeErrorKind::StringTooLong(limit),
            Excess::Number => DecodeErrorKind::NumberOutOfRange,
        }
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeErrorKind::TooLarge(limit) => too_large(f, *limit),
            DecodeErrorKind::TooDeep(limit) => too_deep(f, *limit),
            DecodeErrorKind::TooManyNodes(limit) => too_many_nodes(f, *limit),
            DecodeErrorKind::StringTooLong(limit) => string_too_long(f, *limit),
            DecodeErrorKind::NumberOutOfRange => f.write_str("number out of range"),
            DecodeErrorKind::NotUtf8 => f.write_str("invalid utf-8"),
            DecodeErrorKind::Syntax(text) | DecodeErrorKind::Message(text) => f.write_str(text),
            DecodeErrorKind::UnknownKey(key) => write!(f, "unknown key \"{key}\""),
            DecodeErrorKind::DuplicateKey(key) => write!(f, "duplicate key \"{key}\""),
            DecodeErrorKind::MissingKey(key) => write!(f, "missing key \"{key}\""),
            DecodeErrorKind::WrongType(what) => write!(f, "wrong type of {what}"),
            DecodeErrorKind::UnknownTag { key, value } => write!(f, "unknown {key} \"{value}\""),
            DecodeErrorKind::BadId(field) => write!(f, "{field} is not a hyphenated uuid, or nil"),
            DecodeErrorKind::BadTime => {
                f.write_str("timestamp is not an rfc 3339 time in the years 0 to 9999")
            }
            DecodeErrorKind::BadName { field, flaw } => write!(f, "{field} {flaw}"),
            DecodeErrorKind::ReservedKey => f.write_str("reserved key in a payload"),
        }
    }
}

/// Why an envelope could not be read, and where.
///
/// # Examples
///
/// ```
/// use oxide_bus::codec::{Codec, DecodeErrorKind};
///
/// let error = Codec::new().decode(r#"{"id":"7"}"#).unwrap_err();
/// assert_eq!(error.kind(), &DecodeErrorKind::BadId("id"));
/// assert_eq!(error.line(), 1);
/// assert!(error.to_string().starts_with("id is not a hyphenated uuid"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    pub(super) kind: DecodeErrorKind,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl DecodeError {
    /// What is wrong.
    pub fn kind(&self) -> &DecodeErrorKind {
        &self.kind
    }

    /// The line at which it was noticed, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The byte of that line at which it was noticed, counted from 1. What a whole object lacks is
    /// noticed at its end.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Whether one of the [`Limits`](crate::codec::Limits) was passed: larger ones might do.
    pub fn is_over_limit(&self) -> bool {
        matches!(
            self.kind,
            DecodeErrorKind::TooLarge(_)
                | DecodeErrorKind::TooDeep(_)
                | DecodeErrorKind::TooManyNodes(_)
                | DecodeErrorKind::StringTooLong(_)
                | DecodeErrorKind::BadName {
                    flaw: NameFlaw::TooLong,
                    ..
                }
        )
    }

    /// An error at the byte with this offset.
    pub(super) fn at(text: &[u8], offset: usize, kind: DecodeErrorKind) -> Self {
        let before = &text[..offset];
        let line_start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |index| index + 1);
        DecodeError {
            kind,
            line: before.split(|&byte| byte == b'\n').count(),
            column: 1 + offset - line_start,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DecodeError { kind, line, column } = self;
        write!(f, "{kind} at line {line} column {column}")
    }
}

impl Error for DecodeError {}

/// What is wrong with an envelope that should be written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// Its JSON has more bytes than this limit.
    TooLarge(usize),
    /// It nests deeper than this limit.
    TooDeep(usize),
    /// It has more values than this limit.
    TooManyNodes(usize),
    /// A string or a key has more bytes than this limit.
    StringTooLong(usize),
    /// A number that the reader would not take.
    NumberOutOfRange,
    /// The float at this place, such as `message.samples[3].celsius`, is NaN or an infinity, which JSON does not have. Keys
    /// in it are escaped and cut after 64 characters, and all of it after 256 bytes.
    NotFinite(String),
    /// The id under this key is nil.
    BadId(&'static str),
    /// The time is in a leap second, or beyond the years 0 to 9999.
    BadTime,
    /// A name that is not one.
    BadName {
        /// The name's key.
        field: &'static str,
        /// What is wrong with it.
        flaw: NameFlaw,
    },
    /// A payload has a key that `serde_json` keeps for itself.
    ReservedKey,
    /// The message's own [`Serialize`](serde::Serialize) refused it, in these words.
    Message(String),
}

impl From<Excess> for EncodeErrorKind {
    fn from(excess: Excess) -> Self {
        match excess {
            Excess::Bytes(limit) => EncodeErrorKind::TooLarge(limit),
            Excess::Depth(limit) => EncodeErrorKind::TooDeep(limit),
            Excess::Nodes(limit) => EncodeErrorKind::TooManyNodes(limit),
            Excess::String(limit) => EncodeErrorKind::StringTooLong(limit),
            Excess::Number => EncodeErrorKind::NumberOutOfRange,
        }
    }
}

impl fmt::Display for EncodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodeErrorKind::TooLarge(limit) => too_large(f, *limit),
            EncodeErrorKind::TooDeep(limit) => too_deep(f, *limit),
            EncodeErrorKind::TooManyNodes(limit) => too_many_nodes(f, *limit),
            EncodeErrorKind::StringTooLong(limit) => string_too_long(f, *limit),
            EncodeErrorKind::NumberOutOfRange => f.write_str("number out of range"),
            EncodeErrorKind::NotFinite(place) => write!(f, "{place} is not a finite number"),
            EncodeErrorKind::BadId(field) => write!(f, "{field} is nil"),
            EncodeErrorKind::BadTime => {
                f.write_str("timestamp is in a leap second, or beyond the years 0 to 9999")
            }
            EncodeErrorKind::BadName { field, flaw } => write!(f, "{field} {flaw}"),
            EncodeErrorKind::ReservedKey => f.write_str("reserved key in a payload"),
            EncodeErrorKind::Message(text) => f.write_str(text),
        }
    }
}

/// Why an envelope could not be written.
///
/// # Examples
///
/// ```
/// use oxide_bus::codec::{EncodeErrorKind, NameFlaw};
/// use oxide_bus::{Command, Envelope, Message};
///
/// let nameless = Envelope::new("", Message::Command(Command::Ping));
/// let error = nameless.to_json().unwrap_err();
/// let flaw = NameFlaw::Empty;
/// assert_eq!(error.kind(), &EncodeErrorKind::BadName { field: "source", flaw });
/// assert_eq!(error.to_string(), "source is empty");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeError {
    kind: EncodeErrorKind,
}

impl EncodeError {
    /// What is wrong.
    pub fn kind(&self) -> &EncodeErrorKind {
        &self.kind
    }

    /// Whether one of the [`Limits`](crate::codec::Limits) was passed: larger ones might do.
    pub fn is_over_limit(&self) -> bool {
        matches!(
            self.kind,
            EncodeErrorKind::TooLarge(_)
                | EncodeErrorKind::TooDeep(_)
                | EncodeErrorKind::TooManyNodes(_)
                | EncodeErrorKind::StringTooLong(_)
                | EncodeErrorKind::BadName {
                    flaw: NameFlaw::TooLong,
                    ..
                }
        )
    }
}

impl From<EncodeErrorKind> for EncodeError {
    fn from(kind: EncodeErrorKind) -> Self {
        EncodeError { kind }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Error for EncodeError {}

fn too_large(f: &mut fmt::Formatter<'_>, limit: usize) -> fmt::Result {
    write!(f, "more than {limit} bytes")
}

fn too_deep(f: &mut fmt::Formatter<'_>, limit: usize) -> fmt::Result {
    write!(f, "more than {limit} levels of nesting")
}

fn too_many_nodes(f: &mut fmt::Formatter<'_>, limit: usize) -> fmt::Result {
    write!(f, "more than {limit} values")
}

fn string_too_long(f: &mut fmt::Formatter<'_>, limit: usize) -> fmt::Result {
    write!(f, "string of more than {limit} bytes")
}

/// A key or a tag as an error shows it: what a stranger wrote must not reach a terminal raw, nor
/// fill a log.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted: String = text
        .chars()
        .take(QUOTED_CHARS)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(QUOTED_CHARS).is_some() {
        quoted.push('…');
    }
    quoted
}

/// What `serde_json` or a message's own implementation said, without the place that `serde_json`
/// appends, in one line and of bounded length.
pub(super) fn repeated(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let said = said.strip_suffix(&place).unwrap_or(&said);
    let mut text = escaped(said.chars().take(REPEATED_CHARS));
    if said.chars().nth(REPEATED_CHARS).is_some() {
        text.push('…');
    }
    text
}
