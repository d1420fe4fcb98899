//! The overflow policy of a subscriber's queue: what happens to an envelope for which the queue has no room.
//!
//! A queue is bounded, so each subscriber chooses what a full one does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What happens to an envelope for which a subscriber's queue has no room.
///
/// Each policy affects that subscriber alone. Subscribers with room have the envelope in their queues by then.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use oxide_bus::{MessageBus, Overflow, SubscribeOptions};
///
/// let bus = MessageBus::new();
/// let audit = bus.subscribe_with(
///     SubscribeOptions::new().overflow(Overflow::BlockFor(Duration::from_secs(1))),
/// )?;
/// # drop(audit);
/// # Ok::<(), oxide_bus::SubscribeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Overflow {
    /// The envelope is dropped for this subscriber, and counted. No publisher ever waits. This is the default.
    #[default]
    DropNewest,
    /// The envelope takes the place of the oldest queued one, which is dropped and counted: the newest envelopes stay.
    /// No publisher ever waits.
    ///
    /// With a filter or in a group the queue holds at most `capacity` envelopes. Otherwise it always holds the newest
    /// `capacity`, and up to two segments (128 envelopes) more, since all such subscribers share whole segments.
    ///
    /// The receipt counts the envelope as delivered, and does not show what it displaced: a publish is never dropped
    /// for such a queue. A displaced envelope is counted in [`dropped`](crate::Subscription::dropped) from then on.
    DropOldest,
    /// The subscription is evicted: it is removed from the list. It receives what it has queued, then the loss of the
    /// one envelope that found no room, and then `Evicted` for ever (an iterator ends with it as its last item). No
    /// publisher ever waits.
    ///
    /// In a group all members are evicted. The next subscriber under the group's name founds the group anew.
    Evict,
    /// The publisher waits, without spinning, until there is room. This is lossless.
    ///
    /// Meanwhile the envelope is in no queue. The wait ends when every subscriber that it waits for has room, or is
    /// dropped or closes. It also ends after the time of [`publish_timeout`](crate::Bus::publish_timeout): the envelope
    /// is then dropped for this subscriber and counted. If the bus closes, the publisher gets the envelope back.
    ///
    /// A publisher that finds the queue full waits up to a millisecond for room for many envelopes, and after that for
    /// one place. So few segments carry the envelopes, and the publisher is seldom woken.
    ///
    /// A thread that publishes to its own full subscription waits for itself: use
    /// [`BlockFor`](Overflow::BlockFor), or receive on another thread.
    Block,
    /// Like [`Block`](Overflow::Block), but the publisher waits no longer than this. The time counts from the publish,
    /// and in a batch from each step of it.
    ///
    /// A task that awaits the publish waits longer, since it has no clock, unless it uses its own `publish_timeout`.
    BlockFor(Duration),
}

impl Overflow {
    /// Whether publishers wait for room.
    pub(crate) fn blocks(self) -> bool {
        matches!(self, Overflow::Block | Overflow::BlockFor(_))
    }

    /// Whether a direct queue needs credits: a publish reserves its place there before it sends.
    pub(crate) fn reserves(self) -> bool {
        self.blocks() || self == Overflow::Evict
    }
}
