//! The server in memory: the subscriptions of each connection, and what is on the way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Faults;
use super::stored::{StoredStream, StreamReader};
use crate::link::engine::EngineEvent;
use crate::link::frame::Frame;
use crate::link::import_subject::ImportSubject;
use crate::link::subject;

pub(super) struct Server {
    pub(super) faults: Faults,
    pub(super) random: Rng,
    pub(super) is_up: bool,
    pub(super) connections: Vec<Weak<MemoryConnection>>,
    pub(super) max_body: usize,
    pub(super) streams: BTreeMap<String, StoredStream>,
    /// Name, and what may not be published or subscribed to.
    pub(super) forbidden: Vec<(String, String)>,
}

pub(super) struct MemoryConnection {
    pub(super) name: String,
    pub(super) state: Mutex<Wire>,
    /// Wakes the receiver, and a task that waits for the connection.
    pub(super) changed: Notify,
    pub(super) restored: Notify,
}

/// What is on the way over one connection.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) is_cut: bool,
    pub(super) is_closed: bool,
    /// It was cut since the last round trip.
    pub(super) was_cut: bool,
    /// When a connection that was cut at random is there again.
    pub(super) back_at: Option<Instant>,
    pub(super) subscriptions: Vec<ImportSubject>,
    /// What the server has refused. It is asked for again after each cut.
    pub(super) refused: Vec<ImportSubject>,
    /// What it reads of a stream since the last round trip.
    pub(super) reader: Option<StreamReader>,
    /// Sent, and not at the server yet.
    pub(super) up: VecDeque<Frame>,
    /// When the first of them reaches the server at the latest.
    pub(super) up_until: Option<Instant>,
    /// How many frames were taken while it was cut.
    pub(super) buffered: usize,
    /// From the server, by the time when they arrive.
    pub(super) down: BTreeMap<(Instant, u64), EngineEvent>,
    /// When the last frame that was not overtaken arrives.
    pub(super) last_at: Option<Instant>,
    pub(super) numbered: u64,
}

impl Server {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        Server {
            faults,
            random: Rng::with_seed(seed),
            is_up: true,
            connections: Vec::new(),
            max_body: usize::MAX,
            streams: BTreeMap::new(),
            forbidden: Vec::new(),
        }
    }

    pub(super) fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.random.f64() < probability
    }

    /// What is on the way up has reached the server.
    pub(super) fn flush(&mut self, connection: &MemoryConnection) {
        let mut wire = connection.state.lock();
        wire.up_until = None;
        let frames = wire.up.drain(..).collect();
        drop(wire);
        self.pass_on(connection, frames);
    }

    /// Gives what is on the way up to those that have subscribed to it.
    pub(super) fn pass_on(&mut self, connection: &MemoryConnection, frames: Vec<Frame>) {
        self.connections.retain(|it| it.strong_count() > 0);
        for frame in frames {
            if self.forbids(connection, frame.subject()) {
                continue;
            }
            let receivers: Vec<_> = (self.connections.iter())
                .filter_map(Weak::upgrade)
                .collect();
            let mut groups = BTreeMap::<String, Vec<_>>::new();
            for receiver in receivers {
                let (alone, shared) = receiver.wanting(frame.subject());
                (0..alone).for_each(|_| self.deliver(&receiver, &frame));
                let is_sender = std::ptr::eq(connection, &raw const *receiver);
                for group in shared.into_iter().filter(|_| !is_sender) {
                    groups.entry(group).or_default().push(Arc::clone(&receiver));
                }
            }
            for members in groups.into_values() {
                let chosen = self.random.usize(..members.len());
                self.deliver(&members[chosen], &frame);
            }
        }
    }

    /// Whether the server refuses this subject to this connection; then it says so.
    pub(super) fn forbids(&self, connection: &MemoryConnection, subject: &str) -> bool {
        let refuses = (self.forbidden.iter()).any(|(name, forbidden)| {
            *name == connection.name && subject::covers(forbidden, subject)
        });
        if refuses {
            connection.push(EngineEvent::Denied {
                subject: Some(subject.to_owned()),
                reason: "permissions violation".to_owned(),
            });
        }
        refuses
    }

    /// Subscribes a connection, if the server lets it.
    pub(super) fn subscribe(&self, connection: &MemoryConnection, wanted: ImportSubject) {
        let refuses = self.forbids(connection, &wanted.subject);
        let mut wire = connection.state.lock();
        if refuses {
            wire.refused.push(wanted);
        } else {
            wire.subscriptions.push(wanted);
        }
    }

    /// Restores a connection, which then asks for its subscriptions again.
    pub(super) fn restore(&mut self, connection: &MemoryConnection) {
        let mut wire = connection.state.lock();
        if !wire.is_cut {
            return;
        }
        (wire.is_cut, wire.back_at) = (false, None);
        wire.put(Instant::now(), EngineEvent::Connected);
        let mut wanted = std::mem::take(&mut wire.subscriptions);
        wanted.append(&mut wire.refused);
        drop(wire);
        for wanted in wanted {
            self.subscribe(connection, wanted);
        }
        connection.changed.notify_one();
        connection.restored.notify_waiters();
    }

    pub(super) fn deliver(&mut self, receiver: &MemoryConnection, frame: &Frame) {
        let mut wire = receiver.state.lock();
        let faults = self.faults;
        if !self.happens(faults.loss) {
            let copies = 1 + usize::from(self.happens(faults.duplicates));
            for _ in 0..copies {
                let takes = takes(faults.delay, &mut self.random);
                let at = if self.happens(faults.reordering) {
                    Instant::now() + takes + faults.delay
                } else {
                    wire.after(takes)
                };
                wire.put(at, EngineEvent::Frame(frame.clone()));
            }
        }
        drop(wire);
        receiver.changed.notify_one();
    }
}

/// Returns how long something takes.
fn takes(longest: Duration, random: &mut Rng) -> Duration {
    if longest.is_zero() {
        longest
    } else {
        longest.mul_f64(random.f64())
    }
}

impl Wire {
    /// Returns when something arrives that takes so long, and is not overtaken.
    fn after(&mut self, takes: Duration) -> Instant {
        let at = Instant::now() + takes;
        let at = at.max(self.last_at.unwrap_or(at));
        self.last_at = Some(at);
        at
    }

    /// The same for something that takes so long at the most.
    pub(super) fn due(&mut self, longest: Duration, random: &mut Rng) -> Instant {
        self.after(takes(longest, random))
    }

    pub(super) fn put(&mut self, at: Instant, event: EngineEvent) {
        self.numbered += 1;
        self.down.insert((at, self.numbered), event);
    }
}

impl MemoryConnection {
    /// Returns by how many subscriptions it wants this subject alone, and the groups by which it shares it.
    fn wanting(&self, subject: &str) -> (usize, BTreeSet<String>) {
        let wire = self.state.lock();
        if wire.is_cut || wire.is_closed {
            return (0, BTreeSet::new());
        }
        let wanted = wire.subscriptions.iter().filter(|it| it.matches(subject));
        let groups: Vec<_> = wanted.map(|it| it.group.clone()).collect();
        let alone = groups.iter().filter(|group| group.is_none()).count();
        (alone, groups.into_iter().flatten().collect())
    }

    /// Says something now.
    pub(super) fn push(&self, event: EngineEvent) {
        self.state.lock().put(Instant::now(), event);
        self.changed.notify_one();
    }

    /// Cuts it. Of what is on the way up, the first frames reach the server all the same; they are returned.
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
