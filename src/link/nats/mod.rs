//! The engine over a [NATS](https://nats.io) server.
//!
//! [`Nats`] uses core NATS by the project's own client, `async-nats`, in two connections: one for frames, and one that
//! only receives the ends of round trips. [`NatsStream`] is for durable links, over streams (`JetStream`). The client
//! alone does not offer everything that a link relies on:
//!
//! - **Round trips.** The client's `flush` empties its own buffer and asks the server nothing. A request without a
//!   responder is no round trip either: if somebody listens to everything, the server does not answer it. Here a marker
//!   goes through the server from the first connection to the second.
//! - **Cuts.** If a connection is cut, the client loses without an error what it had written, and a round trip over the
//!   next connection would seem to confirm it. Here, after a cut, no round trip succeeds until
//!   [`EngineReceiver::next`](super::engine::EngineReceiver::next) has returned
//!   [`Connected`](super::engine::EngineEvent::Connected).
//! - **Refusals.** A publish or a subscription without permission succeeds at the client; the server complains later.
//!   Here the complaint is a [`Denied`](super::engine::EngineEvent::Denied) that names the subject. After a
//!   subscription, and after each cut, a round trip uses a second marker, from the second connection to the first. That
//!   marker comes behind the complaints.
//! - **Long subjects.** The server would cut the connection. Here such a frame is refused.
//!
//! The order of frames holds within each subscription. Frames of two subscriptions may overtake each other by a few,
//! but no mark overtakes earlier frames. NATS keeps the order of the values of one header, but not the order of
//! different headers.
//!
//! # Permissions
//!
//! A server does not tell its clients which client has published a message. So anybody can publish as anybody, unless
//! permissions forbid it. A link with the name `north` publishes, markers included, below `ob.north.` only, and listens
//! below `ob.` only. [`Permissions`] has that as text for the server's configuration.

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

/// The most frames of one subscription that wait in the client. Further ones are dropped, and
/// [`EngineEvent::Lagged`](super::engine::EngineEvent::Lagged) reports that. Frames take memory only while they wait.
pub const CAPACITY: usize = 65_536;

/// How often the client asks whether the server is still there. After three unanswered questions it takes the
/// connection for cut.
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
    /// Makes an engine for the server at this address, such as `nats://localhost:4222`, or `tls://…`. The address may
    /// have a user and a password, as in `nats://user:password@host`, or a token, as in `nats://token@host`. They are
    /// taken literally, without unescaping. Several servers of one cluster are separated by commas.
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

    /// Requires TLS. So does an address with `tls://`.
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

    /// Returns the addresses, and the options with the user of an address. The client does not read a user from there.
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
