//! The error of changing a subscription's patterns.

use std::error::Error;
use std::fmt;

use crate::message::pattern::{MAX_PATTERN_SHAPES, MAX_PATTERNS, MAX_PATTERNS_BYTES, PatternError};

/// Why [`set_patterns`](crate::Subscription::set_patterns) changed nothing.
///
/// # Examples
///
/// ```
/// use oxide_bus::{MessageBus, SetPatternsError};
///
/// let bus = MessageBus::new();
/// let subscription = bus.subscribe();
/// let error = subscription.set_patterns(["event.>"]).unwrap_err();
/// assert_eq!(error, SetPatternsError::Unfiltered);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetPatternsError {
    /// A text is not a pattern.
    Pattern(PatternError),
    /// The subscription was made without a filter: no pattern, source or predicate.
    Unfiltered,
    /// The subscription is a member of a group, and the members have agreed on what they listen to.
    Grouped,
    /// The subscription was made [fixed](crate::SubscribeOptions::fixed).
    Fixed,
    /// There are more than [`MAX_PATTERNS`] patterns.
    TooMany,
    /// The patterns are longer together than [`MAX_PATTERNS_BYTES`].
    PatternsTooLong {
        /// How many bytes they have.
        bytes: usize,
    },
    /// The patterns place `*` in more than [`MAX_PATTERN_SHAPES`] ways.
    TooManyShapes,
    /// The bus has closed, or the subscription was closed or evicted.
    Ended,
}

impl fmt::Display for SetPatternsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetPatternsError::Pattern(error) => return fmt::Display::fmt(error, f),
            SetPatternsError::Unfiltered => "the subscription was made without a filter",
            SetPatternsError::Grouped => "the subscription is a member of a group",
            SetPatternsError::Fixed => "what the subscription listens to is fixed",
            SetPatternsError::TooMany => {
                return write!(f, "more than {MAX_PATTERNS} patterns");
            }
            SetPatternsError::PatternsTooLong { bytes } => {
                return write!(
                    f,
                    "patterns of {bytes} bytes together are longer than {MAX_PATTERNS_BYTES}"
                );
            }
            SetPatternsError::TooManyShapes => {
                return write!(f, "`*` in more than {MAX_PATTERN_SHAPES} arrangements");
            }
            SetPatternsError::Ended => "nothing is offered to the subscription any more",
        })
    }
}

impl Error for SetPatternsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            SetPatternsError::Pattern(error) => Some(error),
            _ => None,
        }
    }
}
