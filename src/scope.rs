//! What a grant lets pass: compiled once, checked at each publish.

use std::time::Instant;

use crate::denial::Denial;
use crate::envelope::Envelope;
use crate::grant::Grant;
use crate::pattern::Pattern;
use crate::rate::Rate;
use crate::source::Source;
use crate::subject::Payload;

#[derive(Debug)]
pub(crate) struct Scope {
    subjects: Option<Box<[Pattern]>>,
    /// Sorted.
    sources: Option<Box<[Source]>>,
    expires: Option<Instant>,
    rate: Option<Rate>,
}

impl Scope {
    pub(crate) fn new(grant: Grant) -> Self {
        let sources = grant.sources.map(|mut sources| {
            sources.sort_unstable();
            sources.into()
        });
        let rate = |(per_second, burst)| Rate::new(Instant::now(), per_second, burst);
        Scope {
            subjects: grant.patterns.map(Into::into),
            sources,
            expires: grant.expires,
            rate: grant.rate.map(rate),
        }
    }

    /// Whether it lets everything pass.
    pub(crate) fn is_plain(&self) -> bool {
        self.subjects.is_none()
            && self.sources.is_none()
            && self.expires.is_none()
            && self.rate.is_none()
    }

    pub(crate) fn has_expired(&self) -> bool {
        self.expires.is_some_and(|end| Instant::now() >= end)
    }

    /// Whether these may pass, all of them, under the narrower scopes too. What is refused takes
    /// nothing out of the rate's allowance.
    ///
    /// `own` is whom the publisher speaks for if the grant names nobody.
    pub(crate) fn admits<M: Payload>(
        &self,
        envelopes: &[Envelope<M>],
        own: Option<&Source>,
        narrowed: &[Box<[Pattern]>],
    ) -> Result<(), Denial> {
        let now = (self.expires.is_some() || self.rate.is_some()).then(Instant::now);
        if self.expires.zip(now).is_some_and(|(end, now)| now >= end) {
            return Err(Denial::Expired);
        }
        for envelope in envelopes {
            let speaks = match (&self.sources, own) {
                (Some(sources), _) => sources.binary_search(&envelope.source).is_ok(),
                (None, Some(own)) => *own == envelope.source,
                (None, None) => true,
            };
            if !speaks {
                return Err(Denial::Source);
            }
            if self.subjects.is_some() || !narrowed.is_empty() {
                let subject = envelope.message.subject();
                let mut scopes = self.subjects.iter().chain(narrowed);
                if !scopes.all(|any| any.iter().any(|pattern| pattern.matches(&subject))) {
                    return Err(Denial::Subject);
                }
            }
        }
        match self.rate.as_ref().zip(now) {
            Some((rate, now)) if !rate.admits(now, envelopes.len()) => Err(Denial::RateLimited),
            _ => Ok(()),
        }
    }
}
