//! The news that the two ends of a connection share: the client's events, and which cut was reported.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_nats::{Client, Event, ServerError};
use tokio::sync::watch;

use super::refusal::ServerRefusal;

/// How many refusals are kept until they are taken. Further ones are forgotten, because each refused publish is one.
const REFUSALS: usize = 64;

/// The state of a connection. Each change wakes the tasks that [`watch`](SharedNews::watch) it.
#[derive(Debug, Clone)]
pub(super) struct SharedNews(Arc<watch::Sender<ClientNews>>);

/// The news that the receiving end must still report.
#[derive(Debug, Default)]
pub(super) struct ClientNews {
    /// The last connection that was reported, counted from the first.
    told: u64,
    pub(super) is_cut: bool,
    pub(super) has_lagged: bool,
    pub(super) is_closed: bool,
    pub(super) refusals: VecDeque<ServerRefusal>,
}

impl SharedNews {
    pub(super) fn new() -> Self {
        SharedNews(Arc::new(watch::Sender::new(ClientNews::default())))
    }

    /// Begins with the client's first connection, which is not reported.
    pub(super) fn begin(&self, client: &Client) {
        self.report(connection(client));
    }

    pub(super) fn watch(&self) -> watch::Receiver<ClientNews> {
        self.0.subscribe()
    }

    /// Notes an event of the client. It does not wait, because the client would lose events meanwhile.
    pub(super) fn note(&self, event: Event) {
        match event {
            Event::Connected => self.0.send_modify(|state| state.is_cut = false),
            Event::Disconnected => self.0.send_modify(|state| state.is_cut = true),
            Event::SlowConsumer(_) => {
                (self.0).send_if_modified(|state| !mem::replace(&mut state.has_lagged, true));
            }
            Event::ServerError(error) => self.refuse(&error),
            _ => {}
        }
    }

    fn refuse(&self, error: &ServerError) {
        if let Some(refusal) = ServerRefusal::read(error) {
            self.0.send_if_modified(|state| {
                let has_room = state.refusals.len() < REFUSALS;
                if has_room {
                    state.refusals.push_back(refusal);
                }
                has_room
            });
        }
    }

    /// Takes the news that must be reported once. Wakes nobody.
    pub(super) fn take(&self) -> (bool, VecDeque<ServerRefusal>) {
        let mut taken = (false, VecDeque::new());
        self.0.send_if_modified(|state| {
            taken = (
                mem::take(&mut state.has_lagged),
                mem::take(&mut state.refusals),
            );
            false
        });
        taken
    }

    /// Notes that this connection was reported.
    pub(super) fn report(&self, connection: u64) {
        self.0.send_if_modified(|state| {
            state.told = connection;
            false
        });
    }

    /// Returns whether the client's connection is the last one that was reported. If not, wakes the receiver to report
    /// it, because the client does not promise to.
    pub(super) fn is_told(&self, client: &Client) -> bool {
        let is_told = self.0.borrow().told == connection(client);
        if !is_told {
            self.0.send_modify(|_| {});
        }
        is_told
    }

    pub(super) fn close(&self) {
        self.0.send_modify(|state| state.is_closed = true);
    }
}

/// Returns the number of the client's connection: 1 for the first, one more for each reconnect.
pub(super) fn connection(client: &Client) -> u64 {
    // `Relaxed`, as the client's own addition is. The client adds before it writes to the new connection. A reader that
    // has an answer from the new connection comes after that, by way of the socket.
    client.statistics().connects.load(Ordering::Relaxed)
}
