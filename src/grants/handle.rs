//! A publisher's hold on its grant, which needs no look-up.

use std::sync::Arc;

use dashmap::mapref::entry::Entry;

use super::{Grants, Known};
use crate::admission::{Admission, Asking};
use crate::advisory::Board;
use crate::capability::Capability;
use crate::denial::Denial;
use crate::envelope::Envelope;
use crate::source::Source;
use crate::subject::Payload;

/// A publisher's hold on its grant.
#[derive(Debug)]
pub(crate) struct GrantHandle {
    admission: Arc<Admission>,
    capability: Capability,
    grants: Arc<Grants>,
    /// Whether it counts in the map.
    is_known: bool,
}

impl Grants {
    /// A handle that answers for one capability without a look-up, granted or not.
    ///
    /// Who speaks by too long a name, or under one, gets one that nothing is ever granted to.
    pub(crate) fn handle(self: &Arc<Self>, capability: Capability, source: &str) -> GrantHandle {
        if source.len().max(capability.as_str().len()) > self.limits.name {
            return GrantHandle {
                admission: Arc::new(Admission::unnameable()),
                capability,
                grants: Arc::clone(self),
                is_known: false,
            };
        }
        let mut known = (self.known.entry(capability.clone())).or_insert_with(Known::new);
        known.handles += 1;
        GrantHandle {
            admission: Arc::clone(&known.admission),
            capability,
            grants: Arc::clone(self),
            is_known: true,
        }
    }
}

impl GrantHandle {
    pub(crate) fn admission(&self) -> &Admission {
        &self.admission
    }

    pub(crate) fn capability(&self) -> &Capability {
        &self.capability
    }

    /// Counts in one who asks, or says how many may be pending.
    pub(crate) fn ask(&self) -> Result<Asking<'_>, usize> {
        let limit = self.grants.limits.requests;
        self.admission.ask(limit as u64).ok_or(limit)
    }

    /// Counts a publish that was refused, and tells of it.
    pub(crate) fn refuse<M: Payload>(
        &self,
        board: &Board,
        source: &Source,
        envelope: Option<&Envelope<M>>,
        denial: Denial,
    ) {
        let refusals = self.admission.refusals();
        (self.grants).refuse(
            refusals,
            board,
            (source, envelope, &self.capability),
            denial,
        );
    }
}

impl Drop for GrantHandle {
    fn drop(&mut self) {
        if !self.is_known {
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
