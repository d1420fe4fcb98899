//! Advisories: what the bus reports about itself.
//!
//! A program learns from them which subscribers come, go and lose envelopes, and which publishes are refused.

use std::sync::Arc;

use uuid::Uuid;

use crate::message::capability::Capability;
use crate::message::denial::Denial;
use crate::message::source::Source;
use crate::message::subject::{Payload, Subject};

/// What the bus reports about itself to the subscribers of [`Bus::advisories`](crate::Bus::advisories).
///
/// The subject of an advisory has two tokens and is given with each variant below. So the pattern `advisory.denied`
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
    /// A subscription was made. `advisory.subscribed`
    Subscribed {
        /// The subscription's id.
        id: Uuid,
        /// Its name, if it has one.
        name: Option<Arc<str>>,
        /// What it listens to, in words. `None` if it listens to everything.
        filter: Option<Arc<str>>,
    },
    /// A subscription was [set](crate::Subscription::set_patterns) to other patterns. `advisory.listening`
    Listening {
        /// The subscription's id.
        id: Uuid,
        /// Its name, if it has one.
        name: Option<Arc<str>>,
        /// The patterns, in words. `None` if there are none.
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
        /// The reason.
        reason: Eviction,
    },
    /// A subscription has lost envelopes, because its queue was full. `advisory.lagging`
    ///
    /// There is at most one a second for each subscription. The next one counts the losses in between, and
    /// [`Bus::stats`](crate::Bus::stats) has the count at any time.
    Lagging {
        /// The subscription's id.
        id: Uuid,
        /// Its name, if it has one.
        name: Option<Arc<str>>,
        /// How many envelopes it has lost so far in all.
        dropped: u64,
    },
    /// A publish was refused. `advisory.denied`
    ///
    /// For each capability there are up to ten at once after a pause, and ten a second.
    Denied {
        /// The source that the publisher speaks for. This and the next two fields are cut after 256 bytes.
        source: Source,
        /// The source that the envelope names. It differs from `source` if the publisher wanted to forward an envelope.
        claimed: Source,
        /// The envelope's subject, written as a pattern. `None` if the payload has no subject. For a batch it is the
        /// subject of the envelope that caused the refusal, if a single one did, else that of the first.
        subject: Option<Arc<str>>,
        /// The capability that the publisher holds. It is empty for a [trusted](crate::Bus::trusted_publisher)
        /// publisher: that may be refused as well, if it was [narrowed](crate::Publisher::narrow).
        capability: Capability,
        /// The reason of the refusal.
        denial: Denial,
        /// How many refusals under the capability had no advisory since the one before.
        suppressed: u64,
    },
    /// Publishes were refused without an advisory [`Denied`](Self::Denied), since there were too many.
    /// `advisory.suppressed`
    ///
    /// Mostly the next `Denied` counts them. This advisory comes before the capability is granted, after it was
    /// revoked, before the bus closes, and when an [audit log](crate::audit) is flushed or closed.
    Suppressed {
        /// The capability. `None` counts those of which the bus keeps nothing any more.
        capability: Option<Capability>,
        /// How many refusals.
        count: u64,
    },
    /// A capability was granted, for the first time or again. `advisory.granted`
    Granted {
        /// The capability.
        capability: Capability,
        /// What it was restricted to, in words. `None` if it was not restricted.
        scope: Option<Arc<str>>,
    },
    /// A granted capability was revoked. `advisory.revoked`
    ///
    /// Envelopes that were admitted before may still come after it.
    Revoked {
        /// The capability.
        capability: Capability,
    },
    /// A revoked capability is [drained](crate::Bus::revoke_and_drain): no envelope that was published under it comes
    /// any more. `advisory.drained`
    Drained {
        /// The capability.
        capability: Capability,
    },
    /// A [link](crate::docs::links) has missed envelopes of a bus elsewhere: they were sent, and will not come any
    /// more. `advisory.link_lagged`
    ///
    /// There is one for each gap. The envelopes after the gap are published after it.
    LinkLagged {
        /// The name of the link that they were missed by.
        link: Arc<str>,
        /// How many envelopes.
        missed: u64,
    },
    /// A [link](crate::docs::links) has lost its server: the connection is cut, or the server answers no more.
    /// `advisory.link_cut`
    LinkCut {
        /// The name of the link.
        link: Arc<str>,
    },
    /// A link has its server again, and has sent what was not confirmed before, or is about to.
    /// `advisory.link_restored`
    LinkRestored {
        /// The name of the link.
        link: Arc<str>,
    },
    /// Another link with the name of this one is alive at the same server. They do not disturb each other's envelopes;
    /// [`docs::links`](crate::docs::links#requests) says what it means for requests. `advisory.link_namesake`
    LinkNamesake {
        /// The name of both links.
        link: Arc<str>,
    },
    /// The bus has closed. This is the last advisory. `advisory.closed`
    Closed,
}

/// The reason why the bus has ended a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Eviction {
    /// Its queue was full, and its policy is [`Overflow::Evict`](crate::Overflow::Evict).
    Overflow,
    /// Its predicate panicked.
    PredicatePanicked,
    /// It listens by pattern, and payloads of this bus's type never have a subject: the type keeps the default of
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
            Advisory::LinkLagged { .. } => "link_lagged",
            Advisory::LinkCut { .. } => "link_cut",
            Advisory::LinkRestored { .. } => "link_restored",
            Advisory::LinkNamesake { .. } => "link_namesake",
            Advisory::Closed => "closed",
        };
        Subject::new(["advisory", kind])
    }
}
