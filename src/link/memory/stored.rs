//! A stream in memory: what was stored, and how far each link is.

use std::collections::{BTreeMap, HashSet};

use super::server::{MemoryConnection, Server};
use crate::link::engine::{EngineEvent, LinkPlan};
use crate::link::frame::Frame;
use crate::link::stream::{StreamError, StreamStart};
use crate::link::subject;

/// What a stream has stored. The first frame has the position 1.
#[derive(Debug, Default)]
pub(super) struct StoredStream {
    pub(super) subject: String,
    frames: Vec<Frame>,
    ids: HashSet<String>,
    /// By the names of links.
    reached: BTreeMap<String, u64>,
}

/// What one connection reads of a stream.
#[derive(Debug)]
pub(super) struct StreamReader {
    stream: String,
    imports: Vec<String>,
    /// The next position to hand over.
    next: u64,
}

impl StoredStream {
    pub(super) fn new(subject: &str) -> Self {
        StoredStream {
            subject: subject.to_owned(),
            ..StoredStream::default()
        }
    }

    /// Stores a frame, unless it is there.
    pub(super) fn store(&mut self, frame: Frame, id: &str) {
        if self.ids.insert(id.to_owned()) {
            self.frames.push(frame);
        }
    }

    pub(super) fn reach(&mut self, name: &str, position: u64) {
        let reached = self.reached.entry(name.to_owned()).or_default();
        *reached = position.max(*reached);
    }

    fn last(&self) -> u64 {
        self.frames.len() as u64
    }

    /// Returns the positions after this one, and what stands there.
    fn after(&self, position: u64) -> impl Iterator<Item = (u64, &Frame)> {
        let frames = (1..).zip(&self.frames);
        frames.skip_while(move |(at, _)| *at <= position)
    }

    /// Returns the last frame of each subject, by position.
    fn last_per_subject(&self) -> Vec<(u64, Frame)> {
        let last: BTreeMap<_, _> = self.after(0).map(|(at, it)| (it.subject(), at)).collect();
        let is_last = |(at, frame): &(u64, &Frame)| last.get(frame.subject()) == Some(at);
        let kept = self.after(0).filter(is_last);
        kept.map(|(at, frame)| (at, frame.clone())).collect()
    }
}

impl StreamReader {
    fn wants(&self, frame: &Frame) -> bool {
        self.imports
            .iter()
            .any(|it| subject::matches(it, frame.subject()))
    }
}

impl Server {
    /// Checks that there is such a stream, and that it is as the link needs it.
    pub(super) fn check(&self, stream: &str, plan: &LinkPlan) -> Result<(), StreamError> {
        let stored = self.streams.get(stream);
        let stored = stored.ok_or_else(|| StreamError::Missing(stream.to_owned()))?;
        let is_lost = |it: &&String| !subject::covers(&stored.subject, it);
        let is_elsewhere = |it: &&String| !subject::overlaps(&stored.subject, it);
        let lost = plan.exports.iter().find(is_lost);
        match lost.or_else(|| plan.imports.iter().find(is_elsewhere)) {
            None => Ok(()),
            Some(subject) => Err(StreamError::NotKept {
                stream: stream.to_owned(),
                subject: subject.clone(),
            }),
        }
    }

    /// Begins to hand over a stream to a link, from where the link is. Returns whether there is such a stream.
    pub(super) fn read(
        &mut self,
        connection: &MemoryConnection,
        stream: &str,
        plan: &LinkPlan,
    ) -> bool {
        let Some(stored) = self.streams.get_mut(stream) else {
            return false;
        };
        let mut reader = StreamReader {
            stream: stream.to_owned(),
            imports: plan.imports.clone(),
            next: stored.last() + 1,
        };
        let mut kept = Vec::new();
        match (stored.reached.get(&plan.name), plan.start) {
            (Some(reached), _) => reader.next = reached + 1,
            (None, StreamStart::First) => reader.next = 1,
            (None, StreamStart::New) => stored.reach(&plan.name, stored.last()),
            (None, StreamStart::LastPerSubject) => kept = stored.last_per_subject(),
        }
        for (position, frame) in kept.into_iter().filter(|(_, frame)| reader.wants(frame)) {
            self.tell(connection, EngineEvent::Kept { position, frame });
        }
        connection.state.lock().reader = Some(reader);
        self.feed(connection);
        true
    }

    /// Stores a frame, and hands it over to those that read the stream. Returns whether there is such a stream.
    pub(super) fn store(&mut self, stream: &str, frame: Frame, id: &str) -> bool {
        let Some(stored) = self.streams.get_mut(stream) else {
            return false;
        };
        stored.store(frame, id);
        for connection in self.connections.clone() {
            if let Some(connection) = connection.upgrade() {
                self.feed(&connection);
            }
        }
        true
    }

    /// Hands over what a connection has not had yet.
    fn feed(&mut self, connection: &MemoryConnection) {
        let Some(mut reader) = connection.state.lock().reader.take() else {
            return;
        };
        let mut events = Vec::new();
        if let Some(stored) = self.streams.get(&reader.stream) {
            let wanted = stored
                .after(reader.next - 1)
                .filter(|(_, it)| reader.wants(it));
            events.extend(wanted.map(|(position, frame)| {
                let frame = frame.clone();
                EngineEvent::Kept { position, frame }
            }));
            reader.next = stored.last() + 1;
        }
        connection.state.lock().reader = Some(reader);
        for event in events {
            self.tell(connection, event);
        }
    }

    /// Says something, after the others and after the delay of the server.
    pub(super) fn tell(&mut self, connection: &MemoryConnection, event: EngineEvent) {
        let mut wire = connection.state.lock();
        let at = wire.due(self.faults.delay, &mut self.random);
        wire.put(at, event);
        drop(wire);
        connection.changed.notify_one();
    }
}
