//! Messages on the wire: written as the seed wrote them, read strictly.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::Limits;
use super::compact::{CompactCommand, CompactEvent, CompactMessage};
use super::reading::Reading;
use super::tagged::{Family, Tagged, Variant};
use super::value;
use crate::message::{Command, Event, Message};

/// An object with the tags `kind` and `type`, as the [module documentation](crate::codec) describes.
///
/// # Errors
///
/// Fails on a payload that nests deeper than any reader goes.
impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return CompactMessage::write(self)?.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        match self {
            Message::Command(command) => {
                map.serialize_entry("kind", Family::Command.name())?;
                write_command(command, &mut map)?;
            }
            Message::Event(event) => {
                map.serialize_entry("kind", Family::Event.name())?;
                write_event(event, &mut map)?;
            }
        }
        map.end()
    }
}

/// As in a [`Message`], without the tag `kind`.
impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return CompactCommand::write(self)?.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        write_command(self, &mut map)?;
        map.end()
    }
}

/// As in a [`Message`], without the tag `kind`.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return CompactEvent::write(self)?.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        write_event(self, &mut map)?;
        map.end()
    }
}

fn write_command<M: SerializeMap>(command: &Command, map: &mut M) -> Result<(), M::Error> {
    match command {
        Command::Start { module_id } => {
            map.serialize_entry("type", Variant::Start.name())?;
            map.serialize_entry("module_id", module_id)
        }
        Command::Stop { module_id } => {
            map.serialize_entry("type", Variant::Stop.name())?;
            map.serialize_entry("module_id", module_id)
        }
        Command::Invoke {
            module_id,
            method,
            payload,
        } => {
            map.serialize_entry("type", Variant::Invoke.name())?;
            map.serialize_entry("module_id", module_id)?;
            map.serialize_entry("method", method)?;
            write_payload(payload, map)
        }
        Command::Ping => map.serialize_entry("type", Variant::Ping.name()),
    }
}

fn write_event<M: SerializeMap>(event: &Event, map: &mut M) -> Result<(), M::Error> {
    match event {
        Event::ModuleStarted { module_id } => {
            map.serialize_entry("type", Variant::ModuleStarted.name())?;
            map.serialize_entry("module_id", module_id)
        }
        Event::ModuleStopped { module_id } => {
            map.serialize_entry("type", Variant::ModuleStopped.name())?;
            map.serialize_entry("module_id", module_id)
        }
        Event::Custom {
            module_id,
            kind,
            payload,
        } => {
            map.serialize_entry("type", Variant::Custom.name())?;
            map.serialize_entry("module_id", module_id)?;
            map.serialize_entry("custom_kind", kind)?;
            write_payload(payload, map)
        }
        Event::Pong { from } => {
            map.serialize_entry("type", Variant::Pong.name())?;
            map.serialize_entry("from", from)
        }
    }
}

fn write_payload<M: SerializeMap>(payload: &Value, map: &mut M) -> Result<(), M::Error> {
    value::check(payload, Limits::PAYLOAD_LEVEL, Limits::MAX_DEPTH).map_err(M::Error::custom)?;
    map.serialize_entry("payload", payload)
}

/// Strict: no unknown and no duplicate keys, at any depth.
impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return CompactMessage::deserialize(deserializer)?.read();
        }
        Tagged::message(&Reading::plain()).deserialize(deserializer)
    }
}

/// Strict, as for a [`Message`].
impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return CompactCommand::deserialize(deserializer)?.read();
        }
        match Tagged::alone(&Reading::plain()).deserialize(deserializer)? {
            Message::Command(command) => Ok(command),
            Message::Event(_) => Err(D::Error::custom("an event where a command belongs")),
        }
    }
}

/// Strict, as for a [`Message`]. The kind of a custom event may be called `kind` as well.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return CompactEvent::deserialize(deserializer)?.read();
        }
        match Tagged::alone(&Reading::plain()).deserialize(deserializer)? {
            Message::Event(event) => Ok(event),
            Message::Command(_) => Err(D::Error::custom("a command where an event belongs")),
        }
    }
}
