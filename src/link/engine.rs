//! Engines: an engine carries the frames of links over a server. A link needs nothing else of a server, so another
//! server needs another engine only.
//!
//! A link needs five things of an engine:
//!
//! * to send a frame, and to subscribe to subjects with `*` and `>`. The subscriptions outlast a reconnect. A frame
//!   that can never be sent is [refused](EngineError::refused), so that the others go on;
//! * a [round trip](EngineSender::round_trip). When it ends well, everything that was sent since the last one has
//!   reached the server. If the connection was cut meanwhile, even for a moment, it must fail;
//! * to share a subscription in a group, if links do that;
//! * [events](EngineEvent): each cut, each reconnect, each refusal of the server, and that the engine has dropped
//!   frames;
//! * frames of one sender in the order in which they were sent. If they come in another order, or twice, nothing is
//!   lost, but more is sent again. Only a [mark](crate::docs::links#words) must not overtake earlier frames: a link
//!   that has just joined begins after the number that the mark names.
//!
//! An [in-memory engine](crate::link::memory) is part of this crate, for tests. An engine whose server has streams may
//! offer [durable links](StreamEngine) as well.

use std::error::Error;
use std::fmt;
use std::future::Future;

pub use crate::link::frames::frame::Frame;
use crate::link::stream::{StreamError, StreamStart};

/// Carries the frames of links.
pub trait Engine: Send + Sync + 'static {
    /// The sending end of a connection.
    type Sender: EngineSender;
    /// The receiving end of a connection.
    type Receiver: EngineReceiver;

    /// Whether the server stores frames until they are fetched. Then the link is durable: it sends by
    /// [`store`](EngineSender::store) only, and acknowledges what it receives.
    const IS_DURABLE: bool = false;

    /// Connects under this name. Afterwards the engine reconnects by itself, and reports that by events.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if no connection can be made.
    fn connect(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<(Self::Sender, Self::Receiver), EngineError>> + Send;

    /// Connects for a link with this plan. An engine that needs only the name of the link need not implement it.
    ///
    /// # Errors
    ///
    /// As [`connect`](Engine::connect). A [`StreamError`] as the source of the error says why the stream cannot serve
    /// the link.
    fn open(
        &self,
        plan: &LinkPlan,
    ) -> impl Future<Output = Result<(Self::Sender, Self::Receiver), EngineError>> + Send {
        self.connect(&plan.name)
    }
}

/// An engine whose server also has streams, which store frames until they are fetched.
pub trait StreamEngine: Engine {
    /// The engine of durable links.
    type Stream: Engine;

    /// Returns the engine of the durable links over this stream.
    fn stream(self, stream: String) -> Self::Stream;
}

/// A plan: what a link is going to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkPlan {
    /// The name of the link.
    pub name: String,
    /// The subjects of the frames that it sends; `*` and `>` as in [`subscribe`](EngineSender::subscribe).
    pub exports: Vec<String>,
    /// The subjects of the frames that it asks for.
    pub imports: Vec<String>,
    /// Where the link begins if the stream does not know it yet.
    pub start: StreamStart,
}

impl LinkPlan {
    /// Makes the plan of a link that neither sends nor asks for anything.
    pub fn new(name: impl Into<String>) -> Self {
        LinkPlan {
            name: name.into(),
            exports: Vec::new(),
            imports: Vec::new(),
            start: StreamStart::New,
        }
    }
}

/// The sending end of a connection.
///
/// A link calls each method under a time limit. A call that is given up may have done its work or not. Dropping the
/// sender ends the connection like [`close`](EngineSender::close), but does not wait. The receiving end then returns no
/// more events. The engine cleans up as soon as it can.
pub trait EngineSender: Send + 'static {
    /// Hands a frame to the engine, and waits while the engine's buffers are full. That it returns says nothing about
    /// where the frame is. The frame goes out soon, even if no other call follows.
    ///
    /// # Errors
    ///
    /// [`EngineError`]. A [refusal](EngineError::refused) means that this frame can never be sent, but others can: the
    /// link gives it up. Any other error counts as a cut, and the frame is sent again.
    fn send(&mut self, frame: Frame) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Asks for the frames of these subjects. `*` stands for one token, `>` at the end for one or more. It is in force
    /// after the next [round trip](EngineSender::round_trip). After a reconnect the engine asks again by itself, also
    /// for subjects that were refused. When the round trip ends, the server's refusals are among the events that
    /// [`next`](EngineReceiver::next) returns without waiting.
    ///
    /// If several connections ask with the same group, the server gives each frame to one of them.
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
    /// [`EngineError`] if the connection was cut at any time since the last round trip, even if it is there again: then
    /// frames may be lost. The next round trip begins anew.
    fn round_trip(&mut self) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Hands over a frame for the stream, and waits while the engine's buffers are full. An
    /// [event](EngineEvent::Stored) tells when it is stored. Each frame has the next number. After a round trip the
    /// numbers go on after the last one that was reported as stored. The id of a frame stays the same when it is sent
    /// again, so that the server can pass over what it already has.
    ///
    /// Only a [durable](Engine::IS_DURABLE) engine has it.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the engine refuses the frame, or the connection was cut since the last round trip.
    fn store(
        &mut self,
        frame: Frame,
        number: u64,
        id: &str,
    ) -> impl Future<Output = Result<(), EngineError>> + Send {
        let _ = (frame, number, id);
        std::future::ready(Err(EngineError::new("store a frame", "it has no streams")))
    }

    /// Tells the engine how far the link is with the frames of the stream. Without that, the engine hands over a
    /// bounded number of frames only. The next life of the link begins after the position that was told last.
    ///
    /// Only a [durable](Engine::IS_DURABLE) engine has it.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the engine cannot tell the server.
    fn acknowledge(
        &mut self,
        progress: StreamProgress,
    ) -> impl Future<Output = Result<(), EngineError>> + Send {
        let _ = progress;
        std::future::ready(Err(EngineError::new("acknowledge", "it has no streams")))
    }

    /// Ends the connection. The receiving end then returns no more events.
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
    /// The connection is there again. Frames that were sent since the last round trip may be lost.
    Connected,
    /// The connection is cut. The engine tries to connect again.
    Disconnected,
    /// The server has refused a publish or a subscription.
    Denied {
        /// The subject of the refusal, if the server names it.
        subject: Option<String>,
        /// What the server says.
        reason: String,
    },
    /// The engine has dropped frames that were not taken soon enough. It does not say how many.
    Lagged,
    /// The server has stored all frames up to this number.
    Stored(u64),
    /// The server will never store the frame with this number. A later [`Stored`](Self::Stored) is about the others.
    NeverStored {
        /// The number of the frame.
        number: u64,
        /// What the server says.
        reason: String,
    },
    /// A frame from the stream.
    Kept {
        /// The position of the frame in the stream, counted from 1. Positions rise, except that frames may be handed
        /// over again after a round trip.
        position: u64,
        /// The stored frame.
        frame: Frame,
    },
    /// The stream has failed for this reason; the connection may still be there. After a round trip the engine goes on.
    /// It hands over again what was not acknowledged, and the link stores again what was not stored.
    Failed(String),
}

/// How far a link is with the frames of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamProgress {
    /// Everything up to this position is done.
    pub position: u64,
    /// How many of the frames that were handed over no longer wait. A frame that was handed over twice counts twice.
    pub taken: u64,
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

    /// Makes the error for a frame that can never be sent, for example because it is too large for the server.
    pub fn refused(doing: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        EngineError {
            is_refusal: true,
            ..EngineError::new(doing, source)
        }
    }

    /// Whether the frame can never be sent; see [`refused`](Self::refused).
    pub fn is_refusal(&self) -> bool {
        self.is_refusal
    }
}

impl EngineError {
    /// Returns what is wrong with the stream, if that is the reason.
    pub(super) fn into_stream_error(self) -> Result<StreamError, Self> {
        match self.source.downcast::<StreamError>() {
            Ok(error) => Ok(*error),
            Err(source) => Err(EngineError { source, ..self }),
        }
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

/// Refuses a call that an engine of a stream does not need: a durable link stores what it sends, and its plan has what
/// it asks for.
pub(super) fn for_a_stream(doing: &'static str) -> EngineError {
    EngineError::new(doing, "this connection is for a stream")
}

/// Returns an error and its sources, in one line. Some errors of other crates end with their source already.
pub(super) fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !words.ends_with(&cause) {
            words += ": ";
            words += &cause;
        }
        source = error.source();
    }
    words
}
