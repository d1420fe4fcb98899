//! The state of one decoding, shared by its parts: its rules, the field being read, and the typed reason of a failure.
//!
//! Serde passes errors up as plain text, so the typed reason needs a place of its own.
//!
//! The tests are in `tests/library/codec/shapes.rs`.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

use super::error::{ErrorKind, quoted};
use super::limits::Limits;
use super::name;
use crate::message::source::Source;

/// One decoding: its rules, and the typed reason of its failure.
///
/// A serde error is only a text, in the error type of the format. So the reason is stored here, where the codec finds
/// it. A program that reads with serde alone sees the text.
pub(super) struct Reading {
    pub(super) limits: Limits,
    pub(super) lenient: bool,
    fault: Cell<Option<ErrorKind>>,
    /// The key whose value is being read. `None` while a message of another type than `Message` is read.
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

    /// Returns the reading for the plain serde implementations: strict, and bounded in depth alone.
    pub(super) fn plain() -> Self {
        Reading::new(Limits::UNBOUNDED, false)
    }

    /// Stores the reason, and returns the error that ends the decoding.
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

    /// Returns the value of a key that must be there, or the error of a missing key.
    pub(super) fn needed<T, E: Error>(&self, slot: Option<T>, key: &'static str) -> Result<T, E> {
        slot.ok_or_else(|| self.refuse(ErrorKind::MissingKey(key)))
    }

    /// Reads a key. Gives `None` for a key to skip.
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

/// Reads a string, and converts it with `read`.
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
