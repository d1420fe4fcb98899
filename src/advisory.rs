//! What the bus says about itself.

mod board;
mod trace;

use std::sync::Arc;

use uuid::Uuid;

use crate::bus::Bus;
use crate::capability::Capability;
use crate::denial::Denial;
use crate::error::SubscribeError;
use crate::options::SubscribeOptions;
use crate::source::Source;
use crate::subject::{Payload, Subject};
use crate::subscription::Subscription;

pub(crate) use self::board::{Board, Losses, Record, Told};

/// What the bus says about itself, to who asked by [`Bus::advisories`].
///
/// Its subject has two tokens, the second of which is given below: so the pattern `advisory.denied`
/// chooses the refusals.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Advisory, MessageBus, SubscribeOptions};
///
/// let bus = MessageBus::new();
/// let mut advisories = bus.advisories();
/// let logger = bus.subscribe_with(SubscribeOptions::new().name("logger"))?;
/// drop(logger);
///
/// let told = advisories.recv()?;
/// assert!(matches!(&told.message, Advisory::Subscribed { name: Some(name), .. } if &**name == "logger"));
/// assert!(matches!(advisories.recv()?.message, Advisory::Unsubscribed { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Advisory {
    /// Somebody has subscribed. `advisory.subscribed`
    Subscribed {
        /// The subscription's id.
        id: Uuid,
        /// Its name, if it has one.
        name: Option<Arc<str>>,
    },
    /// A subscription was dropped. `advisory.unsubscribed`
    Unsubscribed {
        /// The subscription's id.
        id: Uuid,
        /// Its name, if it has one.
        name: Option<Arc<str>>,
    },
    /// The bus has ended a subscription. `advisory.evicted`
    Evicted {
        /// The subscription's id.
        id: Uuid,
        /// Its name, if it has one.
        name: Option<Arc<str>>,
        /// Why.
        reason: Eviction,
    },
    /// A subscription has lost envelopes, because its queue was full. `advisory.lagging`
    ///
    /// Told once a second at most, of each subscription. What it loses in between is in the next count,
    /// and [`Bus::stats`] has it at any time.
    Lagging {
        /// The subscription's id.
        id: Uuid,
        /// Its name, if it has one.
        name: Option<Arc<str>>,
        /// How many envelopes it has lost so far, in all.
        dropped: u64,
    },
    /// A publish was refused. `advisory.denied`
    ///
    /// Of each capability ten are told at once after a pause, and ten a second.
    Denied {
        /// Who wanted to publish.
        source: Source,
        /// What it wanted to publish under.
        capability: Capability,
        /// Why it was refused.
        denial: Denial,
        /// How many refusals under the capability were not told since the one before.
        suppressed: u64,
    },
    /// A capability was granted, maybe again. `advisory.granted`
    Granted {
        /// The capability.
        capability: Capability,
        /// What it was restricted to, in words: nothing if it was not.
        scope: Option<Arc<str>>,
    },
    /// A capability was revoked, if it was granted. `advisory.revoked`
    Revoked {
        /// The capability.
        capability: Capability,
    },
    /// The bus has closed: the last advisory. `advisory.closed`
    Closed,
}

/// Why the bus has ended a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Eviction {
    /// Its queue was full, and its policy asks for it.
    Overflow,
    /// Its predicate panicked.
    PredicatePanicked,
}

impl Payload for Advisory {
    fn subject(&self) -> Subject<'_> {
        let kind = match self {
            Advisory::Subscribed { .. } => "subscribed",
            Advisory::Unsubscribed { .. } => "unsubscribed",
            Advisory::Evicted { .. } => "evicted",
            Advisory::Lagging { .. } => "lagging",
            Advisory::Denied { .. } => "denied",
            Advisory::Granted { .. } => "granted",
            Advisory::Revoked { .. } => "revoked",
            Advisory::Closed => "closed",
        };
        Subject::new(["advisory", kind])
    }
}

impl<M: Payload> Bus<M> {
    /// Subscribes to what the bus says about itself, with the default options.
    ///
    /// What happens after this has returned is told, once it has happened. Each [`Advisory`] comes in an
    /// envelope whose source is `bus`. Those of one thread come in order. After
    /// [`Advisory::Closed`] the subscription is disconnected; on a closed bus it is so from the start.
    ///
    /// The queue is bounded as any other: who does not receive loses advisories, and is told how
    /// many. Telling waits for nobody. These subscriptions are not counted by
    /// [`subscriber_count`](Bus::subscriber_count), and nothing is told of them.
    ///
    /// # Cost
    ///
    /// Where nobody listens, an atomic load for each thing that would be told: none of them is a
    /// publish that finds room.
    pub fn advisories(&self) -> Subscription<Advisory> {
        self.core.board.bus().subscribe()
    }

    /// Subscribes to what the bus says about itself, with options.
    ///
    /// # Errors
    ///
    /// As [`subscribe_with`](Bus::subscribe_with); and [`SubscribeError::MayNotBlock`] for
    /// [`Overflow::Block`](crate::Overflow::Block): nothing that the bus does waits for who watches it.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Advisory, MessageBus, SubscribeOptions};
    ///
    /// let bus = MessageBus::new();
    /// let refusals = SubscribeOptions::new().pattern("advisory.denied".parse()?);
    /// let mut refusals = bus.advisories_with(refusals)?;
    /// let llm = bus.publisher("llm", "llm:complete");
    /// assert!(llm.send_command(oxide_bus::Command::Ping).is_err());
    ///
    /// let told = refusals.recv()?;
    /// assert!(matches!(&told.message, Advisory::Denied { source, .. } if source == "llm"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn advisories_with(
        &self,
        options: SubscribeOptions<Advisory>,
    ) -> Result<Subscription<Advisory>, SubscribeError> {
        if options.blocks() {
            return Err(SubscribeError::MayNotBlock);
        }
        self.core.board.bus().subscribe_with(options)
    }
}
