//! The engine over a [NATS](https://nats.io) server.
//!
//! [`Nats`] uses core NATS by the project's own client, `async-nats`, in two connections: one for frames, and one that
//! only hears when a round trip is over. [`NatsStream`] is for durable links, over streams (`JetStream`). The client does
//! not give everything that a link relies on:
//!
//! - **Round trips.** The client's `flush` empties its own buffer and asks the server nothing. A request that nobody
//!   answers is no round trip either where somebody listens to everything, since the server then says nothing. Here a
//!   marker goes through the server from the first connection to the second.
//! - **Cuts.** What the client had written when a connection was cut is lost without an error, and a round trip over the
//!   next connection would seem to confirm it. Here no round trip succeeds from a cut on until
//!   [`EngineReceiver::next`](super::engine::EngineReceiver::next) has returned
//!   [`Connected`](super::engine::EngineEvent::Connected).
//! - **Refusals.** A publish or a subscription without permission succeeds at the client; the server complains later. Here
//!   the complaint is a [`Denied`](super::engine::EngineEvent::Denied) that names the subject. After a subscription, and
//!   after each cut, a round trip takes a second marker, from the second connection to the first. It comes behind the
//!   complaints.
//! - **Long subjects.** The server would cut the connection. Here such a frame is refused.
//!
//! The order of frames holds within each subscription. Frames of two subscriptions may overtake each other by a few, but
//! no mark overtakes what was sent before it. NATS keeps the order of the values of one header, and not that of different headers.
//!
//! # Permissions
//!
//! A server does not tell its clients which other client has published a message, so anybody can publish as anybody,
//! unless permissions say otherwise. A link by the name of `north` publishes below `ob.north.` only, its markers too,
//! and listens below `ob.` only. [`Permissions`] has that as text for the server's configuration.

mod news;
mod permissions;
mod receiver;
mod refusal;
mod sender;
mod stream;

use std::io;
use std::path::Path;
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};
use tokio::sync::mpsc;

pub use self::permissions::Permissions;
pub use self::receiver::NatsReceiver;
pub use self::sender::NatsSender;
pub use self::stream::{NatsStream, NatsStreamReceiver, NatsStreamSender};

use self::news::SharedNews;
use crate::link::builder::LinkBuilder;
use crate::link::engine::{Engine, EngineError};
use crate::link::handle::Link;

/// The most frames of one subscription that wait in the client. If there are more, they are dropped, which
/// [`EngineEvent::Lagged`](super::engine::EngineEvent::Lagged) tells. They take memory only while they wait.
pub const CAPACITY: usize = 65_536;

/// How often the client asks whether the server is still there. It takes the connection for cut after three such times.
const PING: Duration = Duration::from_secs(5);

/// How long the client waits for a server that accepts a connection and says nothing.
const HANDSHAKE: Duration = Duration::from_secs(2);

/// The engine over a NATS server. The [module](self) says how it works.
///
/// # Examples
///
/// ```no_run
/// use oxide_bus::link::engine::{Engine, EngineSender};
/// use oxide_bus::link::nats::Nats;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let nats = Nats::new("nats://127.0.0.1:4222").user_and_password("north", "secret");
/// let (mut sender, _receiver) = nats.connect("north").await?;
/// sender.subscribe("ob.*.event.>", None).await?;
/// sender.round_trip().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Nats {
    url: String,
    options: ConnectOptions,
}

impl Nats {
    /// Makes an engine for the server at this address, such as `nats://localhost:4222`, or `tls://…`. A user and a
    /// password may stand in it, as in `nats://user:password@host`, or a token, as in `nats://token@host`; they are
    /// taken as they stand, without unescaping. Several servers of one cluster are separated by commas.
    pub fn new(url: impl Into<String>) -> Self {
        let options = ConnectOptions::new()
            .no_echo()
            .subscription_capacity(CAPACITY)
            .ping_interval(PING)
            .connection_timeout(HANDSHAKE);
        Nats {
            url: url.into(),
            options,
        }
    }

    /// Authenticates by a user and a password.
    #[must_use]
    pub fn user_and_password(mut self, user: &str, password: &str) -> Self {
        self.options = (self.options).user_and_password(user.to_owned(), password.to_owned());
        self
    }

    /// Authenticates by a token.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.options = self.options.token(token.to_owned());
        self
    }

    /// Authenticates by the content of a credentials file, as the NATS tools write it.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if it has no credentials in it.
    #[cfg(feature = "nats-nkeys")]
    pub fn credentials(mut self, content: &str) -> Result<Self, EngineError> {
        self.options = (self.options.credentials(content))
            .map_err(|error| EngineError::new("read the credentials", error))?;
        Ok(self)
    }

    /// Insists on TLS. An address with `tls://` does so too.
    #[must_use]
    pub fn require_tls(mut self) -> Self {
        self.options = self.options.require_tls(true);
        self
    }

    /// Trusts the certificates in this file (PEM), beside those that the system trusts.
    #[must_use]
    pub fn root_certificates(mut self, path: impl AsRef<Path>) -> Self {
        self.options = (self.options).add_root_certificates(path.as_ref().to_owned());
        self
    }

    /// Shows the server this certificate and its key (PEM).
    #[must_use]
    pub fn client_certificate(
        mut self,
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Self {
        let (certificate, key) = (certificate.as_ref().to_owned(), key.as_ref().to_owned());
        self.options = self.options.add_client_certificate(certificate, key);
        self
    }

    /// Sets how many frames of one subscription may wait in the client; see [`CAPACITY`].
    #[must_use]
    pub fn capacity(mut self, frames: usize) -> Self {
        self.options = self.options.subscription_capacity(frames.max(1));
        self
    }

    /// Returns the addresses, and the options with what stands in an address. The client reads no user from there.
    fn parts(&self) -> io::Result<(Vec<ServerAddr>, ConnectOptions)> {
        let servers = self.url.split(',').map(|url| url.trim().parse());
        let servers = servers.collect::<io::Result<Vec<ServerAddr>>>()?;
        let options = self.options.clone();
        let user = servers
            .iter()
            .find_map(|it| Some((it.username()?, it.password())));
        let options = match user {
            Some((user, Some(password))) => {
                options.user_and_password(user.to_owned(), password.to_owned())
            }
            Some((token, None)) => options.token(token.to_owned()),
            None => options,
        };
        Ok((servers, options))
    }
}

impl Link {
    /// Begins to build a link over the NATS server at this address; see [`Nats::new`]. For options, such as a password,
    /// use [`over`](Link::over) with a [`Nats`].
    pub fn nats<M>(url: impl Into<String>) -> LinkBuilder<Nats, M> {
        Link::over(Nats::new(url))
    }
}

impl Engine for Nats {
    type Sender = NatsSender;
    type Receiver = NatsReceiver;

    async fn connect(&self, name: &str) -> Result<(NatsSender, NatsReceiver), EngineError> {
        const DOING: &str = "connect to the server";
        let failed = |error| EngineError::new(DOING, error);
        let (servers, options) = (self.parts()).map_err(|error| EngineError::new(DOING, error))?;
        let news = SharedNews::new();
        let frames = options.clone().name(name).event_callback({
            let news = news.clone();
            move |event| {
                news.note(event);
                std::future::ready(())
            }
        });
        // The client's futures are large.
        let frames = Box::pin(frames.connect(servers.clone()))
            .await
            .map_err(failed)?;
        let markers = options.name(format!("{name}, round trips"));
        let markers = Box::pin(markers.connect(servers)).await.map_err(failed)?;
        news.begin(&frames);
        let (subscriptions, added) = mpsc::unbounded_channel();
        let receiver = NatsReceiver::new(&frames, news.clone(), added);
        let sender = NatsSender::new(frames, markers, news, subscriptions, name).await?;
        Ok((sender, receiver))
    }
}
