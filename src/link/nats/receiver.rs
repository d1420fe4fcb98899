//! The receiving end: the frames of all subscriptions, and the events of the connection.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_nats::{Client, Message, Subscriber};
use futures_core::Stream;
use tokio::sync::{mpsc, watch};
use tokio::task::coop::has_budget_remaining;

use super::news::{ClientNews, SharedNews, connection};
use super::{CAPACITY, sender};
use crate::link::engine::{EngineEvent, EngineReceiver};
use crate::link::frames::frame::Frame;
use crate::link::frames::subject::{self, Purpose};

/// The receiving end of a connection to a NATS server.
pub struct NatsReceiver {
    client: Client,
    news: SharedNews,
    changes: watch::Receiver<ClientNews>,
    events: VecDeque<EngineEvent>,
    frames: Frames,
    /// The last connection that is reported, once `events` is empty.
    connection: u64,
    is_cut: bool,
    is_closed: bool,
}

impl NatsReceiver {
    pub(super) fn new(
        client: &Client,
        news: SharedNews,
        added: mpsc::UnboundedReceiver<(String, Subscriber)>,
    ) -> Self {
        NatsReceiver {
            client: client.clone(),
            changes: news.watch(),
            connection: connection(client),
            news,
            events: VecDeque::new(),
            frames: Frames::new(added),
            is_cut: false,
            is_closed: false,
        }
    }

    /// Turns changes into events. The client may lose its event of a cut, but not its count of connections.
    fn gather(&mut self) {
        let is_cut = {
            let news = self.changes.borrow_and_update();
            self.is_closed = news.is_closed;
            news.is_cut
        };
        let connection = connection(&self.client);
        if connection != self.connection {
            if !self.is_cut {
                self.events.push_back(EngineEvent::Disconnected);
            }
            self.events.push_back(EngineEvent::Connected);
            (self.connection, self.is_cut) = (connection, false);
        } else if is_cut != self.is_cut {
            self.events.push_back(if is_cut {
                EngineEvent::Disconnected
            } else {
                EngineEvent::Connected
            });
            self.is_cut = is_cut;
        }
        let (has_lagged, refusals) = self.news.take();
        if has_lagged {
            self.events.push_back(EngineEvent::Lagged);
        }
        (self.events).extend(refusals.into_iter().map(|refusal| EngineEvent::Denied {
            subject: refusal.subject,
            reason: refusal.reason,
        }));
    }
}

impl EngineReceiver for NatsReceiver {
    async fn next(&mut self) -> Option<EngineEvent> {
        loop {
            if self.changes.has_changed().ok()? {
                self.gather();
            }
            if self.is_closed {
                return None;
            }
            if let Some(event) = self.events.pop_front() {
                let is_last = !self.events.contains(&EngineEvent::Connected);
                if event == EngineEvent::Connected && is_last {
                    self.news.report(self.connection);
                }
                return Some(event);
            }
            tokio::select! {
                biased;
                frame = poll_fn(|context| self.frames.poll(context)) => {
                    return Some(EngineEvent::Frame(frame));
                }
                changed = self.changes.changed() => {
                    changed.ok()?;
                    self.gather();
                }
            }
        }
    }
}

impl fmt::Debug for NatsReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsReceiver").finish_non_exhaustive()
    }
}

/// The frames of all subscriptions, taken in turn: the client has a queue for each.
///
/// A mark tells how far an exporter is, so it must not overtake earlier frames. The client puts frames into its queues
/// in the order of the connection. So a mark that was taken is kept until the other queues are empty; then all earlier
/// frames are out.
struct Frames {
    /// Subscriptions of the sending end, with their subjects.
    added: mpsc::UnboundedReceiver<(String, Subscriber)>,
    subscriptions: Vec<Subscriber>,
    turn: usize,
    marks: Option<Subscriber>,
    mark: Option<Message>,
    /// How many frames were taken while the mark was kept.
    since_mark: usize,
}

impl Frames {
    fn new(added: mpsc::UnboundedReceiver<(String, Subscriber)>) -> Self {
        Frames {
            added,
            subscriptions: Vec::new(),
            turn: 0,
            marks: None,
            mark: None,
            since_mark: 0,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Frame> {
        while let Poll::Ready(Some((subject, added))) = self.added.poll_recv(context) {
            match subject::split(&subject) {
                Some((_, Purpose::Mark)) => self.marks = Some(added),
                _ => self.subscriptions.push(added),
            }
        }
        if let Some(marks) = &mut self.marks
            && self.mark.is_none()
            && let Poll::Ready(mark) = Pin::new(marks).poll_next(context)
        {
            self.mark = mark;
        }
        // More frames than all queues hold cannot have been there before the mark.
        if self.since_mark < self.subscriptions.len() * CAPACITY {
            for _ in 0..self.subscriptions.len() {
                self.turn = (self.turn + 1) % self.subscriptions.len();
                let mut subscription = Pin::new(&mut self.subscriptions[self.turn]);
                while let Poll::Ready(Some(message)) = subscription.as_mut().poll_next(context) {
                    if !sender::is_marker(&message.subject) {
                        self.since_mark += usize::from(self.mark.is_some());
                        return Poll::Ready(frame(message));
                    }
                }
            }
        }
        // A task whose turn is over finds every queue empty.
        if !has_budget_remaining() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.mark.take() {
            Some(mark) => {
                self.since_mark = 0;
                Poll::Ready(frame(mark))
            }
            None => Poll::Pending,
        }
    }
}

pub(super) fn frame(message: Message) -> Frame {
    let headers = (message.headers.iter().flat_map(|headers| headers.iter()))
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value)))
        .map(|(name, value)| (name, value.as_str()));
    Frame::with_headers(&message.subject, headers, message.payload)
}
