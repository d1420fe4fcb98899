//! A grant: a capability, and what it is granted for.
//!
//! A user builds it, and the register takes it over when it takes effect. The tests are in `tests/library/grants.rs`,
//! and in `tests/library/threat_model.rs` for what a grant keeps a hostile module from doing.

mod error;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::message::capability::Capability;
use crate::message::headers::Headers;
use crate::message::pattern::{self, Pattern, PatternError};
use crate::message::source::Source;
use crate::support::clock;
use crate::support::name_list::quoted_list;

pub use self::error::{GrantError, RevokeError};

/// A capability, and what it is granted for: which subjects, sources and headers, until when, how often.
///
/// Every restriction that is set must hold. [Forwarding](Self::forwards) is a right that must be given. Where there is
/// neither, the capability's name is the whole grant: `bus.grant("log:write")`.
///
/// # Cost
///
/// A publish under a grant without restrictions pays for none. Patterns are compared one by one, until one matches:
/// eight of them make a publish some 40 to 70 ns longer, depending on the machine. An expiry or a rate reads the clock,
/// and makes it 60 to 120 ns longer. `cargo bench --bench authorize` prints these differences.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use oxide_bus::kernel::Command;
/// use oxide_bus::{Denial, Grant, MessageBus};
///
/// let bus = MessageBus::new();
/// bus.grant(
///     Grant::new("log:write")
///         .pattern("event.custom.logger.*")
///         .expires_in(Duration::from_secs(3600))
///         .rate(1_000, 50),
/// )?;
///
/// let logger = bus.publisher("logger", "log:write");
/// let stop = Command::Stop { module_id: "browser".into() };
/// assert_eq!(logger.publish(stop).unwrap_err().denial(), Some(Denial::Subject));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is granted until it is given to `Bus::grant`"]
pub struct Grant {
    pub(crate) capability: Capability,
    pub(crate) patterns: Option<Vec<Pattern>>,
    pub(crate) sources: Option<Vec<Source>>,
    pub(crate) headers: Option<Vec<Box<str>>>,
    pub(crate) expires: Option<Instant>,
    /// How many a second, and how many at once.
    pub(crate) rate: Option<(u32, u32)>,
    /// A right, not a restriction.
    pub(crate) forwards: bool,
    /// The error of the first text that is not a valid pattern.
    pub(crate) bad_pattern: Option<PatternError>,
}

impl Grant {
    /// Grants this capability, without restrictions.
    pub fn new(capability: impl Into<Capability>) -> Self {
        Grant {
            capability: capability.into(),
            patterns: None,
            sources: None,
            headers: None,
            expires: None,
            rate: None,
            forwards: false,
            bad_pattern: None,
        }
    }

    /// Restricts the grant to subjects that this pattern matches. Called again, adds another: one that matches is
    /// enough.
    ///
    /// If a text is not a valid pattern, granting fails with [`Pattern`](crate::GrantError::Pattern). No pattern
    /// matches a payload without a subject: that is refused as [`NoSubject`](crate::Denial::NoSubject). All patterns
    /// together have up to [`MAX_PATTERNS_BYTES`](crate::limits::MAX_PATTERNS_BYTES).
    pub fn pattern<P>(self, pattern: P) -> Self
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        self.patterns([pattern])
    }

    /// Restricts the grant to subjects that one of these patterns matches: [`pattern`](Self::pattern) for each.
    ///
    /// An empty list (`[""; 0]`) lets nothing pass, unless there are other patterns.
    pub fn patterns<P>(mut self, patterns: impl IntoIterator<Item = P>) -> Self
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        let known = self.patterns.get_or_insert_default();
        match pattern::read(patterns) {
            Ok(patterns) => known.extend(patterns),
            Err(error) => {
                self.bad_pattern.get_or_insert(error);
            }
        }
        self
    }

    /// Restricts the grant to this source. Called again, adds another.
    ///
    /// This also widens what a publisher may [forward](Self::forwards): envelopes of these sources. Without it a
    /// publisher may forward only envelopes of its own source.
    pub fn source(self, source: impl Into<Source>) -> Self {
        self.sources([source])
    }

    /// Restricts the grant to these sources: [`source`](Self::source) for each. An empty list lets nothing pass, unless
    /// there are other sources.
    pub fn sources<S: Into<Source>>(mut self, sources: impl IntoIterator<Item = S>) -> Self {
        (self.sources.get_or_insert_default()).extend(sources.into_iter().map(Into::into));
        self
    }

    /// Restricts the grant to envelopes with these headers only. Called again, adds more. An empty list allows no
    /// headers.
    ///
    /// An envelope with another header is refused as [`Header`](crate::Denial::Header), even if it is forwarded. A name
    /// that no [header](crate::Headers) can have allows nothing. The [trace context](crate::BusBuilder::trace_context)
    /// that the bus adds to an envelope need not be listed; one that the publisher sets itself must be.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Denial, Draft, Grant};
    ///
    /// let bus = Bus::<u32>::new();
    /// bus.grant(Grant::new("count").headers(["tenant"]))?;
    /// let counter = bus.publisher("counter", "count");
    /// counter.publish(Draft::new(1).with_header("tenant", "north")?)?;
    /// let error = counter.publish(Draft::new(2).with_header("role", "admin")?).unwrap_err();
    /// assert_eq!(error.denial(), Some(Denial::Header));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn headers<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let names = (names.into_iter())
            .filter(|name| Headers::is_name(name.as_ref()))
            .map(|name| name.as_ref().into());
        self.headers.get_or_insert_default().extend(names);
        self
    }

    /// Grants it until this time. From then on publishes under it are refused.
    pub fn expires_at(mut self, time: Instant) -> Self {
        self.expires = Some(time);
        self
    }

    /// Grants it for this long, from this call on. A time beyond the end of the clock is for good.
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.expires = clock::now().checked_add(time);
        self
    }

    /// Limits the rate to `per_second` envelopes a second, and up to `burst` at once after a pause.
    ///
    /// All publishers under the capability share this allowance, and it begins full. An envelope that is let pass
    /// counts, even if there is no room for it, as [`try_publish`](crate::Publisher::try_publish) may find. So
    /// publishes that then wait for room may arrive together. Envelopes are spaced by whole nanoseconds, rounded up, so
    /// a rate far above a million a second allows a little less.
    pub fn rate(mut self, per_second: u32, burst: u32) -> Self {
        self.rate = Some((per_second, burst));
        self
    }

    /// Lets publishers [forward](crate::Publisher::forward) envelopes that were made elsewhere, within all
    /// restrictions.
    ///
    /// This is a right of its own, since a forwarded envelope keeps the id and the time that it came with. So a
    /// publisher that forwards may choose them and repeat an id. It may ask with the id of another publisher's request,
    /// which then is given the answer.
    pub fn forwards(mut self) -> Self {
        self.forwards = true;
        self
    }

    /// The restrictions and rights in words. None if there are neither.
    pub(crate) fn scope(&self) -> Option<Arc<str>> {
        let (patterns, sources) = (self.patterns.as_deref(), self.sources.as_deref());
        describe(
            patterns,
            sources,
            self.headers.as_deref(),
            self.expires,
            self.rate,
            self.forwards,
        )
    }
}

/// What a capability is granted for, in words. None if it is granted without restrictions.
pub(crate) fn describe(
    patterns: Option<&[Pattern]>,
    sources: Option<&[Source]>,
    headers: Option<&[Box<str>]>,
    expires: Option<Instant>,
    rate: Option<(u32, u32)>,
    forwards: bool,
) -> Option<Arc<str>> {
    let mut parts = Vec::new();
    if let Some(patterns) = patterns {
        parts.push(format!("subjects {}", quoted_list(patterns)));
    }
    if let Some(sources) = sources {
        parts.push(format!("sources {}", quoted_list(sources)));
    }
    if let Some(headers) = headers {
        parts.push(format!("headers {}", quoted_list(headers)));
    }
    if let Some(end) = expires {
        let left = end.saturating_duration_since(clock::now());
        parts.push(format!("for {left:?}"));
    }
    if let Some((per_second, burst)) = rate {
        parts.push(format!("{per_second} a second, {burst} at once"));
    }
    if forwards {
        parts.push("may forward".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join("; ").into())
}

/// The grant without restrictions.
impl From<Capability> for Grant {
    fn from(capability: Capability) -> Self {
        Grant::new(capability)
    }
}

/// The grant without restrictions.
impl From<&Capability> for Grant {
    fn from(capability: &Capability) -> Self {
        Grant::new(capability)
    }
}

/// The grant without restrictions.
impl From<&str> for Grant {
    fn from(capability: &str) -> Self {
        Grant::new(capability)
    }
}

/// The grant without restrictions.
impl From<String> for Grant {
    fn from(capability: String) -> Self {
        Grant::new(capability)
    }
}
