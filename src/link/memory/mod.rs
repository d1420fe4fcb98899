//! An engine in memory, for tests of links and of programs that use them.
//!
//! A [`MemoryServer`] carries frames between the links of one program. It can behave as networks do: delay, lose,
//! repeat and reorder frames, cut connections, and restart. Its random choices come from a seed. All times are those of
//! tokio's clock, which a test may stop.

mod connection;
mod engine;
mod reading;
mod server;
mod stored;
mod stream;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use self::connection::MemoryConnection;
use self::server::Server;
use self::stored::StoredStream;

pub use self::engine::{MemoryEngine, MemoryReceiver, MemorySender};
pub use self::stream::{MemoryStream, MemoryStreamSender};

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
    /// The probability, from 0 to 1, that a frame is lost between the server and one of its receivers.
    pub loss: f64,
    /// The probability, from 0 to 1, that a frame comes twice.
    pub duplicates: f64,
    /// The probability, from 0 to 1, that later frames may overtake a frame.
    pub reordering: f64,
    /// The probability, from 0 to 1, that a connection is cut when it sends a frame. Up to 512 frames since the last
    /// round trip are lost then.
    pub cuts: f64,
    /// The longest time that a frame takes. Each frame takes a random part of it.
    pub delay: Duration,
    /// The longest time until a randomly cut connection is there again.
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

impl MemoryServer {
    /// Makes a server that does nothing to frames.
    pub fn new() -> Self {
        Self::with_faults(0, Faults::default())
    }

    /// Makes a server with faults. Random choices come from the seed.
    pub fn with_faults(seed: u64, faults: Faults) -> Self {
        MemoryServer {
            server: Arc::new(Mutex::new(Server::new(seed, faults))),
        }
    }

    /// Returns the engine of this server, for one link.
    pub fn engine(&self) -> MemoryEngine {
        MemoryEngine::of(self.clone())
    }

    /// Sets other faults from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.server.lock().faults = faults;
    }

    /// From now on the server refuses publishes and subscriptions of the links with this name at these subjects. The
    /// subject is the server's, such as `ob.south.>`.
    pub fn forbid(&self, name: &str, subject: &str) {
        let rule = (name.to_owned(), subject.to_owned());
        self.server.lock().forbidden.push(rule);
    }

    /// Makes a stream that keeps what matches this subject, for [durable](crate::link::LinkBuilder::durable) links. It
    /// outlasts [`stop`](Self::stop). A stream that exists stays as it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::Bus;
    /// use oxide_bus::link::{Link, StreamStart};
    /// use oxide_bus::link::memory::MemoryServer;
    ///
    /// let (server, limit) = (MemoryServer::new(), Duration::from_secs(10));
    /// server.make_stream("ALL", "ob.>");
    /// let north = Bus::<u32>::new();
    /// let from = Link::over(server.engine()).name("north").export_everything().durable("ALL").spawn(&north)?;
    /// north.send("counter", 7)?;
    /// from.drain(limit)?;
    ///
    /// let south = Bus::<u32>::new();
    /// let mut numbers = south.subscribe();
    /// let to = Link::over(server.engine())
    ///     .name("south")
    ///     .import_everything(south.trusted_publisher("link"))
    ///     .start(StreamStart::First)
    ///     .durable("ALL")
    ///     .spawn(&south)?;
    /// assert_eq!(numbers.recv()?.message, 7);
    /// # drop(to);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn make_stream(&self, name: &str, subject: &str) {
        let mut server = self.server.lock();
        let stream = server.streams.entry(name.to_owned());
        stream.or_insert_with(|| StoredStream::new(subject));
    }

    /// Sets how many bytes the body of a frame may have from now on. The engine refuses larger ones.
    pub fn set_max_body(&self, bytes: usize) {
        self.server.lock().max_body = bytes;
    }

    /// Cuts the connections of the links with this name. Frames that are under way over them are lost.
    pub fn cut(&self, name: &str) {
        self.each(|_, connection| {
            if connection.name == name {
                connection.cut(0, None);
            }
        });
    }

    /// Restores the connections of the links with this name, if the server is up.
    pub fn mend(&self, name: &str) {
        self.each(|server, connection| {
            if connection.name == name {
                server.restore(connection);
            }
        });
    }

    /// Stops the server: all connections are cut, and no other can be made.
    pub fn stop(&self) {
        self.server.lock().is_up = false;
        self.each(|_, connection| {
            connection.cut(0, None);
        });
    }

    /// Starts the server again: all links are connected again.
    pub fn start(&self) {
        self.server.lock().is_up = true;
        self.each(Server::restore);
    }

    fn each(&self, mut act: impl FnMut(&mut Server, &MemoryConnection)) {
        let mut server = self.server.lock();
        let connections = server.connections.clone();
        (connections.iter().filter_map(Weak::upgrade)).for_each(|it| act(&mut server, &it));
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
