//! Shortcuts on [`Envelope`]: to JSON and back with the default codec.
//!
//! They are for programs that need no other limits.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::coding::Codec;
use super::error::{DecodeError, EncodeError};
use crate::message::envelope::Envelope;

impl<M: DeserializeOwned + 'static> Envelope<M> {
    /// Reads an envelope from JSON, with a message of any type, strictly and within the default
    /// [limits](crate::codec#limits).
    ///
    /// # Errors
    ///
    /// The same as those of [`Codec::decode`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::{Command, Message};
    /// use oxide_bus::Envelope;
    ///
    /// let ping = Envelope::new("kernel", Message::Command(Command::Ping));
    /// assert_eq!(Envelope::from_json(ping.to_json()?)?, ping);
    /// assert!(Envelope::<Message>::from_json("[]").is_err());
    ///
    /// let reading = Envelope::<f64>::from_json(Envelope::new("thermometer", 21.5).to_json()?)?;
    /// assert_eq!(reading.message, 21.5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_json(json: impl AsRef<[u8]>) -> Result<Self, DecodeError> {
        Codec::new().decode(json)
    }
}

impl<M: Serialize + 'static> Envelope<M> {
    /// Writes this envelope as JSON, within the default [limits](crate::codec#limits).
    ///
    /// # Errors
    ///
    /// The same as those of [`Codec::encode`].
    pub fn to_json(&self) -> Result<String, EncodeError> {
        Codec::new().encode(self)
    }
}
