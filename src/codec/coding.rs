//! The codec itself: its limits, and how it reads and writes one envelope. The tests are in `tests/library/codec/`.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::ser::Serialize;

use super::bounded::{in_one_line, write};
use super::envelope::{Checked, EnvelopeSeed, check};
use super::error::{DecodeError, EncodeError};
use super::limits::Limits;
use super::message::{OwnOrForeign, Parts};
use super::name::check_source;
use super::reading::Reading;
use super::strict::{checked, read};
use crate::message::envelope::Envelope;

/// Reads and writes envelopes as JSON, strictly and within [limits](crate::codec#limits).
///
/// # Examples
///
/// ```
/// use oxide_bus::codec::{Codec, ErrorKind};
/// use oxide_bus::kernel::Message;
/// use oxide_bus::Envelope;
///
/// let json = r#"{
///     "id": "f18ca6a0-f663-4a05-ab64-ff8a88849d6c",
///     "source": "kernel",
///     "timestamp": "2026-11-24T06:07:20Z",
///     "priority": 3,
///     "message": {"kind": "command", "type": "ping"}
/// }"#;
/// let error = Codec::new().decode::<Message>(json).unwrap_err();
/// assert_eq!(error.kind(), &ErrorKind::UnknownKey("priority".into()));
/// assert_eq!(error.line(), 5);
///
/// let codec = Codec::new().lenient(true).max_bytes(1024);
/// let envelope: Envelope = codec.decode(json)?;
/// assert_eq!(envelope.source, "kernel");
/// # Ok::<(), oxide_bus::codec::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Codec {
    pub(super) limits: Limits,
    pub(super) lenient: bool,
}

impl Codec {
    /// Makes a strict codec with the default limits.
    pub fn new() -> Self {
        Codec::default()
    }

    /// Sets the most bytes of one envelope's JSON. The default is 1 MiB.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::Message;
    /// use oxide_bus::codec::Codec;
    ///
    /// let small = Codec::new().max_bytes(4 * 1024).max_depth(8);
    /// assert!(small.decode::<Message>(vec![b' '; 5_000]).unwrap_err().is_over_limit());
    /// ```
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Sets the most levels of objects and arrays. The envelope itself is the first, its message the second, and a
    /// payload that is an object the third. The default is 64. More than 127 counts as 127, since `serde_json` reads no
    /// deeper.
    #[must_use]
    pub fn max_depth(mut self, levels: usize) -> Self {
        self.limits.depth = levels.min(Limits::MAX_DEPTH);
        self
    }

    /// Sets the most values: objects, arrays, strings that are not keys, numbers, `true`, `false` and `null`. The
    /// default is 65,536.
    #[must_use]
    pub fn max_nodes(mut self, values: usize) -> Self {
        self.limits.nodes = values;
        self
    }

    /// Sets the most bytes of one string, key or value, in UTF-8 and after unescaping. The default is 256 KiB.
    #[must_use]
    pub fn max_string(mut self, bytes: usize) -> Self {
        self.limits.string = bytes;
        self
    }

    /// Sets the most bytes of one name, in UTF-8 and after unescaping. Names are the source, and in a [`Message`] the
    /// module ids, the methods, the kinds of custom events and the `from` of a pong. The default is 256.
    ///
    /// [`Message`]: crate::kernel::Message
    #[must_use]
    pub fn max_name(mut self, bytes: usize) -> Self {
        self.limits.name = bytes;
        self
    }

    /// Returns how many bytes an envelope may have.
    pub(crate) fn byte_limit(&self) -> usize {
        self.limits.bytes
    }

    /// Sets whether unknown keys in the envelope and in the message are skipped instead of refused. The default is
    /// `false`.
    ///
    /// A key is unknown if the format does not have it at all. A field of another variant is still an error, and so is
    /// a known key that comes twice. The limits hold for skipped values as well.
    #[must_use]
    pub fn lenient(mut self, lenient: bool) -> Self {
        self.lenient = lenient;
        self
    }

    /// Reads one envelope, with a message of any type that serde can read.
    ///
    /// A [`Message`] is read as the [format](crate::codec#the-format) says, within the limits. For a message of another
    /// type, its [`Deserialize`](serde::Deserialize) decides the form, within the same limits except for those of
    /// names.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] says what is wrong, and where: see [what is refused](crate::codec#what-is-refused).
    /// [`ErrorKind::Message`](crate::codec::ErrorKind::Message) has the words of the message's own implementation,
    /// which may quote its input.
    ///
    /// # Examples
    ///
    /// The compiler infers the type of the message from the use of the envelope. `Envelope` alone, as a type, means
    /// `Envelope<Message>`.
    ///
    /// ```
    /// use oxide_bus::codec::Codec;
    /// use oxide_bus::kernel::{Command, Message};
    /// use oxide_bus::Envelope;
    ///
    /// let codec = Codec::new();
    /// let reading = Envelope::new("thermometer", 21.5);
    /// assert_eq!(codec.decode(codec.encode(&reading)?)?, reading);
    ///
    /// let ping = Envelope::new("kernel", Message::Command(Command::Ping)).to_json()?;
    /// let envelope: Envelope = codec.decode(&ping)?;
    /// assert_eq!(envelope.source, "kernel");
    /// assert!(codec.decode::<f64>(&ping).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Message`]: crate::kernel::Message
    pub fn decode<M: DeserializeOwned + 'static>(
        &self,
        json: impl AsRef<[u8]>,
    ) -> Result<Envelope<M>, DecodeError> {
        let reading = &Reading::new(self.limits, self.lenient);
        let message = OwnOrForeign {
            reading,
            message: PhantomData,
        };
        read(json.as_ref(), reading, EnvelopeSeed { reading, message })
    }

    /// Writes one envelope, in one line and without a line break at the end.
    ///
    /// With the same limits, [`decode`](Codec::decode) reads the result back as an equal envelope. For a message type
    /// other than [`Message`], that depends on its own implementations of serde's traits.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] says what a reader would refuse.
    ///
    /// [`Message`]: crate::kernel::Message
    pub fn encode<M: Serialize + 'static>(
        &self,
        envelope: &Envelope<M>,
    ) -> Result<String, EncodeError> {
        check(envelope)?;
        check_source(&envelope.source, &self.limits)?;
        let parts = Parts::of(&envelope.message);
        if let Some(parts) = &parts {
            parts.check_names(&self.limits)?;
        }
        let written = match &parts {
            Some(message) => write(&Checked { envelope, message }, self.limits.bytes),
            None => write(envelope, self.limits.bytes).map(in_one_line),
        };
        let own_nulls = usize::from(envelope.correlation_id.is_none());
        checked(
            written,
            &envelope.message,
            parts.as_ref(),
            &self.limits,
            self.limits.depth,
            own_nulls,
        )
    }
}
