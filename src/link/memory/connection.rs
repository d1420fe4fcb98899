//! A connection to the server in memory: its subscriptions, and the frames that are under way over it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::stored::StreamReader;
use crate::link::engine::EngineEvent;
use crate::link::frames::frame::Frame;
use crate::link::frames::import_subject::ImportSubject;

pub(super) struct MemoryConnection {
    pub(super) name: String,
    pub(super) state: Mutex<Wire>,
    /// Wakes the receiver, and a task that waits for the connection.
    pub(super) changed: Notify,
    pub(super) restored: Notify,
}

/// The state of one connection, with the frames that are under way over it.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) is_cut: bool,
    pub(super) is_closed: bool,
    /// Whether it was cut since the last round trip.
    pub(super) was_cut: bool,
    /// When a randomly cut connection is there again.
    pub(super) back_at: Option<Instant>,
    pub(super) subscriptions: Vec<ImportSubject>,
    /// The subscriptions that the server has refused. They are tried again after each cut.
    pub(super) refused: Vec<ImportSubject>,
    /// The stream that it reads since the last round trip.
    pub(super) reader: Option<StreamReader>,
    /// Frames that were sent, and are not at the server yet.
    pub(super) up: VecDeque<Frame>,
    /// The latest time at which the first of them reaches the server.
    pub(super) up_until: Option<Instant>,
    /// How many frames it took while it was cut.
    pub(super) buffered: usize,
    /// Events from the server, by the time of their arrival.
    pub(super) down: BTreeMap<(Instant, u64), EngineEvent>,
    /// When the last frame arrives that no other may overtake.
    pub(super) last_at: Option<Instant>,
    pub(super) numbered: u64,
}

/// Returns how long a frame takes.
pub(super) fn takes(longest: Duration, random: &mut Rng) -> Duration {
    if longest.is_zero() {
        longest
    } else {
        longest.mul_f64(random.f64())
    }
}

impl Wire {
    /// Returns when a frame arrives that takes this long, and that no other overtakes.
    pub(super) fn after(&mut self, takes: Duration) -> Instant {
        let at = Instant::now() + takes;
        let at = at.max(self.last_at.unwrap_or(at));
        self.last_at = Some(at);
        at
    }

    /// Like `after`, for a frame that takes a random part of this time.
    pub(super) fn due(&mut self, longest: Duration, random: &mut Rng) -> Instant {
        self.after(takes(longest, random))
    }

    pub(super) fn put(&mut self, at: Instant, event: EngineEvent) {
        self.numbered += 1;
        self.down.insert((at, self.numbered), event);
    }
}

impl MemoryConnection {
    /// Returns how many subscriptions of this connection alone match the subject, and the groups of its shared ones
    /// that do.
    pub(super) fn wanting(&self, subject: &str) -> (usize, BTreeSet<String>) {
        let wire = self.state.lock();
        if wire.is_cut || wire.is_closed {
            return (0, BTreeSet::new());
        }
        let wanted = wire.subscriptions.iter().filter(|it| it.matches(subject));
        let groups: Vec<_> = wanted.map(|it| it.group.clone()).collect();
        let alone = groups.iter().filter(|group| group.is_none()).count();
        (alone, groups.into_iter().flatten().collect())
    }

    /// Delivers an event now.
    pub(super) fn push(&self, event: EngineEvent) {
        self.state.lock().put(Instant::now(), event);
        self.changed.notify_one();
    }

    /// Cuts the connection. Returns the first frames that are under way: they still reach the server.
    pub(super) fn cut(&self, reaches: usize, back_at: Option<Instant>) -> Vec<Frame> {
        let mut wire = self.state.lock();
        if wire.is_cut {
            return Vec::new();
        }
        let reaches = reaches.min(wire.up.len());
        let reached = wire.up.drain(..reaches).collect();
        wire.up.clear();
        wire.up_until = None;
        wire.down.retain(|_, event| {
            use EngineEvent::{Connected, Denied, Disconnected, Lagged};
            matches!(event, Connected | Disconnected | Denied { .. } | Lagged)
        });
        wire.reader = None;
        wire.last_at = None;
        wire.buffered = 0;
        (wire.is_cut, wire.was_cut, wire.back_at) = (true, true, back_at);
        wire.put(Instant::now(), EngineEvent::Disconnected);
        drop(wire);
        self.changed.notify_one();
        reached
    }
}
