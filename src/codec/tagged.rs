//! The reader of messages: objects whose keys may come in any order.
//!
//! The tags say which fields belong, and may come last. So all fields are collected first and checked at the end.
//!
//! The tests are in `tests/library/codec/keys.rs` and `tests/library/codec/written.rs`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::error::{ErrorKind, quoted};
use super::reading::Reading;
use super::value::PayloadSeed;
use crate::message::kernel::{Command, Event, Message};

/// The value of the tag `kind`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Command,
    Event,
}

impl Family {
    const ALL: [Family; 2] = [Family::Command, Family::Event];

    pub(super) fn name(self) -> &'static str {
        match self {
            Family::Command => "command",
            Family::Event => "event",
        }
    }
}

/// The value of the tag `type`. No name is used in both families.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    Start,
    Stop,
    Invoke,
    Ping,
    ModuleStarted,
    ModuleStopped,
    Custom,
    Pong,
}

impl Variant {
    const ALL: [Variant; 8] = [
        Variant::Start,
        Variant::Stop,
        Variant::Invoke,
        Variant::Ping,
        Variant::ModuleStarted,
        Variant::ModuleStopped,
        Variant::Custom,
        Variant::Pong,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Variant::Start => "start",
            Variant::Stop => "stop",
            Variant::Invoke => "invoke",
            Variant::Ping => "ping",
            Variant::ModuleStarted => "module_started",
            Variant::ModuleStopped => "module_stopped",
            Variant::Custom => "custom",
            Variant::Pong => "pong",
        }
    }

    pub(super) fn family(self) -> Family {
        match self {
            Variant::Start | Variant::Stop | Variant::Invoke | Variant::Ping => Family::Command,
            Variant::ModuleStarted | Variant::ModuleStopped | Variant::Custom | Variant::Pong => {
                Family::Event
            }
        }
    }

    /// Returns the fields that belong to it, beside the tags.
    fn fields(self) -> &'static [MessageKey] {
        match self {
            Variant::Start | Variant::Stop | Variant::ModuleStarted | Variant::ModuleStopped => {
                &[MessageKey::ModuleId]
            }
            Variant::Invoke => &[
                MessageKey::ModuleId,
                MessageKey::Method,
                MessageKey::Payload,
            ],
            Variant::Ping => &[],
            Variant::Custom => &[
                MessageKey::ModuleId,
                MessageKey::CustomKind,
                MessageKey::Payload,
            ],
            Variant::Pong => &[MessageKey::From],
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MessageKey {
    Kind,
    Type,
    ModuleId,
    Method,
    CustomKind,
    Payload,
    From,
}

impl MessageKey {
    const ALL: [MessageKey; 7] = [
        MessageKey::Kind,
        MessageKey::Type,
        MessageKey::ModuleId,
        MessageKey::Method,
        MessageKey::CustomKind,
        MessageKey::Payload,
        MessageKey::From,
    ];

    fn name(self) -> &'static str {
        match self {
            MessageKey::Kind => "kind",
            MessageKey::Type => "type",
            MessageKey::ModuleId => "module_id",
            MessageKey::Method => "method",
            MessageKey::CustomKind => "custom_kind",
            MessageKey::Payload => "payload",
            MessageKey::From => "from",
        }
    }

    fn find(name: &str) -> Option<Self> {
        MessageKey::ALL.into_iter().find(|key| key.name() == name)
    }
}

/// Reads a message, or a command or an event by itself. The latter two have no tag `kind`.
pub(super) struct Tagged<'a> {
    reading: &'a Reading,
    has_kind: bool,
}

impl<'a> Tagged<'a> {
    pub(super) fn message(reading: &'a Reading) -> Self {
        Tagged {
            reading,
            has_kind: true,
        }
    }

    pub(super) fn alone(reading: &'a Reading) -> Self {
        Tagged {
            reading,
            has_kind: false,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Tagged<'_> {
    type Value = Message;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Message, D::Error> {
        self.reading.field.set(Some("message"));
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Tagged<'_> {
    type Value = Message;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message as an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message, A::Error> {
        let mut fields = Fields {
            reading: self.reading,
            has_kind: self.has_kind,
            family: None,
            variant: None,
            module_id: None,
            method: None,
            custom_kind: None,
            payload: None,
            from: None,
        };
        while let Some(key) = map.next_key_seed(self.reading.key(MessageKey::find))? {
            match key {
                Some(key) => fields.read(key, &mut map)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        fields.finish()
    }
}

/// The tags and fields that have been read so far. The tags may come last, so a field may come before it is known
/// whether it belongs.
struct Fields<'a> {
    reading: &'a Reading,
    has_kind: bool,
    family: Option<Family>,
    variant: Option<Variant>,
    module_id: Option<String>,
    method: Option<String>,
    /// The kind of a custom event, and the key that it came under. The seed's key is `kind`, like the tag before it.
    custom_kind: Option<(MessageKey, String)>,
    payload: Option<Value>,
    from: Option<String>,
}

impl Fields<'_> {
    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        key: MessageKey,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let reading = self.reading;
        let is_tag = key == MessageKey::Type
            || (key == MessageKey::Kind && self.has_kind && self.family.is_none());
        if !is_tag {
            self.permit(key)?;
        }
        match key {
            MessageKey::Kind if is_tag => {
                let tag =
                    reading.text("kind", |text| tag("kind", &Family::ALL, Family::name, text));
                self.family = Some(map.next_value_seed(tag)?);
            }
            MessageKey::Type => {
                reading.once(self.variant.is_some(), "type")?;
                let tag = reading.text("type", |text| {
                    tag("type", &Variant::ALL, Variant::name, text)
                });
                self.variant = Some(map.next_value_seed(tag)?);
            }
            MessageKey::ModuleId => {
                reading.once(self.module_id.is_some(), "module_id")?;
                self.module_id = Some(map.next_value_seed(reading.name("module_id"))?);
            }
            MessageKey::Method => {
                reading.once(self.method.is_some(), "method")?;
                self.method = Some(map.next_value_seed(reading.name("method"))?);
            }
            MessageKey::Kind | MessageKey::CustomKind => {
                reading.once(self.custom_kind.is_some(), key.name())?;
                let kind = map.next_value_seed(reading.name("custom_kind"))?;
                self.custom_kind = Some((key, kind));
            }
            MessageKey::Payload => {
                reading.once(self.payload.is_some(), "payload")?;
                self.payload = Some(map.next_value_seed(PayloadSeed::new(reading))?);
            }
            MessageKey::From => {
                reading.once(self.from.is_some(), "from")?;
                self.from = Some(map.next_value_seed(reading.name("from"))?);
            }
        }
        Ok(())
    }

    /// Refuses a field that the variant does not have. Accepts any field while the variant is not known.
    fn permit<E: Error>(&self, key: MessageKey) -> Result<(), E> {
        let field = if key == MessageKey::Kind {
            MessageKey::CustomKind
        } else {
            key
        };
        match self.variant {
            Some(variant) if !variant.fields().contains(&field) => {
                let name = key.name().to_owned();
                Err(self
                    .reading
                    .refuse(if key == MessageKey::Kind && self.has_kind {
                        ErrorKind::DuplicateKey(name)
                    } else {
                        ErrorKind::UnknownKey(name)
                    }))
            }
            _ => Ok(()),
        }
    }

    fn finish<E: Error>(self) -> Result<Message, E> {
        let reading = self.reading;
        let family = if self.has_kind {
            Some(reading.needed(self.family, "kind")?)
        } else {
            None
        };
        let variant = reading.needed(self.variant, "type")?;
        if family.is_some_and(|family| family != variant.family()) {
            return Err(reading.refuse(ErrorKind::UnknownTag {
                key: "type",
                value: variant.name().to_owned(),
            }));
        }
        for (key, is_there) in [
            (MessageKey::ModuleId, self.module_id.is_some()),
            (MessageKey::Method, self.method.is_some()),
            (MessageKey::Payload, self.payload.is_some()),
            (MessageKey::From, self.from.is_some()),
        ] {
            if is_there {
                self.permit(key)?;
            }
        }
        if let Some((key, _)) = &self.custom_kind {
            self.permit(*key)?;
        }

        let module_id = || reading.needed(self.module_id, "module_id");
        Ok(match variant {
            Variant::Start => Message::Command(Command::Start {
                module_id: module_id()?,
            }),
            Variant::Stop => Message::Command(Command::Stop {
                module_id: module_id()?,
            }),
            Variant::Invoke => Message::Command(Command::Invoke {
                module_id: module_id()?,
                method: reading.needed(self.method, "method")?,
                payload: reading.needed(self.payload, "payload")?,
            }),
            Variant::Ping => Message::Command(Command::Ping),
            Variant::ModuleStarted => Message::Event(Event::ModuleStarted {
                module_id: module_id()?,
            }),
            Variant::ModuleStopped => Message::Event(Event::ModuleStopped {
                module_id: module_id()?,
            }),
            Variant::Custom => Message::Event(Event::Custom {
                module_id: module_id()?,
                kind: reading.needed(self.custom_kind, "custom_kind")?.1,
                payload: reading.needed(self.payload, "payload")?,
            }),
            Variant::Pong => Message::Event(Event::Pong {
                from: reading.needed(self.from, "from")?,
            }),
        })
    }
}

/// Finds the tag with this name.
fn tag<T: Copy>(
    key: &'static str,
    all: &[T],
    name: fn(T) -> &'static str,
    text: &str,
) -> Result<T, ErrorKind> {
    all.iter()
        .copied()
        .find(|&tag| name(tag) == text)
        .ok_or_else(|| ErrorKind::UnknownTag {
            key,
            value: quoted(text),
        })
}
