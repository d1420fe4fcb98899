//! Payloads on the wire: JSON values of bounded depth, without duplicate keys.
//!
//! `serde_json`'s own reader keeps the last of duplicate keys, so payloads are read by this module.
//!
//! The tests are in `tests/library/codec/keys.rs` and `tests/library/codec/values.rs`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::error::{ErrorKind, quoted};
use super::limits::Limits;
use super::reading::Reading;
use super::scan::is_in_range;

/// The key under which `serde_json`, built with `arbitrary_precision`, passes a number as if it were an object. Any
/// crate of a program can switch that feature on for the whole program.
const NUMBER_KEY: &str = "$serde_json::private::Number";

/// Checks that a payload can be written and read back: it is not too deep, and it does not have the key that
/// `serde_json` may take for a number's. `level` is the payload's own level, if it nests.
///
/// Returns the deepest level. It never recurses below `max_depth`: this check is what keeps a `Value` of any depth from
/// being written by recursion.
pub(super) fn check(value: &Value, level: usize, max_depth: usize) -> Result<usize, ErrorKind> {
    let nests = |item: &&Value| item.is_array() || item.is_object();
    let deeper = |deepest: usize, item| Ok(deepest.max(check(item, level + 1, max_depth)?));
    match value {
        Value::Array(_) | Value::Object(_) if level > max_depth => {
            Err(ErrorKind::TooDeep(max_depth))
        }
        Value::Array(items) => items.iter().rev().filter(nests).try_fold(level, deeper),
        Value::Object(members) if members.contains_key(NUMBER_KEY) => Err(ErrorKind::ReservedKey),
        Value::Object(members) => (members.values().rev().filter(nests)).try_fold(level, deeper),
        _ => Ok(level - 1),
    }
}

/// Reads a payload.
#[derive(Clone, Copy)]
pub(super) struct PayloadSeed<'a> {
    reading: &'a Reading,
    /// The level of the payload, if it is an object or an array.
    level: usize,
}

impl<'a> PayloadSeed<'a> {
    pub(super) fn new(reading: &'a Reading) -> Self {
        PayloadSeed {
            reading,
            level: Limits::PAYLOAD_LEVEL,
        }
    }

    fn nested<E: Error>(self) -> Result<Self, E> {
        let max_depth = self.reading.limits.depth;
        if self.level > max_depth {
            return Err(self.reading.refuse(ErrorKind::TooDeep(max_depth)));
        }
        Ok(PayloadSeed {
            level: self.level + 1,
            ..self
        })
    }

    /// Reads a number from its text, with the same result as without `arbitrary_precision`.
    fn number<E: Error>(self, text: &str) -> Result<Value, E> {
        let number = if !is_in_range(text) {
            None
        } else if text == "-0" {
            Number::from_f64(-0.0)
        } else if let Ok(number) = text.parse::<u64>() {
            Some(number.into())
        } else if let Ok(number) = text.parse::<i64>() {
            Some(number.into())
        } else {
            text.parse().ok().and_then(Number::from_f64)
        };
        number
            .map(Value::Number)
            .ok_or_else(|| self.reading.refuse(ErrorKind::NumberOutOfRange))
    }
}

impl<'de> DeserializeSeed<'de> for PayloadSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PayloadSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| self.reading.refuse(ErrorKind::NumberOutOfRange))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let nested = self.nested()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(nested)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let key = match key {
                Name::Number => return self.number(&map.next_value::<String>()?),
                Name::Text(key) if key == NUMBER_KEY => {
                    return Err(self.reading.refuse(ErrorKind::ReservedKey));
                }
                Name::Text(key) => key,
            };
            let nested = self.nested()?;
            match members.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(map.next_value_seed(nested)?);
                }
                Entry::Occupied(place) => {
                    let key = quoted(place.key());
                    return Err(self.reading.refuse(ErrorKind::DuplicateKey(key)));
                }
            }
        }
        Ok(Value::Object(members))
    }
}

/// Reads a key of an object. Tells the key that stands for a number from the same key in the input: when a newtype is
/// asked for, `serde_json` wraps only the keys of the input.
struct KeySeed;

enum Name {
    Text(String),
    Number,
}

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_newtype_struct("Key", self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, key: D) -> Result<Name, D::Error> {
        serde::Deserialize::deserialize(key).map(Name::Text)
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Name, E> {
        Ok(match key {
            NUMBER_KEY => Name::Number,
            key => Name::Text(key.to_owned()),
        })
    }
}
