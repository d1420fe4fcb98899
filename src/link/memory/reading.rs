//! The streams of the server in memory, as it uses them: it stores frames, and hands them over to the links that read.

use super::connection::MemoryConnection;
use super::server::Server;
use super::stored::StreamReader;
use crate::link::engine::{EngineEvent, LinkPlan};
use crate::link::frames::frame::Frame;
use crate::link::frames::subject;
use crate::link::stream::{StreamError, StreamStart};

impl Server {
    /// Checks that the stream exists, and serves the link.
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

    /// Begins to hand over a stream to a link, from where the link is. Returns whether the stream exists.
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
            self.report(connection, EngineEvent::Kept { position, frame });
        }
        connection.state.lock().reader = Some(reader);
        self.hand_over_to(connection);
        true
    }

    /// Stores a frame, and hands it over to the readers of the stream. Returns whether the stream exists.
    pub(super) fn store(&mut self, stream: &str, frame: Frame, id: &str) -> bool {
        let Some(stored) = self.streams.get_mut(stream) else {
            return false;
        };
        stored.store(frame, id);
        for connection in self.connections.clone() {
            if let Some(connection) = connection.upgrade() {
                self.hand_over_to(&connection);
            }
        }
        true
    }

    /// Hands over the frames that a connection has not had yet.
    fn hand_over_to(&mut self, connection: &MemoryConnection) {
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
            self.report(connection, event);
        }
    }

    /// Delivers an event behind the others, after the delay of the server.
    pub(super) fn report(&mut self, connection: &MemoryConnection, event: EngineEvent) {
        let mut wire = connection.state.lock();
        let at = wire.due(self.faults.delay, &mut self.random);
        wire.put(at, event);
        drop(wire);
        connection.changed.notify_one();
    }
}
