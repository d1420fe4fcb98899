//! An engine in memory, for tests of links and of programs that use them.
//!
//! A [`MemoryServer`] carries frames between the links of one program. It can be made to do what networks do: delay,
//! lose, repeat and reorder frames, cut connections, and restart. What it does at random comes from a seed. All times
//! are those of tokio's clock, which a test may stop.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::link::engine::{Engine, EngineError, EngineEvent, EngineReceiver, EngineSender, Frame};
use crate::link::subject;

/// How many frames a connection takes while it is cut, before a send waits. They are lost.
const BUFFER: usize = 64;

/// What a server does to the frames that it carries. The default does nothing to them.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use oxide_bus::link::memory::{Faults, MemoryServer};
///
/// let faults = Faults { loss: 0.01, delay: Duration::from_millis(3), ..Faults::default() };
/// let server = MemoryServer::with_faults(7, faults);
/// # drop(server);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Faults {
    /// How often a frame is lost between the server and one that it is for: 0 for never, 1 for always.
    pub loss: f64,
    /// How often a frame comes twice.
    pub duplicates: f64,
    /// How often later frames may overtake a frame.
    pub reordering: f64,
    /// How often a connection is cut when it sends a frame. Up to 512 frames since the last round trip are lost then.
    pub cuts: f64,
    /// The longest time that a frame takes; each frame takes a part of it at random.
    pub delay: Duration,
    /// The longest time until a connection that was cut at random is there again.
    pub outage: Duration,
}

/// A server in memory. Clones are handles on the same server.
///
/// # Examples
///
/// A link goes on after a restart of its server, and nothing is missing:
///
/// ```
/// use std::time::Duration;
/// use oxide_bus::Bus;
/// use oxide_bus::link::Link;
/// use oxide_bus::link::memory::MemoryServer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = MemoryServer::new();
/// let bus = Bus::<u32>::new();
/// let link = Link::over(server.engine()).name("north").export_everything().connect(&bus).await?;
/// link.ready(Duration::from_secs(10)).await?;
///
/// server.stop();
/// bus.send("counter", 7)?;
/// server.start();
/// link.drain(Duration::from_secs(10)).await?;
/// assert_eq!(link.stats().export.confirmed, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryServer {
    server: Arc<Mutex<Server>>,
}

struct Server {
    faults: Faults,
    random: Rng,
    is_up: bool,
    connections: Vec<Weak<Connection>>,
    /// Name, and what may not be published or subscribed to.
    forbidden: Vec<(String, String)>,
}

struct Connection {
    name: String,
    state: Mutex<Wire>,
    /// Wakes the receiver, and whoever waits for the connection.
    changed: Notify,
    restored: Notify,
}

/// What is on the way over one connection.
#[derive(Default)]
struct Wire {
    is_cut: bool,
    is_closed: bool,
    /// It was cut since the last round trip.
    was_cut: bool,
    /// When a connection that was cut at random is there again.
    back_at: Option<Instant>,
    subscriptions: Vec<String>,
    /// Sent, and not at the server yet.
    up: VecDeque<Frame>,
    /// How many frames were taken while it was cut.
    buffered: usize,
    /// From the server, by the time when they arrive.
    down: BTreeMap<(Instant, u64), EngineEvent>,
    /// When the last frame that was not overtaken arrives.
    last_at: Option<Instant>,
    numbered: u64,
}

impl MemoryServer {
    /// Makes a server that does nothing to frames.
    pub fn new() -> Self {
        Self::with_faults(0, Faults::default())
    }

    /// Makes a server with faults. What happens at random comes from the seed.
    pub fn with_faults(seed: u64, faults: Faults) -> Self {
        MemoryServer {
            server: Arc::new(Mutex::new(Server {
                faults,
                random: Rng::with_seed(seed),
                is_up: true,
                connections: Vec::new(),
                forbidden: Vec::new(),
            })),
        }
    }

    /// Returns the engine of this server, for one link.
    pub fn engine(&self) -> MemoryEngine {
        MemoryEngine {
            server: self.clone(),
        }
    }

    /// Sets other faults from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.server.lock().faults = faults;
    }

    /// From now on the server refuses what the links with this name publish to, or subscribe to, at these subjects.
    /// The subject is the server's, such as `ob.south.>`.
    pub fn forbid(&self, name: &str, subject: &str) {
        let rule = (name.to_owned(), subject.to_owned());
        self.server.lock().forbidden.push(rule);
    }

    /// Cuts the connections of the links with this name. What is on the way over them is lost.
    pub fn cut(&self, name: &str) {
        self.each(|connection| {
            if connection.name == name {
                connection.cut(0, None);
            }
        });
    }

    /// Restores the connections of the links with this name, if the server is up.
    pub fn mend(&self, name: &str) {
        self.each(|connection| {
            if connection.name == name {
                connection.restore();
            }
        });
    }

    /// Stops the server: all connections are cut, and no other can be made.
    pub fn stop(&self) {
        self.server.lock().is_up = false;
        self.each(|connection| {
            connection.cut(0, None);
        });
    }

    /// Starts the server again: all links are connected again.
    pub fn start(&self) {
        self.server.lock().is_up = true;
        self.each(Connection::restore);
    }

    fn each(&self, mut act: impl FnMut(&Connection)) {
        let server = self.server.lock();
        server
            .connections
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|it| act(&it));
    }
}

impl Default for MemoryServer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryServer").finish_non_exhaustive()
    }
}

impl Server {
    fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.random.f64() < probability
    }

    /// Gives what is on the way up to those that have subscribed to it.
    fn pass_on(&mut self, connection: &Connection, frames: Vec<Frame>) {
        self.connections.retain(|it| it.strong_count() > 0);
        for frame in frames {
            if self.forbids(connection, &frame.subject) {
                continue;
            }
            for receiver in self.connections.clone() {
                if let Some(receiver) = receiver.upgrade() {
                    self.deliver(&receiver, &frame);
                }
            }
        }
    }

    /// Whether the server refuses this subject to this connection; then it says so.
    fn forbids(&self, connection: &Connection, subject: &str) -> bool {
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

    fn deliver(&mut self, receiver: &Connection, frame: &Frame) {
        let mut wire = receiver.state.lock();
        if wire.is_cut || wire.is_closed {
            return;
        }
        let faults = self.faults;
        let wanted = wire
            .subscriptions
            .iter()
            .filter(|it| subject::matches(it, &frame.subject));
        for _ in 0..wanted.count() {
            if self.happens(faults.loss) {
                continue;
            }
            let copies = 1 + usize::from(self.happens(faults.duplicates));
            for _ in 0..copies {
                let longest = faults.delay;
                let takes = if longest.is_zero() {
                    longest
                } else {
                    longest.mul_f64(self.random.f64())
                };
                let at = Instant::now() + takes;
                let overtaken = self.happens(faults.reordering);
                let at = if overtaken {
                    at + longest
                } else {
                    let at = at.max(wire.last_at.unwrap_or(at));
                    wire.last_at = Some(at);
                    at
                };
                wire.put(at, EngineEvent::Frame(frame.clone()));
            }
        }
        drop(wire);
        receiver.changed.notify_one();
    }
}

impl Wire {
    fn put(&mut self, at: Instant, event: EngineEvent) {
        self.numbered += 1;
        self.down.insert((at, self.numbered), event);
    }
}

impl Connection {
    /// Says something now.
    fn push(&self, event: EngineEvent) {
        self.state.lock().put(Instant::now(), event);
        self.changed.notify_one();
    }

    /// Cuts it. Of what is on the way up, the first frames reach the server all the same; they are returned.
    fn cut(&self, reaches: usize, back_at: Option<Instant>) -> Vec<Frame> {
        let mut wire = self.state.lock();
        if wire.is_cut {
            return Vec::new();
        }
        let reaches = reaches.min(wire.up.len());
        let reached = wire.up.drain(..reaches).collect();
        wire.up.clear();
        wire.down
            .retain(|_, event| !matches!(event, EngineEvent::Frame(_)));
        wire.last_at = None;
        wire.buffered = 0;
        (wire.is_cut, wire.was_cut, wire.back_at) = (true, true, back_at);
        wire.put(Instant::now(), EngineEvent::Disconnected);
        drop(wire);
        self.changed.notify_one();
        reached
    }

    fn restore(&self) {
        let mut wire = self.state.lock();
        if !wire.is_cut {
            return;
        }
        (wire.is_cut, wire.back_at) = (false, None);
        wire.put(Instant::now(), EngineEvent::Connected);
        drop(wire);
        self.changed.notify_one();
        self.restored.notify_waiters();
    }
}

/// The engine of a [`MemoryServer`].
#[derive(Debug, Clone)]
pub struct MemoryEngine {
    server: MemoryServer,
}

impl Engine for MemoryEngine {
    type Sender = MemorySender;
    type Receiver = MemoryReceiver;

    async fn connect(&self, name: &str) -> Result<(MemorySender, MemoryReceiver), EngineError> {
        let connection = Arc::new(Connection {
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
        Ok((sender, MemoryReceiver { connection }))
    }
}

/// The sending end of a connection to a [`MemoryServer`].
pub struct MemorySender {
    server: MemoryServer,
    connection: Arc<Connection>,
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

    fn flush(&self, server: &mut Server) {
        let frames = self.connection.state.lock().up.drain(..).collect();
        server.pass_on(&self.connection, frames);
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
                if !wire.is_cut {
                    wire.up.push_back(frame);
                    let waiting = wire.up.len();
                    drop(wire);
                    let faults = server.faults;
                    if server.happens(faults.cuts) {
                        let outage = faults.outage.mul_f64(server.random.f64());
                        let reaches = server.random.usize(..=waiting);
                        let reached = self.connection.cut(reaches, Some(Instant::now() + outage));
                        server.pass_on(&self.connection, reached);
                    } else if faults.cuts <= 0.0 || waiting >= 512 || server.happens(0.1) {
                        self.flush(&mut server);
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

    async fn subscribe(&mut self, subject: &str) -> Result<(), EngineError> {
        let server = self.server.server.lock();
        if !server.forbids(&self.connection, subject) {
            let mut wire = self.connection.state.lock();
            wire.subscriptions.push(subject.to_owned());
        }
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
        self.flush(&mut server);
        Ok(())
    }

    async fn close(&mut self) {
        if !self.connection.state.lock().is_cut {
            self.flush(&mut self.server.server.lock());
        }
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
    connection: Arc<Connection>,
}

impl EngineReceiver for MemoryReceiver {
    async fn next(&mut self) -> Option<EngineEvent> {
        loop {
            let now = Instant::now();
            let (wake_at, is_back) = {
                let mut wire = self.connection.state.lock();
                if wire.is_closed {
                    return None;
                }
                let first = wire.down.first_entry();
                let first_at = first.as_ref().map(|entry| entry.key().0);
                if let Some(entry) = first.filter(|entry| entry.key().0 <= now) {
                    return Some(entry.remove());
                }
                let back_at = wire.back_at;
                (
                    first_at.into_iter().chain(back_at).min(),
                    back_at.is_some_and(|at| at <= now),
                )
            };
            if is_back {
                self.connection.restore();
                continue;
            }
            tokio::select! {
                () = self.connection.changed.notified() => {}
                () = sleep_until(wake_at.unwrap_or(now)), if wake_at.is_some() => {}
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
