//! What a name on the wire may look like.

use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use serde::ser::{Error, Serialize, Serializer};

use super::Limits;
use super::error::ErrorKind;
use super::reading::Reading;
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
