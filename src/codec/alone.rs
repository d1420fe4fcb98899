//! A message alone, without its envelope: for carriers that have another place for the rest of the envelope.
//!
//! A link sends the message as the body of a frame, and everything else in headers. The tests are in
//! `tests/link/crossing.rs`.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::ser::Serialize;

use super::bounded::{in_one_line, write};
use super::coding::Codec;
use super::error::{DecodeError, EncodeError};
use super::limits::Limits;
use super::message::{OwnOrForeign, Parts};
use super::name::check_source;
use super::reading::Reading;
use super::strict::{checked, read};

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
        checked(
            written,
            message,
            parts.as_ref(),
            &limits,
            self.limits.depth,
            0,
        )
    }

    /// Reads a message by itself, within the limits.
    pub(crate) fn decode_message<M: DeserializeOwned + 'static>(
        &self,
        json: &[u8],
    ) -> Result<M, DecodeError> {
        let reading = &Reading::new(self.limits_alone(), self.lenient);
        let message = OwnOrForeign {
            reading,
            message: PhantomData,
        };
        read(json, reading, message)
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
