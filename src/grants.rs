//! Who may publish what: the capabilities of one bus, by name.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use foldhash::fast::RandomState;

use crate::admission::{Admission, Inside, Revoked, StillInside, Stripe};
use crate::advisory::{Advisory, Board};
use crate::bus::Bus;
use crate::capability::Capability;
use crate::denial::{Denial, Denials, Refusals};
use crate::envelope::Envelope;
use crate::error::{DrainError, GrantError, PublishError};
use crate::grant::Grant;
use crate::publisher::Publisher;
use crate::receipt::Receipt;
use crate::scope::Scope;
use crate::source::Source;
use crate::subject::Payload;
use crate::sync::{AtomicU64, Ordering};

/// How many capabilities may be granted at once, unless the bus was built with another limit.
pub(crate) const MAX_GRANTS: usize = 65_536;

/// How many bytes a name may have, unless the bus was built with another limit.
pub(crate) const MAX_NAME: usize = 256;

/// The capabilities of one bus: those that are granted, and those that some publisher holds.
///
/// A capability has one [`Admission`] for as long as either is true, so that revoking reaches every
/// publisher and granting again revives them; then it is forgotten, so that nothing grows with the
/// number of capabilities revoked.
#[derive(Debug)]
pub(crate) struct Grants {
    known: DashMap<Capability, Known, RandomState>,
    /// How many are granted.
    granted: AtomicU64,
    /// How many publishes were refused under any capability, known or not.
    denied: AtomicU64,
    /// Those under capabilities that nothing is known of.
    unknown: Refusals,
    limit: usize,
    name_bytes: usize,
}

/// Changed and read while the map's shard is locked.
#[derive(Debug)]
struct Known {
    admission: Arc<Admission>,
    is_granted: bool,
    /// How many [`GrantHandle`]s there are.
    handles: usize,
}

impl Known {
    fn new() -> Self {
        Known {
            admission: Arc::new(Admission::new()),
            is_granted: false,
            handles: 0,
        }
    }

    /// Whether nobody would miss it. Who is inside by its name would: who revokes it may have to wait
    /// for him.
    fn is_idle(&self) -> bool {
        !self.is_granted && self.handles == 0 && self.admission.inside() == 0
    }
}

impl Default for Grants {
    fn default() -> Self {
        Grants::new(MAX_GRANTS, MAX_NAME)
    }
}

impl Grants {
    pub(crate) fn new(limit: usize, name_bytes: usize) -> Self {
        Grants {
            known: DashMap::default(),
            granted: AtomicU64::new(0),
            denied: AtomicU64::new(0),
            unknown: Refusals::new(),
            limit,
            name_bytes,
        }
    }

    pub(crate) fn grant(&self, grant: Grant) -> Result<(), GrantError> {
        self.check_name(grant.capability.as_str())?;
        for source in grant.sources.iter().flatten() {
            self.check_name(source)?;
        }
        if matches!(grant.rate, Some((0, _) | (_, 0))) {
            return Err(GrantError::NoRate);
        }
        match self.known.entry(grant.capability.clone()) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                if !known.is_granted {
                    self.count_grant()?;
                    known.is_granted = true;
                }
                known.admission.grant(Scope::new(grant));
            }
            Entry::Vacant(unknown) => {
                self.count_grant()?;
                let known = Known {
                    is_granted: true,
                    ..Known::new()
                };
                known.admission.grant(Scope::new(grant));
                unknown.insert(known);
            }
        }
        Ok(())
    }

    fn check_name(&self, name: &str) -> Result<(), GrantError> {
        let (bytes, limit) = (name.len(), self.name_bytes);
        if bytes > limit {
            return Err(GrantError::NameTooLong { bytes, limit });
        }
        Ok(())
    }

    fn count_grant(&self) -> Result<(), GrantError> {
        let limit = self.limit;
        // Relaxed: the word stands for itself.
        let counted =
            (self.granted).fetch_update(Ordering::Relaxed, Ordering::Relaxed, |granted| {
                (granted < limit as u64).then_some(granted + 1)
            });
        counted.map(drop).map_err(|_| GrantError::TooMany { limit })
    }

    /// Revokes a capability. Returns what it takes to wait for whoever publishes under it; nothing if
    /// nothing is known of it.
    pub(crate) fn revoke(&self, capability: &Capability) -> Option<(Arc<Admission>, Revoked)> {
        let Entry::Occupied(mut entry) = self.known.entry(capability.clone()) else {
            return None;
        };
        let known = entry.get_mut();
        if known.is_granted {
            known.is_granted = false;
            self.granted.fetch_sub(1, Ordering::Relaxed); // as in `count_grant`
        }
        let admission = Arc::clone(&known.admission);
        let revoked = admission.revoke();
        if known.is_idle() {
            entry.remove();
        }
        Some((admission, revoked))
    }

    fn find(&self, capability: &Capability) -> Option<Arc<Admission>> {
        let known = self.known.get(capability)?;
        Some(Arc::clone(&known.admission))
    }

    /// A handle that answers for one capability without a look-up, granted or not.
    pub(crate) fn handle(self: &Arc<Self>, capability: Capability) -> GrantHandle {
        let mut known = (self.known.entry(capability.clone())).or_insert_with(Known::new);
        known.handles += 1;
        GrantHandle {
            admission: Arc::clone(&known.admission),
            capability,
            grants: Arc::clone(self),
        }
    }

    fn forget_if_idle(&self, capability: &Capability) {
        self.known.remove_if(capability, |_, known| known.is_idle());
    }

    /// Counts a publish that was refused, and tells of it. Never called under a lock, nor inside.
    fn refuse(
        &self,
        refusals: &Refusals,
        board: &Board,
        source: &Source,
        capability: &Capability,
        denial: Denial,
    ) {
        self.denied.fetch_add(1, Ordering::Relaxed); // a sum, and nothing depends on it
        refusals.count();
        board.tell_some(
            || refusals.is_told(),
            |suppressed| Advisory::Denied {
                source: source.clone(),
                capability: capability.clone(),
                denial,
                suppressed,
            },
        );
    }

    pub(crate) fn denials(&self) -> Denials {
        let by_capability = (self.known.iter())
            .map(|known| (known.key().clone(), known.admission.refusals().counted()))
            .filter(|(_, count)| *count > 0)
            .collect();
        // The total comes after the parts, so that it is not less than their sum.
        Denials::new(self.denied(), by_capability)
    }

    /// How many publishes were refused in all.
    pub(crate) fn denied(&self) -> u64 {
        self.denied.load(Ordering::Relaxed)
    }
}

/// A publisher's hold on its grant.
#[derive(Debug)]
pub(crate) struct GrantHandle {
    admission: Arc<Admission>,
    capability: Capability,
    grants: Arc<Grants>,
}

impl GrantHandle {
    pub(crate) fn admission(&self) -> &Admission {
        &self.admission
    }

    pub(crate) fn capability(&self) -> &Capability {
        &self.capability
    }

    /// Counts a publish that was refused, and tells of it.
    pub(crate) fn refuse(&self, board: &Board, source: &Source, denial: Denial) {
        let refusals = self.admission.refusals();
        (self.grants).refuse(refusals, board, source, &self.capability, denial);
    }
}

impl Drop for GrantHandle {
    fn drop(&mut self) {
        if let Entry::Occupied(mut known) = self.grants.known.entry(self.capability.clone()) {
            known.get_mut().handles -= 1;
            if known.get().is_idle() {
                known.remove();
            }
        }
    }
}

/// Who publishes by a capability's name: that keeps it known, if it is revoked meanwhile.
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
}

impl ByName<'_> {
    /// Lets an envelope pass; it counts as on its way until what is returned is dropped.
    pub(crate) fn enter<M: Payload>(
        &self,
        board: &Board,
        envelope: &Envelope<M>,
    ) -> Result<Inside<'_>, Denial> {
        let refuse = |refusals: &Refusals, denial| {
            let (source, capability) = (&envelope.source, self.capability);
            (self.grants).refuse(refusals, board, source, capability, denial);
            Err(denial)
        };
        let Some(admission) = &self.admission else {
            return refuse(&self.grants.unknown, Denial::Unknown);
        };
        let inside = admission.enter(Stripe::default());
        if !inside.is_plain() {
            let envelopes = std::slice::from_ref(envelope);
            if let Err(denial) = inside.ask(|scope| scope.admits(envelopes, None, &[])) {
                drop(inside); // who is told of it may run code of his own
                return refuse(admission.refusals(), denial);
            }
        }
        Ok(inside)
    }
}

impl Drop for ByName<'_> {
    fn drop(&mut self) {
        if (self.admission.as_ref()).is_some_and(|admission| !admission.is_granted()) {
            self.grants.forget_if_idle(self.capability);
        }
    }
}

impl From<StillInside> for DrainError {
    fn from(still: StillInside) -> Self {
        match still {
            StillInside::TimedOut(in_flight) => DrainError::TimedOut { in_flight },
            StillInside::GrantedAgain => DrainError::GrantedAgain,
        }
    }
}

impl<M> Bus<M> {
    /// Grants a capability, without restrictions. Publishers that hold it may publish from now on.
    ///
    /// What it was granted for before does not count any more. Beyond the
    /// [limits](Bus::grant) nothing is granted; [`grant`](Bus::grant) would say so.
    pub fn grant_capability(&self, capability: Capability) {
        let _beyond_limits = self.grant(Grant::new(capability));
    }

    /// Grants a capability for what the [`Grant`] says, and for nothing else: what it was granted for
    /// before is replaced at once. Nobody who publishes meanwhile is let pass by both together.
    ///
    /// # Errors
    ///
    /// [`GrantError`] where a name is longer than 256 bytes or 65,536 capabilities are granted already (a
    /// [`BusBuilder`](crate::BusBuilder) sets other limits), or a rate is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Denial, Envelope, Grant};
    ///
    /// let bus = Bus::<u32>::new();
    /// bus.grant(Grant::new("relay").sources(["north", "south"]))?;
    ///
    /// let relay = "relay".into();
    /// bus.publish_with_capability(Envelope::new("north", 1), &relay)?;
    /// let error = bus.publish_with_capability(Envelope::new("east", 2), &relay).unwrap_err();
    /// assert_eq!(error.denial(), Some(Denial::Source));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn grant(&self, grant: Grant) -> Result<(), GrantError> {
        let (capability, scope) = (grant.capability.clone(), grant.scope());
        self.core.grants.grant(grant)?;
        (self.core.board).tell(|| Advisory::Granted { capability, scope });
        Ok(())
    }

    /// Revokes a capability, for everybody who holds it.
    ///
    /// A barrier: a publish under it that begins after this has returned is refused. One that had
    /// begun may still be on its way to the queues; [`revoke_and_drain`](Bus::revoke_and_drain) waits
    /// for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Capability, Command, MessageBus};
    ///
    /// let bus = MessageBus::new();
    /// let navigate = Capability::new("browser:navigate");
    /// let browser = bus.publisher("browser", &navigate);
    /// bus.grant_capability(navigate.clone());
    /// assert!(browser.send_command(Command::Ping).is_ok());
    ///
    /// bus.revoke_capability(&navigate);
    /// assert!(!bus.is_granted(&navigate));
    /// assert!(browser.send_command(Command::Ping).unwrap_err().is_denied());
    /// ```
    pub fn revoke_capability(&self, capability: &Capability) {
        self.revoke(capability);
    }

    pub(crate) fn revoke(&self, capability: &Capability) -> Option<(Arc<Admission>, Revoked)> {
        let revoked = self.core.grants.revoke(capability);
        let capability = capability.clone();
        (self.core.board).tell(|| Advisory::Revoked { capability });
        revoked
    }

    /// Revokes a capability as [`revoke_capability`](Bus::revoke_capability) does, and waits until
    /// whatever was admitted under it before is enqueued, or `timeout` is over.
    ///
    /// After it nothing comes any more under that capability: what is in the queues is all. A
    /// publisher that waits for room with a subscriber that loses nothing has not enqueued its
    /// envelope yet. Who calls this in the midst of a publish of his own under the capability (in a
    /// payload's `subject` or `drop`) waits for himself, until time is up.
    ///
    /// # Errors
    ///
    /// [`DrainError`] where that was not all over in time, or the capability was granted again
    /// meanwhile.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::{Bus, Capability};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe();
    /// let count = Capability::new("count");
    /// bus.grant_capability(count.clone());
    /// let counter = bus.publisher("counter", &count);
    /// let counting = std::thread::spawn(move || (0..).take_while(|n| counter.publish(*n).is_ok()).count());
    ///
    /// bus.revoke_and_drain(&count, Duration::from_secs(1))?;
    /// let last = numbers.try_iter().count();
    /// counting.join().expect("it ends, because it is refused");
    /// assert!(numbers.is_empty(), "none came later");
    /// # let _ = last;
    /// # Ok::<(), oxide_bus::DrainError>(())
    /// ```
    pub fn revoke_and_drain(
        &self,
        capability: &Capability,
        timeout: Duration,
    ) -> Result<(), DrainError> {
        // A deadline beyond the clock's end is none.
        let deadline = Instant::now().checked_add(timeout);
        let Some((admission, revoked)) = self.revoke(capability) else {
            return Ok(());
        };
        Ok(admission.drained(revoked, deadline)?)
    }

    /// Whether a capability is granted now, and has not expired.
    pub fn is_granted(&self, capability: &Capability) -> bool {
        (self.core.grants.find(capability)).is_some_and(|admission| admission.is_granted())
    }

    /// How many publishes under a capability are on their way now.
    pub fn in_flight(&self, capability: &Capability) -> u64 {
        (self.core.grants.find(capability)).map_or(0, |admission| admission.inside())
    }
}

impl<M: Payload> Bus<M> {
    /// A handle that publishes as one source under one capability, and does nothing else.
    ///
    /// It may be made before the capability is granted; until then what it publishes is denied.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::Bus;
    ///
    /// let bus = Bus::<f64>::new();
    /// let mut readings = bus.subscribe();
    /// bus.grant_capability("sensor:report".into());
    /// let thermometer = bus.publisher("thermometer", "sensor:report");
    /// thermometer.publish(21.5)?;
    /// assert_eq!(readings.recv()?.source, "thermometer");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn publisher(
        &self,
        source: impl Into<Source>,
        capability: impl Into<Capability>,
    ) -> Publisher<M> {
        let grant = self.core.grants.handle(capability.into());
        Publisher::new(self.clone(), source.into(), grant)
    }

    /// Publishes an envelope if the capability is granted for it.
    ///
    /// # Errors
    ///
    /// [`PublishError::Denied`] where it is not, [`PublishError::Closed`] where the bus has closed;
    /// both hand the envelope back.
    ///
    /// # Panics
    ///
    /// As [`publish`](Bus::publish).
    ///
    /// # Cost
    ///
    /// A look-up in a sharded map more than [`publish`](Bus::publish), which takes a lock for
    /// reading; a [`Publisher`] does without.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Capability, Command, Envelope, Message, MessageBus};
    ///
    /// let bus = MessageBus::new();
    /// let navigate = Capability::new("browser:navigate");
    /// bus.grant_capability(navigate.clone());
    /// let envelope = Envelope::new("browser", Message::Command(Command::Ping));
    /// bus.publish_with_capability(envelope, &navigate)?;
    /// # Ok::<(), oxide_bus::PublishError>(())
    /// ```
    pub fn publish_with_capability(
        &self,
        envelope: Envelope<M>,
        capability: &Capability,
    ) -> Result<Receipt, PublishError<M>> {
        let by_name = self.core.grants.by_name(capability);
        match by_name.enter(&self.core.board, &envelope) {
            Ok(_inside) => self.publish(envelope),
            Err(denial) => Err(PublishError::denied(envelope, capability, denial)),
        }
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod tests;
