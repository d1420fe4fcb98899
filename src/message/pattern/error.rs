//! The error of a text that is not a valid pattern.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use super::{MAX_PATTERN_BYTES, MAX_PATTERN_TOKENS};
use crate::support::visible::escaped;

/// The most characters of the text that the error holds.
const SHOWN: usize = 64;

/// The reason why a text is not a [`Pattern`](crate::Pattern), and the place.
///
/// It shows the text with hidden characters escaped, cut after 64 characters.
///
/// # Examples
///
/// ```
/// use oxide_bus::Pattern;
///
/// let error = Pattern::try_from("event.sensor*").unwrap_err();
/// assert_eq!(error.offset(), 12);
/// assert!(error.to_string().starts_with("invalid pattern `event.sensor*` at byte 12: "));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError(Box<Details>);

/// The contents of the error. They are boxed, so that errors that hold a `PatternError` stay small.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Details {
    text: String,
    flaw: PatternFlaw,
}

/// The fault of a text, and the byte where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PatternFlaw {
    kind: FlawKind,
    offset: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlawKind {
    EmptyToken,
    NotAlone,
    RestNotLast,
    UnknownEscape,
    TooLong,
    TooManyTokens,
}

impl FlawKind {
    pub(super) fn at(self, offset: usize) -> PatternFlaw {
        PatternFlaw { kind: self, offset }
    }
}

impl PatternError {
    pub(super) fn new(text: &str, flaw: PatternFlaw) -> Self {
        let mut chars = text.chars();
        let mut shown = escaped(chars.by_ref().take(SHOWN));
        if chars.next().is_some() {
            shown.push('…');
        }
        PatternError(Box::new(Details { text: shown, flaw }))
    }

    /// Returns the byte of the text at which the fault begins, counted from 0.
    pub fn offset(&self) -> usize {
        self.0.flaw.offset
    }
}

/// Lets methods that take text as a pattern take a [`Pattern`](crate::Pattern) as well, whose conversion cannot fail.
impl From<Infallible> for PatternError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { text, flaw } = &*self.0;
        let PatternFlaw { kind, offset } = flaw;
        write!(f, "invalid pattern `{text}` at byte {offset}: ")?;
        f.write_str(match kind {
            FlawKind::EmptyToken => r"empty token (written `\e` where it is meant)",
            FlawKind::NotAlone => {
                r"`*`, `>` and `\e` must be whole tokens (`\*` and `\>` are literal)"
            }
            FlawKind::RestNotLast => "`>` must be the last token",
            FlawKind::UnknownEscape => {
                r"unknown escape (there are `\.`, `\*`, `\>`, `\\`, `\e` and `\u{hex}`)"
            }
            FlawKind::TooLong => {
                return write!(f, "a pattern has no more than {MAX_PATTERN_BYTES} bytes");
            }
            FlawKind::TooManyTokens => {
                return write!(f, "a pattern has no more than {MAX_PATTERN_TOKENS} tokens");
            }
        })
    }
}

impl Error for PatternError {}
