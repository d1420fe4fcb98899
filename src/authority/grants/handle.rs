//! A grant handle: a publisher's hold on its grant, which spares it the look-up by name.
//!
//! All handles on one capability share its admission, so a revoke reaches every clone. The tests are in
//! `tests/library/publisher.rs` and `tests/library/revoking.rs`.

use std::sync::Arc;

use dashmap::mapref::entry::Entry;

use super::{Grants, Known};
use crate::authority::admission::{Admission, Asking};
use crate::authority::grant::Grant;
use crate::authority::scope::Scope;
use crate::engine::notices::Notices;
use crate::message::capability::Capability;
use crate::message::denial::Denial;
use crate::message::envelope::Envelope;
use crate::message::source::Source;
use crate::message::subject::Payload;

/// A publisher's hold on its grant.
#[derive(Debug)]
pub(crate) struct GrantHandle {
    admission: Arc<Admission>,
    capability: Capability,
    grants: Arc<Grants>,
    hold: Hold,
}

/// What holds a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// The map of capabilities, where the handle counts.
    Known,
    /// Nothing: the name is too long.
    Unnameable,
    /// The handle itself: the owner of the bus trusts its holder. The capability has no name.
    Trusted,
}

impl Grants {
    /// A handle for one capability, granted or not, that needs no look-up.
    ///
    /// If the name of the capability or of the source is too long, nothing is ever granted to the handle.
    pub(crate) fn handle(self: &Arc<Self>, capability: Capability, source: &str) -> GrantHandle {
        if source.len().max(capability.as_str().len()) > self.limits.name {
            return GrantHandle {
                admission: Arc::new(Admission::unnameable()),
                capability,
                grants: Arc::clone(self),
                hold: Hold::Unnameable,
            };
        }
        let entry = self.known.entry(capability.clone());
        let mut known = entry.or_insert_with(|| Known::new(self.waking));
        known.handles += 1;
        GrantHandle {
            admission: Arc::clone(&known.admission),
            capability,
            grants: Arc::clone(self),
            hold: Hold::Known,
        }
    }

    /// A handle that lets everything pass, and that nobody can revoke.
    pub(crate) fn trusted(self: &Arc<Self>) -> GrantHandle {
        let capability = Capability::from("");
        let scope = Scope::new(Grant::new(&capability));
        GrantHandle {
            admission: Arc::new(Admission::granted_for(scope)),
            capability,
            grants: Arc::clone(self),
            hold: Hold::Trusted,
        }
    }
}

impl GrantHandle {
    pub(crate) fn admission(&self) -> &Admission {
        &self.admission
    }

    /// The capability. None if the handle needs none.
    pub(crate) fn capability(&self) -> Option<&Capability> {
        (self.hold != Hold::Trusted).then_some(&self.capability)
    }

    /// The capability as a refusal names it: empty if there is none.
    pub(crate) fn name(&self) -> &Capability {
        &self.capability
    }

    /// Counts a request as pending, or returns the limit of how many may be.
    pub(crate) fn ask(&self) -> Result<Asking, usize> {
        let limit = match self.hold {
            Hold::Trusted => usize::MAX,
            Hold::Known | Hold::Unnameable => self.grants.limits.requests,
        };
        self.admission.ask(limit as u64).ok_or(limit)
    }

    /// Counts a publish that was refused, and tells of it.
    pub(crate) fn refuse<M: Payload>(
        &self,
        notices: &Notices,
        source: &Source,
        envelope: Option<&Envelope<M>>,
        denial: Denial,
    ) {
        let refusals = match self.hold {
            Hold::Trusted => &self.grants.unknown,
            Hold::Known | Hold::Unnameable => self.admission.refusals(),
        };
        (self.grants).refuse(
            refusals,
            notices,
            (source, envelope, &self.capability),
            denial,
        );
    }
}

impl Drop for GrantHandle {
    fn drop(&mut self) {
        if self.hold != Hold::Known {
            self.grants.forget(&self.admission);
            return;
        }
        if let Entry::Occupied(mut known) = self.grants.known.entry(self.capability.clone()) {
            known.get_mut().handles -= 1;
            if known.get().is_idle() {
                self.grants.forget(&known.remove().admission);
            }
        }
    }
}
