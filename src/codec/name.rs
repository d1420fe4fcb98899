//! The rules for names on the wire: their lengths, and what a source may contain.
//!
//! The tests are in `tests/library/codec/limits.rs` and `tests/library/codec/values.rs`.

use super::error::ErrorKind;
use super::limits::Limits;

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

/// Checks a source. It is shown, logged and compared, so it must not be empty or have control characters.
pub(super) fn check_source(source: &str, limits: &Limits) -> Result<(), ErrorKind> {
    if source.is_empty() || source.chars().any(char::is_control) {
        return Err(ErrorKind::BadName("source"));
    }
    check_length("source", source, limits)
}
