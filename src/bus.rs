//! The bus: who subscribes, who publishes.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::advisory::Board;
use crate::envelope::Envelope;
use crate::error::{BatchError, PublishError, SubscribeError};
use crate::fanout::{Added, Core, Refusal};
use crate::limit::Limit;
use crate::message::{Command, Event, Message};
use crate::nesting::Nesting;
use crate::options::SubscribeOptions;
use crate::pending::Pending;
use crate::queue::{Inbox, queue};
use crate::receipt::{BatchReceipt, Outcome, Receipt};
use crate::source::Source;
use crate::subject::Payload;
use crate::subscription::Subscription;
use crate::weight::Weighing;

/// The bus of a program whose modules exchange [`Message`]s: commands and events.
pub type MessageBus = Bus<Message>;

/// A message bus within one process: every published [`Envelope`] goes to every subscriber that
/// listens to it.
///
/// A `Bus` is a handle: clones are cheap and share one bus. It is also root: who holds one may
/// subscribe, publish anything and grant. What a module should be given instead is a
/// [`Publisher`](crate::Publisher).
///
/// The bus closes when [`close`](Bus::close) is called, or when the last `Bus` and the last
/// [`Publisher`](crate::Publisher) are gone. Subscriptions do not keep it open. What exactly it promises is in
/// [`docs::guarantees`](crate::docs::guarantees).
///
/// # Examples
///
/// ```
/// use oxide_bus::{Bus, Envelope};
///
/// let bus = Bus::<u32>::new();
/// let mut numbers = bus.subscribe();
/// bus.publish(Envelope::new("counter", 7))?;
/// assert_eq!(numbers.recv()?.message, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Bus<M = Message> {
    pub(crate) core: Arc<Core<M>>,
}

impl<M> Bus<M> {
    pub(crate) fn with_board(board: Board) -> Self {
        Bus {
            core: Arc::new(Core::new(board)),
        }
    }
}

impl<M: Payload> Bus<M> {
    /// A new bus without subscribers or grants. Allocates little, and starts no thread.
    pub fn new() -> Self {
        Self::with_board(Board::new())
    }

    /// Subscribes to everything, with the default options.
    ///
    /// A barrier: a publish that begins after this has returned is offered to the subscription. On
    /// a closed bus the subscription is disconnected from the start.
    ///
    /// # Cost
    ///
    /// Copies a part of the subscriber list, so it grows a little with the number of subscribers.
    /// Publishers do not wait for it; the next one has to open a new parcel.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Command, MessageBus};
    ///
    /// let bus = MessageBus::new();
    /// let (mut one, mut other) = (bus.subscribe(), bus.subscribe());
    /// let id = bus.send_command("kernel", Command::Ping)?;
    /// assert_eq!(one.recv()?.id, id);
    /// assert_eq!(other.recv()?.id, id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscribe(&self) -> Subscription<M> {
        let (terms, queue, inbox) = queue(SubscribeOptions::default(), &self.core.lobby);
        let mut subscription = Subscription::new(terms, inbox, Arc::downgrade(&self.core));
        match self.core.add(queue.clone()) {
            Ok(Added::Listed(Some(since))) => {
                subscription.begin_with(self.backlog(&since, &queue));
            }
            Ok(_) => {}
            Err(_) => subscription.never_began(),
        }
        subscription
    }

    /// Subscribes with options. A barrier, and costs, as [`subscribe`](Bus::subscribe).
    ///
    /// # Errors
    ///
    /// [`SubscribeError::Capacity`] where the capacity is 0 or above
    /// [`MAX_CAPACITY`](crate::MAX_CAPACITY); [`SubscribeError::NameTooLong`] where a name has more than 256 bytes;
    /// [`SubscribeError::Closed`] where the bus has closed; [`SubscribeError::Group`] where the group
    /// has other terms.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{MessageBus, SubscribeError, SubscribeOptions};
    ///
    /// let bus = MessageBus::new();
    /// let subscription = bus.subscribe_with(SubscribeOptions::new().capacity(1_000))?;
    /// assert_eq!(subscription.capacity(), 1_000);
    ///
    /// let error = bus.subscribe_with(SubscribeOptions::new().capacity(0)).unwrap_err();
    /// assert_eq!(error, SubscribeError::Capacity(0));
    /// # Ok::<(), SubscribeError>(())
    /// ```
    pub fn subscribe_with(
        &self,
        options: SubscribeOptions<M>,
    ) -> Result<Subscription<M>, SubscribeError> {
        let mut one = self.subscribe_many([options])?;
        Ok(one.remove(0))
    }

    /// Subscribes many at once: all of them, or none. They come in one change of the list, and the
    /// same publish is the first for all; otherwise as [`subscribe_with`](Bus::subscribe_with) for each.
    ///
    /// # Errors
    ///
    /// As [`subscribe_with`](Bus::subscribe_with), for the first of them that cannot be had.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope, SubscribeOptions};
    ///
    /// let bus = Bus::<u32>::new();
    /// let capacities = [1, 10, 100];
    /// let options = capacities.map(|capacity| SubscribeOptions::new().capacity(capacity));
    /// let mut subscriptions = bus.subscribe_many(options)?;
    /// assert_eq!(bus.publish(Envelope::new("counter", 7))?.delivered(), 3);
    /// assert_eq!(subscriptions[2].capacity(), 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscribe_many(
        &self,
        options: impl IntoIterator<Item = SubscribeOptions<M>>,
    ) -> Result<Vec<Subscription<M>>, SubscribeError> {
        let (mut queues, mut ends) = (Vec::new(), Vec::new());
        for options in options {
            let options = options.checked(self.core.grants.max_name())?;
            let takes_retained = options.takes_retained();
            let (terms, queue, inbox) = queue(options, &self.core.lobby);
            queues.push(queue);
            ends.push((terms, inbox, takes_retained));
        }
        let added = self.core.add_all(&queues)?;
        let (mut subscriptions, mut retained) = (Vec::new(), Vec::new());
        for ((end, queue), added) in ends.into_iter().zip(&queues).zip(added) {
            let (terms, inbox, takes_retained) = end;
            let inbox = match added {
                Added::Joined(picker) => Inbox::Pick(picker),
                Added::Listed(since) => {
                    let since = since.filter(|_| takes_retained);
                    retained.extend(since.map(|since| (subscriptions.len(), since, queue)));
                    inbox
                }
            };
            let core = Arc::downgrade(&self.core);
            subscriptions.push(Subscription::new(terms, inbox, core));
        }
        // After all of them are there: a subject may panic, and this is user code.
        for (place, since, queue) in retained {
            subscriptions[place].begin_with(self.backlog(&since, queue));
        }
        Ok(subscriptions)
    }

    /// Publishes an envelope to every subscriber that listens to it, unguarded.
    ///
    /// When it returns, the envelope is in the queues that the receipt counts. It waits for nobody,
    /// except for subscribers with [`Overflow::Block`](crate::Overflow::Block) that have no room.
    ///
    /// # Errors
    ///
    /// [`PublishError::Closed`], with the envelope, where the bus has closed;
    /// [`PublishError::TooDeep`] inside [`MAX_PUBLISH_DEPTH`](crate::MAX_PUBLISH_DEPTH) others.
    ///
    /// # Panics
    ///
    /// If the payload's own [`subject`](Payload::subject) does; then nobody was offered the envelope.
    /// And if the `Drop` of a payload does that this publish lets go of, its own or an earlier one; then
    /// it is published all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe();
    /// let receipt = bus.publish(Envelope::new("counter", 7))?;
    /// assert_eq!(receipt.delivered(), 1);
    /// assert_eq!(numbers.try_recv()?.id, receipt.id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn publish(&self, envelope: Envelope<M>) -> Result<Receipt, PublishError<M>> {
        self.publish_within(envelope, Limit::Theirs)
    }

    #[inline]
    pub(crate) fn publish_within(
        &self,
        envelope: Envelope<M>,
        limit: Limit,
    ) -> Result<Receipt, PublishError<M>> {
        let mut pending = Some(envelope);
        match self.append(&mut pending) {
            Some(receipt) => Ok(receipt),
            None => self.place(Pending::take(&mut pending), limit, Weighing::Due),
        }
    }

    /// Publishes an envelope, if there is nothing to do but append it; else leaves it where it is.
    #[inline]
    pub(crate) fn append(&self, pending: &mut Option<Envelope<M>>) -> Option<Receipt> {
        self.append_with(pending, Core::append_plainly)
    }

    /// The same for one that needs leave.
    #[inline]
    pub(crate) fn append_by_leave(
        &self,
        pending: &mut Option<Envelope<M>>,
        leave: impl FnOnce(&Envelope<M>) -> bool,
    ) -> Option<Receipt> {
        self.append_with(pending, |core, pending| {
            core.append_by_leave(pending, leave)
        })
    }

    #[inline]
    fn append_with(
        &self,
        pending: &mut Option<Envelope<M>>,
        append: impl FnOnce(&Core<M>, &mut Option<Envelope<M>>) -> Option<Outcome>,
    ) -> Option<Receipt> {
        if self.core.demands.is_some() {
            return None; // it may have to be weighed
        }
        let id = Pending::first(pending).id;
        let outcome = append(&self.core, pending)?;
        Some(Receipt::new(id, outcome))
    }

    /// Publishes an envelope, whatever there is to do.
    #[inline(never)]
    pub(crate) fn place(
        &self,
        envelope: Envelope<M>,
        limit: Limit,
        weighing: Weighing,
    ) -> Result<Receipt, PublishError<M>> {
        let mut pending = Some(envelope);
        self.place_pending(&mut pending, limit, weighing)
            .map_err(|refusal| PublishError::refused(Pending::take(&mut pending), refusal))
    }

    /// The same, but that one that is refused is left where it is.
    pub(crate) fn place_pending(
        &self,
        pending: &mut Option<Envelope<M>>,
        limit: Limit,
        weighing: Weighing,
    ) -> Result<Receipt, Refusal> {
        let envelope = Pending::first(pending);
        if matches!(weighing, Weighing::Due) {
            self.weigh(envelope)?;
        }
        let id = envelope.id;
        let outcome = self.core.place(pending, limit)?;
        Ok(Receipt::new(id, outcome))
    }

    /// Publishes many envelopes, in order, unguarded: the same as publishing each, and cheaper.
    ///
    /// As many as find room in one parcel, 64 at most, are placed in one step; another publisher's
    /// envelopes may come between two steps. Where some subscriber has a filter, each is placed by
    /// itself. The iterator is read to its end before the first is placed.
    ///
    /// # Errors
    ///
    /// [`BatchError`], with those that were not published, where the bus has closed, or inside
    /// [`MAX_PUBLISH_DEPTH`](crate::MAX_PUBLISH_DEPTH) other publishes.
    ///
    /// # Panics
    ///
    /// If a payload's own [`subject`](Payload::subject) does; then those before it are published, and
    /// it and those after it are lost. And if the `Drop` of a payload does that this publish lets go of;
    /// then all are published all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope, Source};
    ///
    /// let bus = Bus::<u32>::new();
    /// let numbers = bus.subscribe();
    /// let source = Source::from("counter");
    /// let receipt = bus.publish_batch((0..100).map(|number| Envelope::new(&source, number)))?;
    /// assert_eq!(receipt.published(), 100);
    /// assert_eq!(numbers.len(), 100);
    /// # Ok::<(), oxide_bus::BatchError<u32>>(())
    /// ```
    pub fn publish_batch(
        &self,
        envelopes: impl IntoIterator<Item = Envelope<M>>,
    ) -> Result<BatchReceipt, BatchError<M>> {
        let envelopes: Vec<_> = envelopes.into_iter().collect();
        if let Err(refusal) = envelopes.iter().try_for_each(|it| self.weigh(it)) {
            return Err(BatchError::new(BatchReceipt::default(), envelopes, refusal));
        }
        self.core.publish_batch(envelopes)
    }

    #[inline]
    pub(crate) fn weigh(&self, envelope: &Envelope<M>) -> Result<(), Refusal> {
        match &self.core.demands {
            None => Ok(()),
            Some(demands) => {
                let _nesting = Nesting::enter().ok_or(Refusal::TooDeep)?; // user code
                demands.check(envelope)
            }
        }
    }

    /// How many subscriptions there are; none once the bus has closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// let subscription = bus.subscribe();
    /// assert_eq!(bus.subscriber_count(), 1);
    /// drop(subscription);
    /// assert_eq!(bus.subscriber_count(), 0);
    /// ```
    pub fn subscriber_count(&self) -> usize {
        self.core.subscriber_count()
    }
}

impl MessageBus {
    /// Publishes a command, and returns its envelope's id.
    ///
    /// # Errors
    ///
    /// As [`publish`](Bus::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Command, MessageBus};
    ///
    /// let bus = MessageBus::new();
    /// let mut commands = bus.subscribe();
    /// let id = bus.send_command("kernel", Command::Stop { module_id: "echo".into() })?;
    /// assert_eq!(commands.recv()?.id, id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_command(
        &self,
        source: impl Into<Source>,
        command: Command,
    ) -> Result<Uuid, PublishError> {
        let receipt = self.publish(Envelope::new(source, Message::Command(command)))?;
        Ok(receipt.id())
    }

    /// Publishes an event, and returns its envelope's id.
    ///
    /// # Errors
    ///
    /// As [`publish`](Bus::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Event, MessageBus};
    ///
    /// let bus = MessageBus::new();
    /// let mut events = bus.subscribe();
    /// bus.emit_event("echo", Event::ModuleStarted { module_id: "echo".into() })?;
    /// assert_eq!(events.recv()?.source, "echo");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn emit_event(
        &self,
        source: impl Into<Source>,
        event: Event,
    ) -> Result<Uuid, PublishError> {
        let receipt = self.publish(Envelope::new(source, Message::Event(event)))?;
        Ok(receipt.id())
    }
}

impl<M> Clone for Bus<M> {
    fn clone(&self) -> Self {
        Bus {
            core: Arc::clone(&self.core),
        }
    }
}

impl<M: Payload> Default for Bus<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> fmt::Debug for Bus<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("subscribers", &self.core.subscriber_count())
            .field("closed", &self.core.is_closed())
            .finish_non_exhaustive()
    }
}
