//! Subscribing again with the same options.
//!
//! A subscriber that was evicted or closed needs it to go on.

use crate::bus::error::SubscribeError;
use crate::bus::handle::Bus;
use crate::bus::options::SubscribeOptions;
use crate::bus::subscription::Subscription;
use crate::message::subject::Payload;
use crate::queue::inbox::Inbox;

/// # Subscribing again
impl<M: Payload> Subscription<M> {
    /// Makes a new subscription with the same options: the patterns as they are [now](Subscription::set_patterns),
    /// sources, predicates, name, capacity, overflow policy and group, of which it becomes another member. It is
    /// [fixed](crate::SubscribeOptions::fixed) if this one is.
    ///
    /// It begins as one made by [`subscribe_with`](crate::Bus::subscribe_with): with what is retained and what is
    /// published from now on. What is queued here stays here. So a subscription that was evicted or closed can begin
    /// anew.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::Closed`] if the bus has closed; [`SubscribeError::GroupMismatch`] if its group has ended and
    /// begun anew with other terms.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope, Overflow, RecvError, SubscribeOptions};
    ///
    /// let bus = Bus::<u32>::new();
    /// let options = SubscribeOptions::new().capacity(1).overflow(Overflow::Evict);
    /// let mut numbers = bus.subscribe_with(options)?;
    /// for number in 1..=2 {
    ///     bus.publish(Envelope::new("counter", number))?;
    /// }
    /// assert_eq!(numbers.recv()?.message, 1);
    /// assert_eq!(numbers.recv().unwrap_err(), RecvError::Lagged { missed: 1 });
    /// assert_eq!(numbers.recv().unwrap_err(), RecvError::Evicted);
    ///
    /// numbers = numbers.resubscribe()?;
    /// bus.publish(Envelope::new("counter", 3))?;
    /// assert_eq!(numbers.recv()?.message, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resubscribe(&self) -> Result<Self, SubscribeError> {
        let core = self.core.upgrade().ok_or(SubscribeError::Closed)?;
        let options = SubscribeOptions {
            capacity: self.terms.capacity,
            name: self.name().map(str::to_owned),
            filter: self.filter.lock().clone(),
            overflow: self.terms.overflow,
            group: self.terms.group.as_deref().map(str::to_owned),
            fixed: self.terms.fixed,
            chooses: matches!(self.inbox, Inbox::Direct(_)),
            ..SubscribeOptions::default()
        };
        Bus { core }.subscribe_with(options)
    }
}
