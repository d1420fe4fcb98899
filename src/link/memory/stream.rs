//! The engine of durable links, over a stream of the server in memory.

use std::fmt;

use tokio::time::Instant;

use super::engine::{MemoryEngine, MemoryReceiver, MemorySender};
use crate::link::engine::{
    Engine, EngineError, EngineEvent, EngineSender, LinkPlan, StreamEngine, StreamProgress,
    for_a_stream,
};
use crate::link::frames::frame::Frame;
use crate::link::stream::StreamError;

/// The engine of durable links over a [`MemoryServer`](super::MemoryServer); made by
/// [`LinkBuilder::durable`](crate::link::LinkBuilder::durable). Frames are stored in memory, and handed over all at
/// once.
#[derive(Debug, Clone)]
pub struct MemoryStream {
    engine: MemoryEngine,
    stream: String,
}

impl StreamEngine for MemoryEngine {
    type Stream = MemoryStream;

    fn stream(self, stream: String) -> MemoryStream {
        MemoryStream {
            engine: self,
            stream,
        }
    }
}

impl Engine for MemoryStream {
    type Sender = MemoryStreamSender;
    type Receiver = MemoryReceiver;

    const IS_DURABLE: bool = true;

    async fn connect(
        &self,
        name: &str,
    ) -> Result<(MemoryStreamSender, MemoryReceiver), EngineError> {
        self.open(&LinkPlan::new(name)).await
    }

    async fn open(
        &self,
        plan: &LinkPlan,
    ) -> Result<(MemoryStreamSender, MemoryReceiver), EngineError> {
        let (sender, receiver) = self.engine.connect(&plan.name).await?;
        (sender.server.server.lock())
            .check(&self.stream, plan)
            .map_err(failed)?;
        let mut sender = MemoryStreamSender {
            sender,
            stream: self.stream.clone(),
            plan: plan.clone(),
        };
        sender.round_trip().await?;
        Ok((sender, receiver))
    }
}

fn failed(error: StreamError) -> EngineError {
    EngineError::new("use the stream", error)
}

/// The sending end of a connection to a stream of a [`MemoryServer`](super::MemoryServer).
pub struct MemoryStreamSender {
    sender: MemorySender,
    stream: String,
    plan: LinkPlan,
}

impl EngineSender for MemoryStreamSender {
    /// A durable link [stores](Self::store) everything that it sends.
    async fn send(&mut self, _: Frame) -> Result<(), EngineError> {
        Err(for_a_stream("send a frame"))
    }

    /// A durable link's subscriptions are in its plan.
    async fn subscribe(&mut self, _: &str, _: Option<&str>) -> Result<(), EngineError> {
        Err(for_a_stream("subscribe"))
    }

    async fn round_trip(&mut self) -> Result<(), EngineError> {
        self.sender.round_trip().await?;
        let mut server = self.sender.server.server.lock();
        if server.read(&self.sender.connection, &self.stream, &self.plan) {
            Ok(())
        } else {
            Err(failed(StreamError::Missing(self.stream.clone())))
        }
    }

    async fn store(&mut self, frame: Frame, number: u64, id: &str) -> Result<(), EngineError> {
        const DOING: &str = "store a frame";
        let mut server = self.sender.server.server.lock();
        let connection = &self.sender.connection;
        {
            let wire = connection.state.lock();
            if wire.is_closed || wire.was_cut {
                return Err(EngineError::new(DOING, "the connection was cut"));
            }
        }
        if frame.body().len() > server.max_body {
            return Err(EngineError::refused(DOING, "its body is too large"));
        }
        let faults = server.faults;
        if server.happens(faults.cuts) {
            let outage = faults.outage.mul_f64(server.random.f64());
            let reaches = server.happens(0.5);
            connection.cut(0, Some(Instant::now() + outage));
            if reaches {
                server.store(&self.stream, frame, id);
            }
        } else if server.store(&self.stream, frame, id) {
            server.report(connection, EngineEvent::Stored(number));
        } else {
            let reason = StreamError::Missing(self.stream.clone()).to_string();
            server.report(connection, EngineEvent::Failed(reason));
        }
        Ok(())
    }

    async fn acknowledge(&mut self, progress: StreamProgress) -> Result<(), EngineError> {
        let mut server = self.sender.server.server.lock();
        if self.sender.connection.state.lock().was_cut {
            return Err(EngineError::new("acknowledge", "the connection was cut"));
        }
        if let Some(stored) = server.streams.get_mut(&self.stream) {
            stored.reach(&self.plan.name, progress.position);
        }
        Ok(())
    }

    async fn close(&mut self) {
        self.sender.close().await;
    }
}

impl fmt::Debug for MemoryStreamSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStreamSender")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}
