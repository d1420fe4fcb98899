//! Why a publish was refused.

use std::fmt;

/// Why a capability did not let an envelope pass.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Bus, Capability, Denial, PublishError};
///
/// let bus = Bus::<u32>::new();
/// let count = Capability::new("count");
/// let counter = bus.publisher("counter", &count);
/// assert_eq!(counter.publish(1).unwrap_err().denial(), Some(Denial::NotGranted));
///
/// bus.grant(&count)?;
/// bus.revoke(&count);
/// assert_eq!(counter.publish(1).unwrap_err().denial(), Some(Denial::Revoked));
/// # Ok::<(), oxide_bus::GrantError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Denial {
    /// It is not granted, and nothing is known of it. So is one that was revoked while no
    /// [`Publisher`](crate::Publisher) held it: nothing is kept of such.
    NotGranted,
    /// It was granted, and is revoked.
    Revoked,
    /// It was granted until a time that has passed. (Where others need its place among the
    /// [grants](crate::BusBuilder::max_grants), nothing is kept of one that no publisher holds.)
    Expired,
    /// It is granted for other subjects, or the publisher was
    /// [narrowed](crate::Publisher::narrow) to others.
    Subject,
    /// It is granted for some subjects, or the publisher was narrowed to some, and the payload
    /// [has none](crate::Payload::subject): no pattern lets it pass, not even `>`.
    NoSubject,
    /// It is granted for other sources, or the publisher may speak only for its own.
    Source,
    /// It is granted for other [headers](crate::Grant::headers).
    Header,
    /// The name of the capability or of the publisher is longer than the bus [takes](crate::BusBuilder::max_name):
    /// such a publisher never may.
    NameTooLong,
    /// It is granted without the right to [forward](crate::Grant::forwards).
    Forwarding,
    /// More was published under it than its [rate](crate::Grant::rate) allows.
    RateLimited,
}

impl Denial {
    /// What a text says of the capability.
    fn as_str(self) -> &'static str {
        match self {
            Denial::NotGranted => "is not granted",
            Denial::Revoked => "is revoked",
            Denial::Expired => "has expired",
            Denial::Subject => "does not cover the subject",
            Denial::NoSubject => "covers some subjects, and the payload has none",
            Denial::Source => "does not cover the source",
            Denial::Header => "does not cover a header",
            Denial::NameTooLong => "cannot be held under so long a name",
            Denial::Forwarding => "does not cover forwarding",
            Denial::RateLimited => "is over its rate limit",
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
