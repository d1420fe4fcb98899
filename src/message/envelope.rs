//! The envelope: a message with its id, its source and its time.
//!
//! Every layer handles envelopes, so the type stands apart from all of them.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::message::headers::{HeaderError, Headers};
use crate::message::id::stamp;
use crate::message::kernel::Message;
use crate::message::source::Source;

/// A message and where it comes from: the record that travels on the bus.
///
/// It is a plain record: its fields can be read and assigned. Other crates cannot build one by a literal, so that
/// fields can be added later. The bus never changes an envelope and never copies one to deliver it: subscribers share
/// it, see [`Delivery`](crate::Delivery).
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
    /// The name of the publisher.
    pub source: Source,
    /// The id of the envelope that this one answers or continues, if any.
    pub correlation_id: Option<Uuid>,
    /// When the envelope was made, by the system's clock.
    pub timestamp: DateTime<Utc>,
    /// Short names with texts, beside the payload. Most envelopes have none.
    pub headers: Headers,
    /// The payload.
    pub message: M,
    /// Whether the bus added the header that names the trace. A grant need not list a header that the bus added.
    ///
    /// It is not part of the envelope's content: comparison and `Debug` leave it out.
    pub(crate) is_traced: bool,
}

impl<M> Envelope<M> {
    /// Wraps a message, and stamps it with a new id and the time.
    ///
    /// Costs one reading of the clock, and one allocation if `source` is not a [`Source`] already.
    ///
    /// Ids are version 7 UUIDs (RFC 9562): they sort by the time they were made, to about a quarter of a microsecond,
    /// and end in 62 random bits. They are unique, except that a [fork](crate::docs::limitations#after-a-fork) may
    /// repeat some. They are not secret: the generator is fast and not cryptographic, so do not use an id as a
    /// password.
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

    /// Sets the id of the envelope that this one answers or continues.
    #[must_use]
    pub fn with_correlation_id(mut self, correlation_id: Uuid) -> Self {
        self.correlation_id = Some(correlation_id);
        self
    }

    /// Sets a header. A header that has this name already is replaced.
    ///
    /// # Errors
    ///
    /// The same as those of [`Headers::insert`]. The envelope is dropped on an error. To keep it, insert into its
    /// [`headers`](Self::headers).
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

    /// Returns the text of the header with this name, if there is one.
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
