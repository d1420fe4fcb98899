//! A message before it is stamped with id, source and time.

use uuid::Uuid;

use crate::message::{Command, Event, Message};

/// What is said, before the bus stamps id, source and time.
///
/// [`Bus::send`](crate::Bus::send) and the methods of [`Publisher`](crate::Publisher) take any `impl Into<Draft<M>>`: a
/// plain message, or a draft where the message answers or continues another. A [`Command`] or an [`Event`] is a draft of
/// a [`Message`].
///
/// # Examples
///
/// ```
/// use oxide_bus::{Command, Draft, Event, MessageBus};
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
}

impl<M> Draft<M> {
    /// A message that answers nothing.
    #[inline]
    pub fn new(message: M) -> Self {
        Draft {
            message,
            correlation_id: None,
        }
    }

    /// Ties this message to the envelope that it answers or continues.
    #[must_use]
    pub fn with_correlation_id(mut self, correlation_id: Uuid) -> Self {
        self.correlation_id = Some(correlation_id);
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
