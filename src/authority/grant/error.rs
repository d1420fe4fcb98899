//! Errors of granting and revoking.
//!
//! Each names the limit or the name that was wrong, so that a caller can mend it.

use std::error::Error;
use std::fmt;

use crate::message::pattern::{MAX_PATTERNS_BYTES, PatternError};

/// Why a capability was not granted. What was granted before still is.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Grant, GrantError, MessageBus};
///
/// let bus = MessageBus::new();
/// let error = bus.grant(Grant::new("log:write").rate(0, 1)).unwrap_err();
/// assert_eq!(error, GrantError::ZeroRate);
/// assert_eq!(error.to_string(), "a rate or a burst of zero would let nothing pass");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantError {
    /// One of the patterns is not a valid pattern.
    Pattern(PatternError),
    /// As many capabilities are granted as are allowed.
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The name of the capability or of a source is too long.
    NameTooLong {
        /// How many bytes it has.
        bytes: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The patterns are longer together than [`MAX_PATTERNS_BYTES`].
    PatternsTooLong {
        /// How many bytes they have.
        bytes: usize,
    },
    /// The rate or the burst is zero.
    ZeroRate,
}

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GrantError::Pattern(error) => fmt::Display::fmt(error, f),
            GrantError::TooMany { limit } => {
                write!(f, "no more than {limit} capabilities may be granted")
            }
            GrantError::NameTooLong { bytes, limit } => {
                write!(f, "a name of {bytes} bytes is longer than {limit}")
            }
            GrantError::PatternsTooLong { bytes } => write!(
                f,
                "patterns of {bytes} bytes together are longer than {MAX_PATTERNS_BYTES}"
            ),
            GrantError::ZeroRate => f.write_str("a rate or a burst of zero would let nothing pass"),
        }
    }
}

impl Error for GrantError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            GrantError::Pattern(error) => Some(error),
            _ => None,
        }
    }
}

/// Why [`revoke_and_drain`](crate::Bus::revoke_and_drain) returned before every publish that was admitted under the
/// capability was enqueued. The capability is revoked all the same, unless it was granted again.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use oxide_bus::{Bus, Envelope, Overflow, RevokeError, SubscribeOptions};
///
/// let bus = Bus::<u32>::new();
/// let slow = SubscribeOptions::new().capacity(1).overflow(Overflow::Block);
/// let mut slow = bus.subscribe_with(slow)?;
/// bus.grant("count")?;
/// let counter = bus.publisher("counter", "count");
/// counter.publish(1)?;
///
/// let waits = std::thread::spawn(move || counter.publish(2)); // there is no room for it
/// # while bus.grants()[0].in_flight == 0 { std::thread::yield_now() }
/// let drained = bus.revoke_and_drain("count", Duration::from_millis(10));
/// assert_eq!(drained, Err(RevokeError::TimedOut { in_flight: 1 }));
/// slow.recv()?;
/// waits.join().expect("it has not panicked")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokeError {
    /// Time was up.
    TimedOut {
        /// How many publishes were still in flight.
        in_flight: u64,
    },
    /// It was granted again meanwhile, so there is no end to wait for.
    GrantedAgain,
}

impl fmt::Display for RevokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RevokeError::TimedOut { in_flight } => {
                write!(f, "{in_flight} publishes are still on their way")
            }
            RevokeError::GrantedAgain => f.write_str("the capability was granted again"),
        }
    }
}

impl Error for RevokeError {}
