//! The beginning and end of a bus.
//!
//! Here are waiting for subscribers, waiting until they have received everything, closing, and handles that do not keep
//! the bus open. Nothing here polls: each wait is woken by what it waits for, as the models in
//! `engine/tests/drain_loom_models.rs` show for drains. Closing keeps [its promise](crate::docs::guarantees#7-closing).

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::bus::error::DrainError;
use crate::bus::handle::Bus;
use crate::bus::state::BusState;
use crate::engine::drain::Watch;
use crate::message::kernel::Message;
use crate::support::clock;
use crate::support::wait_list::{Look, wait_until};

/// # Beginning and end
impl<M> Bus<M> {
    /// Closes the bus for all its handles.
    ///
    /// A publish that begins after this has returned fails, and a new subscription is at its end from the start.
    /// Subscribers receive what is queued and then learn that they are disconnected; those that wait wake up.
    /// Publishers that wait for room give up: their envelopes are dropped for those subscribers and counted.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::Command;
    /// use oxide_bus::{MessageBus, RecvError};
    ///
    /// let bus = MessageBus::new();
    /// let mut subscription = bus.subscribe();
    /// bus.send_command("kernel", Command::Ping)?;
    /// bus.close();
    ///
    /// assert!(bus.send_command("kernel", Command::Ping).unwrap_err().is_closed());
    /// assert!(subscription.recv().is_ok());
    /// assert_eq!(subscription.recv().unwrap_err(), RecvError::Disconnected);
    /// # Ok::<(), oxide_bus::PublishError>(())
    /// ```
    pub fn close(&self) {
        self.core.close();
    }

    /// Whether the bus has closed.
    pub fn is_closed(&self) -> bool {
        self.core.is_closed()
    }

    /// Waits until there are at least this many subscriptions. Returns false if there are fewer at the time-out or when
    /// the bus closes.
    ///
    /// It is for the start of a program, so that nothing is published before its subscribers are there.
    ///
    /// # Cost
    ///
    /// The wait sleeps, and is woken by each change of the list of subscribers.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use std::time::Duration;
    /// use oxide_bus::kernel::Command;
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// let module = {
    ///     let bus = bus.clone();
    ///     thread::spawn(move || bus.subscribe().recv())
    /// };
    /// assert!(bus.wait_for_subscribers(1, Duration::from_secs(10)));
    /// let id = bus.send_command("kernel", Command::Ping)?;
    /// assert_eq!(module.join().expect("it has not panicked")?.id, id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "they may not be there"]
    pub fn wait_for_subscribers(&self, subscribers: usize, timeout: Duration) -> bool {
        let are_there = || self.core.subscriber_count() >= subscribers;
        self.look_when_listed(timeout, || are_there() || self.is_closed());
        are_there()
    }

    /// Waits until there are no subscriptions any more. Returns false if there still are some at the time-out. A closed
    /// bus has none.
    ///
    /// It is for the end of a program whose modules leave by themselves. An [audit log](crate::audit) is a subscriber
    /// too.
    ///
    /// # Cost
    ///
    /// As [`wait_for_subscribers`](Bus::wait_for_subscribers).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use std::time::Duration;
    /// use oxide_bus::kernel::Command;
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// let mut commands = bus.subscribe();
    /// let module = thread::spawn(move || commands.recv().map(drop));
    /// bus.send_command("kernel", Command::Ping)?;
    /// assert!(bus.wait_for_no_subscribers(Duration::from_secs(10)));
    /// module.join().expect("it has not panicked")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "somebody may be there still"]
    pub fn wait_for_no_subscribers(&self, timeout: Duration) -> bool {
        let is_nobody_there = || self.core.subscriber_count() == 0;
        self.look_when_listed(timeout, is_nobody_there);
        is_nobody_there()
    }

    /// Waits until nothing is queued: every subscriber has received what it was given.
    ///
    /// It is for the end of a program, when nothing is published any more, and before [`close`](Bus::close): a closed
    /// bus does not know its subscribers, so there is nothing left to wait for. Received is not handled: an envelope
    /// may still be in the subscriber's hands.
    ///
    /// # Errors
    ///
    /// [`DrainError`] at the time-out, with what is left in which queue.
    ///
    /// # Cost
    ///
    /// The drain sleeps. For each queue that is not empty, it is woken about once, by the thread or task that receives
    /// the last envelope; then it walks over the subscribers. Receiving costs nothing more, unless a drain waits for
    /// that queue.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use std::time::Duration;
    /// use oxide_bus::{Bus, Envelope, SubscribeOptions};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe_with(SubscribeOptions::new().name("sum"))?;
    /// bus.publish_batch((1..=4).map(|number| Envelope::new("counter", number)))?;
    ///
    /// let error = bus.drain(Duration::ZERO).unwrap_err();
    /// assert_eq!(error.to_string(), "4 envelopes are left in 1 queue: sum 4");
    ///
    /// let sum = thread::spawn(move || -> u32 { numbers.iter().flatten().map(|it| it.message).sum() });
    /// bus.drain(Duration::from_secs(10))?;
    /// bus.close();
    /// assert_eq!(sum.join().unwrap(), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&self, timeout: Duration) -> Result<(), DrainError> {
        let mut watch = Watch::default();
        let look = || watch.check(&self.core);
        let drained = wait_until(&self.core.listed, deadline(timeout), look);
        drained.map_or_else(|| self.left(), Ok)
    }

    /// Returns what is left in the queues as an error, if there is something.
    pub(crate) fn left(&self) -> Result<(), DrainError> {
        let mut left = self.stats().subscriptions;
        left.retain(|it| it.queued > 0);
        if left.is_empty() {
            Ok(())
        } else {
            Err(DrainError::new(left))
        }
    }

    /// Checks now and whenever the list of subscribers changes, until `is_so` is true or the time is up.
    fn look_when_listed(&self, timeout: Duration, is_so: impl Fn() -> bool) {
        wait_until(&self.core.listed, deadline(timeout), || {
            Look::found_if(is_so())
        });
    }

    /// Whether both are handles on the same bus.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// assert!(bus.same_bus(&bus.clone()));
    /// assert!(!bus.same_bus(&MessageBus::new()));
    /// ```
    #[must_use]
    pub fn same_bus(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }

    /// Returns a handle that does not keep the bus open.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// let weak = bus.downgrade();
    /// assert!(weak.upgrade().is_some_and(|it| it.same_bus(&bus)));
    /// drop(bus);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use]
    pub fn downgrade(&self) -> WeakBus<M> {
        WeakBus {
            core: Arc::downgrade(&self.core),
        }
    }
}

/// The end of a time-out; `None` if the clock cannot hold it.
fn deadline(timeout: Duration) -> Option<Instant> {
    clock::now().checked_add(timeout)
}

/// A handle that does not keep the bus open, made by [`Bus::downgrade`].
///
/// It is for an owner that holds the handle for long and is itself kept by the bus, such as a thread that loops over a
/// subscription.
pub struct WeakBus<M = Message> {
    core: Weak<BusState<M>>,
}

impl<M> WeakBus<M> {
    /// Returns the bus, unless the last [`Bus`] and the last [`Publisher`](crate::Publisher) are gone. The bus may have
    /// closed.
    #[must_use]
    pub fn upgrade(&self) -> Option<Bus<M>> {
        let core = self.core.upgrade()?;
        Some(Bus { core })
    }
}

impl<M> Clone for WeakBus<M> {
    fn clone(&self) -> Self {
        WeakBus {
            core: Weak::clone(&self.core),
        }
    }
}

impl<M> fmt::Debug for WeakBus<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakBus").finish_non_exhaustive()
    }
}
