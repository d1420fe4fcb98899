//! The two handles on a running link: one for tasks, one for threads.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::link::builder::LinkBuilder;
use crate::link::error::{LinkDrainError, NotReadyError};
use crate::link::inbound::gaps::LinkGaps;
use crate::link::running::driver::HandleCommand;
use crate::link::state::linked::Linked;
use crate::link::stats::LinkStats;

/// A running link between a bus and others, over a server; see [`docs::links`](crate::docs::links).
///
/// [`over`](Link::over) begins to build one. The link ends with the bus, by [`close`](Link::close) or
/// [`drain`](Link::drain), and when the `Link` is dropped. It does not keep the bus open.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use oxide_bus::Bus;
/// use oxide_bus::kernel::{Command, MessageBus};
/// use oxide_bus::link::Link;
/// use oxide_bus::link::memory::MemoryServer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = MemoryServer::new();
/// let (north, south) = (MessageBus::new(), MessageBus::new());
/// let incoming = south.trusted_publisher("link");
/// let limit = Duration::from_secs(10);
///
/// let to = Link::over(server.engine()).name("south").import("command.>", incoming).connect(&south).await?;
/// to.ready(limit).await?;
/// let from = Link::over(server.engine()).name("north").export("command.>").connect(&north).await?;
///
/// let mut commands = south.subscribe().into_async();
/// north.send("kernel", Command::Ping)?;
/// let ping = commands.recv().await?;
/// assert_eq!(ping.source, "kernel");
/// assert_eq!(ping.header("link-origin"), Some("north"));
///
/// from.drain(limit).await?;
/// assert_eq!(from.stats().export.confirmed, 1);
/// # Ok(())
/// # }
/// ```
pub struct Link {
    link: Arc<Linked>,
    commands: mpsc::UnboundedSender<HandleCommand>,
}

impl Link {
    /// Begins to build a link over an engine.
    pub fn over<E, M>(engine: E) -> LinkBuilder<E, M> {
        LinkBuilder::new(engine)
    }

    pub(super) fn new(link: Arc<Linked>, commands: mpsc::UnboundedSender<HandleCommand>) -> Self {
        Link { link, commands }
    }

    /// Returns the name of the link.
    pub fn name(&self) -> &str {
        &self.link.settings.name
    }

    /// Returns the figures, all of one moment. After the end of the link they are the final ones.
    pub fn stats(&self) -> LinkStats {
        self.link.state.lock().stats()
    }

    /// Returns an observer of the gaps from now on, for a subscriber that wants to know where they lie.
    pub fn gaps(&self) -> LinkGaps {
        self.link.gaps.watch()
    }

    /// Whether the link has ended.
    pub fn has_ended(&self) -> bool {
        self.commands.is_closed()
    }

    /// Waits until the link has ended, for example with its bus or its engine.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    pub async fn ended(&self) {
        self.commands.closed().await;
    }

    /// Waits until the server has confirmed the subscriptions, since the last reconnect, and refused none of them. From
    /// then on, what others send is received. The time is that of tokio's clock.
    ///
    /// # Errors
    ///
    /// [`NotReadyError`] at the time-out, if the server refuses something, or if the link has ended. At the time-out
    /// the figures [`connected`](LinkStats::connected) and [`last_error`](LinkStats::last_error) say more.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    pub async fn ready(&self, timeout: Duration) -> Result<(), NotReadyError> {
        let answer = self.ask(|asker| HandleCommand::Ready(timeout, asker));
        answer.await.unwrap_or(Err(NotReadyError::Ended))
    }

    /// Sends and confirms everything that the bus gave to the link before this call, publishes what has come, and then
    /// ends the link. Every envelope of others that the link knows of is published or told as missed. The link does not
    /// wait for what they send meanwhile.
    ///
    /// # Errors
    ///
    /// [`LinkDrainError`] at the time-out, or if the bus closes meanwhile. It says how many envelopes are not
    /// confirmed, and how many are not published. The link has ended in that case too. Both numbers are 0 if the server
    /// of a [durable](LinkBuilder::durable) link did not confirm how far the link is; the last envelopes may then come
    /// again.
    ///
    /// # Cancel safety
    ///
    /// If it is cancelled, the link goes on draining, and ends.
    pub async fn drain(&self, timeout: Duration) -> Result<(), LinkDrainError> {
        let answer = self.ask(|asker| HandleCommand::Drain(timeout, asker));
        answer.await.unwrap_or(Err(LinkDrainError::Ended))
    }

    /// Ends the link now. In the returned figures, [`lost`](crate::link::ExportStats::lost) counts the envelopes that
    /// the bus gave to the link and that are not confirmed.
    ///
    /// # Cancel safety
    ///
    /// If it is cancelled, the link still ends.
    pub async fn close(self) -> LinkStats {
        let answer = self.ask(HandleCommand::Close);
        answer.await.unwrap_or_else(|_| self.stats())
    }

    /// Asks the running link. If the link has ended, the question is dropped with its answer channel, and the caller
    /// sees that.
    fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> HandleCommand,
    ) -> oneshot::Receiver<T> {
        let (asker, answer) = oneshot::channel();
        let _ended = self.commands.send(command(asker));
        answer
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("name", &self.name())
            .field("has_ended", &self.has_ended())
            .finish_non_exhaustive()
    }
}

/// A [`Link`] for threads, made by [`LinkBuilder::spawn`]: it runs on a thread of its own.
///
/// Methods that wait block the thread. All others are the [`Link`]'s own, by [`Deref`].
#[derive(Debug)]
pub struct LinkThread {
    link: Link,
}

impl LinkThread {
    pub(super) fn new(link: Link) -> Self {
        LinkThread { link }
    }

    /// Waits until the server has confirmed the subscriptions; see [`Link::ready`].
    ///
    /// # Errors
    ///
    /// As [`Link::ready`].
    ///
    /// # Panics
    ///
    /// In a task, which must not block.
    pub fn ready(&self, timeout: Duration) -> Result<(), NotReadyError> {
        let answer = self.link.ask(|asker| HandleCommand::Ready(timeout, asker));
        answer.blocking_recv().unwrap_or(Err(NotReadyError::Ended))
    }

    /// Sends and confirms everything, then ends the link; see [`Link::drain`].
    ///
    /// # Errors
    ///
    /// As [`Link::drain`].
    ///
    /// # Panics
    ///
    /// In a task, which must not block.
    pub fn drain(&self, timeout: Duration) -> Result<(), LinkDrainError> {
        let answer = self.link.ask(|asker| HandleCommand::Drain(timeout, asker));
        answer.blocking_recv().unwrap_or(Err(LinkDrainError::Ended))
    }

    /// Ends the link now; see [`Link::close`].
    ///
    /// # Panics
    ///
    /// In a task, which must not block.
    pub fn close(self) -> LinkStats {
        let answer = self.link.ask(HandleCommand::Close);
        answer.blocking_recv().unwrap_or_else(|_| self.stats())
    }

    /// Returns the same link, for tasks. The link continues to run on its thread.
    pub fn into_async(self) -> Link {
        self.link
    }
}

/// The methods that never wait.
impl Deref for LinkThread {
    type Target = Link;

    fn deref(&self) -> &Link {
        &self.link
    }
}
