//! The check of what a publisher publishes.
//!
//! Most publishes are [appended by permission](crate::engine::core) without being counted. Where that is not possible,
//! the publisher takes an in-flight guard and checks again, so that revoking can wait for it.

use std::slice;

use super::Publisher;
use crate::authority::admission::{CachedVerdict, InFlight};
use crate::authority::scope::{Cause, Objection, Origin};
use crate::bus::error::PublishError;
use crate::codec;
use crate::engine::attempt::Limit;
use crate::engine::core::Batching;
use crate::engine::pending::Pending;
use crate::engine::receipt::Receipt;
use crate::engine::refusal::Refusal;
#[cfg(feature = "link")]
use crate::message::denial::Denial;
use crate::message::envelope::Envelope;
use crate::message::subject::Payload;

impl<M: Payload> Publisher<M> {
    /// Publishes an envelope that this publisher has stamped.
    #[inline]
    pub(crate) fn publish_stamped(
        &self,
        envelope: Envelope<M>,
        limit: Limit,
    ) -> Result<Receipt, PublishError<M>> {
        self.publish_checked(envelope, Origin::Made, limit)
    }

    /// The origin of the envelopes that this publisher forwards.
    #[inline]
    pub(crate) fn forwarded(&self) -> Origin<'_> {
        match self.capability() {
            Some(_) => Origin::Forwarded(&self.source),
            None => Origin::Presented,
        }
    }

    /// The origin of the envelopes that a link brings for this publisher.
    #[cfg(feature = "link")]
    pub(crate) fn linked(&self) -> Origin<'_> {
        match self.capability() {
            Some(_) => Origin::Linked(&self.source),
            None => Origin::Presented,
        }
    }

    /// Counts and reports that a link does not bring an envelope, as if the grant had refused it.
    #[cfg(feature = "link")]
    pub(crate) fn deny_linked(&self, envelope: &Envelope<M>, denial: Denial) {
        (self.grant).refuse(&self.bus.core.notices, &self.source, Some(envelope), denial);
    }

    #[inline]
    pub(super) fn publish_checked(
        &self,
        envelope: Envelope<M>,
        origin: Origin<'_>,
        limit: Limit,
    ) -> Result<Receipt, PublishError<M>> {
        let (mut pending, mut verdict) = (Some(envelope), CachedVerdict::default());
        match self.append(&mut pending, origin, &mut verdict) {
            Ok(receipt) => Ok(receipt),
            Err(objection) => {
                let envelope = Pending::take(&mut pending);
                self.place(envelope, origin, limit, &mut verdict, objection)
            }
        }
    }

    /// Publishes an envelope if it may pass and appending is all that there is to do. Otherwise leaves the envelope in
    /// `pending` and returns the objection, if there is one.
    #[inline]
    pub(crate) fn append(
        &self,
        pending: &mut Option<Envelope<M>>,
        origin: Origin<'_>,
        verdict: &mut CachedVerdict,
    ) -> Result<Receipt, Option<Objection>> {
        let mut objection = None;
        let is_unrestricted =
            || self.needs_no_scope(origin) && self.grant.admission().is_unrestricted(self.stripe);
        let permits = |envelope: &_| {
            objection = self.check_scope(envelope, origin, verdict).err();
            objection.is_none()
        };
        match self
            .bus
            .core
            .append_if_permitted(pending, is_unrestricted, permits)
        {
            Some(receipt) => Ok(receipt),
            None => Err(objection),
        }
    }

    /// Whether a grant without restrictions is enough.
    #[inline]
    fn needs_no_scope(&self, origin: Origin<'_>) -> bool {
        matches!(origin, Origin::Made) && self.narrowed().is_empty()
    }

    /// Checks an envelope against the scope of the grant. Not inlined: most publishes need no such check.
    #[inline(never)]
    fn check_scope(
        &self,
        envelope: &Envelope<M>,
        origin: Origin<'_>,
        verdict: &mut CachedVerdict,
    ) -> Result<(), Objection> {
        self.grant.admission().check_scope(verdict, false, |scope| {
            scope.admits(slice::from_ref(envelope), origin, self.narrowed())?;
            check(envelope, origin)?;
            Ok(scope.spend(1)?)
        })
    }

    /// Publishes an envelope that was not [appended](Self::append), if it may pass, under an in-flight guard.
    #[inline(never)]
    fn place(
        &self,
        envelope: Envelope<M>,
        origin: Origin<'_>,
        limit: Limit,
        verdict: &mut CachedVerdict,
        objection: Option<Objection>,
    ) -> Result<Receipt, PublishError<M>> {
        match self.enter_unless(objection, &envelope, origin, verdict) {
            Ok(_guard) => self.bus.place(envelope, limit),
            Err(cause) => Err(PublishError::caused(envelope, cause)),
        }
    }

    /// Checks an envelope that was not [appended](Self::append), unless there is an objection already.
    pub(crate) fn enter_unless(
        &self,
        objection: Option<Objection>,
        envelope: &Envelope<M>,
        origin: Origin<'_>,
        verdict: &mut CachedVerdict,
    ) -> Result<InFlight<'_>, Cause> {
        let envelopes = slice::from_ref(envelope);
        match objection {
            None => self.enter(envelopes, origin, verdict),
            Some(objection) => Err(self.objected(envelopes, objection)),
        }
    }

    /// Publishes the rest of a batch, up to the first refusal.
    pub(crate) fn place_all(
        &self,
        batching: &mut Batching<M>,
        limit: Limit,
        verdict: &mut CachedVerdict,
    ) -> Result<(), Cause> {
        if batching.left().is_empty() {
            return Ok(()); // there is nothing to refuse
        }
        let guard = self.enter(batching.left(), Origin::Made, verdict)?;
        let core = &self.bus.core;
        let outcome = core.place_all(batching, limit, || guard.goes_on().map_err(Objection::from));
        drop(guard); // reporting a refusal may run user code
        outcome.map_err(|objection| self.objected(batching.left(), objection))
    }

    /// Checks envelopes, all or none. They count as in flight until the returned guard is dropped.
    fn enter(
        &self,
        envelopes: &[Envelope<M>],
        origin: Origin<'_>,
        verdict: &mut CachedVerdict,
    ) -> Result<InFlight<'_>, Cause> {
        let measure = || {
            envelopes.iter().try_for_each(|it| {
                check(it, origin)?;
                self.bus.core.measure(it)
            })
        };
        let by = (origin, self.narrowed());
        let admission = self.grant.admission();
        let outcome = admission.admit(self.stripe, verdict, envelopes, by, measure);
        outcome.map_err(|objection| self.objected(envelopes, objection))
    }

    /// Turns an objection into the cause of the refusal. A denial is counted and reported as an advisory.
    #[inline]
    fn objected(&self, envelopes: &[Envelope<M>], objection: Objection) -> Cause {
        match objection {
            Objection::Refused(refusal) => refusal.into(),
            Objection::Denied { denial, at } => {
                let envelope = envelopes.get(at);
                (self.grant).refuse(&self.bus.core.notices, &self.source, envelope, denial);
                Cause::Denied(self.grant.name().clone(), denial)
            }
        }
    }
}

/// Whether some codec can write the envelope. What this publisher stamps is known to be writable.
#[inline]
fn check<M>(envelope: &Envelope<M>, origin: Origin<'_>) -> Result<(), Refusal> {
    if matches!(origin, Origin::Made) && envelope.correlation_id.is_none() {
        return Ok(());
    }
    codec::check(envelope).map_err(|kind| Refusal::Unwritable(Box::new(kind.into())))
}
