//! The receiving end of a durable link: the answers to publishes, the messages of the stream, and the next connection
//! after a cut.

use std::collections::VecDeque;
use std::fmt;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures_core::Stream;
use tokio::time::{Instant, sleep};

use super::super::Nats;
use super::super::receiver::frame;
use super::api::{self, NotStored};
use super::connection::{self, StreamConnection};
use super::pulls::{PullOutcome, Pulls};
use super::traffic::Trip;
use super::{SharedStream, StreamStanding};
use crate::link::deadline::reached;
use crate::link::engine::{EngineEvent, EngineReceiver};

/// How long the server may take to answer a publish. Then something is wrong.
const ANSWER: Duration = Duration::from_secs(5);

/// The longest time between two attempts to connect.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// How many messages are looked at before the link has a turn.
const BATCH: usize = 64;

/// The receiving end of a connection to a stream of a NATS server.
pub struct NatsStreamReceiver {
    shared: Arc<SharedStream>,
    nats: Nats,
    name: String,
    /// `None` while there is no connection.
    messages: Option<Subscriber>,
    /// An attempt to connect. It is kept, so that a call that is given up does not end it.
    connecting: Option<Connecting>,
    pulls: Pulls,
    events: VecDeque<EngineEvent>,
}

type Connected = (StreamConnection, Subscriber);
type Connecting = Pin<Box<dyn Future<Output = Connected> + Send>>;

impl NatsStreamReceiver {
    pub(super) fn new(
        shared: Arc<SharedStream>,
        nats: Nats,
        name: &str,
        messages: Subscriber,
    ) -> Self {
        NatsStreamReceiver {
            shared,
            nats,
            name: name.to_owned(),
            messages: Some(messages),
            connecting: None,
            pulls: Pulls::default(),
            events: VecDeque::new(),
        }
    }

    /// Notes that the connection has ended.
    fn cut(&mut self) {
        self.messages = None;
        self.shared.set(StreamStanding::Cut);
        self.shared.traffic.lock().trip = None;
        self.events.push_back(EngineEvent::Disconnected);
        let (nats, name) = (self.nats.clone(), self.name.clone());
        self.connecting = Some(Box::pin(connect_again(nats, name)));
    }

    fn connected(&mut self, (connection, messages): Connected) {
        self.connecting = None;
        self.messages = Some(messages);
        self.shared.set(StreamStanding::Open(connection));
        self.events.push_back(EngineEvent::Connected);
    }

    fn fail(&mut self, reason: String) {
        if self.shared.traffic.lock().trip.take().is_some() {
            self.events.push_back(EngineEvent::Failed(reason));
        }
    }

    /// Passes the client's news on as events.
    fn report(&mut self, connection: &StreamConnection) {
        let (has_lagged, refusals) = connection.news.take();
        if has_lagged {
            self.fail("the client has dropped messages".to_owned());
        }
        (self.events).extend(refusals.into_iter().map(|refusal| EngineEvent::Denied {
            subject: refusal.subject,
            reason: refusal.reason,
        }));
    }

    /// Sorts a message by its purpose.
    fn take(&mut self, message: Message) {
        let Some(trip) = self.shared.traffic.lock().trip.clone() else {
            return;
        };
        let own = message.subject.strip_prefix(&*trip.inbox);
        let parts = own.and_then(|it| it.strip_prefix('.')?.split_once('.'));
        if let Some((kind, number)) = parts {
            let number = number.parse().unwrap_or_default();
            match kind {
                "a" => self.answered(&message, number),
                _ => self.pulled(&message),
            }
        } else if message.subject.starts_with("_INBOX.") {
            // The answer to something before the last round trip.
        } else {
            self.came(message, &trip);
        }
    }

    /// Takes the answer to a publish.
    fn answered(&mut self, message: &Message, number: u64) {
        match api::stored(message) {
            Ok(()) => {}
            Err(NotStored::Never(reason)) => {
                (self.events).push_back(EngineEvent::NeverStored { number, reason });
            }
            Err(NotStored::Now(reason)) => {
                self.fail(reason);
                return;
            }
        }
        let up_to = self.shared.traffic.lock().answered(number);
        // One event for all answers that came together.
        match (up_to, self.events.back_mut()) {
            (Some(up_to), Some(EngineEvent::Stored(last))) => *last = up_to,
            (Some(up_to), _) => self.events.push_back(EngineEvent::Stored(up_to)),
            (None, _) => {}
        }
    }

    /// Takes the end of a request for messages.
    fn pulled(&mut self, message: &Message) {
        if let PullOutcome::Failed(reason) = self.pulls.ended(message) {
            self.fail(reason);
        }
    }

    fn came(&mut self, message: Message, trip: &Trip) {
        match self.pulls.came(&message, trip) {
            Ok(sequence) => {
                let reply = message.reply.as_deref().unwrap_or_default().to_owned();
                let position = self.shared.traffic.lock().hand_over(sequence, reply);
                let frame = frame(message);
                self.events.push_back(EngineEvent::Kept { position, frame });
            }
            Err(PullOutcome::Failed(reason)) => self.fail(reason),
            Err(PullOutcome::Nothing) => {}
        }
    }

    /// When to do something even if nothing comes.
    fn deadline(&self) -> Option<Instant> {
        let traffic = self.shared.traffic.lock();
        traffic.trip.as_ref()?;
        let answer = traffic.answer_since.map(|since| since + ANSWER);
        answer.into_iter().chain(self.pulls.deadline()).min()
    }

    fn is_late(&mut self) {
        let now = Instant::now();
        let since = self.shared.traffic.lock().answer_since;
        if since.is_some_and(|since| now >= since + ANSWER) {
            self.fail(format!(
                "the server has not acknowledged a frame within {ANSWER:?}"
            ));
        }
        if self.pulls.deadline().is_some_and(|at| now >= at) {
            self.fail("the server has not ended a request for messages".to_owned());
        }
    }
}

impl EngineReceiver for NatsStreamReceiver {
    async fn next(&mut self) -> Option<EngineEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let connection = match self.shared.connection() {
                StreamStanding::Open(connection) => connection,
                StreamStanding::Cut => {
                    let connecting = self.connecting.as_mut()?;
                    tokio::select! {
                        connected = connecting => self.connected(connected),
                        () = self.shared.changed.notified() => {}
                    }
                    continue;
                }
                StreamStanding::Closed => return None,
            };
            let (trip, waiting) = {
                let traffic = self.shared.traffic.lock();
                (traffic.trip.clone(), traffic.waiting())
            };
            let pull = trip.and_then(|trip| self.pulls.due(trip, waiting));
            let deadline = self.deadline();
            let mut changes = connection.news.watch();
            self.report(&connection);
            if !self.events.is_empty() {
                continue;
            }
            let messages = self.messages.as_mut();
            let pulling = async {
                match &pull {
                    Some(pull) => {
                        let (next, reply) = (pull.next.clone(), pull.reply.clone());
                        let body = pull.body();
                        (connection
                            .client
                            .publish_with_reply(next, reply, body)
                            .await)
                            .is_ok()
                    }
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                is_sent = pulling => {
                    if let Some(pull) = pull.filter(|_| is_sent) {
                        self.pulls.sent(&pull);
                    } else {
                        self.cut();
                    }
                }
                batch = batch(messages) => match batch {
                    Some(batch) => batch.into_iter().for_each(|message| self.take(message)),
                    None => self.cut(),
                },
                () = self.shared.changed.notified() => {}
                _ = changes.changed() => {}
                () = reached(deadline) => {
                    self.is_late();
                }
            }
        }
    }
}

/// Waits for messages, and takes those that are there. `None` if no more will come.
async fn batch(messages: Option<&mut Subscriber>) -> Option<Vec<Message>> {
    let messages = messages?;
    poll_fn(|context| {
        let mut batch = Vec::new();
        while batch.len() < BATCH {
            match Pin::new(&mut *messages).poll_next(context) {
                Poll::Ready(Some(message)) => batch.push(message),
                Poll::Ready(None) if batch.is_empty() => return Poll::Ready(None),
                Poll::Pending if batch.is_empty() => return Poll::Pending,
                _ => break,
            }
        }
        Poll::Ready(Some(batch))
    })
    .await
}

/// Connects again, as often as it takes.
async fn connect_again(nats: Nats, name: String) -> Connected {
    let mut pause = Duration::from_millis(10);
    loop {
        match connection::connect(&nats, &name).await {
            Ok(connected) => return connected,
            Err(_) => sleep(pause).await,
        }
        pause = (2 * pause).min(MAX_PAUSE);
    }
}

impl fmt::Debug for NatsStreamReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsStreamReceiver").finish_non_exhaustive()
    }
}
