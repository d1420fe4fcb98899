//! The seam between a link and what carries its frames: an engine.
//!
//! A link needs four things of an engine: to send a frame, to receive the frames of some subjects, to learn of cuts and
//! reconnects, and a round trip, after which everything that was sent before has arrived. Whatever has these can carry
//! links. An [in-memory engine](crate::link::memory) is part of this crate, for tests.

use std::error::Error;
use std::fmt;
use std::future::Future;

use bytes::Bytes;

/// What carries the frames of links.
pub trait Engine: Send + Sync + 'static {
    /// The sending end of a connection.
    type Sender: EngineSender;
    /// The receiving end of a connection.
    type Receiver: EngineReceiver;

    /// Connects under this name. Afterwards the engine reconnects by itself, and says so by events.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if no connection can be made.
    fn connect(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<(Self::Sender, Self::Receiver), EngineError>> + Send;
}

/// The sending end of a connection.
///
/// A link calls each method under a time limit. A call that is given up may have done its work or not. To drop the
/// sender ends the connection, as [`close`](EngineSender::close) does, but does not wait: the receiving end then has no
/// more events, and nothing of it is left behind once the engine can see to that.
pub trait EngineSender: Send + 'static {
    /// Hands a frame to the engine, and waits while the engine's buffers are full. That it returns says nothing about
    /// where the frame is; but it goes out soon, though no other call follows.
    ///
    /// # Errors
    ///
    /// [`EngineError`]. A [refusal](EngineError::refused) means that this frame will never go, and that others will: the
    /// link gives it up. Any other error counts as a cut, and the frame is sent again.
    fn send(&mut self, frame: Frame) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Asks for the frames of these subjects. `*` stands for one token, `>` at the end for one or more. It is in force
    /// after the next [round trip](EngineSender::round_trip); after a reconnect the engine asks again by itself, also for
    /// what was refused. When the round trip ends, the refusals of the server are among the events that
    /// [`next`](EngineReceiver::next) returns without waiting.
    ///
    /// Of all connections that ask with the same group, the server gives each frame to one.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the engine refuses the subject.
    fn subscribe(
        &mut self,
        subject: &str,
        group: Option<&str>,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Waits until everything that was sent before has reached the server, and every subscription is in force there.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the connection was cut at any time since the round trip before, even if it is there again:
    /// then something that was sent may be lost. The next round trip begins anew.
    fn round_trip(&mut self) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Ends the connection. The receiving end then has no more events.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// The receiving end of a connection.
pub trait EngineReceiver: Send + 'static {
    /// Waits for the next event. `None` if the connection was closed.
    ///
    /// # Cancel safety
    ///
    /// A call that is given up takes no event.
    fn next(&mut self) -> impl Future<Output = Option<EngineEvent>> + Send;
}

/// What happens to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineEvent {
    /// A frame of a subject that was subscribed to.
    Frame(Frame),
    /// The connection is there again. Nothing is known of what was sent since the last round trip.
    Connected,
    /// The connection is cut. The engine tries to connect again.
    Disconnected,
    /// The server has refused a publish or a subscription.
    Denied {
        /// What the refusal is about, where the server says it.
        subject: Option<String>,
        /// What the server says.
        reason: String,
    },
    /// The engine has dropped frames that were not taken soon enough. How many, it does not say.
    Lagged,
}

/// What a link sends and receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Tokens with a dot between them. A frame that is sent has no wildcards.
    pub subject: String,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// The payload.
    pub body: Bytes,
}

/// An engine did not do what it was asked for.
#[derive(Debug)]
pub struct EngineError {
    doing: &'static str,
    is_refusal: bool,
    source: Box<dyn Error + Send + Sync>,
}

impl EngineError {
    /// Makes an error of what the engine was doing, in words such as `connect to the server`, and of the reason.
    pub fn new(doing: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        EngineError {
            doing,
            is_refusal: false,
            source: source.into(),
        }
    }

    /// Makes the error for a frame that will never go, however often it is sent: it is larger than the server takes, say.
    pub fn refused(doing: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        EngineError {
            is_refusal: true,
            ..EngineError::new(doing, source)
        }
    }

    /// Whether the frame will never go; see [`refused`](Self::refused).
    pub fn is_refusal(&self) -> bool {
        self.is_refusal
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the engine could not {}", self.doing)
    }
}

impl Error for EngineError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// Returns an error and its sources, in one line.
pub(super) fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words.push_str(": ");
        words.push_str(&error.to_string());
        source = error.source();
    }
    words
}
