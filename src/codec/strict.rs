//! Strict reading and writing of one JSON value: what envelopes, and messages alone, have in common.
//!
//! Both must refuse the same things, so the checks are here once. The tests are in `tests/library/codec/values.rs`.

use serde::de::DeserializeSeed;
use serde::ser::Serialize;
use serde_json::error::Category;

use super::error::{self, DecodeError, EncodeError, ErrorKind};
use super::limits::Limits;
use super::message::Parts;
use super::reading::Reading;
use super::scan::{scan, scan_for_nulls};
use super::{finite, value};

/// Checks what was written of this message: in its envelope, which has `own_nulls` beside it, or alone. The
/// whole envelope may have `depth` levels.
pub(super) fn checked<M: Serialize>(
    written: serde_json::Result<String>,
    message: &M,
    parts: Option<&Parts<'_>>,
    limits: &Limits,
    depth: usize,
    own_nulls: usize,
) -> Result<String, EncodeError> {
    let json = written.map_err(|error| {
        if error.is_io() {
            return ErrorKind::TooLarge(limits.bytes);
        }
        // Serde's error is only a text. A second look at the message finds the typed reason.
        let found = match parts {
            Some(parts) => parts
                .payload
                .and_then(|payload| value::check(payload, Limits::PAYLOAD_LEVEL, depth).err()),
            None => finite::not_finite(message).map(ErrorKind::NotFinite),
        };
        found.unwrap_or_else(|| ErrorKind::Message(error::repeated(&error)))
    })?;
    if let Some(parts) = parts
        && parts.surely_fits(json.len(), limits)
    {
        return Ok(json);
    }
    let nulls = scan_for_nulls(&json, limits).map_err(|fault| fault.kind)?;
    // Each `null` of the message may have been a float that is not finite. The payload of a `Message` cannot hold
    // one.
    if parts.is_none()
        && nulls > own_nulls
        && let Some(place) = finite::not_finite(message)
    {
        return Err(ErrorKind::NotFinite(place).into());
    }
    Ok(json)
}

/// Reads one value, within the limits of the reading.
pub(super) fn read<'de, S: DeserializeSeed<'de>>(
    json: &'de [u8],
    reading: &Reading,
    seed: S,
) -> Result<S::Value, DecodeError> {
    let limits = &reading.limits;
    // This comes before the check for UTF-8, so that a very long input costs nothing.
    if json.len() > limits.bytes {
        let kind = ErrorKind::TooLarge(limits.bytes);
        return Err(DecodeError::at(json, limits.bytes, kind));
    }
    let text = std::str::from_utf8(json)
        .map_err(|error| DecodeError::at(json, error.valid_up_to(), ErrorKind::NotUtf8))?;
    scan(text, limits).map_err(|fault| DecodeError::at(json, fault.offset, fault.kind))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    (seed.deserialize(&mut deserializer))
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| DecodeError {
            kind: (reading.take_fault()).unwrap_or_else(|| explain(&error, reading)),
            line: error.line().max(1),
            column: error.column().max(1),
        })
}

/// Returns the kind of an error that this module did not raise itself.
fn explain(error: &serde_json::Error, reading: &Reading) -> ErrorKind {
    match (error.classify(), reading.field.get()) {
        (Category::Data, Some(field)) => ErrorKind::WrongType(field),
        (Category::Data, None) => ErrorKind::Message(error::repeated(error)),
        (Category::Eof, _) => ErrorKind::Syntax("unexpected end of input".to_owned()),
        _ => ErrorKind::Syntax(error::repeated(error)),
    }
}
