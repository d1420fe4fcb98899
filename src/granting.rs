//! Granting and revoking, and publishing by a capability: what a bus offers of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::admission::{Admission, Pass, Revoked};
use crate::advisory::Advisory;
use crate::bus::Bus;
use crate::capability::Capability;
use crate::envelope::Envelope;
use crate::error::{GrantError, PublishError, RevokeError};
use crate::grant::Grant;
use crate::limit::Limit;
use crate::pause::{self, Step};
use crate::pending::Pending;
use crate::publisher::Publisher;
use crate::receipt::Receipt;
use crate::source::Source;
use crate::subject::Payload;

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
    /// # Cost
    ///
    /// It does not grow with the number of grants, also where as many are granted as may be; if some expire, with its
    /// logarithm.
    ///
    /// # Errors
    ///
    /// [`GrantError`] where a name is longer than 256 bytes or 65,536 capabilities are granted already (a
    /// [`BusBuilder`](crate::BusBuilder) sets other limits), a pattern is none, the patterns have more than
    /// [`MAX_PATTERNS_BYTES`](crate::limits::MAX_PATTERNS_BYTES) together, or a rate is zero.
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
        let (grants, board) = (&self.core.grants, &self.core.board);
        let (capability, scope) = (grant.capability.clone(), grant.scope());
        grants.tell_suppressed(board, &capability);
        grants.grant(grant, board)?;
        pause::at(Step::Changed);
        board.announce(|| Advisory::Granted { capability, scope });
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
    /// assert!(browser.publish(Command::Ping).is_ok());
    ///
    /// bus.revoke_capability(&navigate);
    /// assert!(!bus.is_granted(&navigate));
    /// assert!(browser.publish(Command::Ping).unwrap_err().is_denied());
    /// ```
    pub fn revoke_capability(&self, capability: &Capability) {
        self.revoke(capability);
    }

    pub(crate) fn revoke(&self, capability: &Capability) -> Option<(Arc<Admission>, Revoked)> {
        let (grants, board) = (&self.core.grants, &self.core.board);
        let revoked = grants.revoke(capability, board);
        pause::at(Step::Changed);
        grants.changes().record(board);
        grants.tell_suppressed(board, capability);
        let capability = capability.clone();
        board.announce(|| Advisory::Revoked { capability });
        revoked
    }

    /// The same. Who is let pass by what it was granted for before, and not in the queues when this returns, is counted.
    pub(crate) fn revoke_and_settle(
        &self,
        capability: &Capability,
    ) -> Option<(Arc<Admission>, Revoked)> {
        let revoked = self.revoke(capability);
        // Even if nothing is known of it: it may have been revoked and forgotten just now.
        self.core.supersede();
        revoked
    }

    /// Tells that a capability, which was noted to be drained, is.
    pub(crate) fn tell_drained(&self, capability: &Capability) {
        let (grants, board) = (&self.core.grants, &self.core.board);
        grants.changes().record(board);
        let capability = capability.clone();
        board.announce(|| Advisory::Drained { capability });
    }

    /// Revokes a capability as [`revoke_capability`](Bus::revoke_capability) does, and waits until
    /// whatever was admitted under it before is enqueued, or `timeout` is over. The time-out is for this waiting: what
    /// it runs of others, the `Drop` of payloads and the wakers of tasks, takes what it takes.
    ///
    /// After it nothing comes any more under that capability: what is in the queues is all. A publisher whose thread
    /// waits for room with a subscriber that loses nothing has not enqueued its envelope yet; a task that waits for
    /// it is not waited for, and will be refused. Who calls this in the midst of a publish of his own under the
    /// capability (in a payload's `subject` or `drop`) may wait for himself, until time is up.
    ///
    /// # Cost
    ///
    /// The next publish opens a new parcel, as after a subscribe, whether the capability is known or not; and tasks that
    /// have received all are woken. In return publishes that only append, nearly all, are not counted.
    ///
    /// # Panics
    ///
    /// If the `Drop` of a payload does that goes out of use with the parcel before; then it is revoked, and not waited
    /// for.
    ///
    /// # Errors
    ///
    /// [`RevokeError`] where that was not all over in time, or the capability was granted again
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
    /// # Ok::<(), oxide_bus::RevokeError>(())
    /// ```
    pub fn revoke_and_drain(
        &self,
        capability: &Capability,
        timeout: Duration,
    ) -> Result<(), RevokeError> {
        // A deadline beyond the clock's end is none.
        let deadline = Instant::now().checked_add(timeout);
        let Some((admission, revoked)) = self.revoke_and_settle(capability) else {
            return Ok(());
        };
        let note = || {
            (self.core.grants).note_drained(capability, &self.core.board);
        };
        admission.drained(revoked, deadline, note)?;
        self.tell_drained(capability);
        Ok(())
    }

    /// Whether a capability is granted now, and has not expired.
    pub fn is_granted(&self, capability: &Capability) -> bool {
        (self.core.grants.find(capability)).is_some_and(|admission| admission.is_granted())
    }

    /// How many publishes under a capability are on their way now, of those that do not get into the queues in one
    /// step.
    pub fn in_flight(&self, capability: &Capability) -> u64 {
        (self.core.grants.find(capability)).map_or(0, |admission| admission.inside())
    }
}

impl<M: Payload> Bus<M> {
    /// A handle that publishes as one source under one capability, and does nothing else.
    ///
    /// It may be made before the capability is granted; until then what it publishes is denied. One whose source
    /// or capability has a name of more than 256 bytes (a [`BusBuilder`](crate::BusBuilder::max_name) sets another
    /// limit) is [denied](crate::Denial::NameTooLong) whatever it publishes.
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
        let source = source.into();
        let grant = self.core.grants.handle(capability.into(), &source);
        Publisher::new(self.clone(), source, grant)
    }

    /// A handle that publishes as one source, for a part of the program that is trusted: it needs no capability.
    ///
    /// It is never denied, except by what it was [narrowed](Publisher::narrow) to, and cannot be revoked. It may
    /// [forward](Publisher::forward) for any source, and ask as often as the bus lets anybody ask. It stands in no grant
    /// and in no account of one: a module that is not trusted is given a [`publisher`](Bus::publisher).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::Bus;
    ///
    /// let bus = Bus::<f64>::new();
    /// let mut readings = bus.subscribe();
    /// let thermometer = bus.trusted_publisher("thermometer");
    /// thermometer.publish(21.5)?;
    /// assert_eq!(readings.recv()?.source, "thermometer");
    ///
    /// assert!(thermometer.is_granted());
    /// bus.close();
    /// assert!(!thermometer.is_granted());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trusted_publisher(&self, source: impl Into<Source>) -> Publisher<M> {
        Publisher::new(self.clone(), source.into(), self.core.grants.trusted())
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
        let mut pending = Some(envelope);
        let leave = |_: &_| self.core.grants.is_plain(capability);
        if let Some(receipt) = self.append_by_leave(&mut pending, || false, leave) {
            return Ok(receipt);
        }
        let envelope = Pending::take(&mut pending);
        let by_name = self.core.grants.by_name(capability);
        match by_name.enter(self, &envelope, &mut Pass::for_one()) {
            Ok(_inside) => self.place(envelope, Limit::Theirs),
            Err(cause) => Err(PublishError::caused(envelope, cause)),
        }
    }
}
