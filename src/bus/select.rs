//! A select: one thread waits for several subscriptions at once.
//!
//! It needs no channel for each subscription: the thread registers in the wait list of each and sleeps in one parker.
//! `tests/library/select.rs` shows that none is starved.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bus::subscription::Subscription;
use crate::support::clock;
use crate::support::parker::Parker;
use crate::support::wait_list::Waiter;

/// Waits for several subscriptions at once, of one payload type or several.
///
/// A select returns the place of a ready subscription in the slice, and takes nothing from it: receive with
/// [`try_recv`](Subscription::try_recv), and wait again. It names the ready subscriptions in turn, so none starves
/// another. A subscription whose bus has closed, or that was evicted, is always ready: leave it out once a receive has
/// said so.
///
/// Tasks do not need it: they have `tokio::select!`.
///
/// # Cost
///
/// A look at each subscription. If none is ready, also an entry in a wait list for each. Publishers pay what they pay
/// for one sleeping subscriber. Nothing is polled.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use oxide_bus::{Bus, RecvError, Select, TryRecvError};
///
/// let (orders, prices) = (Bus::<String>::new(), Bus::<u64>::new());
/// let (mut order, mut price) = (orders.subscribe(), prices.subscribe());
/// let traders = thread::spawn(move || {
///     prices.send("market", 7).expect("open");
///     orders.send("desk", "buy".to_owned()).expect("open");
/// }); // both buses close with their last handles
///
/// let mut select = Select::new();
/// let (mut bought, mut last) = (0, 0);
/// let (mut orders_end, mut prices_end) = (false, false);
/// while !(orders_end && prices_end) {
///     match select.wait(&mut [&mut order, &mut price]) {
///         0 => match order.try_recv() {
///             Ok(_) => bought += 1,
///             Err(TryRecvError::Disconnected) => orders_end = true,
///             Err(_) => {}
///         },
///         _ => match price.try_recv() {
///             Ok(price) => last = price.message,
///             Err(TryRecvError::Disconnected) => prices_end = true,
///             Err(_) => {}
///         },
///     }
/// }
/// assert_eq!((bought, last), (1, 7));
/// traders.join().expect("it has not panicked");
/// ```
#[derive(Default)]
pub struct Select {
    parker: Arc<Parker>,
    /// The place that is asked first: the one after the last that was ready.
    first: usize,
}

/// What a [`Select`] waits for: a [`Subscription`] of any payload type.
pub trait Selectable: sealed::Sealed {}

impl<M> Selectable for Subscription<M> {}

mod sealed {
    use super::{Subscription, Waiter};

    /// What a select does with each subscription.
    pub trait Sealed {
        /// Whether a receive finds something.
        fn is_ready(&mut self) -> bool;
        /// Like `is_ready`; if there is nothing, the thread is woken when it is worth asking again.
        fn is_ready_or_register(&mut self, waiter: &Thread) -> bool;
        /// Leaves the wait list. `is_named` says whether the select returns this subscription.
        fn stop_waiting(&mut self, is_named: bool);
    }

    /// The thread that waits.
    #[derive(Debug)]
    pub struct Thread(pub(super) std::sync::Arc<crate::support::parker::Parker>);

    impl<M> Sealed for Subscription<M> {
        fn is_ready(&mut self) -> bool {
            self.is_ready()
        }

        fn is_ready_or_register(&mut self, thread: &Thread) -> bool {
            self.is_ready_or_register(&|| Waiter::Thread(std::sync::Arc::clone(&thread.0)))
        }

        fn stop_waiting(&mut self, is_named: bool) {
            if is_named {
                self.leave_wait_list();
            } else {
                self.leave_wait_list_for_others();
            }
        }
    }
}

impl Select {
    /// Makes a select that has waited for nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until one of these has something to receive, as long as it takes. Returns its place in the slice.
    ///
    /// # Panics
    ///
    /// If the slice is empty: the wait would never end.
    pub fn wait(&mut self, subscriptions: &mut [&mut dyn Selectable]) -> usize {
        assert!(!subscriptions.is_empty(), "there is nothing to wait for");
        self.look_until(subscriptions, None)
            .expect("it waits for as long as it takes")
    }

    /// Like [`wait`](Self::wait), up to `timeout`. Returns `None` if that has passed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::{MessageBus, Select};
    ///
    /// let bus = MessageBus::new();
    /// let mut subscription = bus.subscribe();
    /// let found = Select::new().wait_timeout(&mut [&mut subscription], Duration::from_millis(1));
    /// assert_eq!(found, None);
    /// ```
    pub fn wait_timeout(
        &mut self,
        subscriptions: &mut [&mut dyn Selectable],
        timeout: Duration,
    ) -> Option<usize> {
        // A deadline that the clock cannot hold counts as none.
        self.look_until(subscriptions, clock::now().checked_add(timeout))
    }

    /// Like [`wait`](Self::wait), until `deadline`. With a deadline in the past, it still finds a subscription that is
    /// ready.
    pub fn wait_deadline(
        &mut self,
        subscriptions: &mut [&mut dyn Selectable],
        deadline: Instant,
    ) -> Option<usize> {
        self.look_until(subscriptions, Some(deadline))
    }

    fn look_until(
        &mut self,
        subscriptions: &mut [&mut dyn Selectable],
        deadline: Option<Instant>,
    ) -> Option<usize> {
        let count = subscriptions.len();
        let first = self.first;
        let order = || (0..count).map(|place| (first + place) % count);
        let thread = sealed::Thread(Arc::clone(&self.parker));
        let mut found = order().find(|place| subscriptions[*place].is_ready());
        while found.is_none() && deadline.is_none_or(|deadline| clock::now() < deadline) {
            let nap = self.parker.nap();
            found = order().find(|place| subscriptions[*place].is_ready_or_register(&thread));
            if found.is_none() {
                nap.sleep(deadline);
            }
            drop(nap); // first wakes the threads that this one is to wake
            found = found.or_else(|| order().find(|place| subscriptions[*place].is_ready()));
            for (place, subscription) in subscriptions.iter_mut().enumerate() {
                subscription.stop_waiting(found == Some(place));
            }
        }
        if let Some(place) = found {
            self.first = place + 1;
        }
        found
    }
}

impl fmt::Debug for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select").finish_non_exhaustive()
    }
}
