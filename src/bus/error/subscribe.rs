//! The error of subscribing.

use std::error::Error;
use std::fmt;

use super::CLOSED;
use crate::engine::core::Unlisted;
use crate::message::pattern::{MAX_PATTERNS_BYTES, PatternError};
use crate::queue::terms::MAX_CAPACITY;

/// Why a subscription was not made.
///
/// # Examples
///
/// ```
/// use oxide_bus::{MessageBus, SubscribeError, SubscribeOptions};
///
/// let bus = MessageBus::new();
/// bus.close();
/// let error = bus.subscribe_with(SubscribeOptions::new()).unwrap_err();
/// assert_eq!(error, SubscribeError::Closed);
/// assert_eq!(error.to_string(), "the bus is closed");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The capacity is zero or above [`MAX_CAPACITY`].
    CapacityOutOfRange(usize),
    /// A text is not a pattern.
    Pattern(PatternError),
    /// A name is too long: its own, that of its group, or that of a source that it listens to.
    NameTooLong {
        /// How many bytes it may have.
        limit: usize,
    },
    /// The patterns are longer together than [`MAX_PATTERNS_BYTES`].
    PatternsTooLong {
        /// How many bytes they have.
        bytes: usize,
    },
    /// The bus has closed.
    Closed,
    /// A group of that name has other terms.
    GroupMismatch {
        /// The term that differs: "capacity", "overflow policy" or "filter" (patterns, sources, predicates).
        term: &'static str,
    },
    /// Advisories were asked for with [`Overflow::Block`](crate::Overflow::Block).
    MayNotBlock,
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubscribeError::CapacityOutOfRange(capacity) => {
                write!(
                    f,
                    "a capacity of {capacity} is not within 1..={MAX_CAPACITY}"
                )
            }
            SubscribeError::Pattern(error) => fmt::Display::fmt(error, f),
            SubscribeError::NameTooLong { limit } => {
                write!(f, "a name is longer than {limit} bytes")
            }
            SubscribeError::PatternsTooLong { bytes } => write!(
                f,
                "patterns of {bytes} bytes together are longer than {MAX_PATTERNS_BYTES}"
            ),
            SubscribeError::Closed => f.write_str(CLOSED),
            SubscribeError::GroupMismatch { term } => {
                write!(f, "the group's members have agreed on another {term}")
            }
            SubscribeError::MayNotBlock => f.write_str("the bus does not wait for who watches it"),
        }
    }
}

impl Error for SubscribeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            SubscribeError::Pattern(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Unlisted> for SubscribeError {
    fn from(unlisted: Unlisted) -> Self {
        match unlisted {
            Unlisted::Closed => SubscribeError::Closed,
            Unlisted::GroupMismatch { term } => SubscribeError::GroupMismatch { term },
        }
    }
}
