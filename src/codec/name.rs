//! What a name on the wire may look like.

use std::any::Any;

use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use serde::ser::{Error, Serialize, Serializer};
use serde_json::Value;

use super::Limits;
use super::error::{EncodeErrorKind, NameFlaw};
use super::reading::Reading;
use crate::message::{Command, Event, Message};
use crate::source::Source;

pub(super) fn length_flaw(name: &str, limits: &Limits) -> Option<NameFlaw> {
    (name.len() > limits.name).then_some(NameFlaw::TooLong)
}

/// A source is who an envelope is from: it is shown, logged and compared, so it is visible text.
pub(super) fn source_flaw(source: &str, limits: &Limits) -> Option<NameFlaw> {
    if source.is_empty() {
        Some(NameFlaw::Empty)
    } else if source.chars().any(char::is_control) {
        Some(NameFlaw::Control)
    } else {
        length_flaw(source, limits)
    }
}

/// What the codec has to check in a message before it writes it.
pub(super) struct Parts<'a> {
    names: [Option<(&'static str, &'a str)>; 2],
    pub(super) payload: Option<&'a Value>,
}

impl<'a> Parts<'a> {
    /// The parts of a message whose format is this module's business.
    pub(super) fn of(message: &'a dyn Any) -> Option<Self> {
        match message.downcast_ref::<Message>() {
            Some(Message::Command(command)) => Some(Parts::of_command(command)),
            Some(Message::Event(event)) => Some(Parts::of_event(event)),
            None => message
                .downcast_ref()
                .map(Parts::of_command)
                .or_else(|| message.downcast_ref().map(Parts::of_event)),
        }
    }

    fn of_command(command: &'a Command) -> Self {
        match command {
            Command::Start { module_id } | Command::Stop { module_id } => Parts {
                names: [Some(("module_id", module_id)), None],
                payload: None,
            },
            Command::Invoke {
                module_id,
                method,
                payload,
            } => Parts {
                names: [Some(("module_id", module_id)), Some(("method", method))],
                payload: Some(payload),
            },
            Command::Ping => Parts {
                names: [None; 2],
                payload: None,
            },
        }
    }

    fn of_event(event: &'a Event) -> Self {
        match event {
            Event::ModuleStarted { module_id } | Event::ModuleStopped { module_id } => Parts {
                names: [Some(("module_id", module_id)), None],
                payload: None,
            },
            Event::Custom {
                module_id,
                kind,
                payload,
            } => Parts {
                names: [Some(("module_id", module_id)), Some(("custom_kind", kind))],
                payload: Some(payload),
            },
            Event::Pong { from } => Parts {
                names: [Some(("from", from)), None],
                payload: None,
            },
        }
    }

    /// The first name that is too long.
    pub(super) fn check_names(&self, limits: &Limits) -> Result<(), EncodeErrorKind> {
        self.names.iter().flatten().try_for_each(|&(field, name)| {
            length_flaw(name, limits)
                .map_or(Ok(()), |flaw| Err(EncodeErrorKind::BadName { field, flaw }))
        })
    }
}

/// A string.
///
/// # Errors
///
/// A source on the wire is not empty and has no control characters, in either direction.
impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match source_flaw(self, &Limits::UNBOUNDED) {
            None => serializer.serialize_str(self),
            Some(flaw) => Err(S::Error::custom(EncodeErrorKind::BadName {
                field: "source",
                flaw,
            })),
        }
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Reading::plain().source().deserialize(deserializer)
    }
}
