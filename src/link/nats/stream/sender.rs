//! The sending end of a durable link: frames for the stream, and acknowledgements of those from it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::client::PublishErrorKind;
use async_nats::connection::State;
use tokio::time;

use super::super::sender::{check, headers};
use super::api::Api;
use super::connection::StreamConnection;
use super::consumer;
use super::{SharedStream, StreamStanding};
use crate::link::engine::{EngineError, EngineSender, LinkPlan, StreamProgress, for_a_stream};
use crate::link::frames::frame::Frame;

/// How long a connection that closes waits for the client.
const FAREWELL: Duration = Duration::from_secs(1);

const CUT: &str = "the connection was cut";

/// The sending end of a connection to a stream of a NATS server.
pub struct NatsStreamSender {
    shared: Arc<SharedStream>,
    stream: String,
    plan: LinkPlan,
    /// When the stream was made, by the server's clock.
    created: Option<String>,
}

impl NatsStreamSender {
    pub(super) fn new(shared: Arc<SharedStream>, stream: &str, plan: LinkPlan) -> Self {
        NatsStreamSender {
            shared,
            stream: stream.to_owned(),
            plan,
            created: None,
        }
    }

    fn connection(&self, doing: &'static str) -> Result<StreamConnection, EngineError> {
        match self.shared.connection() {
            StreamStanding::Open(it) if it.client.connection_state() == State::Connected => Ok(it),
            _ => Err(EngineError::new(doing, CUT)),
        }
    }
}

impl EngineSender for NatsStreamSender {
    /// A durable link [stores](Self::store) everything that it sends.
    async fn send(&mut self, _: Frame) -> Result<(), EngineError> {
        Err(for_a_stream("send a frame"))
    }

    /// A durable link's subscriptions are in its plan.
    async fn subscribe(&mut self, _: &str, _: Option<&str>) -> Result<(), EngineError> {
        Err(for_a_stream("subscribe"))
    }

    /// Looks at the stream, and begins a consumer where the link is.
    async fn round_trip(&mut self) -> Result<(), EngineError> {
        const DOING: &str = "begin with the stream";
        let connection = self.connection(DOING)?;
        let api = Api {
            connection: &connection,
            stream: &self.stream,
        };
        let info = api.stream().await?;
        consumer::check(&self.stream, &info, &self.plan)?;
        let known = self.created.replace(info.created.clone());
        let position = {
            let mut traffic = self.shared.traffic.lock();
            if known.is_some_and(|known| known != info.created) {
                traffic.begin_anew();
            }
            traffic.sequence()
        };
        let next = if self.plan.imports.is_empty() {
            None
        } else {
            let (name, position) = consumer::begin(&api, &info, &self.plan, position).await?;
            self.shared.traffic.lock().begin_after(position);
            Some(format!("$JS.API.CONSUMER.MSG.NEXT.{}.{name}", self.stream))
        };
        self.connection(DOING)?;
        self.shared.traffic.lock().begin(&connection.inbox, next);
        self.shared.changed.notify_one();
        Ok(())
    }

    async fn store(&mut self, frame: Frame, number: u64, id: &str) -> Result<(), EngineError> {
        const DOING: &str = "store a frame";
        check(frame.subject()).map_err(|reason| EngineError::refused(DOING, reason))?;
        let headers = headers(&frame).map_err(|error| EngineError::refused(DOING, error))?;
        let mut headers: HeaderMap = headers.unwrap_or_default();
        headers.insert("Nats-Msg-Id", id);
        let connection = self.connection(DOING)?;
        let (subject, body) = (frame.subject().to_owned(), frame.body().clone());
        let answer = self.shared.traffic.lock().send(number);
        let answer = answer.ok_or_else(|| EngineError::new(DOING, CUT))?;
        (connection.client)
            .publish_with_reply_and_headers(subject, answer, headers, body)
            .await
            .map_err(|error| match error.kind() {
                PublishErrorKind::Send => EngineError::new(DOING, error),
                PublishErrorKind::MaxPayloadExceeded | PublishErrorKind::InvalidSubject => {
                    self.shared.traffic.lock().not_sent(number);
                    EngineError::refused(DOING, error)
                }
            })
    }

    async fn acknowledge(&mut self, progress: StreamProgress) -> Result<(), EngineError> {
        const DOING: &str = "acknowledge";
        let at = self.shared.traffic.lock().taken(progress);
        self.shared.changed.notify_one();
        let Some(at) = at else {
            return Ok(()); // it was handed over before the last round trip; the next one counts it
        };
        let connection = self.connection(DOING)?;
        (connection.client.publish(at, "+ACK".into()).await)
            .map_err(|error| EngineError::new(DOING, error))
    }

    async fn close(&mut self) {
        let connection = self.shared.connection();
        self.shared.set(StreamStanding::Closed);
        if let StreamStanding::Open(connection) = connection {
            // If this fails, the client has ended. If it takes long, the server is away. There is nothing left to send.
            let _ = time::timeout(FAREWELL, connection.client.drain()).await;
        }
    }
}

impl Drop for NatsStreamSender {
    fn drop(&mut self) {
        self.shared.set(StreamStanding::Closed);
    }
}

impl fmt::Debug for NatsStreamSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsStreamSender").finish_non_exhaustive()
    }
}
