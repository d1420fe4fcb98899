//! What happens to an envelope for which a subscriber's queue has no room.

use std::time::Duration;

use serde::Serialize;

/// What happens to an envelope for which a subscriber's queue has no room.
///
/// Whatever it is, it happens to that subscriber alone: whoever has room has the envelope by then.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Overflow {
    /// It is dropped for this subscriber, and counted. No publisher ever waits. The default.
    #[default]
    DropNewest,
    /// It takes the place of the oldest that is queued, which is dropped and counted: the newest
    /// stay. No publisher ever waits.
    ///
    /// With a filter or in a group the queue holds `capacity` at most. Without, it always holds the newest `capacity`, and up
    /// to two segments (128) more, since whole segments are shared with all others.
    ///
    /// The receipt counts it as delivered, and does not show what it displaced: a publish is never dropped for such a queue.
    /// What was displaced is counted in [`dropped`](crate::Subscription::dropped) from then on.
    DropOldest,
    /// The subscription is evicted: it is dropped from the list, receives what it has, is told of the
    /// one envelope that found no room, and then receives `Evicted` for ever (an iterator ends with it as
    /// its last item). No publisher ever waits.
    ///
    /// In a group all members are evicted. Who subscribes under its name after that founds it anew.
    Evict,
    /// The publisher waits, without spinning, until there is room: lossless.
    ///
    /// Meanwhile its envelope is in nobody's queue. The wait ends when all have room that are waited for, or the
    /// subscription goes or closes; or after the time of [`publish_timeout`](crate::Bus::publish_timeout): then the
    /// envelope is dropped for this subscriber and counted. Where the bus closes, the publisher gets the envelope back.
    ///
    /// A publisher that finds it full holds out for up to a millisecond for room for many, so that few segments carry them
    /// and it is seldom woken, and then is content with one place.
    ///
    /// A thread that publishes to its own full subscription waits for itself: use
    /// [`BlockFor`](Overflow::BlockFor), or receive on another thread.
    Block,
    /// The same, but the publisher waits no longer than this: from the publish on, in a batch from each step on.
    ///
    /// A task that awaits the publish waits longer, for want of a clock, unless it uses its own `publish_timeout`.
    BlockFor(Duration),
}

impl Overflow {
    /// Whether publishers wait for room.
    pub(crate) fn blocks(self) -> bool {
        matches!(self, Overflow::Block | Overflow::BlockFor(_))
    }

    /// Whether a queue with a filter needs its places reserved.
    pub(crate) fn reserves(self) -> bool {
        self.blocks() || self == Overflow::Evict
    }
}
