//! The requests that a durable link makes to `JetStream`: about its stream, and its consumers.

use async_nats::{Message, RequestErrorKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::connection::StreamConnection;
use crate::link::engine::EngineError;
use crate::link::stream::StreamError;

/// The server's codes for something that does not exist.
const NO_STREAM: u64 = 10059;
const NO_CONSUMER: u64 = 10014;

/// The server's code for a message that is larger than the stream takes.
const TOO_LARGE: u64 = 10054;

/// The server's codes for an account without streams.
const NO_STREAMS: [u64; 2] = [10039, 10076];

/// The fields that every answer of `JetStream` may have, also the answer to a publish.
#[derive(Debug, Deserialize)]
struct Answer {
    error: Option<ApiError>,
}

#[derive(Debug, Deserialize)]
struct ApiError {
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamInfo {
    pub(super) created: String,
    pub(super) config: StreamConfig,
    pub(super) state: StreamExtent,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamConfig {
    #[serde(default)]
    pub(super) subjects: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamExtent {
    pub(super) last_seq: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ConsumerConfig {
    pub(super) durable_name: String,
    pub(super) deliver_policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) opt_start_seq: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) filter_subject: Option<String>,
    pub(super) ack_policy: String,
    /// In nanoseconds.
    pub(super) ack_wait: u64,
    pub(super) max_ack_pending: i64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Floor {
    pub(super) consumer_seq: u64,
    pub(super) stream_seq: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConsumerInfo {
    pub(super) config: ConsumerConfig,
    pub(super) ack_floor: Floor,
}

#[derive(Debug, Deserialize)]
struct Deleted {}

/// The requests of one link.
pub(super) struct Api<'a> {
    pub(super) connection: &'a StreamConnection,
    pub(super) stream: &'a str,
}

impl Api<'_> {
    pub(super) async fn stream(&self) -> Result<StreamInfo, EngineError> {
        let subject = format!("$JS.API.STREAM.INFO.{}", self.stream);
        let missing = || StreamError::Missing(self.stream.to_owned());
        (self.request(subject, Vec::new(), NO_STREAM).await?).ok_or_else(|| failed(missing()))
    }

    /// Returns the server's information about a consumer. `None` if it does not exist.
    pub(super) async fn consumer(&self, name: &str) -> Result<Option<ConsumerInfo>, EngineError> {
        let subject = format!("$JS.API.CONSUMER.INFO.{}.{name}", self.stream);
        self.request(subject, Vec::new(), NO_CONSUMER).await
    }

    pub(super) async fn create(&self, config: &ConsumerConfig) -> Result<(), EngineError> {
        #[derive(Serialize)]
        struct Create<'a> {
            stream_name: &'a str,
            config: &'a ConsumerConfig,
        }

        let (stream, name) = (self.stream, &config.durable_name);
        let subject = format!("$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{name}");
        let create = Create {
            stream_name: stream,
            config,
        };
        // Texts and numbers can always be written.
        let body = serde_json::to_vec(&create).unwrap_or_default();
        let missing = || StreamError::Missing(stream.to_owned());
        let created: Option<ConsumerInfo> = self.request(subject, body, NO_STREAM).await?;
        created.map(drop).ok_or_else(|| failed(missing()))
    }

    pub(super) async fn delete(&self, name: &str) -> Result<(), EngineError> {
        let subject = format!("$JS.API.CONSUMER.DELETE.{}.{name}", self.stream);
        self.request::<Deleted>(subject, Vec::new(), NO_CONSUMER)
            .await?;
        Ok(())
    }

    /// Makes a request. `None` if the thing does not exist.
    async fn request<T: DeserializeOwned>(
        &self,
        subject: String,
        body: Vec<u8>,
        absent: u64,
    ) -> Result<Option<T>, EngineError> {
        let answer = self.ask(&subject, body).await?;
        let unreadable = |error| EngineError::new(DOING, error);
        let Answer { error } = serde_json::from_slice(&answer.payload).map_err(unreadable)?;
        match error {
            Some(error) if error.err_code == absent => Ok(None),
            Some(error) if NO_STREAMS.contains(&error.err_code) => {
                Err(failed(StreamError::Unavailable(error.description)))
            }
            Some(error) => Err(failed(StreamError::Refused {
                subject,
                reason: error.description,
            })),
            None => (serde_json::from_slice(&answer.payload).map(Some)).map_err(unreadable),
        }
    }

    /// Waits for the answer, or for the server's complaint about the request.
    async fn ask(&self, subject: &str, body: Vec<u8>) -> Result<Message, EngineError> {
        let connection = self.connection;
        let mut changes = connection.news.watch();
        let request = (connection.client).request(subject.to_owned(), body.into());
        let mut request = Box::pin(request); // the client's futures are large
        loop {
            let refusal = (changes.borrow_and_update().refusals.iter())
                .find(|it| {
                    let about = it.subject.as_deref().unwrap_or_default();
                    about == subject || about.starts_with("_INBOX.")
                })
                .cloned();
            if let Some(refusal) = refusal {
                return Err(failed(StreamError::Refused {
                    subject: refusal.subject.unwrap_or_default(),
                    reason: refusal.reason,
                }));
            }
            tokio::select! {
                answer = &mut request => {
                    return answer.map_err(|error| match error.kind() {
                        RequestErrorKind::NoResponders => {
                            failed(StreamError::Unavailable("nothing answers; was it started with -js?".to_owned()))
                        }
                        _ => EngineError::new(DOING, error),
                    });
                }
                _ = changes.changed() => {}
            }
        }
    }
}

/// Why a frame is not stored.
pub(super) enum NotStored {
    /// It never will be.
    Never(String),
    /// It may be later.
    Now(String),
}

/// Reads the answer to a publish.
pub(super) fn stored(answer: &Message) -> Result<(), NotStored> {
    if answer.status.is_some() {
        return Err(NotStored::Now("no stream takes it".to_owned()));
    }
    match serde_json::from_slice(&answer.payload) {
        Ok(Answer { error: None }) => Ok(()),
        Ok(Answer { error: Some(error) }) if error.err_code == TOO_LARGE => {
            Err(NotStored::Never(error.description))
        }
        Ok(Answer { error: Some(error) }) => Err(NotStored::Now(error.description)),
        Err(error) => Err(NotStored::Now(error.to_string())),
    }
}

const DOING: &str = "use the stream";

pub(super) fn failed(error: StreamError) -> EngineError {
    EngineError::new(DOING, error)
}
