//! What became of a published envelope.

use uuid::Uuid;

/// What became of a published envelope: how many subscribers matched it, took it, dropped it.
///
/// `matched` is always `delivered + dropped`. Zero matched is no error, but visible here.
///
/// Delivered means: it is in the subscriber's queue when the publish returns. Whether the
/// subscriber will ever look is not known to anybody.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Command, Envelope, Message, MessageBus};
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
    pub(crate) fn new(id: Uuid) -> Self {
        Receipt {
            id,
            delivered: 0,
            dropped: 0,
        }
    }

    pub(crate) fn count_delivered(&mut self) {
        self.delivered += 1;
    }

    pub(crate) fn count_dropped(&mut self) {
        self.dropped += 1;
    }

    /// The id of the envelope.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// How many subscribers listen to it.
    pub fn matched(&self) -> usize {
        self.delivered + self.dropped
    }

    /// How many subscribers have it in their queues.
    pub fn delivered(&self) -> usize {
        self.delivered
    }

    /// How many subscribers lost it, because their queues were full.
    pub fn dropped(&self) -> usize {
        self.dropped
    }
}
