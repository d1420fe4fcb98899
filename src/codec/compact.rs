//! The compact form: the envelope as plain records, for formats that are not human-readable, such as postcard.
//!
//! Such formats do not describe themselves, so they cannot read a JSON value. A payload travels as its JSON text, under
//! the default limits.
//!
//! The tests are in `tests/library/codec/written.rs` and `tests/library/codec/arbitrary.rs`.

use std::borrow::Cow;

use chrono::DateTime;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use super::error::ErrorKind;
use super::limits::Limits;
use super::reading::Reading;
use super::scan::scan;
use super::time;
use super::value::{self, PayloadSeed};
use crate::message::envelope::Envelope;
use crate::message::headers::Headers;
use crate::message::kernel::{Command, Event, Message};
use crate::message::source::Source;

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "Envelope")]
struct CompactRecord<S, H, M> {
    id: [u8; 16],
    source: S,
    correlation_id: Option<[u8; 16]>,
    seconds: i64,
    nanos: u32,
    headers: H,
    message: M,
}

pub(super) fn write_envelope<M: Serialize, S: Serializer>(
    envelope: &Envelope<M>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    CompactRecord {
        id: envelope.id.into_bytes(),
        source: &envelope.source,
        correlation_id: envelope.correlation_id.map(Uuid::into_bytes),
        seconds: envelope.timestamp.timestamp(),
        nanos: envelope.timestamp.timestamp_subsec_nanos(),
        headers: &envelope.headers,
        message: &envelope.message,
    }
    .serialize(serializer)
}

pub(super) fn read_envelope<'de, M: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Envelope<M>, D::Error> {
    let record = CompactRecord::<Source, Headers, M>::deserialize(deserializer)?;
    let id = |bytes, field| {
        Some(Uuid::from_bytes(bytes))
            .filter(|id| !id.is_nil())
            .ok_or_else(|| D::Error::custom(ErrorKind::BadId(field)))
    };
    Ok(Envelope {
        id: id(record.id, "id")?,
        source: record.source,
        correlation_id: record
            .correlation_id
            .map(|bytes| id(bytes, "correlation_id"))
            .transpose()?,
        timestamp: DateTime::from_timestamp(record.seconds, record.nanos)
            .filter(time::is_writable)
            .ok_or_else(|| D::Error::custom(ErrorKind::BadTime))?,
        headers: record.headers,
        message: record.message,
        is_traced: false,
    })
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "Message")]
pub(super) enum CompactMessage<'a> {
    Command(CompactCommand<'a>),
    Event(CompactEvent<'a>),
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "Command")]
pub(super) enum CompactCommand<'a> {
    Start {
        module_id: Cow<'a, str>,
    },
    Stop {
        module_id: Cow<'a, str>,
    },
    Invoke {
        module_id: Cow<'a, str>,
        method: Cow<'a, str>,
        payload: JsonText,
    },
    Ping,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "Event")]
pub(super) enum CompactEvent<'a> {
    ModuleStarted {
        module_id: Cow<'a, str>,
    },
    ModuleStopped {
        module_id: Cow<'a, str>,
    },
    Custom {
        module_id: Cow<'a, str>,
        custom_kind: Cow<'a, str>,
        payload: JsonText,
    },
    Pong {
        from: Cow<'a, str>,
    },
}

/// A payload as its JSON text.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct JsonText(String);

impl JsonText {
    fn write<E: serde::ser::Error>(payload: &Value) -> Result<Self, E> {
        let limits = Limits::default();
        value::check(payload, 1, limits.depth).map_err(E::custom)?;
        let text = serde_json::to_string(payload).map_err(E::custom)?;
        scan(&text, &limits).map_err(|fault| E::custom(fault.kind))?;
        Ok(JsonText(text))
    }

    fn read<E: serde::de::Error>(self) -> Result<Value, E> {
        scan(&self.0, &Limits::default()).map_err(|fault| E::custom(fault.kind))?;
        let mut json = serde_json::Deserializer::from_str(&self.0);
        let payload = PayloadSeed::new(&Reading::plain())
            .deserialize(&mut json)
            .map_err(E::custom)?;
        json.end().map_err(E::custom)?;
        Ok(payload)
    }
}

impl<'a> CompactMessage<'a> {
    pub(super) fn write<E: serde::ser::Error>(message: &'a Message) -> Result<Self, E> {
        Ok(match message {
            Message::Command(command) => CompactMessage::Command(CompactCommand::write(command)?),
            Message::Event(event) => CompactMessage::Event(CompactEvent::write(event)?),
        })
    }

    pub(super) fn read<E: serde::de::Error>(self) -> Result<Message, E> {
        match self {
            CompactMessage::Command(command) => command.read().map(Message::Command),
            CompactMessage::Event(event) => event.read().map(Message::Event),
        }
    }
}

impl<'a> CompactCommand<'a> {
    pub(super) fn write<E: serde::ser::Error>(command: &'a Command) -> Result<Self, E> {
        Ok(match command {
            Command::Start { module_id } => CompactCommand::Start {
                module_id: module_id.into(),
            },
            Command::Stop { module_id } => CompactCommand::Stop {
                module_id: module_id.into(),
            },
            Command::Invoke {
                module_id,
                method,
                payload,
            } => CompactCommand::Invoke {
                module_id: module_id.into(),
                method: method.into(),
                payload: JsonText::write(payload)?,
            },
            Command::Ping => CompactCommand::Ping,
        })
    }

    pub(super) fn read<E: serde::de::Error>(self) -> Result<Command, E> {
        Ok(match self {
            CompactCommand::Start { module_id } => Command::Start {
                module_id: module_id.into(),
            },
            CompactCommand::Stop { module_id } => Command::Stop {
                module_id: module_id.into(),
            },
            CompactCommand::Invoke {
                module_id,
                method,
                payload,
            } => Command::Invoke {
                module_id: module_id.into(),
                method: method.into(),
                payload: payload.read()?,
            },
            CompactCommand::Ping => Command::Ping,
        })
    }
}

impl<'a> CompactEvent<'a> {
    pub(super) fn write<E: serde::ser::Error>(event: &'a Event) -> Result<Self, E> {
        Ok(match event {
            Event::ModuleStarted { module_id } => CompactEvent::ModuleStarted {
                module_id: module_id.into(),
            },
            Event::ModuleStopped { module_id } => CompactEvent::ModuleStopped {
                module_id: module_id.into(),
            },
            Event::Custom {
                module_id,
                kind,
                payload,
            } => CompactEvent::Custom {
                module_id: module_id.into(),
                custom_kind: kind.into(),
                payload: JsonText::write(payload)?,
            },
            Event::Pong { from } => CompactEvent::Pong { from: from.into() },
        })
    }

    pub(super) fn read<E: serde::de::Error>(self) -> Result<Event, E> {
        Ok(match self {
            CompactEvent::ModuleStarted { module_id } => Event::ModuleStarted {
                module_id: module_id.into(),
            },
            CompactEvent::ModuleStopped { module_id } => Event::ModuleStopped {
                module_id: module_id.into(),
            },
            CompactEvent::Custom {
                module_id,
                custom_kind,
                payload,
            } => Event::Custom {
                module_id: module_id.into(),
                kind: custom_kind.into(),
                payload: payload.read()?,
            },
            CompactEvent::Pong { from } => Event::Pong { from: from.into() },
        })
    }
}
