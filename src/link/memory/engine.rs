//! The engine of the server in memory: one connection of a link to it.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::MemoryServer;
use super::connection::MemoryConnection;
use crate::link::deadline::reached;
use crate::link::engine::{Engine, EngineError, EngineEvent, EngineReceiver, EngineSender};
use crate::link::frames::frame::Frame;
use crate::link::frames::import_subject::ImportSubject;

/// How many frames a connection takes while it is cut, before a send waits. These frames are lost.
const BUFFER: usize = 64;

/// The engine of a [`MemoryServer`].
#[derive(Debug, Clone)]
pub struct MemoryEngine {
    server: MemoryServer,
}

impl MemoryEngine {
    pub(super) fn of(server: MemoryServer) -> Self {
        MemoryEngine { server }
    }
}

impl Engine for MemoryEngine {
    type Sender = MemorySender;
    type Receiver = MemoryReceiver;

    async fn connect(&self, name: &str) -> Result<(MemorySender, MemoryReceiver), EngineError> {
        let connection = Arc::new(MemoryConnection {
            name: name.to_owned(),
            state: Mutex::default(),
            changed: Notify::new(),
            restored: Notify::new(),
        });
        let mut server = self.server.server.lock();
        if !server.is_up {
            return Err(EngineError::new("connect to the server", "it is stopped"));
        }
        server.connections.push(Arc::downgrade(&connection));
        drop(server);
        let sender = MemorySender {
            server: self.server.clone(),
            connection: Arc::clone(&connection),
        };
        let receiver = MemoryReceiver {
            server: self.server.clone(),
            connection,
        };
        Ok((sender, receiver))
    }
}

/// The sending end of a connection to a [`MemoryServer`].
pub struct MemorySender {
    pub(super) server: MemoryServer,
    pub(super) connection: Arc<MemoryConnection>,
}

impl MemorySender {
    /// Waits until the connection is there.
    async fn is_restored(&self) {
        loop {
            let restored = self.connection.restored.notified();
            if !self.connection.state.lock().is_cut {
                return;
            }
            restored.await;
        }
    }
}

impl EngineSender for MemorySender {
    async fn send(&mut self, frame: Frame) -> Result<(), EngineError> {
        loop {
            {
                let mut server = self.server.server.lock();
                let mut wire = self.connection.state.lock();
                if wire.is_closed {
                    return Err(EngineError::new("send a frame", "the connection is closed"));
                }
                if frame.body().len() > server.max_body {
                    return Err(EngineError::refused("send a frame", "it is too large"));
                }
                if !wire.is_cut {
                    wire.up.push_back(frame);
                    let waiting = wire.up.len();
                    let faults = server.faults;
                    let until = Instant::now() + faults.delay;
                    wire.up_until.get_or_insert(until);
                    drop(wire);
                    if server.happens(faults.cuts) {
                        let outage = faults.outage.mul_f64(server.random.f64());
                        let reaches = server.random.usize(..=waiting);
                        let reached = self.connection.cut(reaches, Some(Instant::now() + outage));
                        server.pass_on(&self.connection, reached);
                    } else if faults.cuts <= 0.0 || waiting >= 512 || server.happens(0.1) {
                        server.flush(&self.connection);
                    } else if waiting == 1 {
                        self.connection.changed.notify_one();
                    }
                    return Ok(());
                }
                if wire.buffered < BUFFER {
                    wire.buffered += 1;
                    return Ok(());
                }
            }
            self.is_restored().await;
        }
    }

    async fn subscribe(&mut self, subject: &str, group: Option<&str>) -> Result<(), EngineError> {
        let server = self.server.server.lock();
        let imported = ImportSubject {
            subject: subject.to_owned(),
            group: group.map(str::to_owned),
        };
        server.subscribe(&self.connection, imported);
        Ok(())
    }

    async fn round_trip(&mut self) -> Result<(), EngineError> {
        self.is_restored().await;
        let mut server = self.server.server.lock();
        let mut wire = self.connection.state.lock();
        if std::mem::take(&mut wire.was_cut) {
            return Err(EngineError::new(
                "reach the server",
                "the connection was cut",
            ));
        }
        drop(wire);
        server.flush(&self.connection);
        Ok(())
    }

    async fn close(&mut self) {
        if !self.connection.state.lock().is_cut {
            self.server.server.lock().flush(&self.connection);
        }
        self.connection.state.lock().is_closed = true;
        self.connection.changed.notify_one();
    }
}

impl Drop for MemorySender {
    fn drop(&mut self) {
        self.connection.state.lock().is_closed = true;
        self.connection.changed.notify_one();
    }
}

impl fmt::Debug for MemorySender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySender")
            .field("name", &self.connection.name)
            .finish_non_exhaustive()
    }
}

/// The receiving end of a connection to a [`MemoryServer`].
pub struct MemoryReceiver {
    server: MemoryServer,
    connection: Arc<MemoryConnection>,
}

impl EngineReceiver for MemoryReceiver {
    async fn next(&mut self) -> Option<EngineEvent> {
        loop {
            let now = Instant::now();
            let (wake_at, is_back, is_up) = {
                let mut wire = self.connection.state.lock();
                if wire.is_closed {
                    return None;
                }
                let first = wire.down.first_entry();
                let first_at = first.as_ref().map(|entry| entry.key().0);
                if let Some(entry) = first.filter(|entry| entry.key().0 <= now) {
                    return Some(entry.remove());
                }
                let (back_at, up_until) = (wire.back_at, wire.up_until);
                (
                    first_at.into_iter().chain(back_at).chain(up_until).min(),
                    back_at.is_some_and(|at| at <= now),
                    up_until.is_some_and(|at| at <= now),
                )
            };
            if is_up {
                self.server.server.lock().flush(&self.connection);
                continue;
            }
            if is_back {
                self.server.server.lock().restore(&self.connection);
                continue;
            }
            tokio::select! {
                () = self.connection.changed.notified() => {}
                () = reached(wake_at) => {}
            }
        }
    }
}

impl fmt::Debug for MemoryReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReceiver")
            .field("name", &self.connection.name)
            .finish_non_exhaustive()
    }
}
