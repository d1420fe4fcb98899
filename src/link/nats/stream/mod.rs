//! The engine of durable links, over `JetStream`: the streams of a NATS server.
//!
//! It uses the few subjects of `JetStream` itself, so it needs nothing more of the client. A link relies on three
//! things:
//!
//! - **Acknowledged publishes.** Each frame is published with an inbox of its own for the answer, and with an id
//!   (`Nats-Msg-Id`). By the id the server passes over frames that it has stored already.
//! - **One connection at a time.** The client would write its remaining frames to the next connection, so a later frame
//!   might be stored before an earlier one. Here a connection that was cut is given up with everything that waited in
//!   it, and another is made.
//! - **A place to go on from.** The stream remembers how far a link is, by a consumer with the link's name and `_1` or
//!   `_2`. After each cut the link makes the other one of the two, which begins where the link is, and deletes the old
//!   one. So the link need not wait for messages that were under way over a cut connection, and the order is that of
//!   the stream.

mod api;
mod connection;
mod consumer;
mod pulls;
mod receiver;
mod sender;
mod traffic;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

pub use self::receiver::NatsStreamReceiver;
pub use self::sender::NatsStreamSender;

use self::connection::StreamConnection;
use self::traffic::StreamTraffic;
use super::Nats;
use crate::link::engine::{Engine, EngineError, EngineSender, LinkPlan, StreamEngine};

/// The engine of durable links over a NATS server; made by [`LinkBuilder::durable`](crate::link::LinkBuilder::durable).
/// The [module](super) says what it relies on.
///
/// # Examples
///
/// ```no_run
/// use oxide_bus::link::engine::{Engine, EngineSender, Frame, LinkPlan, StreamEngine};
/// use oxide_bus::link::nats::Nats;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Nats::new("nats://127.0.0.1:4222").stream("EVENTS".to_owned());
/// let (mut sender, _receiver) = engine.open(&LinkPlan::new("north")).await?;
/// sender.store(Frame::new("ob.north.event", "7"), 1, "north-1").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct NatsStream {
    nats: Nats,
    stream: String,
}

impl StreamEngine for Nats {
    type Stream = NatsStream;

    fn stream(self, stream: String) -> NatsStream {
        NatsStream { nats: self, stream }
    }
}

/// What the two ends share.
#[derive(Debug)]
struct SharedStream {
    connection: Mutex<StreamStanding>,
    traffic: Mutex<StreamTraffic>,
    /// Wakes the receiving end.
    changed: Notify,
}

#[derive(Debug, Clone)]
enum StreamStanding {
    Open(StreamConnection),
    Cut,
    /// The link has ended.
    Closed,
}

impl SharedStream {
    fn connection(&self) -> StreamStanding {
        self.connection.lock().clone()
    }

    /// Notes that there is a connection, or none. The end is the end.
    fn set(&self, connection: StreamStanding) {
        let mut known = self.connection.lock();
        if !matches!(*known, StreamStanding::Closed) {
            *known = connection;
        }
        drop(known);
        self.changed.notify_one();
    }
}

impl Engine for NatsStream {
    type Sender = NatsStreamSender;
    type Receiver = NatsStreamReceiver;

    const IS_DURABLE: bool = true;

    async fn connect(
        &self,
        name: &str,
    ) -> Result<(NatsStreamSender, NatsStreamReceiver), EngineError> {
        self.open(&LinkPlan::new(name)).await
    }

    /// Connects, and checks that the stream is as it must be.
    async fn open(
        &self,
        plan: &LinkPlan,
    ) -> Result<(NatsStreamSender, NatsStreamReceiver), EngineError> {
        let (connection, messages) = connection::connect(&self.nats, &plan.name).await?;
        let shared = Arc::new(SharedStream {
            connection: Mutex::new(StreamStanding::Open(connection)),
            traffic: Mutex::default(),
            changed: Notify::new(),
        });
        let mut sender = NatsStreamSender::new(Arc::clone(&shared), &self.stream, plan.clone());
        sender.round_trip().await?;
        let receiver = NatsStreamReceiver::new(shared, self.nats.clone(), &plan.name, messages);
        Ok((sender, receiver))
    }
}
