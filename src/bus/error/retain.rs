//! The error of retaining.

use std::error::Error;
use std::fmt;

use super::CLOSED;
use crate::message::pattern::PatternError;

/// Why [`Bus::retain`](crate::Bus::retain) retains nothing.
///
/// # Examples
///
/// ```
/// use oxide_bus::limits::MAX_RETAINED;
/// use oxide_bus::{MessageBus, RetainError};
///
/// let bus = MessageBus::new();
/// let error = bus.retain("event.>", MAX_RETAINED + 1).unwrap_err();
/// assert_eq!(error, RetainError::TooManyEnvelopes { limit: MAX_RETAINED });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetainError {
    /// The text is not a pattern.
    Pattern(PatternError),
    /// The count is above [`MAX_RETAINED`](crate::limits::MAX_RETAINED).
    TooManyEnvelopes {
        /// How many envelopes may be retained for one pattern.
        limit: usize,
    },
    /// There are rules for [`MAX_RETAINED_PATTERNS`](crate::limits::MAX_RETAINED_PATTERNS) patterns already.
    TooManyPatterns {
        /// How many patterns may have a rule.
        limit: usize,
    },
    /// The bus has closed.
    Closed,
}

impl fmt::Display for RetainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RetainError::Pattern(error) => fmt::Display::fmt(error, f),
            RetainError::TooManyEnvelopes { limit } => {
                write!(
                    f,
                    "no more than {limit} envelopes are retained for a pattern"
                )
            }
            RetainError::TooManyPatterns { limit } => {
                write!(f, "retaining for {limit} patterns already")
            }
            RetainError::Closed => f.write_str(CLOSED),
        }
    }
}

impl Error for RetainError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            RetainError::Pattern(error) => Some(error),
            _ => None,
        }
    }
}
