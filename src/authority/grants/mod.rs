//! The register of capabilities: which of them are granted on one bus, and what for, by name.
//!
//! It is the one place where capabilities are granted and revoked, so these changes have an order. It keeps promise 6,
//! and its part of promise 9: a revoked capability that nobody holds leaves nothing behind. The tests are in
//! `authority/tests/grants.rs`, `tests/library/revoking.rs` and `tests/library/bounded.rs`.

mod by_name;
mod changes;
mod expiries;
mod figures;
mod handle;

use std::sync::Arc;
use std::time::Instant;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use foldhash::fast::RandomState;

use crate::authority::admission::{Admission, Announced, Revoked, StillInFlight};
use crate::authority::grant::{Grant, GrantError, RevokeError};
use crate::authority::refusals::Refusals;
use crate::authority::scope::Scope;
use crate::engine::filter;
use crate::engine::notices::Notices;
use crate::message::advisory::Advisory;
use crate::message::capability::Capability;
use crate::message::denial::Denial;
use crate::message::envelope::Envelope;
use crate::message::excerpt;
use crate::message::pattern::MAX_PATTERNS_BYTES;
use crate::message::source::Source;
use crate::message::subject::Payload;
use crate::support::clock;
use crate::support::failpoints::{self, Step};
use crate::support::sync::{AtomicU64, Ordering};
use crate::support::wait_list::Waking;

use self::expiries::Expiries;

pub(crate) use self::changes::Changes;
pub use self::figures::GrantStats;
pub(crate) use self::handle::GrantHandle;

/// Limits of the register.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GrantLimits {
    /// Capabilities that are granted at once.
    pub(crate) grants: usize,
    /// Bytes of a name.
    pub(crate) name: usize,
    /// Requests that are pending under one capability.
    pub(crate) requests: usize,
}

impl Default for GrantLimits {
    fn default() -> Self {
        GrantLimits {
            grants: 65_536,
            name: 256,
            requests: 1_024,
        }
    }
}

/// The capabilities of one bus: those that are granted, and those that some publisher holds.
///
/// A capability has one [`Admission`] for as long as either is true. So revoking reaches every publisher, and granting
/// again revives them. After that it is forgotten, so that nothing grows with the number of capabilities revoked.
#[derive(Debug)]
pub(crate) struct Grants {
    known: DashMap<Capability, Known, RandomState>,
    /// How many are granted.
    granted: AtomicU64,
    expiries: Expiries,
    /// How many publishes were refused under any capability, known or not.
    denied: AtomicU64,
    /// Refusals under unknown capabilities.
    unknown: Refusals,
    limits: GrantLimits,
    changes: Changes,
    /// How threads that drain are woken.
    waking: Waking,
}

/// What is known of one capability. Changed and read while the map's shard is locked.
#[derive(Debug)]
struct Known {
    admission: Arc<Admission>,
    /// Whether it is granted, or is about to be.
    is_granted: bool,
    /// When it expires. None if it never does, or is not granted.
    expires: Option<Instant>,
    /// How many [`GrantHandle`]s there are.
    handles: usize,
}

impl Known {
    fn new(waking: Waking) -> Self {
        Known {
            admission: Arc::new(Admission::new().waking(waking)),
            is_granted: false,
            expires: None,
            handles: 0,
        }
    }

    /// Whether nobody would miss it. A publish in flight by its name would: a revoke may have to wait for it.
    fn is_idle(&self) -> bool {
        !self.is_granted && self.handles == 0 && self.admission.in_flight() == 0
    }
}

impl Grants {
    pub(crate) fn new(limits: GrantLimits, waking: Waking) -> Self {
        Grants {
            known: DashMap::default(),
            granted: AtomicU64::new(0),
            expiries: Expiries::default(),
            denied: AtomicU64::new(0),
            unknown: Refusals::new(),
            limits,
            changes: Changes::default(),
            waking,
        }
    }

    pub(crate) fn grant(&self, grant: Grant, notices: &Notices) -> Result<(), GrantError> {
        self.check_name(grant.capability.as_str())?;
        for source in grant.sources.iter().flatten() {
            self.check_name(source)?;
        }
        if let Some(error) = &grant.bad_pattern {
            return Err(GrantError::Pattern(error.clone()));
        }
        let bytes = filter::bytes(grant.patterns.as_deref().unwrap_or_default());
        if bytes > MAX_PATTERNS_BYTES {
            return Err(GrantError::PatternsTooLong { bytes });
        }
        if matches!(grant.rate, Some((0, _) | (_, 0))) {
            return Err(GrantError::ZeroRate);
        }
        let (admission, announced) = self.announce(&grant, notices)?;
        failpoints::at(Step::Announced);
        // Before the grant counts, or what it lets pass could be recorded first. Under no lock, since this may wait.
        self.changes.record(notices);
        admission.grant(Scope::new(grant), announced);
        admission.drains().wake_all_after_fence(); // not while the map is locked: wakers are user code
        Ok(())
    }

    /// Announces a grant, if there is a place for it among all, and notes it in the order of the changes. It does not
    /// count yet.
    ///
    /// A capability that is granted already has its place. Another one may need the place of a grant that has expired.
    /// That one may lie in another shard, so this shard's lock is given back first.
    fn announce(
        &self,
        grant: &Grant,
        notices: &Notices,
    ) -> Result<(Arc<Admission>, Announced), GrantError> {
        loop {
            if let Some(announced) = self.announce_if_there_is_a_place(grant, notices) {
                return Ok(announced);
            }
            if !self.let_go_of_expired(clock::now()) {
                let limit = self.limits.grants;
                return Err(GrantError::TooMany { limit });
            }
        }
    }

    fn announce_if_there_is_a_place(
        &self,
        grant: &Grant,
        notices: &Notices,
    ) -> Option<(Arc<Admission>, Announced)> {
        let capability = &grant.capability;
        let note = || {
            let (capability, scope) = (capability.clone(), grant.scope());
            (self.changes).note(notices, || Advisory::Granted { capability, scope });
        };
        let entry = self.known.entry(capability.clone());
        let is_granted = matches!(&entry, Entry::Occupied(known) if known.get().is_granted);
        if !is_granted && !self.count_grant() {
            return None;
        }
        let mut known = entry.or_insert_with(|| Known::new(self.waking));
        known.is_granted = true;
        self.expire(capability, &mut known, grant.expires);
        let announced = known.admission.announce(note);
        Some((Arc::clone(&known.admission), announced))
    }

    /// Notes until when a capability is granted. To be called under its lock.
    fn expire(&self, capability: &Capability, known: &mut Known, expires: Option<Instant>) {
        (self.expiries).change(capability, known.expires, expires);
        known.expires = expires;
    }

    fn check_name(&self, name: &str) -> Result<(), GrantError> {
        let (bytes, limit) = (name.len(), self.limits.name);
        if bytes > limit {
            return Err(GrantError::NameTooLong { bytes, limit });
        }
        Ok(())
    }

    /// Counts one more grant, if there may be one.
    fn count_grant(&self) -> bool {
        let limit = self.limits.grants as u64;
        // Relaxed: nothing but the count is learned from the word.
        let counted =
            (self.granted).fetch_update(Ordering::Relaxed, Ordering::Relaxed, |granted| {
                (granted < limit).then_some(granted + 1)
            });
        counted.is_ok()
    }

    /// Gives back the place of a capability that is not granted any more. To be called under its lock.
    fn uncount_grant(&self, capability: &Capability, known: &mut Known) {
        if known.is_granted {
            known.is_granted = false;
            self.expire(capability, known, None);
            self.granted.fetch_sub(1, Ordering::Relaxed); // as in `count_grant`
        }
    }

    /// Gives back the place of one grant that has expired. False if none has.
    fn let_go_of_expired(&self, now: Instant) -> bool {
        let Some(capability) = self.expiries.first_by(now) else {
            return false;
        };
        if let Entry::Occupied(mut entry) = self.known.entry(capability) {
            let capability = entry.key().clone();
            let known = entry.get_mut();
            // Unless another thread was here first, or it was granted anew.
            if known.expires.is_some_and(|end| end <= now) {
                self.uncount_grant(&capability, known);
            }
            if known.is_idle() {
                self.forget(&entry.remove().admission);
            }
        }
        true
    }

    /// Revokes a capability. Returns what a drain needs to wait for publishes in flight, or none if the capability is
    /// not known.
    pub(crate) fn revoke(
        &self,
        capability: &Capability,
        notices: &Notices,
    ) -> Option<(Arc<Admission>, Revoked)> {
        let note = || {
            let capability = capability.clone();
            (self.changes).note(notices, || Advisory::Revoked { capability });
        };
        let mut entry = match self.known.entry(capability.clone()) {
            Entry::Occupied(entry) => entry,
            Entry::Vacant(_unknown) => {
                note();
                return None;
            }
        };
        let known = entry.get_mut();
        self.uncount_grant(capability, known);
        let admission = Arc::clone(&known.admission);
        let revoked = admission.revoke(note);
        if known.is_idle() {
            self.forget(&entry.remove().admission);
        }
        Some((admission, revoked))
    }

    /// Notes that nothing comes any more under a capability that was revoked.
    pub(crate) fn note_drained(&self, capability: &Capability, notices: &Notices) {
        let capability = capability.clone();
        (self.changes).note(notices, || Advisory::Drained { capability });
    }

    /// The grants and revokes that are to be recorded.
    pub(crate) fn changes(&self) -> &Changes {
        &self.changes
    }

    pub(crate) fn find(&self, capability: &Capability) -> Option<Arc<Admission>> {
        let known = self.known.get(capability)?;
        Some(Arc::clone(&known.admission))
    }

    pub(crate) fn max_name(&self) -> usize {
        self.limits.name
    }

    fn forget_if_idle(&self, capability: &Capability) {
        let forgotten = self.known.remove_if(capability, |_, known| known.is_idle());
        if let Some((_, known)) = forgotten {
            self.forget(&known.admission);
        }
    }

    /// Keeps the untold refusals of a capability that is forgotten: they are told with those of unknown capabilities.
    fn forget(&self, admission: &Admission) {
        (self.unknown).suppress(admission.refusals().take_suppressed());
    }

    /// Counts a publish that was refused, and tells of it: its source, its subject and the capability. Never called
    /// under a lock, nor while the publish counts as in flight.
    fn refuse<M: Payload>(
        &self,
        refusals: &Refusals,
        notices: &Notices,
        (source, envelope, capability): (&Source, Option<&Envelope<M>>, &Capability),
        denial: Denial,
    ) {
        self.denied.fetch_add(1, Ordering::Relaxed); // a sum: nothing depends on it
        refusals.count();
        if !notices.is_listened_to() {
            return;
        }
        let told = refusals.is_told();
        if told.is_none() && !notices.takes_each_denial() {
            return;
        }
        // The change that is the reason for the refusal comes before it.
        self.changes.record(notices);
        notices.tell_denied(told, |suppressed| Advisory::Denied {
            source: excerpt::source(source),
            claimed: excerpt::source(envelope.map_or(source, |envelope| &envelope.source)),
            subject: envelope.and_then(|envelope| excerpt::subject(&envelope.message)),
            capability: capability.clone(),
            denial,
            suppressed,
        });
    }

    /// Tells how many refusals under this capability were not told, before something else is told of it.
    pub(crate) fn tell_suppressed(&self, notices: &Notices, capability: &Capability) {
        let admission = self.find(capability);
        if let Some(count) = admission.map(|known| known.refusals().take_suppressed()) {
            tell_suppressed(notices, Some(capability.clone()), count);
        }
    }

    /// Like [`tell_suppressed`](Grants::tell_suppressed), for all capabilities.
    pub(crate) fn tell_all_suppressed(&self, notices: &Notices) {
        if !notices.is_listened_to() {
            return;
        }
        let mut suppressed: Vec<_> = (self.known.iter())
            .map(|known| {
                let count = known.admission.refusals().take_suppressed();
                (Some(known.key().clone()), count)
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        suppressed.sort_unstable();
        for (capability, count) in suppressed {
            tell_suppressed(notices, capability, count);
        }
        tell_suppressed(notices, None, self.unknown.take_suppressed());
    }

    /// How many publishes were refused in all.
    pub(crate) fn denied(&self) -> u64 {
        self.denied.load(Ordering::Relaxed)
    }
}

fn tell_suppressed(notices: &Notices, capability: Option<Capability>, count: u64) {
    if count > 0 {
        notices.tell(|| Advisory::Suppressed { capability, count });
    }
}

impl From<StillInFlight> for RevokeError {
    fn from(still: StillInFlight) -> Self {
        match still {
            StillInFlight::TimedOut(in_flight) => RevokeError::TimedOut { in_flight },
            StillInFlight::GrantedAgain => RevokeError::GrantedAgain,
        }
    }
}

#[cfg(all(test, not(oxide_loom)))]
#[path = "../tests/grants.rs"]
mod tests;
