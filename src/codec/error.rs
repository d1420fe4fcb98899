//! The errors of the codec: what is wrong with an envelope, and where.
//!
//! Input from outside is quoted only escaped and cut, so that it cannot mislead a terminal or fill a log.
//!
//! The tests are in `tests/library/codec/shapes.rs`.

use std::error::Error;
use std::fmt;

use crate::message::headers::HeaderError;
use crate::support::visible::escaped;

/// The most characters of a key that an error quotes.
const QUOTED_CHARS: usize = 64;
/// The most characters of a foreign error's text that an error repeats.
const REPEATED_CHARS: usize = 256;

/// What is wrong with an envelope that was to be read or written.
///
/// Keys and tags are escaped, and cut after 64 characters. No value of a payload is ever kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The JSON has more bytes than this limit.
    TooLarge(usize),
    /// The envelope nests deeper than this limit.
    TooDeep(usize),
    /// The envelope has more values than this limit.
    TooManyNodes(usize),
    /// A string or a key has more bytes than this limit.
    StringTooLong(usize),
    /// The name under this key has more bytes than [`Codec::max_name`](crate::codec::Codec::max_name).
    NameTooLong(&'static str),
    /// An integer fits neither `i64` nor `u64`. Or a number with a fraction or an exponent is beyond the range of
    /// `f64`, or would become zero although it is not.
    NumberOutOfRange,
    /// The float at this place, such as `message.samples[3].celsius`, is NaN or an infinity, which JSON does not have.
    /// Keys in the place are escaped and cut after 64 characters, and the whole place is cut after 256 bytes.
    NotFinite(String),
    /// The input is not UTF-8.
    NotUtf8,
    /// The input is not JSON, or something follows the envelope. The text is that of the JSON reader's error.
    Syntax(String),
    /// This key does not belong in its object.
    UnknownKey(String),
    /// This key came before in the same object.
    DuplicateKey(String),
    /// This key must be there, and is not.
    MissingKey(&'static str),
    /// The value of this key, or the whole `envelope`, has the wrong JSON type.
    WrongType(&'static str),
    /// A tag (`kind` or `type`) has a value that the format does not have.
    UnknownTag {
        /// The tag's key.
        key: &'static str,
        /// The tag's value.
        value: String,
    },
    /// The id under this key is nil, or not in the hyphenated form of 36 characters.
    BadId(&'static str),
    /// The time is not in the form `2026-11-24T06:07:20.5Z`, is in a leap second, or is beyond the years 0 to 9999.
    BadTime,
    /// The name under this key is empty or has a control character.
    BadName(&'static str),
    /// A header breaks a rule of [`Headers`](crate::Headers).
    BadHeader(HeaderError),
    /// A payload has a key that `serde_json` reserves for itself.
    ReservedKey,
    /// The message's own [`Serialize`](serde::Serialize) or [`Deserialize`](serde::Deserialize) refused it, in these
    /// words.
    Message(String),
}

impl ErrorKind {
    fn is_over_limit(&self) -> bool {
        matches!(
            self,
            ErrorKind::TooLarge(_)
                | ErrorKind::TooDeep(_)
                | ErrorKind::TooManyNodes(_)
                | ErrorKind::StringTooLong(_)
                | ErrorKind::NameTooLong(_)
        )
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::TooLarge(limit) => write!(f, "more than {limit} bytes"),
            ErrorKind::TooDeep(limit) => write!(f, "more than {limit} levels of nesting"),
            ErrorKind::TooManyNodes(limit) => write!(f, "more than {limit} values"),
            ErrorKind::StringTooLong(limit) => write!(f, "string of more than {limit} bytes"),
            ErrorKind::NameTooLong(field) => write!(f, "{field} is too long"),
            ErrorKind::NumberOutOfRange => f.write_str("number out of range"),
            ErrorKind::NotFinite(place) => write!(f, "{place} is not a finite number"),
            ErrorKind::NotUtf8 => f.write_str("invalid utf-8"),
            ErrorKind::Syntax(text) | ErrorKind::Message(text) => f.write_str(text),
            ErrorKind::UnknownKey(key) => write!(f, "unknown key \"{key}\""),
            ErrorKind::DuplicateKey(key) => write!(f, "duplicate key \"{key}\""),
            ErrorKind::MissingKey(key) => write!(f, "missing key \"{key}\""),
            ErrorKind::WrongType(field) => write!(f, "wrong type of {field}"),
            ErrorKind::UnknownTag { key, value } => write!(f, "unknown {key} \"{value}\""),
            ErrorKind::BadId(field) => write!(f, "{field} is nil or not a hyphenated uuid"),
            ErrorKind::BadTime => f.write_str(
                "timestamp is in a leap second, or not an rfc 3339 time in the years 0 to 9999",
            ),
            ErrorKind::BadName(field) => {
                write!(f, "{field} is empty or has a control character")
            }
            ErrorKind::BadHeader(error) => error.fmt(f),
            ErrorKind::ReservedKey => f.write_str("reserved key in a payload"),
        }
    }
}

/// The reason why an envelope could not be read, and the place.
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::Message;
/// use oxide_bus::codec::{Codec, ErrorKind};
///
/// let error = Codec::new().decode::<Message>(r#"{"id":"7"}"#).unwrap_err();
/// assert_eq!(error.kind(), &ErrorKind::BadId("id"));
/// assert_eq!(error.line(), 1);
/// assert!(error.to_string().starts_with("id is nil or not a hyphenated uuid"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    pub(super) kind: ErrorKind,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl DecodeError {
    /// Returns what is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Returns the line at which the reader noticed it, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the byte of that line at which the reader noticed it, counted from 1. A missing key is noticed at the
    /// end of its object.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Whether a [limit](crate::codec#limits) was exceeded, so that a codec with a larger one might read it.
    pub fn is_over_limit(&self) -> bool {
        self.kind.is_over_limit()
    }

    /// Builds an error at the byte with this offset.
    pub(super) fn at(text: &[u8], offset: usize, kind: ErrorKind) -> Self {
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

/// The reason why an envelope could not be written.
///
/// # Examples
///
/// ```
/// use oxide_bus::codec::ErrorKind;
/// use oxide_bus::kernel::{Command, Message};
/// use oxide_bus::Envelope;
///
/// let nameless = Envelope::new("", Message::Command(Command::Ping));
/// let error = nameless.to_json().unwrap_err();
/// assert_eq!(error.kind(), &ErrorKind::BadName("source"));
/// assert_eq!(error.to_string(), "source is empty or has a control character");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeError {
    kind: ErrorKind,
}

impl EncodeError {
    /// Returns what is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Whether a [limit](crate::codec#limits) was exceeded, so that a codec with a larger one might write it.
    pub fn is_over_limit(&self) -> bool {
        self.kind.is_over_limit()
    }
}

impl From<ErrorKind> for EncodeError {
    fn from(kind: ErrorKind) -> Self {
        EncodeError { kind }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Error for EncodeError {}

/// Returns a key or a tag in the form in which errors quote it: escaped and cut. Text from outside must not reach a
/// terminal raw, and must not fill a log.
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

/// Returns the text of an error of `serde_json` or of a message's own implementation: in one line, cut to a bounded
/// length, and without the place that `serde_json` appends.
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
