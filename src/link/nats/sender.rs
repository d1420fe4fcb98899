//! The sending end: frames, subscriptions, and round trips.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use async_nats::client::PublishErrorKind;
use async_nats::connection::State as Connection;
use async_nats::{Client, HeaderMap, HeaderName, HeaderValue, Subscriber};
use futures_core::Stream;
use tokio::sync::{mpsc, watch};
use tokio::time;

use super::news::{ClientNews, SharedNews, connection};
use crate::link::engine::{EngineError, EngineSender};
use crate::link::frames::frame::Frame;

/// The most bytes of a subject. A server takes 4,096 for a whole control line, and cuts a connection with a longer one.
const SUBJECT: usize = 4_000;

/// How long a marker may be under way before another is sent: a cut of the second connection loses it.
const AGAIN: Duration = Duration::from_millis(250);

/// How often a sender that waits for the connection looks at it, because the client may lose an event.
const LOOK: Duration = Duration::from_millis(100);

/// How long a connection that closes waits for the client.
const FAREWELL: Duration = Duration::from_secs(1);

/// The token of markers. No escaped token looks like it.
const MARKER: &str = "=b";

/// Returns whether this is the subject of a marker: `ob.<name>.=b.<connection>`.
pub(super) fn is_marker(subject: &str) -> bool {
    // An array: a search for one `char` is made for long tokens.
    subject.split(['.']).nth(2) == Some(MARKER)
}

/// The sending end of a connection to a NATS server.
pub struct NatsSender {
    client: Client,
    news: SharedNews,
    changes: watch::Receiver<ClientNews>,
    subscriptions: mpsc::UnboundedSender<(String, Subscriber)>,
    marker: String,
    /// The markers that come back by the second connection.
    markers: Subscriber,
    /// The second connection, and its markers, which come by the first one.
    second: Client,
    returns: Subscriber,
    /// The number of the last round trip.
    trip: u64,
    /// The connection by which the server has answered all subscriptions.
    answered: Option<u64>,
}

impl NatsSender {
    pub(super) async fn new(
        client: Client,
        second: Client,
        news: SharedNews,
        subscriptions: mpsc::UnboundedSender<(String, Subscriber)>,
        name: &str,
    ) -> Result<Self, EngineError> {
        let failed = |error| EngineError::new("prepare round trips", error);
        let marker = format!("ob.{name}.{MARKER}.{:016x}", fastrand::u64(..));
        let markers = (second.subscribe(marker.clone()).await).map_err(failed)?;
        let returns = (client.subscribe(returned(&marker)).await).map_err(failed)?;
        Ok(NatsSender {
            client,
            changes: news.watch(),
            news,
            subscriptions,
            marker,
            markers,
            second,
            returns,
            trip: 0,
            answered: None,
        })
    }

    /// Waits while the connection is cut. The client would send new frames before those that must be sent again. Fails
    /// if the connection was closed.
    async fn connected(&mut self) -> Result<(), &'static str> {
        loop {
            if self.changes.borrow_and_update().is_closed {
                return Err(CLOSED);
            }
            if self.client.connection_state() == Connection::Connected {
                return Ok(());
            }
            let _ = time::timeout(LOOK, self.changes.changed()).await;
        }
    }

    /// Fails if the connection is cut, or was cut and the receiving end has not reported that yet.
    fn uncut(&self) -> Result<(), EngineError> {
        if self.news.is_told(&self.client)
            && self.client.connection_state() == Connection::Connected
        {
            Ok(())
        } else {
            Err(EngineError::new(ROUND_TRIP, "the connection was cut"))
        }
    }

    /// Waits until the first connection has the server's answers to the subscriptions. A marker from the second
    /// connection arrives behind them.
    async fn hear_answers(&mut self) -> Result<(), EngineError> {
        let connection = connection(&self.client);
        while self.answered != Some(connection) {
            self.uncut()?;
            let (subject, number) = (returned(&self.marker), self.trip.to_string().into());
            (self.second.publish(subject, number).await)
                .map_err(|error| EngineError::new(ROUND_TRIP, error))?;
            if let Ok(came) = time::timeout(AGAIN, came(&mut self.returns, self.trip)).await {
                came?;
                self.answered = Some(connection);
            }
        }
        Ok(())
    }
}

/// Returns the subject of markers that go from the second connection to the first.
fn returned(marker: &str) -> String {
    format!("{marker}.returned")
}

/// Waits for the marker of this round trip.
async fn came(markers: &mut Subscriber, trip: u64) -> Result<(), EngineError> {
    loop {
        let next = poll_fn(|context| Pin::new(&mut *markers).poll_next(context)).await;
        let Some(marker) = next else {
            return Err(EngineError::new(ROUND_TRIP, CLOSED));
        };
        let number = std::str::from_utf8(&marker.payload).ok();
        if number.and_then(|number| number.parse().ok()) == Some(trip) {
            return Ok(());
        }
    }
}

const ROUND_TRIP: &str = "make a round trip to the server";

impl EngineSender for NatsSender {
    /// A call that is given up has handed over the whole frame or nothing.
    async fn send(&mut self, frame: Frame) -> Result<(), EngineError> {
        const DOING: &str = "send a frame";
        check(frame.subject()).map_err(|reason| EngineError::refused(DOING, reason))?;
        let headers = headers(&frame).map_err(|error| EngineError::refused(DOING, error))?;
        (self.connected().await).map_err(|reason| EngineError::new(DOING, reason))?;
        let (subject, body) = (frame.subject().to_owned(), frame.body().clone());
        let sent = match headers {
            Some(headers) => {
                (self.client)
                    .publish_with_headers(subject, headers, body)
                    .await
            }
            None => self.client.publish(subject, body).await,
        };
        sent.map_err(|error| match error.kind() {
            PublishErrorKind::Send => EngineError::new(DOING, error),
            PublishErrorKind::MaxPayloadExceeded | PublishErrorKind::InvalidSubject => {
                EngineError::refused(DOING, error)
            }
        })
    }

    async fn subscribe(&mut self, subject: &str, group: Option<&str>) -> Result<(), EngineError> {
        const DOING: &str = "subscribe";
        self.answered = None;
        if subject.len() > SUBJECT {
            return Err(EngineError::new(DOING, TOO_LONG));
        }
        let subscription = match group {
            None => self.client.subscribe(subject.to_owned()).await,
            Some(group) => {
                let (subject, group) = (subject.to_owned(), group.to_owned());
                self.client.queue_subscribe(subject, group).await
            }
        };
        let subscription = subscription.map_err(|error| EngineError::new(DOING, error))?;
        (self.subscriptions.send((subject.to_owned(), subscription)))
            .map_err(|_| EngineError::new(DOING, "the receiving end is gone"))
    }

    /// Fails at once while the connection is cut, and until the receiving end has reported the cut.
    async fn round_trip(&mut self) -> Result<(), EngineError> {
        self.trip += 1;
        loop {
            self.uncut()?;
            let number = self.trip.to_string().into();
            (self.client.publish(self.marker.clone(), number).await)
                .map_err(|error| EngineError::new(ROUND_TRIP, error))?;
            if let Ok(came) = time::timeout(AGAIN, came(&mut self.markers, self.trip)).await {
                came?;
                self.hear_answers().await?;
                return self.uncut();
            }
        }
    }

    async fn close(&mut self) {
        self.news.close();
        // If this fails, the client has ended. If it takes long, the server is away. There is nothing left to send.
        let _ = time::timeout(FAREWELL, self.client.drain()).await;
    }
}

impl Drop for NatsSender {
    fn drop(&mut self) {
        self.news.close();
    }
}

impl fmt::Debug for NatsSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSender").finish_non_exhaustive()
    }
}

const CLOSED: &str = "the connection is closed";
const TOO_LONG: &str = "its subject is longer than 4,000 bytes";

/// Checks a subject, because the client does not.
pub(super) fn check(subject: &str) -> Result<(), &'static str> {
    if subject.len() > SUBJECT {
        return Err(TOO_LONG);
    }
    for token in subject.split(['.']) {
        if token.is_empty() {
            return Err("its subject has an empty token");
        }
        if matches!(token, "*" | ">") {
            return Err("its subject has a wildcard");
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("its subject has other characters than visible ASCII");
        }
    }
    Ok(())
}

pub(super) type BadHeader = Box<dyn std::error::Error + Send + Sync>;

/// Makes the client's headers. The client panics if it is given bad ones as text.
pub(super) fn headers(frame: &Frame) -> Result<Option<HeaderMap>, BadHeader> {
    let mut headers = None;
    for (name, value) in frame.headers() {
        let (name, value) = (HeaderName::from_str(name)?, HeaderValue::from_str(value)?);
        headers
            .get_or_insert_with(HeaderMap::new)
            .append(name, value);
    }
    Ok(headers)
}
