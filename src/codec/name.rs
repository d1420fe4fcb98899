//! What a name on the wire may look like.

use std::any::Any;

use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use serde::ser::{Error, Serialize, Serializer};
use serde_json::Value;

use super::Limits;
use super::error::ErrorKind;
use super::reading::Reading;
use crate::message::{Command, Event, Message};
use crate::source::Source;

/// Checks the length of the name under a key.
pub(super) fn check_length(
    field: &'static str,
    name: &str,
    limits: &Limits,
) -> Result<(), ErrorKind> {
    if name.len() > limits.name {
        return Err(ErrorKind::NameTooLong(field));
    }
    Ok(())
}

/// Checks a source. It is shown, logged and compared, so it is visible text.
pub(super) fn check_source(source: &str, limits: &Limits) -> Result<(), ErrorKind> {
    if source.is_empty() || source.chars().any(char::is_control) {
        return Err(ErrorKind::BadName("source"));
    }
    check_length("source", source, limits)
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

    /// Checks the length of each name.
    pub(super) fn check_names(&self, limits: &Limits) -> Result<(), ErrorKind> {
        (self.names.iter().flatten())
            .try_for_each(|&(field, name)| check_length(field, name, limits))
    }
}

/// A string.
///
/// # Errors
///
/// A source on the wire is not empty and has no control characters, in either direction.
impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        check_source(self, &Limits::UNBOUNDED).map_err(S::Error::custom)?;
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Reading::plain().source().deserialize(deserializer)
    }
}
