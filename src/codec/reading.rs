//! What the parts of one reading share, and how a piece of text is read.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

use super::error::{ErrorKind, quoted};
use super::{Limits, name};
use crate::message::source::Source;

/// One reading: its rules, and the typed reason of its failure.
///
/// A serde error is only a text, of whatever type the format has. So the reason is laid down here,
/// where the codec finds it; who reads with serde alone sees the text.
pub(super) struct Reading {
    pub(super) limits: Limits,
    pub(super) lenient: bool,
    fault: Cell<Option<ErrorKind>>,
    /// The key whose value is being read, or `None` while a foreign message is.
    pub(super) field: Cell<Option<&'static str>>,
}

impl Reading {
    pub(super) fn new(limits: Limits, lenient: bool) -> Self {
        Reading {
            limits,
            lenient,
            fault: Cell::new(None),
            field: Cell::new(Some("envelope")),
        }
    }

    /// The reading of the plain serde implementations.
    pub(super) fn plain() -> Self {
        Reading::new(Limits::UNBOUNDED, false)
    }

    /// Lays down the reason and gives the error that carries it up.
    pub(super) fn refuse<E: Error>(&self, kind: ErrorKind) -> E {
        let error = E::custom(&kind);
        self.fault.set(Some(kind));
        error
    }

    pub(super) fn take_fault(&self) -> Option<ErrorKind> {
        self.fault.take()
    }

    /// Refuses a key that came before.
    pub(super) fn once<E: Error>(&self, came_before: bool, key: &str) -> Result<(), E> {
        if came_before {
            Err(self.refuse(ErrorKind::DuplicateKey(key.to_owned())))
        } else {
            Ok(())
        }
    }

    /// What stood under a key that must be there.
    pub(super) fn needed<T, E: Error>(&self, slot: Option<T>, key: &'static str) -> Result<T, E> {
        slot.ok_or_else(|| self.refuse(ErrorKind::MissingKey(key)))
    }

    /// Reads a key; `None` is one to skip.
    pub(super) fn key<'a, K>(
        &'a self,
        find: impl FnOnce(&str) -> Option<K> + 'a,
    ) -> Text<'a, impl FnOnce(&str) -> Result<Option<K>, ErrorKind>> {
        self.text("key", move |key| match find(key) {
            None if !self.lenient => Err(ErrorKind::UnknownKey(quoted(key))),
            found => Ok(found),
        })
    }

    /// Reads a name: a string of bounded length.
    pub(super) fn name<'a>(
        &'a self,
        field: &'static str,
    ) -> Text<'a, impl FnOnce(&str) -> Result<String, ErrorKind>> {
        self.text(field, move |text| {
            name::check_length(field, text, &self.limits)?;
            Ok(text.to_owned())
        })
    }

    /// Reads a source.
    pub(super) fn source(&self) -> Text<'_, impl FnOnce(&str) -> Result<Source, ErrorKind>> {
        self.text("source", |text| {
            name::check_source(text, &self.limits)?;
            Ok(Source::from(text))
        })
    }

    /// Reads a string with the given function.
    pub(super) fn text<T, F>(&self, field: &'static str, read: F) -> Text<'_, F>
    where
        F: FnOnce(&str) -> Result<T, ErrorKind>,
    {
        Text {
            reading: self,
            field,
            read,
        }
    }
}

/// Reads a string, and makes of it what `read` does.
pub(super) struct Text<'a, F> {
    reading: &'a Reading,
    field: &'static str,
    read: F,
}

impl<'de, T, F> DeserializeSeed<'de> for Text<'_, F>
where
    F: FnOnce(&str) -> Result<T, ErrorKind>,
{
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        self.reading.field.set(Some(self.field));
        deserializer.deserialize_str(self)
    }
}

impl<T, F> Visitor<'_> for Text<'_, F>
where
    F: FnOnce(&str) -> Result<T, ErrorKind>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as a string", self.field)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).map_err(|kind| self.reading.refuse(kind))
    }
}
