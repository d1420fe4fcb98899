//! The serde implementations of [`Source`]: a string, checked in both directions.
//!
//! The tests are in `tests/library/codec/values.rs`.

use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use serde::ser::{Error, Serialize, Serializer};

use super::limits::Limits;
use super::name::check_source;
use super::reading::Reading;
use crate::message::source::Source;

/// Writes a string.
///
/// # Errors
///
/// Fails if the source is empty or has control characters. Reading refuses such a source as well.
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
