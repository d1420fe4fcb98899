//! A scope: what a grant lets pass, compiled once and checked at each publish.
//!
//! Each publish under a restricted grant is checked against it, so the check allocates nothing. The tests are in
//! `tests/library/grants.rs`.

use std::sync::Arc;
use std::time::Instant;

use crate::authority::grant::{self, Grant};
use crate::engine::refusal::Refusal;
use crate::message::capability::Capability;
use crate::message::denial::Denial;
use crate::message::envelope::Envelope;
#[cfg(feature = "link")]
use crate::message::headers::LINK_ORIGIN;
use crate::message::pattern::Pattern;
use crate::message::source::Source;
use crate::message::subject::Payload;
use crate::message::trace_context::TRACEPARENT;
use crate::support::clock;
use crate::support::rate_limiter::Rate;

/// How an envelope comes to be checked against a grant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// A publisher has made it, under its own source.
    Made,
    /// A publisher of this source forwards it as it is.
    Forwarded(&'a Source),
    /// A link forwards it for a publisher of this source, and has set the header that names where it comes from.
    #[cfg(feature = "link")]
    Linked(&'a Source),
    /// The caller holds the bus and presents a capability's name, or is trusted by a holder of the bus.
    Presented,
}

impl<'a> Origin<'a> {
    /// The source of the publisher that forwards it, if one does.
    fn forwards_for(self) -> Option<&'a Source> {
        match self {
            Origin::Forwarded(own) => Some(own),
            #[cfg(feature = "link")]
            Origin::Linked(own) => Some(own),
            Origin::Made | Origin::Presented => None,
        }
    }

    /// Whether a publisher forwards it: then no grant lets it pass that does not say so.
    pub(crate) fn is_forwarded(self) -> bool {
        self.forwards_for().is_some()
    }

    /// Whether a link has set the header with this name, so that nobody needs permission for it.
    #[cfg(feature = "link")]
    fn has_set(self, header: &str) -> bool {
        matches!(self, Origin::Linked(_)) && header == LINK_ORIGIN
    }

    #[cfg(not(feature = "link"))]
    #[expect(clippy::unused_self, reason = "with links it looks")]
    fn has_set(self, _header: &str) -> bool {
        false
    }
}

/// Why envelopes do not pass.
#[derive(Debug)]
pub(crate) enum Objection {
    /// The envelope at this place is not allowed.
    Denied { denial: Denial, at: usize },
    /// The bus does not take one of them, whatever the permission.
    Refused(Refusal),
}

impl From<Denial> for Objection {
    fn from(denial: Denial) -> Self {
        Objection::Denied { denial, at: 0 }
    }
}

impl From<Refusal> for Objection {
    fn from(refusal: Refusal) -> Self {
        Objection::Refused(refusal)
    }
}

/// Why something was not published.
#[derive(Debug)]
pub(crate) enum Cause {
    Refused(Refusal),
    Denied(Capability, Denial),
}

impl From<Refusal> for Cause {
    fn from(refusal: Refusal) -> Self {
        Cause::Refused(refusal)
    }
}

#[derive(Debug)]
pub(crate) struct Scope {
    subjects: Option<Box<[Pattern]>>,
    /// Sorted.
    sources: Option<Box<[Source]>>,
    /// Sorted.
    headers: Option<Box<[Box<str>]>>,
    expires: Option<Instant>,
    rate: Option<Rate>,
    /// The allowance that the rate was made from: how many a second, and how many at once.
    allowance: Option<(u32, u32)>,
    forwards: bool,
}

impl Scope {
    pub(crate) fn new(grant: Grant) -> Self {
        let sources = grant.sources.map(|mut sources| {
            sources.sort_unstable();
            sources.into()
        });
        let headers = grant.headers.map(|mut headers| {
            headers.sort_unstable();
            headers.into()
        });
        let rate = |(per_second, burst)| Rate::new(clock::now(), per_second, burst);
        Scope {
            subjects: grant.patterns.map(Into::into),
            sources,
            headers,
            expires: grant.expires,
            rate: grant.rate.map(rate),
            allowance: grant.rate,
            forwards: grant.forwards,
        }
    }

    /// Whether it lets everything pass that a publisher makes, and nothing else.
    pub(crate) fn is_unrestricted(&self) -> bool {
        self.subjects.is_none()
            && self.sources.is_none()
            && self.headers.is_none()
            && self.expires.is_none()
            && self.rate.is_none()
            && !self.forwards
    }

    /// What it lets pass, in words. None if that is everything that a publisher makes.
    pub(crate) fn describe(&self) -> Option<Arc<str>> {
        let (subjects, sources) = (self.subjects.as_deref(), self.sources.as_deref());
        grant::describe(
            subjects,
            sources,
            self.headers.as_deref(),
            self.expires,
            self.allowance,
            self.forwards,
        )
    }

    pub(crate) fn has_expired(&self) -> bool {
        self.expires.is_some_and(|end| clock::now() >= end)
    }

    /// Whether all of these may pass, under the narrower scopes too. Does not ask the [rate](Scope::spend).
    pub(crate) fn admits<M: Payload>(
        &self,
        envelopes: &[Envelope<M>],
        origin: Origin<'_>,
        narrowed: &[Arc<[Pattern]>],
    ) -> Result<(), Objection> {
        if self.has_expired() {
            return Err(Denial::Expired.into());
        }
        if origin.is_forwarded() && !self.forwards {
            return Err(Denial::Forwarding.into());
        }
        for (at, envelope) in envelopes.iter().enumerate() {
            let denied = |denial| Err(Objection::Denied { denial, at });
            let speaks = match (&self.sources, origin.forwards_for()) {
                (Some(sources), _) => sources.binary_search(&envelope.source).is_ok(),
                (None, Some(own)) => *own == envelope.source,
                (None, None) => true,
            };
            if !speaks {
                return denied(Denial::Source);
            }
            if self.subjects.is_some() || !narrowed.is_empty() {
                let subject = envelope.message.subject();
                let tokens = subject.tokens();
                let matches = |any: &[Pattern]| any.iter().any(|it| it.matches_tokens(tokens));
                if !(self.subjects.as_deref().is_none_or(matches)
                    && narrowed.iter().all(|any| matches(any)))
                {
                    return denied(if tokens.is_empty() {
                        Denial::NoSubject
                    } else {
                        Denial::Subject
                    });
                }
            }
            if let Some(allowed) = &self.headers {
                // The bus has added this header itself, so nobody needs permission for it.
                let is_traced = envelope.is_traced && matches!(origin, Origin::Made);
                let is_allowed = |(name, _): (&str, &str)| {
                    allowed.binary_search_by(|it| (**it).cmp(name)).is_ok()
                        || is_traced && name == TRACEPARENT
                        || origin.has_set(name)
                };
                if !envelope.headers.iter().all(is_allowed) {
                    return denied(Denial::Header);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn has_rate(&self) -> bool {
        self.rate.is_some()
    }

    /// Takes `count` out of the rate's allowance, all or none. Called last, so that an envelope that is refused for
    /// another reason takes nothing.
    pub(crate) fn spend(&self, count: usize) -> Result<(), Denial> {
        match &self.rate {
            Some(rate) if !rate.admits(clock::now(), count) => Err(Denial::RateLimited),
            _ => Ok(()),
        }
    }
}
