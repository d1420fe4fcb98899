//! The methods of `oxide-k`'s bus, for tasks.
//!
//! A program that comes from `oxide-k` finds the names it knows, and they are `async` as they were there.

use uuid::Uuid;

use super::{AsyncMessageBus, placing};
use crate::authority::admission::CachedVerdict;
use crate::authority::grant::GrantError;
use crate::bus::error::PublishError;
use crate::engine::pending::Pending;
use crate::engine::receipt::Receipt;
use crate::message::capability::Capability;
use crate::message::envelope::Envelope;
use crate::message::kernel::{Command, Event};
use crate::message::source::Source;

/// # The verbs of `oxide-k`
#[expect(
    clippy::unused_async,
    reason = "these are its verbs, and one may come to wait"
)]
impl AsyncMessageBus {
    /// Publishes an envelope if the capability is granted for it; see
    /// [`Bus::publish_with_capability`](crate::Bus::publish_with_capability).
    ///
    /// It waits as [`publish`](super::AsyncBus::publish) does. A publish that waits is not admitted yet: if the
    /// capability is revoked meanwhile, the envelope is handed back.
    ///
    /// # Errors
    ///
    /// As [`Bus::publish_with_capability`](crate::Bus::publish_with_capability).
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](super::AsyncBus::publish).
    pub async fn publish_with_capability(
        &self,
        envelope: Envelope,
        capability: &Capability,
    ) -> Result<Receipt, PublishError> {
        let mut verdict = CachedVerdict::default();
        let permits = |_: &_| self.core.grants.is_unrestricted(capability);
        let publish = |pending: &mut _, limit| {
            if let Some(receipt) = (self.core).append_if_permitted(pending, || false, permits) {
                return Ok(receipt);
            }
            let by_name = self.core.grants.by_name(capability);
            let _guard = by_name.enter(&self.core, Pending::first(pending), &mut verdict)?;
            Ok(self.core.publish(pending, limit)?)
        };
        placing::publish(envelope, publish).await
    }

    /// Grants a capability, without restrictions; see [`Bus::grant_capability`](crate::Bus::grant_capability).
    /// It does not wait.
    ///
    /// # Errors
    ///
    /// As [`Bus::grant`](crate::Bus::grant).
    pub async fn grant_capability(
        &self,
        capability: impl Into<Capability>,
    ) -> Result<(), GrantError> {
        self.as_sync().grant_capability(capability)
    }

    /// Revokes a capability for all its holders; see [`Bus::revoke_capability`](crate::Bus::revoke_capability).
    /// It does not wait.
    pub async fn revoke_capability(&self, capability: &Capability) {
        self.as_sync().revoke_capability(capability);
    }

    /// Publishes a command, and returns its envelope's id; see
    /// [`Bus::send_command`](crate::Bus::send_command).
    ///
    /// # Errors
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](super::AsyncBus::publish).
    pub async fn send_command(
        &self,
        source: impl Into<Source>,
        command: Command,
    ) -> Result<Uuid, PublishError> {
        Ok(self.send(source, command).await?.id())
    }

    /// Publishes an event, and returns its envelope's id; see
    /// [`Bus::emit_event`](crate::Bus::emit_event).
    ///
    /// # Errors
    ///
    /// As [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](super::AsyncBus::publish).
    pub async fn emit_event(
        &self,
        source: impl Into<Source>,
        event: Event,
    ) -> Result<Uuid, PublishError> {
        Ok(self.send(source, event).await?.id())
    }
}
