//! Receipts: they say how many subscribers have a published envelope, or a batch, and how many lost it.
//!
//! This is promise 2: what a receipt counts as delivered is in the queues. The tests are in
//! `tests/library/accounts.rs`.

use uuid::Uuid;

use crate::queue::credits::NoPlace;

/// What became of a published envelope: how many subscribers matched it, have it enqueued, dropped it.
///
/// `matched` is always `delivered + dropped`. If nothing matched, that is no error, but it is visible here.
///
/// Delivered means enqueued: when the publish returns, the envelope is in the subscriber's queue, or was received
/// already. The bus cannot know whether the subscriber will ever look. With
/// [`Overflow::DropOldest`](crate::Overflow::DropOldest) a newer envelope may displace it before that: the subscriber
/// counts that loss, and no receipt does. What a subscriber has received is in its
/// [figures](crate::SubscriptionStats::received).
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::{Command, Message};
/// use oxide_bus::{Envelope, MessageBus};
///
/// let bus = MessageBus::new();
/// let envelope = || Envelope::new("kernel", Message::Command(Command::Ping));
/// assert_eq!(bus.publish(envelope())?.matched(), 0);
///
/// let subscription = bus.subscribe();
/// let receipt = bus.publish(envelope())?;
/// assert_eq!((receipt.matched(), receipt.delivered(), receipt.dropped()), (1, 1, 0));
/// # drop(subscription);
/// # Ok::<(), oxide_bus::PublishError<Message>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    id: Uuid,
    delivered: usize,
    dropped: usize,
}

impl Receipt {
    pub(crate) fn new(id: Uuid, outcome: Outcome) -> Self {
        Receipt {
            id,
            delivered: outcome.delivered,
            dropped: outcome.dropped,
        }
    }

    /// The id of the envelope.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// How many subscribers the envelope matched.
    pub fn matched(&self) -> usize {
        self.delivered + self.dropped
    }

    /// How many subscribers it was enqueued for.
    pub fn delivered(&self) -> usize {
        self.delivered
    }

    /// How many subscribers lost it at once, because their queues were full.
    pub fn dropped(&self) -> usize {
        self.dropped
    }
}

/// What became of a batch: sums over its envelopes.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Bus, Envelope};
///
/// let bus = Bus::<u32>::new();
/// let subscriptions = [bus.subscribe(), bus.subscribe()];
/// let receipt = bus.publish_batch((0..100).map(|number| Envelope::new("counter", number)))?;
/// assert_eq!((receipt.published(), receipt.delivered(), receipt.dropped()), (100, 200, 0));
/// # drop(subscriptions);
/// # Ok::<(), oxide_bus::BatchError<u32>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchReceipt {
    published: usize,
    delivered: usize,
    dropped: usize,
}

impl BatchReceipt {
    pub(crate) fn add(&mut self, published: usize, outcome: Outcome) {
        self.published += published;
        self.delivered += outcome.delivered;
        self.dropped += outcome.dropped;
    }

    /// How many envelopes were published.
    pub fn published(&self) -> usize {
        self.published
    }

    /// How often an envelope matched a subscriber.
    pub fn matched(&self) -> usize {
        self.delivered + self.dropped
    }

    /// How often an envelope was enqueued for a subscriber.
    pub fn delivered(&self) -> usize {
        self.delivered
    }

    /// How often an envelope was lost at once for a subscriber, because its queue was full.
    pub fn dropped(&self) -> usize {
        self.dropped
    }
}

/// The sums behind a receipt.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    pub(crate) delivered: usize,
    pub(crate) dropped: usize,
}

impl Outcome {
    /// Counts the outcome of one offer to one subscriber. A subscriber that has left counts nowhere.
    pub(crate) fn count_offer(&mut self, offered: Result<(), NoPlace>) {
        match offered {
            Ok(()) => self.delivered += 1,
            Err(NoPlace::Full) => self.dropped += 1,
            Err(NoPlace::Gone) => {}
        }
    }
}
