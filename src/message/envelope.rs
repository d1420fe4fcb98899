//! A message with its provenance.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::message::headers::{HeaderError, Headers};
use crate::message::id::stamp;
use crate::message::kernel::Message;
use crate::message::source::Source;

/// A message and where it comes from: the record that travels on the bus.
///
/// It is a plain record: read its fields, and assign them. Outside of this crate none is built by a literal, so that
/// fields may come. The bus never changes one, and never copies one to
/// deliver it: subscribers share it, see [`Delivery`](crate::Delivery).
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::{Command, Event, Message};
/// use oxide_bus::Envelope;
///
/// let ping = Envelope::new("kernel", Message::Command(Command::Ping));
/// let pong = Envelope::new("echo", Message::Event(Event::Pong { from: "echo".into() }))
///     .with_correlation_id(ping.id);
/// assert_eq!(ping.source, "kernel");
/// assert_eq!(pong.correlation_id, Some(ping.id));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Envelope<M = Message> {
    /// Unique identifier of this envelope.
    pub id: Uuid,
    /// Who published it.
    pub source: Source,
    /// The id of the envelope that this one answers or continues, if any.
    pub correlation_id: Option<Uuid>,
    /// When it was made, by the system's clock.
    pub timestamp: DateTime<Utc>,
    /// Short names to text, beside the payload; mostly none.
    pub headers: Headers,
    /// The payload.
    pub message: M,
    /// The bus has added the header that names the trace, so a grant need not list it. No part of what the envelope says.
    pub(crate) is_traced: bool,
}

impl<M> Envelope<M> {
    /// Wraps a message, stamped with a new id and the time.
    ///
    /// Costs one reading of the clock and, where `source` is not a [`Source`] already, one
    /// allocation.
    ///
    /// Ids are version 7 UUIDs: they sort by the time they were made, to about a quarter of a
    /// microsecond, and end in 62 random bits. They are unique, but for what a [fork](crate::docs::limitations#after-a-fork)
    /// may repeat. They are not secret: the generator is fast and not a cryptographic one, so treat no id as a password.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Envelope, Source};
    ///
    /// let source = Source::from("thermometer");
    /// let first = Envelope::new(&source, 20.5);
    /// let second = Envelope::new(&source, 21.0);
    /// assert_ne!(first.id, second.id);
    /// ```
    #[inline]
    pub fn new(source: impl Into<Source>, message: M) -> Self {
        let (id, timestamp) = stamp();
        Envelope {
            id,
            source: source.into(),
            correlation_id: None,
            timestamp,
            headers: Headers::new(),
            message,
            is_traced: false,
        }
    }

    /// Ties this envelope to the one that it answers or continues.
    #[must_use]
    pub fn with_correlation_id(mut self, correlation_id: Uuid) -> Self {
        self.correlation_id = Some(correlation_id);
        self
    }

    /// Sets a header; one of that name is replaced.
    ///
    /// # Errors
    ///
    /// As [`Headers::insert`]. The envelope is dropped then; to keep it, insert into its [`headers`](Self::headers).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::Envelope;
    ///
    /// let reading = Envelope::new("thermometer", 21.5).with_header("unit", "celsius")?;
    /// assert_eq!(reading.header("unit"), Some("celsius"));
    /// assert_eq!(reading.header("tenant"), None);
    /// # Ok::<(), oxide_bus::HeaderError>(())
    /// ```
    pub fn with_header(
        mut self,
        name: &str,
        value: impl Into<String>,
    ) -> Result<Self, HeaderError> {
        self.headers.insert(name, value)?;
        Ok(self)
    }

    /// The text of a header, if there is one of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }
}

impl<M: PartialEq> PartialEq for Envelope<M> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.source == other.source
            && self.correlation_id == other.correlation_id
            && self.timestamp == other.timestamp
            && self.headers == other.headers
            && self.message == other.message
    }
}

#[expect(clippy::missing_fields_in_debug, reason = "no part of what it says")]
impl<M: fmt::Debug> fmt::Debug for Envelope<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id)
            .field("source", &self.source)
            .field("correlation_id", &self.correlation_id)
            .field("timestamp", &self.timestamp)
            .field("headers", &self.headers)
            .field("message", &self.message)
            .finish()
    }
}
