//! A message alone, without its envelope: for carriers that have another place for the rest of the envelope.

use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed};
use serde::ser::Serialize;

use super::bounded::{in_one_line, write};
use super::error::{DecodeError, EncodeError, ErrorKind, repeated};
use super::finite;
use super::limits::Limits;
use super::message::{OwnOrForeign, Parts};
use super::name::check_source;
use super::reading::Reading;
use super::scan::{scan, scan_for_nulls};
use super::value;
use super::{Codec, explain};

impl Codec {
    /// Writes a message by itself, as it would stand in its envelope.
    pub(crate) fn encode_message<M: Serialize + 'static>(
        &self,
        message: &M,
    ) -> Result<String, EncodeError> {
        let limits = self.limits_alone();
        let parts = Parts::of(message);
        if let Some(parts) = &parts {
            parts.check_names(&limits)?;
        }
        let written = match &parts {
            Some(parts) => write(parts, limits.bytes),
            None => write(message, limits.bytes).map(in_one_line),
        };
        let json = written.map_err(|error| {
            if error.is_io() {
                return ErrorKind::TooLarge(limits.bytes);
            }
            let found = match &parts {
                Some(parts) => parts.payload.and_then(|payload| {
                    value::check(payload, Limits::PAYLOAD_LEVEL, self.limits.depth).err()
                }),
                None => finite::not_finite(message).map(ErrorKind::NotFinite),
            };
            found.unwrap_or_else(|| ErrorKind::Message(repeated(&error)))
        })?;
        let nulls = scan_for_nulls(&json, &limits).map_err(|fault| fault.kind)?;
        if parts.is_none()
            && nulls > 0
            && let Some(place) = finite::not_finite(message)
        {
            return Err(ErrorKind::NotFinite(place).into());
        }
        Ok(json)
    }

    /// Reads a message by itself, within the limits.
    pub(crate) fn decode_message<M: DeserializeOwned + 'static>(
        &self,
        json: &[u8],
    ) -> Result<M, DecodeError> {
        let limits = self.limits_alone();
        if json.len() > limits.bytes {
            let kind = ErrorKind::TooLarge(limits.bytes);
            return Err(DecodeError::at(json, limits.bytes, kind));
        }
        let text = std::str::from_utf8(json)
            .map_err(|error| DecodeError::at(json, error.valid_up_to(), ErrorKind::NotUtf8))?;
        scan(text, &limits).map_err(|fault| DecodeError::at(json, fault.offset, fault.kind))?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let reading = &Reading::new(limits, self.lenient);
        OwnOrForeign {
            reading,
            message: PhantomData,
        }
        .deserialize(&mut deserializer)
        .and_then(|message| deserializer.end().map(|()| message))
        .map_err(|error| DecodeError {
            kind: (reading.take_fault()).unwrap_or_else(|| explain(&error, reading)),
            line: error.line().max(1),
            column: error.column().max(1),
        })
    }

    /// Checks a source that does not stand in an envelope's text.
    pub(crate) fn check_source(&self, source: &str) -> Result<(), EncodeError> {
        Ok(check_source(source, &self.limits)?)
    }

    /// A message alone has one level less than its envelope.
    fn limits_alone(&self) -> Limits {
        Limits {
            depth: self.limits.depth.saturating_sub(1),
            ..self.limits
        }
    }
}
