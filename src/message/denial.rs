//! The reason why a publish was refused.
//!
//! Errors, advisories, statistics and the audit log share it, so it stands apart from the authority that decides.

use std::fmt;

/// The reason why a capability did not let an envelope pass.
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
    /// The capability is not granted, and the bus knows nothing of it. A capability that was revoked while no
    /// [`Publisher`](crate::Publisher) held it counts as such, since the bus keeps nothing of it.
    NotGranted,
    /// The capability was granted, and is revoked.
    Revoked,
    /// The capability was granted until a time that has passed. (If no publisher holds it and others need its place
    /// among the [grants](crate::BusBuilder::max_grants), the bus keeps nothing of it.)
    Expired,
    /// The capability is granted for other subjects, or the publisher was [narrowed](crate::Publisher::narrow) to
    /// others.
    Subject,
    /// The capability is granted for some subjects, or the publisher was narrowed to some, and the payload
    /// [has no subject](crate::Payload::subject). No pattern lets such a payload pass, not even `>`.
    NoSubject,
    /// The capability is granted for other sources, or the publisher may speak only for its own source.
    Source,
    /// The capability is granted for other [headers](crate::Grant::headers).
    Header,
    /// The name of the capability or of the publisher is longer than the bus [accepts](crate::BusBuilder::max_name).
    /// Such a publisher is never allowed to publish.
    NameTooLong,
    /// The capability is granted without the right to [forward](crate::Grant::forwards).
    Forwarding,
    /// More was published under the capability than its [rate](crate::Grant::rate) allows.
    RateLimited,
}

impl Denial {
    /// Returns the predicate of a sentence about the capability.
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
