//! Authority on a bus: granting, revoking, making publishers, and publishing by a capability's name.
//!
//! The authority layer holds the rules; this module offers them on [`Bus`] and reports each change as an advisory.
//! Revoking is a [barrier](crate::docs::guarantees#6-revoking-is-a-barrier). The models in
//! `authority/tests/admission_loom_models.rs` show it.

use std::sync::Arc;
use std::time::Duration;

use crate::authority::admission::{Admission, CachedVerdict, Revoked};
use crate::authority::grant::{Grant, GrantError, RevokeError};
use crate::authority::grants::GrantStats;
use crate::bus::error::PublishError;
use crate::bus::handle::Bus;
use crate::bus::publisher::Publisher;
use crate::engine::attempt::Limit;
use crate::engine::pending::Pending;
use crate::engine::receipt::Receipt;
use crate::message::advisory::Advisory;
use crate::message::capability::Capability;
use crate::message::envelope::Envelope;
use crate::message::source::Source;
use crate::message::subject::Payload;
use crate::support::clock;
use crate::support::failpoints::{self, Step};

/// # Authority
impl<M> Bus<M> {
    /// Grants a capability: by name without restrictions, or by a [`Grant`] for what the grant says and nothing else.
    ///
    /// An earlier grant of the capability is replaced at once. No publish passes by parts of both grants.
    ///
    /// # Cost
    ///
    /// The cost does not grow with the number of grants, even at the limit. If some of them expire, it grows with the
    /// logarithm of their number.
    ///
    /// # Errors
    ///
    /// [`GrantError`] in these cases. A name is longer than 256 bytes, or 65,536 capabilities are granted already (a
    /// [`BusBuilder`](crate::BusBuilder) sets other limits). A text is not a pattern, or the patterns have more than
    /// [`MAX_PATTERNS_BYTES`](crate::limits::MAX_PATTERNS_BYTES) together. A rate is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Denial, Grant};
    ///
    /// let bus = Bus::<u32>::new();
    /// let (north, east) = (bus.publisher("north", "relay"), bus.publisher("east", "relay"));
    /// bus.grant("relay")?;
    /// east.publish(1)?;
    ///
    /// bus.grant(Grant::new("relay").sources(["north", "south"]))?;
    /// north.publish(2)?;
    /// assert_eq!(east.publish(3).unwrap_err().denial(), Some(Denial::Source));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn grant(&self, grant: impl Into<Grant>) -> Result<(), GrantError> {
        let grant = grant.into();
        let (grants, notices) = (&self.core.grants, &self.core.notices);
        let (capability, scope) = (grant.capability.clone(), grant.scope());
        grants.tell_suppressed(notices, &capability);
        grants.grant(grant, notices)?;
        failpoints::at(Step::Changed);
        notices.announce(|| Advisory::Granted { capability, scope });
        Ok(())
    }

    /// Revokes a capability for all its holders. Returns false if it was not granted or had expired.
    ///
    /// Revoking is a barrier: a publish under the capability that begins after this has returned is refused. A publish
    /// that began before may still be on its way to the queues; [`revoke_and_drain`](Bus::revoke_and_drain) waits for
    /// it.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::Bus;
    ///
    /// let bus = Bus::<f64>::new();
    /// bus.grant("sensor:report")?;
    /// let thermometer = bus.publisher("thermometer", "sensor:report");
    /// thermometer.publish(21.5)?;
    ///
    /// assert!(bus.revoke("sensor:report"));
    /// assert!(thermometer.publish(21.5).unwrap_err().is_denied());
    /// assert!(!bus.revoke("sensor:report"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn revoke(&self, capability: impl Into<Capability>) -> bool {
        let revoked = self.take_back(&capability.into());
        revoked.is_some_and(|(_, revoked)| revoked.was_granted)
    }

    /// Revokes a capability and reports that. Returns what is needed to wait for the publishes under it; `None` if the
    /// bus does not know the capability.
    fn take_back(&self, capability: &Capability) -> Option<(Arc<Admission>, Revoked)> {
        let (grants, notices) = (&self.core.grants, &self.core.notices);
        let revoked = grants.revoke(capability, notices);
        failpoints::at(Step::Changed);
        grants.changes().record(notices);
        grants.tell_suppressed(notices, capability);
        let capability = capability.clone();
        notices.announce(|| Advisory::Revoked { capability });
        revoked
    }

    /// Like [`take_back`](Self::take_back), and settles earlier publishes: when this returns, each one that the old
    /// grant let pass is in the queues or holds an in-flight guard.
    pub(crate) fn revoke_and_settle(
        &self,
        capability: &Capability,
    ) -> Option<(Arc<Admission>, Revoked)> {
        let revoked = self.take_back(capability);
        // This is needed even for an unknown capability: it may have been revoked and forgotten just now.
        self.core.retire_head();
        revoked
    }

    /// Reports that a capability is drained, after that was noted.
    pub(crate) fn tell_drained(&self, capability: &Capability) {
        let (grants, notices) = (&self.core.grants, &self.core.notices);
        grants.changes().record(notices);
        let capability = capability.clone();
        notices.announce(|| Advisory::Drained { capability });
    }

    /// Revokes a capability as [`revoke`](Bus::revoke) does, and waits until every publish that it admitted before is
    /// enqueued, or `timeout` is over.
    ///
    /// The time-out limits the waiting only. This call also runs other code, such as the `Drop` of payloads and the
    /// wakers of tasks, and that takes its own time.
    ///
    /// After this has returned `Ok`, nothing more comes under the capability: what is in the queues is all. A publisher
    /// whose thread waits for room with a subscriber that loses nothing has not enqueued its envelope yet, so it is
    /// waited for. A task that waits for room is not waited for, and will be refused. A caller that is itself in the
    /// middle of a publish under the capability (in a payload's `subject` or `drop`) may wait for itself until the time
    /// is up.
    ///
    /// # Cost
    ///
    /// The next publish opens a new segment, as after a subscribe, whether the capability is known or not. Tasks that
    /// have received everything are woken. In return, a publish that only appends is not counted, and nearly all do.
    ///
    /// # Panics
    ///
    /// If a payload of the segment before goes out of use and panics in its `Drop`. Then the capability is revoked, and
    /// nothing was waited for.
    ///
    /// # Errors
    ///
    /// [`RevokeError`] if publishes were still in flight at the time-out, or the capability was granted again
    /// meanwhile.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::Bus;
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe();
    /// bus.grant("count")?;
    /// let counter = bus.publisher("counter", "count");
    /// let counting = std::thread::spawn(move || (0..).take_while(|n| counter.publish(*n).is_ok()).count());
    ///
    /// bus.revoke_and_drain("count", Duration::from_secs(1))?;
    /// let last = numbers.try_iter().count();
    /// counting.join().expect("it ends, because it is refused");
    /// assert!(numbers.is_empty(), "none came later");
    /// # let _ = last;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn revoke_and_drain(
        &self,
        capability: impl Into<Capability>,
        timeout: Duration,
    ) -> Result<(), RevokeError> {
        let capability = &capability.into();
        // A deadline that the clock cannot hold counts as none.
        let deadline = clock::now().checked_add(timeout);
        let Some((admission, revoked)) = self.revoke_and_settle(capability) else {
            return Ok(());
        };
        let note = || {
            (self.core.grants).note_drained(capability, &self.core.notices);
        };
        admission.drained(revoked, deadline, note)?;
        self.tell_drained(capability);
        Ok(())
    }

    /// Whether a capability is granted now and has not expired.
    pub fn is_granted(&self, capability: impl Into<Capability>) -> bool {
        let admission = self.core.grants.find(&capability.into());
        admission.is_some_and(|admission| admission.is_granted())
    }

    /// Returns the capabilities that are granted, or that some publisher holds, by name. The bus keeps nothing of
    /// others. [`Stats::denied`](crate::Stats::denied) counts all publishes that were refused.
    ///
    /// # Cost
    ///
    /// Walks over the set of capabilities, and writes the restrictions of each in words.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Grant};
    ///
    /// let bus = Bus::<u32>::new();
    /// bus.grant(Grant::new("count").source("counter"))?;
    /// let stranger = bus.publisher("stranger", "count");
    /// assert!(stranger.publish(1).is_err());
    ///
    /// let count = &bus.grants()[0];
    /// assert_eq!(count.capability, "count");
    /// assert_eq!((count.granted, count.publishers, count.denied), (true, 1, 1));
    /// assert_eq!(count.scope.as_deref(), Some("sources `counter`"));
    /// # Ok::<(), oxide_bus::GrantError>(())
    /// ```
    pub fn grants(&self) -> Vec<GrantStats> {
        self.core.grants.stats()
    }
}

impl<M: Payload> Bus<M> {
    /// Makes a handle that publishes as one source under one capability, and does nothing else.
    ///
    /// It may be made before the capability is granted; until then, what it publishes is denied. If the source or the
    /// capability has a name of more than 256 bytes, everything it publishes is [denied](crate::Denial::NameTooLong).
    /// (A [`BusBuilder`](crate::BusBuilder::max_name) sets another limit.)
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::Bus;
    ///
    /// let bus = Bus::<f64>::new();
    /// let mut readings = bus.subscribe();
    /// bus.grant("sensor:report")?;
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

    /// Makes a handle that publishes as one source, for a part of the program that is trusted: it needs no capability.
    ///
    /// It cannot be revoked, and is never denied, except by what it was [narrowed](Publisher::narrow) to. It may
    /// [forward](Publisher::forward) for any source, and have as many requests pending as the bus allows. It appears in
    /// no grant and in no account of one. Give a module that is not trusted a [`publisher`](Bus::publisher) instead.
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

    /// Publishes an envelope if the capability of this name is granted for it.
    pub(crate) fn publish_by_name(
        &self,
        envelope: Envelope<M>,
        capability: &Capability,
    ) -> Result<Receipt, PublishError<M>> {
        let mut pending = Some(envelope);
        let permits = |_: &_| self.core.grants.is_unrestricted(capability);
        if let Some(receipt) = self
            .core
            .append_if_permitted(&mut pending, || false, permits)
        {
            return Ok(receipt);
        }
        let envelope = Pending::take(&mut pending);
        let by_name = self.core.grants.by_name(capability);
        match by_name.enter(&self.core, &envelope, &mut CachedVerdict::default()) {
            Ok(_guard) => self.place(envelope, Limit::Theirs),
            Err(cause) => Err(PublishError::caused(envelope, cause)),
        }
    }
}
