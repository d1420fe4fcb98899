//! The server in memory: it hands each frame to the connections that have subscribed to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use fastrand::Rng;
use tokio::time::Instant;

use super::Faults;
use super::connection::{MemoryConnection, takes};
use super::stored::StoredStream;
use crate::link::engine::EngineEvent;
use crate::link::frames::frame::Frame;
use crate::link::frames::import_subject::ImportSubject;
use crate::link::frames::subject;

pub(super) struct Server {
    pub(super) faults: Faults,
    pub(super) random: Rng,
    pub(super) is_up: bool,
    pub(super) connections: Vec<Weak<MemoryConnection>>,
    pub(super) max_body: usize,
    pub(super) streams: BTreeMap<String, StoredStream>,
    /// Names of links, each with a subject that it may neither publish nor subscribe to.
    pub(super) forbidden: Vec<(String, String)>,
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

    /// Lets the frames that are under way reach the server.
    pub(super) fn flush(&mut self, connection: &MemoryConnection) {
        let mut wire = connection.state.lock();
        wire.up_until = None;
        let frames = wire.up.drain(..).collect();
        drop(wire);
        self.pass_on(connection, frames);
    }

    /// Gives these frames to the connections that have subscribed to them.
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

    /// Whether the server refuses this subject to this connection. If it does, it tells the connection.
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

    /// Restores a connection, which then repeats its subscriptions.
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
