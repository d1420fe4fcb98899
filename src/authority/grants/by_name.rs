//! Publishing by the name of a capability: for the holder of a bus, which looks the name up at each publish.
//!
//! It is for programs that come from `oxide-k`, whose modules name their capability with each message. A
//! [publisher](crate::bus::publisher) is faster, because its handle spares the look-up.

use std::slice;
use std::sync::Arc;

use super::Grants;
use crate::authority::admission::{Admission, CachedVerdict, InFlight, Stripe};
use crate::authority::refusals::Refusals;
use crate::authority::scope::{Cause, Objection, Origin};
use crate::engine::core::Core;
use crate::message::capability::Capability;
use crate::message::denial::Denial;
use crate::message::envelope::Envelope;
use crate::message::subject::Payload;

/// A capability that was looked up by name. It stays known while this exists, even if it is revoked meanwhile.
pub(crate) struct ByName<'a> {
    grants: &'a Grants,
    capability: &'a Capability,
    admission: Option<Arc<Admission>>,
}

impl Grants {
    pub(crate) fn by_name<'a>(&'a self, capability: &'a Capability) -> ByName<'a> {
        ByName {
            grants: self,
            capability,
            admission: self.find(capability),
        }
    }

    /// Whether a capability is granted without restrictions, for a publish that does not count as in flight; see
    /// [`Admission::is_unrestricted`].
    pub(crate) fn is_unrestricted(&self, capability: &Capability) -> bool {
        let known = self.known.get(capability);
        known.is_some_and(|known| known.admission.is_unrestricted(Stripe::default()))
    }
}

impl ByName<'_> {
    /// Lets an envelope pass. It counts as in flight until the guard is dropped.
    pub(crate) fn enter<M: Payload>(
        &self,
        core: &Core<M>,
        envelope: &Envelope<M>,
        verdict: &mut CachedVerdict,
    ) -> Result<InFlight<'_>, Cause> {
        let refuse = |refusals: &Refusals, denial| {
            let what = (&envelope.source, Some(envelope), self.capability);
            (self.grants).refuse(refusals, &core.notices, what, denial);
            Err(Cause::Denied(self.capability.clone(), denial))
        };
        let Some(admission) = &self.admission else {
            return refuse(&self.grants.unknown, Denial::NotGranted);
        };
        let outcome = admission.admit(
            Stripe::default(),
            verdict,
            slice::from_ref(envelope),
            (Origin::Presented, &[]),
            || core.measure(envelope),
        );
        match outcome {
            Ok(guard) => Ok(guard),
            Err(Objection::Refused(refusal)) => Err(refusal.into()),
            Err(Objection::Denied { denial, .. }) => refuse(admission.refusals(), denial),
        }
    }
}

impl Drop for ByName<'_> {
    fn drop(&mut self) {
        let Some(admission) = &self.admission else {
            return;
        };
        if !admission.is_granted() {
            self.grants.forget_if_idle(self.capability);
            // Another thread may have forgotten it before this publish was refused.
            let known = self.grants.find(self.capability);
            if !known.is_some_and(|known| Arc::ptr_eq(&known, admission)) {
                self.grants.forget(admission);
            }
        }
    }
}
