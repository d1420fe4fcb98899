//! The error of a header that breaks a rule of [`Headers`].

use std::error::Error;
use std::fmt;

use super::Headers;

/// The rule of [`Headers`] that a header breaks.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Envelope, HeaderError};
///
/// let error = Envelope::new("kernel", 7).with_header("note", "two\nlines").unwrap_err();
/// assert_eq!(error, HeaderError::BadValue);
/// assert_eq!(error.to_string(), "value of a header has a control character");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name is empty, is longer than [`Headers::MAX_NAME`], or has a character that names may not have.
    BadName,
    /// The value has a control character.
    BadValue,
    /// There are [`Headers::MAX_LEN`] headers already.
    TooMany,
    /// All names and values together would have more bytes than [`Headers::MAX_BYTES`].
    TooLarge,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderError::BadName => f.write_str("not a name of a header"),
            HeaderError::BadValue => f.write_str("value of a header has a control character"),
            HeaderError::TooMany => write!(f, "more than {} headers", Headers::MAX_LEN),
            HeaderError::TooLarge => write!(f, "headers of more than {} bytes", Headers::MAX_BYTES),
        }
    }
}

impl Error for HeaderError {}
