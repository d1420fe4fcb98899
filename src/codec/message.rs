//! The serde implementations of [`Message`], [`Command`] and [`Event`]: written as the seed wrote them, read strictly.
//!
//! So logs of the seed can be read, and the seed can read those of this crate. The tests are in
//! `tests/library/codec/written.rs` and `tests/library/codec/shapes.rs`.

use std::any::Any;
use std::cell::Cell;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::{Number, Value};

use super::compact::{CompactCommand, CompactEvent, CompactMessage};
use super::error::ErrorKind;
use super::limits::Limits;
use super::name::check_length;
use super::reading::Reading;
use super::tagged::{Tagged, Variant};
use super::value;
use crate::message::kernel::{Command, Event, Message};

/// A message as it is written: its tags, its names and its payload.
pub(super) struct Parts<'a> {
    /// Whether it has the tag `kind`, which a command or an event by itself lacks.
    has_kind: bool,
    variant: Variant,
    names: [Option<(&'static str, &'a str)>; 2],
    pub(super) payload: Option<&'a Value>,
    /// The deepest level of nesting in it, counted from the envelope. It is known once the message is written.
    depth: Cell<usize>,
}

impl<'a> Parts<'a> {
    /// Returns the parts of a [`Message`], a [`Command`] or an [`Event`]. `None` for other types, which write
    /// themselves.
    pub(super) fn of(message: &'a dyn Any) -> Option<Self> {
        (message.downcast_ref().map(Parts::of_message))
            .or_else(|| message.downcast_ref().map(Parts::of_command))
            .or_else(|| message.downcast_ref().map(Parts::of_event))
    }

    fn of_message(message: &'a Message) -> Self {
        let parts = match message {
            Message::Command(command) => Parts::of_command(command),
            Message::Event(event) => Parts::of_event(event),
        };
        Parts {
            has_kind: true,
            ..parts
        }
    }

    fn of_command(command: &'a Command) -> Self {
        match command {
            Command::Start { module_id } => Parts::of_module(Variant::Start, module_id),
            Command::Stop { module_id } => Parts::of_module(Variant::Stop, module_id),
            Command::Invoke {
                module_id,
                method,
                payload,
            } => Parts {
                names: [Some(("module_id", module_id)), Some(("method", method))],
                payload: Some(payload),
                ..Parts::new(Variant::Invoke)
            },
            Command::Ping => Parts::new(Variant::Ping),
        }
    }

    fn of_event(event: &'a Event) -> Self {
        match event {
            Event::ModuleStarted { module_id } => {
                Parts::of_module(Variant::ModuleStarted, module_id)
            }
            Event::ModuleStopped { module_id } => {
                Parts::of_module(Variant::ModuleStopped, module_id)
            }
            Event::Custom {
                module_id,
                kind,
                payload,
            } => Parts {
                names: [Some(("module_id", module_id)), Some(("custom_kind", kind))],
                payload: Some(payload),
                ..Parts::new(Variant::Custom)
            },
            Event::Pong { from } => Parts {
                names: [Some(("from", from)), None],
                ..Parts::new(Variant::Pong)
            },
        }
    }

    fn of_module(variant: Variant, module_id: &'a str) -> Self {
        Parts {
            names: [Some(("module_id", module_id)), None],
            ..Parts::new(variant)
        }
    }

    fn new(variant: Variant) -> Self {
        Parts {
            has_kind: false,
            variant,
            names: [None; 2],
            payload: None,
            depth: Cell::new(Limits::PAYLOAD_LEVEL - 1),
        }
    }

    /// Checks the length of each name.
    pub(super) fn check_names(&self, limits: &Limits) -> Result<(), ErrorKind> {
        (self.names.iter().flatten())
            .try_for_each(|&(field, name)| check_length(field, name, limits))
    }

    /// Whether an envelope of this many bytes, with this message, surely breaks no limit. If so, the text need not be
    /// scanned.
    ///
    /// No string has more bytes than the whole text. Each value takes a byte, and each but one a comma or a bracket. A
    /// payload has no number out of range, unless it stores numbers as texts.
    pub(super) fn surely_fits(&self, bytes: usize, limits: &Limits) -> bool {
        /// True if `serde_json` is built with `arbitrary_precision`.
        const HAS_NUMBERS_AS_TEXTS: bool = size_of::<Number>() > size_of::<(u64, u64)>();

        !HAS_NUMBERS_AS_TEXTS
            && bytes <= limits.bytes
            && bytes <= limits.string
            && bytes / 2 < limits.nodes
            && self.depth.get() <= limits.depth
    }
}

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.has_kind {
            map.serialize_entry("kind", self.variant.family().name())?;
        }
        map.serialize_entry("type", self.variant.name())?;
        for (field, name) in self.names.iter().flatten() {
            map.serialize_entry(*field, *name)?;
        }
        if let Some(payload) = self.payload {
            let depth = value::check(payload, Limits::PAYLOAD_LEVEL, Limits::MAX_DEPTH)
                .map_err(S::Error::custom)?;
            self.depth.set(self.depth.get().max(depth));
            map.serialize_entry("payload", payload)?;
        }
        map.end()
    }
}

/// Writes an object with the tags `kind` and `type`, as the [module documentation](crate::codec) describes.
///
/// # Errors
///
/// Fails on a payload that nests deeper than any reader accepts.
impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return CompactMessage::write(self)?.serialize(serializer);
        }
        Parts::of_message(self).serialize(serializer)
    }
}

/// Writes the same object as in a [`Message`], without the tag `kind`.
impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return CompactCommand::write(self)?.serialize(serializer);
        }
        Parts::of_command(self).serialize(serializer)
    }
}

/// Writes the same object as in a [`Message`], without the tag `kind`.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return CompactEvent::write(self)?.serialize(serializer);
        }
        Parts::of_event(self).serialize(serializer)
    }
}

/// Reads strictly: no unknown keys, and no duplicate keys at any depth.
impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return CompactMessage::deserialize(deserializer)?.read();
        }
        Tagged::message(&Reading::plain()).deserialize(deserializer)
    }
}

/// Reads strictly, like a [`Message`].
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

/// Reads strictly, like a [`Message`]. The kind of a custom event may stand under the key `kind` as well.
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

/// Reads a [`Message`] within the limits, and any other message by its own implementation.
pub(super) struct OwnOrForeign<'a, M> {
    pub(super) reading: &'a Reading,
    pub(super) message: PhantomData<M>,
}

impl<'de, M: DeserializeOwned + 'static> DeserializeSeed<'de> for OwnOrForeign<'_, M> {
    type Value = M;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<M, D::Error> {
        let mut own: Option<M> = None;
        // The compiler knows the outcome, and leaves out the other branch.
        if let Some(message) = (&mut own as &mut dyn Any).downcast_mut::<Option<Message>>() {
            *message = Some(Tagged::message(self.reading).deserialize(deserializer)?);
            return own.ok_or_else(|| D::Error::custom("no message"));
        }
        self.reading.field.set(None);
        M::deserialize(deserializer)
    }
}
