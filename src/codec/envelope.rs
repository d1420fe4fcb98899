//! The serde implementations of [`Envelope`]: an object, or a compact record in formats that are not human-readable.
//!
//! Written by hand, they refuse what serde's derived code would accept, such as arrays and other forms of ids.
//!
//! The tests are in `tests/library/codec/keys.rs` and `tests/library/codec/shapes.rs`.

use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor,
};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use uuid::Uuid;

use super::error::ErrorKind;
use super::limits::Limits;
use super::reading::{Reading, Text};
use super::{compact, name, time};
use crate::message::envelope::Envelope;

/// The length of an id in the only form that is read: hyphenated, with digits of either case.
const ID_LENGTH: usize = 36;

/// Checks for what every reader would refuse: a nil id, or a time that has no text.
pub(crate) fn check<M>(envelope: &Envelope<M>) -> Result<(), ErrorKind> {
    if envelope.id.is_nil() {
        Err(ErrorKind::BadId("id"))
    } else if envelope.correlation_id.is_some_and(|id| id.is_nil()) {
        Err(ErrorKind::BadId("correlation_id"))
    } else if !time::is_writable(&envelope.timestamp) {
        Err(ErrorKind::BadTime)
    } else {
        Ok(())
    }
}

/// Writes the object that the [module documentation](crate::codec) describes. In a format that is not human-readable it
/// writes a record of numbers and bytes.
///
/// # Errors
///
/// Fails if the reader would refuse the result: for a nil id, a leap second, a year beyond 0 to 9999, or a source that
/// is empty or has control characters. Sizes are not limited here. [`Codec::encode`](crate::codec::Codec::encode)
/// limits them.
impl<M: Serialize> Serialize for Envelope<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        check(self).map_err(S::Error::custom)?;
        if !serializer.is_human_readable() {
            return compact::write_envelope(self, serializer);
        }
        name::check_source(&self.source, &Limits::UNBOUNDED).map_err(S::Error::custom)?;
        Checked {
            envelope: self,
            message: &self.message,
        }
        .serialize(serializer)
    }
}

/// An envelope whose ids, time and source are checked, and the form in which its message is written.
pub(super) struct Checked<'a, M, W> {
    pub(super) envelope: &'a Envelope<M>,
    pub(super) message: &'a W,
}

impl<M, W: Serialize> Serialize for Checked<'_, M, W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let envelope = self.envelope;
        let (mut id, mut correlation_id) = (Uuid::encode_buffer(), Uuid::encode_buffer());
        let correlation_id = envelope
            .correlation_id
            .as_ref()
            .map(|id| &*id.as_hyphenated().encode_lower(&mut correlation_id));
        let keys = if envelope.headers.is_empty() { 5 } else { 6 };
        let mut map = serializer.serialize_map(Some(keys))?;
        map.serialize_entry("id", envelope.id.as_hyphenated().encode_lower(&mut id))?;
        map.serialize_entry("source", envelope.source.as_str())?;
        map.serialize_entry("correlation_id", &correlation_id)?;
        map.serialize_entry("timestamp", time::write(&envelope.timestamp).as_str())?;
        if !envelope.headers.is_empty() {
            map.serialize_entry("headers", &envelope.headers)?;
        }
        map.serialize_entry("message", self.message)?;
        map.end()
    }
}

/// Reads strictly: no unknown and no duplicate keys. Sizes are not limited here, and numbers that do not fit are
/// rounded before this code sees them. For input that you do not trust, use [`Codec`](crate::codec::Codec).
impl<'de, M: Deserialize<'de>> Deserialize<'de> for Envelope<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return compact::read_envelope(deserializer);
        }
        EnvelopeSeed {
            reading: &Reading::plain(),
            message: PhantomData::<M>,
        }
        .deserialize(deserializer)
    }
}

#[derive(Clone, Copy)]
enum EnvelopeKey {
    Id,
    Source,
    CorrelationId,
    Timestamp,
    Headers,
    Message,
}

impl EnvelopeKey {
    fn find(key: &str) -> Option<Self> {
        Some(match key {
            "id" => EnvelopeKey::Id,
            "source" => EnvelopeKey::Source,
            "correlation_id" => EnvelopeKey::CorrelationId,
            "timestamp" => EnvelopeKey::Timestamp,
            "headers" => EnvelopeKey::Headers,
            "message" => EnvelopeKey::Message,
            _ => return None,
        })
    }
}

/// Reads an envelope whose message is read by the given seed.
pub(super) struct EnvelopeSeed<'a, S> {
    pub(super) reading: &'a Reading,
    pub(super) message: S,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for EnvelopeSeed<'_, S> {
    type Value = Envelope<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for EnvelopeSeed<'_, S> {
    type Value = Envelope<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an envelope as an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let reading = self.reading;
        let mut seed = Some(self.message);
        let (mut id, mut source, mut correlation_id) = (None, None, None);
        let (mut timestamp, mut headers, mut message) = (None, None, None);
        while let Some(key) = map.next_key_seed(reading.key(EnvelopeKey::find))? {
            match key {
                Some(EnvelopeKey::Id) => {
                    reading.once(id.is_some(), "id")?;
                    id = Some(map.next_value_seed(reading.id("id"))?);
                }
                Some(EnvelopeKey::Source) => {
                    reading.once(source.is_some(), "source")?;
                    source = Some(map.next_value_seed(reading.source())?);
                }
                Some(EnvelopeKey::CorrelationId) => {
                    reading.once(correlation_id.is_some(), "correlation_id")?;
                    correlation_id = Some(map.next_value_seed(OptionalId { reading })?);
                }
                Some(EnvelopeKey::Timestamp) => {
                    reading.once(timestamp.is_some(), "timestamp")?;
                    timestamp = Some(map.next_value_seed(reading.timestamp())?);
                }
                Some(EnvelopeKey::Headers) => {
                    reading.once(headers.is_some(), "headers")?;
                    headers = Some(map.next_value_seed(reading.headers())?);
                }
                Some(EnvelopeKey::Message) => {
                    // There is one seed, so a second message finds none.
                    let Some(seed) = seed.take() else {
                        return Err(reading.refuse(ErrorKind::DuplicateKey("message".into())));
                    };
                    message = Some(map.next_value_seed(seed)?);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Envelope {
            id: reading.needed(id, "id")?,
            source: reading.needed(source, "source")?,
            correlation_id: correlation_id.flatten(),
            timestamp: reading.needed(timestamp, "timestamp")?,
            headers: headers.unwrap_or_default(),
            message: reading.needed(message, "message")?,
            is_traced: false,
        })
    }
}

impl Reading {
    fn id<'a>(
        &'a self,
        field: &'static str,
    ) -> Text<'a, impl FnOnce(&str) -> Result<Uuid, ErrorKind>> {
        self.text(field, move |text| {
            Some(text)
                .filter(|text| text.len() == ID_LENGTH)
                .and_then(|text| Uuid::try_parse(text).ok())
                .filter(|id| !id.is_nil())
                .ok_or(ErrorKind::BadId(field))
        })
    }

    fn timestamp(&self) -> Text<'_, impl FnOnce(&str) -> Result<DateTime<Utc>, ErrorKind>> {
        self.text("timestamp", |text| {
            time::read(text).ok_or(ErrorKind::BadTime)
        })
    }
}

/// Reads the id of another envelope, or `null`.
struct OptionalId<'a> {
    reading: &'a Reading,
}

impl<'de> DeserializeSeed<'de> for OptionalId<'_> {
    type Value = Option<Uuid>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for OptionalId<'_> {
    type Value = Option<Uuid>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.reading
            .id("correlation_id")
            .deserialize(deserializer)
            .map(Some)
    }
}
