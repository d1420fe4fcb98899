//! The bus handle: subscribing and publishing.
//!
//! Subscribing is a [barrier](crate::docs::guarantees#5-subscribing-and-unsubscribing-are-barriers). The models in
//! `engine/tests/core_loom_changes.rs` show it.

mod publishing;

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::bus::error::SubscribeError;
use crate::bus::options::SubscribeOptions;
use crate::bus::state::BusState;
use crate::bus::subscription::Subscription;
use crate::engine::core::Added;
use crate::engine::filter::Filter;
use crate::message::kernel::Message;
use crate::message::pattern::{Pattern, PatternError};
use crate::message::subject::Payload;
use crate::queue::inbox::Inbox;

/// The bus of a program whose modules exchange [`Message`]s: commands and events.
pub type MessageBus = Bus<Message>;

/// A message bus within one process. Every published [`Envelope`](crate::Envelope) goes to every subscriber that
/// listens to it.
///
/// A `Bus` is a handle: clones are cheap and share one bus. It is also the root of authority: a holder may subscribe,
/// publish anything and grant. Give a module a [`Publisher`](crate::Publisher) instead.
///
/// The bus closes when [`close`](Bus::close) is called, or when the last `Bus` and the last
/// [`Publisher`](crate::Publisher) are gone. Subscriptions and weak handles do not keep it open. The page
/// [`docs::guarantees`](crate::docs::guarantees) says exactly what the bus promises.
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
    pub(crate) core: Arc<BusState<M>>,
}

/// # Subscribing
impl<M: Payload> Bus<M> {
    /// Subscribes to everything, with the default options.
    ///
    /// Subscribing is a barrier: a publish that begins after this has returned is offered to the subscription. On a
    /// closed bus, the subscription is disconnected from the start.
    ///
    /// # Cost
    ///
    /// Copies a part of the subscriber list, so the cost grows a little with the number of subscribers. Publishers do
    /// not wait for it, and nearly always go on with the open segment.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::Command;
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// let (mut one, mut other) = (bus.subscribe(), bus.subscribe());
    /// let id = bus.send_command("kernel", Command::Ping)?;
    /// assert_eq!(one.recv()?.id, id);
    /// assert_eq!(other.recv()?.id, id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscribe(&self) -> Subscription<M> {
        let (terms, queue, inbox) =
            SubscribeOptions::default().queue(&self.core.readers, &self.core.occupied);
        let core = Arc::downgrade(&self.core);
        let mut subscription = Subscription::new(terms, Filter::none(), inbox, core);
        match self.core.add(queue.clone()) {
            Ok(Added::Listed(Some(since))) => {
                subscription.begin_with(self.backlog(&since, &queue));
            }
            Ok(_) => {}
            Err(_) => subscription.never_began(),
        }
        subscription
    }

    /// Subscribes to subjects that this pattern matches, with the default options otherwise. It is a barrier and costs
    /// the same as [`subscribe`](Bus::subscribe).
    ///
    /// # Errors
    ///
    /// [`SubscribeError::Pattern`] if the text is not a pattern; otherwise as [`subscribe_with`](Bus::subscribe_with).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::{Command, Event};
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// let mut events = bus.subscribe_to("event.>")?;
    /// bus.send_command("kernel", Command::Ping)?;
    /// let pong = bus.emit_event("echo", Event::Pong { from: "echo".into() })?;
    /// assert_eq!(events.recv()?.id, pong);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscribe_to<P>(&self, pattern: P) -> Result<Subscription<M>, SubscribeError>
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        self.subscribe_with(SubscribeOptions::new().pattern(pattern))
    }

    /// Subscribes with options. It is a barrier and costs the same as [`subscribe`](Bus::subscribe).
    ///
    /// # Errors
    ///
    /// - [`SubscribeError::CapacityOutOfRange`] if the capacity is 0 or above
    ///   [`MAX_CAPACITY`](crate::limits::MAX_CAPACITY);
    /// - [`SubscribeError::Pattern`] if a text is not a pattern;
    /// - [`SubscribeError::NameTooLong`] if a name has more than 256 bytes;
    /// - [`SubscribeError::PatternsTooLong`] if the patterns have more than
    ///   [`MAX_PATTERNS_BYTES`](crate::limits::MAX_PATTERNS_BYTES) together;
    /// - [`SubscribeError::Closed`] if the bus has closed;
    /// - [`SubscribeError::GroupMismatch`] if the group has other terms.
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
    /// assert_eq!(error, SubscribeError::CapacityOutOfRange(0));
    /// # Ok::<(), SubscribeError>(())
    /// ```
    pub fn subscribe_with(
        &self,
        options: SubscribeOptions<M>,
    ) -> Result<Subscription<M>, SubscribeError> {
        let mut one = self.subscribe_many([options])?;
        Ok(one.remove(0))
    }

    /// Subscribes many at once: all of them, or none.
    ///
    /// The subscriber list changes once, and the same publish is the first for all of them. Otherwise this does what
    /// [`subscribe_with`](Bus::subscribe_with) does for each.
    ///
    /// # Errors
    ///
    /// As [`subscribe_with`](Bus::subscribe_with), for the first subscription that cannot be made.
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
            let (terms, queue, inbox) = options.queue(&self.core.readers, &self.core.occupied);
            queues.push(queue);
            ends.push((terms, inbox, takes_retained));
        }
        let added = self.core.add_all(&queues)?;
        let (mut subscriptions, mut retained) = (Vec::new(), Vec::new());
        for ((end, queue), added) in ends.into_iter().zip(&queues).zip(added) {
            let (terms, inbox, takes_retained) = end;
            let inbox = match added {
                Added::Joined(receiver) => Inbox::Direct(receiver),
                Added::Listed(since) => {
                    let since = since.filter(|_| takes_retained);
                    retained.extend(since.map(|since| (subscriptions.len(), since, queue)));
                    inbox
                }
            };
            let core = Arc::downgrade(&self.core);
            let filter = queue.filter().cloned().unwrap_or_else(Filter::none);
            subscriptions.push(Subscription::new(terms, filter, inbox, core));
        }
        // All subscriptions exist by now: what follows is user code, and a payload's `subject` may panic.
        for (place, since, queue) in retained {
            subscriptions[place].begin_with(self.backlog(&since, queue));
        }
        Ok(subscriptions)
    }

    /// Ends the subscription with this id from outside. Returns false if there is none.
    ///
    /// The subscription takes nothing new. It receives what is queued and then `Disconnected`, as after
    /// [`Subscription::close`]. A thread or task that waits for it wakes.
    ///
    /// # Cost
    ///
    /// Walks over the list of subscribers; otherwise as [`subscribe`](Bus::subscribe).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use oxide_bus::{MessageBus, RecvError};
    ///
    /// let bus = MessageBus::new();
    /// let mut subscription = bus.subscribe();
    /// let id = subscription.id();
    /// let worker = thread::spawn(move || subscription.recv().map(drop));
    /// assert!(bus.unsubscribe(id));
    /// assert_eq!(worker.join().expect("it has not panicked"), Err(RecvError::Disconnected));
    /// assert!(!bus.unsubscribe(id));
    /// ```
    pub fn unsubscribe(&self, id: Uuid) -> bool {
        self.core.end_subscription_by_id(id)
    }

    /// The number of subscriptions; 0 once the bus has closed.
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
