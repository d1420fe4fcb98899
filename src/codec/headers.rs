//! The serde implementations of [`Headers`]: an object of names to text.
//!
//! They come from outside, so each name and value is checked by the rules of [`Headers`]. The tests are in
//! `tests/library/codec/headers.rs`.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::error::ErrorKind;
use super::reading::Reading;
use crate::message::headers::{HeaderError, Headers};

/// Writes a map of names to text, sorted by name.
impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Reads strictly: the rules of [`Headers`] hold, and no name may come twice.
impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Reading::plain().headers().deserialize(deserializer)
    }
}

impl Reading {
    pub(super) fn headers(&self) -> Map<'_> {
        Map { reading: self }
    }
}

/// Reads headers. Stops with an error at the first that is one too many.
pub(super) struct Map<'a> {
    reading: &'a Reading,
}

impl<'de> DeserializeSeed<'de> for Map<'_> {
    type Value = Headers;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Headers, D::Error> {
        self.reading.field.set(Some("headers"));
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Map<'_> {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("headers as an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let reading = self.reading;
        let mut headers = Headers::new();
        let name = |name: &str| {
            // The name is checked before it is copied, since it may be long.
            Some(name)
                .filter(|name| Headers::is_name(name))
                .map(str::to_owned)
                .ok_or(ErrorKind::BadHeader(HeaderError::BadName))
        };
        while let Some(name) = map.next_key_seed(reading.text("headers", name))? {
            reading.once(headers.get(&name).is_some(), &name)?;
            let insert = |value: &str| (headers.insert(&name, value)).map_err(ErrorKind::BadHeader);
            map.next_value_seed(reading.text("headers", insert))?;
        }
        Ok(headers)
    }
}
