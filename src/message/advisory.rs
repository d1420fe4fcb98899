//! What the bus says about itself.

use std::sync::Arc;

use uuid::Uuid;

use crate::message::capability::Capability;
use crate::message::denial::Denial;
use crate::message::source::Source;
use crate::message::subject::{Payload, Subject};

/// What the bus says about itself, to who asked by [`Bus::advisories`](crate::Bus::advisories).
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
        /// What it listens to, in words: nothing if to everything.
        filter: Option<Arc<str>>,
    },
    /// A subscription was [set](crate::Subscription::set_patterns) to other patterns. `advisory.listening`
    Listening {
        /// The subscription's id.
        id: Uuid,
        /// Its name, if it has one.
        name: Option<Arc<str>>,
        /// The patterns, in words: nothing if there are none.
        patterns: Option<Arc<str>>,
    },
    /// A subscription was closed or dropped. `advisory.unsubscribed`
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
    /// and [`Bus::stats`](crate::Bus::stats) has it at any time.
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
        /// Who wanted to publish: whom the publisher speaks for. Cut after 256 bytes, as the next two.
        source: Source,
        /// Who it was said to be from, which is another where something foreign was to be forwarded.
        claimed: Source,
        /// What it was about, written as a pattern is; nothing of a payload without a subject. Of a batch it is the
        /// one that may not be published, if that is what it was refused for, else the first.
        subject: Option<Arc<str>>,
        /// What it wanted to publish under. Empty for a [trusted](crate::Bus::trusted_publisher) publisher, which may be
        /// [narrowed](crate::Publisher::narrow) all the same.
        capability: Capability,
        /// Why it was refused.
        denial: Denial,
        /// How many refusals under the capability were not told since the one before.
        suppressed: u64,
    },
    /// Publishes were refused of which no [`Denied`](Self::Denied) tells, since there were too many.
    /// `advisory.suppressed`
    ///
    /// Mostly they are counted by the next that tells of one. This one comes before the capability is granted, after
    /// it was revoked, before the bus closes, and when an [audit log](crate::audit) is flushed or closed.
    Suppressed {
        /// The capability; none for those that nothing is kept of any more.
        capability: Option<Capability>,
        /// How many.
        count: u64,
    },
    /// A capability was granted, maybe again. `advisory.granted`
    Granted {
        /// The capability.
        capability: Capability,
        /// What it was restricted to, in words: nothing if it was not.
        scope: Option<Arc<str>>,
    },
    /// A capability was revoked, if it was granted. `advisory.revoked`
    ///
    /// What had been admitted before may still come after it.
    Revoked {
        /// The capability.
        capability: Capability,
    },
    /// A capability that was revoked is [drained](crate::Bus::revoke_and_drain): nothing comes any more that was published
    /// under it. `advisory.drained`
    Drained {
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
    /// It listens by pattern, and payloads of this bus's type never have a subject: their type keeps to the default of
    /// [`Payload::subject`].
    NoSubject,
}

impl Payload for Advisory {
    fn subject(&self) -> Subject<'_> {
        let kind = match self {
            Advisory::Subscribed { .. } => "subscribed",
            Advisory::Listening { .. } => "listening",
            Advisory::Unsubscribed { .. } => "unsubscribed",
            Advisory::Evicted { .. } => "evicted",
            Advisory::Lagging { .. } => "lagging",
            Advisory::Denied { .. } => "denied",
            Advisory::Suppressed { .. } => "suppressed",
            Advisory::Granted { .. } => "granted",
            Advisory::Revoked { .. } => "revoked",
            Advisory::Drained { .. } => "drained",
            Advisory::Closed => "closed",
        };
        Subject::new(["advisory", kind])
    }
}
