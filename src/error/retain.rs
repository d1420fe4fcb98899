//! Why something cannot be retained.

use std::error::Error;
use std::fmt;

use super::CLOSED;
use crate::retained::{MAX_RETAINED, MAX_RETAINED_PATTERNS};

/// Why [`Bus::retain`](crate::Bus::retain) retains nothing.
///
/// # Examples
///
/// ```
/// use oxide_bus::{MessageBus, RetainError};
///
/// let bus = MessageBus::new();
/// let error = bus.retain("event.>".parse()?, 0).unwrap_err();
/// assert_eq!(error, RetainError::Count(0));
/// # Ok::<(), oxide_bus::PatternError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetainError {
    /// The count is zero or above [`MAX_RETAINED`].
    Count(usize),
    /// Something is retained for [`MAX_RETAINED_PATTERNS`] patterns already.
    TooMany,
    /// The bus has closed.
    Closed,
}

impl fmt::Display for RetainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RetainError::Count(count) => {
                write!(f, "a count of {count} is not within 1..={MAX_RETAINED}")
            }
            RetainError::TooMany => {
                write!(f, "retaining for {MAX_RETAINED_PATTERNS} patterns already")
            }
            RetainError::Closed => f.write_str(CLOSED),
        }
    }
}

impl Error for RetainError {}
