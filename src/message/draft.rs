//! The draft: a message before the bus stamps id, source and time on it.
//!
//! It lets one method publish a plain message or a message with headers and a correlation id.

use uuid::Uuid;

use crate::message::headers::{HeaderError, Headers};
use crate::message::kernel::{Command, Event, Message};

/// A message with its headers, before the bus stamps id, source and time on it.
///
/// [`Bus::send`](crate::Bus::send) and the methods of [`Publisher`](crate::Publisher) take any `impl Into<Draft<M>>`: a
/// plain message, or a draft if the message has headers, or answers or continues another. A [`Command`] or an [`Event`]
/// converts into a draft of a [`Message`].
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::{Command, Event};
/// use oxide_bus::{Draft, MessageBus};
///
/// let bus = MessageBus::new();
/// let mut envelopes = bus.subscribe();
/// let ping = bus.send("kernel", Command::Ping)?.id();
/// let pong = Draft::new(Event::Pong { from: "echo".into() }.into()).with_correlation_id(ping);
/// bus.send("echo", pong)?;
///
/// envelopes.recv()?;
/// assert_eq!(envelopes.recv()?.correlation_id, Some(ping));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Draft<M = Message> {
    /// The payload.
    pub message: M,
    /// The id of the envelope that this one answers or continues, if any.
    pub correlation_id: Option<Uuid>,
    /// Short names with texts, beside the payload. Most messages have none.
    pub headers: Headers,
}

impl<M> Draft<M> {
    /// Wraps a message that answers nothing and has no headers.
    #[inline]
    pub fn new(message: M) -> Self {
        Draft {
            message,
            correlation_id: None,
            headers: Headers::new(),
        }
    }

    /// Sets the id of the envelope that this message answers or continues.
    #[must_use]
    pub fn with_correlation_id(mut self, correlation_id: Uuid) -> Self {
        self.correlation_id = Some(correlation_id);
        self
    }

    /// Sets a header. A header that has this name already is replaced.
    ///
    /// # Errors
    ///
    /// The same as those of [`Headers::insert`]. The draft is dropped on an error. To keep it, insert into its
    /// [`headers`](Self::headers).
    pub fn with_header(
        mut self,
        name: &str,
        value: impl Into<String>,
    ) -> Result<Self, HeaderError> {
        self.headers.insert(name, value)?;
        Ok(self)
    }

    /// Replaces all headers, for example by those of the question that this message answers.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Draft};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe();
    /// let server = bus.trusted_publisher("server");
    /// bus.send("client", Draft::new(6).with_header("tenant", "north")?)?;
    /// let question = numbers.recv()?;
    /// server.reply(&question, Draft::new(7).with_headers(question.headers.clone()))?;
    /// assert_eq!(numbers.recv()?.header("tenant"), Some("north"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }
}

impl<M> From<M> for Draft<M> {
    #[inline]
    fn from(message: M) -> Self {
        Draft::new(message)
    }
}

impl From<Command> for Draft<Message> {
    fn from(command: Command) -> Self {
        Draft::new(command.into())
    }
}

impl From<Event> for Draft<Message> {
    fn from(event: Event) -> Self {
        Draft::new(event.into())
    }
}
