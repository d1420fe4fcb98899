//! The verbs of `oxide-k`'s bus, which a [`MessageBus`] keeps.
//!
//! A program that moves over from `oxide-k` finds them here. Each is one call of a verb that every [`Bus`](crate::Bus)
//! has.

use uuid::Uuid;

use crate::authority::grant::GrantError;
use crate::bus::error::PublishError;
use crate::bus::handle::MessageBus;
use crate::engine::receipt::Receipt;
use crate::message::capability::Capability;
use crate::message::envelope::Envelope;
use crate::message::kernel::{Command, Event};
use crate::message::source::Source;

/// # The verbs of `oxide-k`
impl MessageBus {
    /// Publishes a command and returns its envelope's id.
    ///
    /// # Errors
    ///
    /// As [`publish`](crate::Bus::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::Command;
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// let mut commands = bus.subscribe();
    /// let id = bus.send_command("kernel", Command::Stop { module_id: "echo".into() })?;
    /// assert_eq!(commands.recv()?.id, id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_command(
        &self,
        source: impl Into<Source>,
        command: Command,
    ) -> Result<Uuid, PublishError> {
        Ok(self.send(source, command)?.id())
    }

    /// Publishes an event and returns its envelope's id.
    ///
    /// # Errors
    ///
    /// As [`publish`](crate::Bus::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::Event;
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// let mut events = bus.subscribe();
    /// bus.emit_event("echo", Event::ModuleStarted { module_id: "echo".into() })?;
    /// assert_eq!(events.recv()?.source, "echo");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn emit_event(
        &self,
        source: impl Into<Source>,
        event: Event,
    ) -> Result<Uuid, PublishError> {
        Ok(self.send(source, event)?.id())
    }

    /// Publishes an envelope if the capability is granted for it.
    ///
    /// # Errors
    ///
    /// [`PublishError::Denied`] if the capability is not granted for the envelope, [`PublishError::Closed`] if the bus
    /// has closed. Both hand the envelope back.
    ///
    /// # Panics
    ///
    /// As [`publish`](crate::Bus::publish).
    ///
    /// # Cost
    ///
    /// A look-up in a sharded map more than [`publish`](crate::Bus::publish), which takes a lock for reading. A
    /// [`Publisher`](crate::Publisher) needs no look-up, and serves payloads of any type.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::{Command, Message};
    /// use oxide_bus::{Capability, Envelope, MessageBus};
    ///
    /// let bus = MessageBus::new();
    /// let navigate = Capability::new("browser:navigate");
    /// bus.grant(&navigate)?;
    /// let envelope = Envelope::new("browser", Message::Command(Command::Ping));
    /// bus.publish_with_capability(envelope, &navigate)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn publish_with_capability(
        &self,
        envelope: Envelope,
        capability: &Capability,
    ) -> Result<Receipt, PublishError> {
        self.publish_by_name(envelope, capability)
    }

    /// Grants a capability without restrictions, as [`grant`](crate::Bus::grant) does for a name.
    ///
    /// # Errors
    ///
    /// As [`grant`](crate::Bus::grant).
    pub fn grant_capability(&self, capability: impl Into<Capability>) -> Result<(), GrantError> {
        self.grant(capability.into())
    }

    /// Revokes a capability for all its holders, as [`revoke`](crate::Bus::revoke) does.
    pub fn revoke_capability(&self, capability: &Capability) {
        self.revoke(capability);
    }
}
