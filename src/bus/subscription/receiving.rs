//! Receiving: one by one or many, owned or lent, waiting or not.
//!
//! All functions here go through `advance`, or are short cuts of it. So a thread, a task and an iterator see the same
//! order, losses and end.

use std::mem;
use std::time::{Duration, Instant};

use super::Subscription;
use super::iter::{Iter, TryIter};
use crate::message::envelope::Envelope;
use crate::queue::delivery::Delivery;
use crate::queue::inbox::Inbox;
use crate::queue::recv_error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::queue::wait::{Nothing, Wait};
use crate::support::clock;

/// # Receiving
impl<M> Subscription<M> {
    /// Receives the next envelope and waits for it as long as it takes.
    ///
    /// # Errors
    ///
    /// [`RecvError::Lagged`] if envelopes were lost. At the end [`RecvError::Disconnected`] or [`RecvError::Evicted`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use oxide_bus::{Bus, Envelope};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe();
    /// let reader = thread::spawn(move || numbers.recv());
    /// bus.publish(Envelope::new("counter", 7))?;
    /// assert_eq!(reader.join().expect("it has not panicked")?.message, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn recv(&mut self) -> Result<Delivery<M>, RecvError> {
        Ok(self.take(Wait::Forever)?)
    }

    /// Receives the next envelope if there is one now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if there is none, [`TryRecvError::Lagged`] if envelopes were lost. At the end
    /// [`TryRecvError::Disconnected`] or [`TryRecvError::Evicted`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope, TryRecvError};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe();
    /// assert_eq!(numbers.try_recv().unwrap_err(), TryRecvError::Empty);
    /// bus.publish(Envelope::new("counter", 7))?;
    /// assert_eq!(numbers.try_recv()?.message, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_recv(&mut self) -> Result<Delivery<M>, TryRecvError> {
        Ok(self.take(Wait::No)?)
    }

    /// Receives the next envelope and waits for it up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError::Timeout`] if none came in time, [`RecvTimeoutError::Lagged`] if envelopes were lost. At the
    /// end [`RecvTimeoutError::Disconnected`] or [`RecvTimeoutError::Evicted`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::{MessageBus, RecvTimeoutError};
    ///
    /// let bus = MessageBus::new();
    /// let mut subscription = bus.subscribe();
    /// let error = subscription.recv_timeout(Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(error, RecvTimeoutError::Timeout);
    /// ```
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Delivery<M>, RecvTimeoutError> {
        // A deadline that the clock cannot hold counts as none.
        let deadline = clock::now().checked_add(timeout);
        Ok(self.take(deadline.map_or(Wait::Forever, Wait::Until))?)
    }

    /// Receives the next envelope and waits for it until `deadline`. With a deadline in the past, it still takes what
    /// is queued.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Subscription::recv_timeout).
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<Delivery<M>, RecvTimeoutError> {
        Ok(self.take(Wait::Until(deadline))?)
    }

    /// Receives the next envelope as [`recv`](Subscription::recv) does, and lends it until the next call.
    ///
    /// # Errors
    ///
    /// As [`recv`](Subscription::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope};
    ///
    /// let bus = Bus::<String>::new();
    /// let mut lines = bus.subscribe();
    /// bus.publish(Envelope::new("reader", "first".to_owned()))?;
    /// assert_eq!(lines.recv_ref()?.message, "first");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn recv_ref(&mut self) -> Result<&Envelope<M>, RecvError> {
        self.advance(Wait::Forever)?;
        Ok(self.envelope())
    }

    /// Receives the next envelope as [`try_recv`](Subscription::try_recv) does, and lends it until the next call.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Subscription::try_recv).
    #[inline]
    pub fn try_recv_ref(&mut self) -> Result<&Envelope<M>, TryRecvError> {
        self.advance(Wait::No)?;
        Ok(self.envelope())
    }

    /// Shows every queued envelope to `look`, without waiting, up to the next gap or the end of the queue. Returns how
    /// many, at least one. It touches no reference count.
    ///
    /// Envelopes that are published meanwhile are shown too. While publishers are as fast as `look`, this does not
    /// return.
    ///
    /// If `look` panics, the envelope that it was shown counts as received; the rest stays queued.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Subscription::try_recv), if there is no first envelope to show.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope, TryRecvError};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe();
    /// bus.publish_batch((1..=4).map(|number| Envelope::new("counter", number)))?;
    ///
    /// let mut sum = 0;
    /// assert_eq!(numbers.try_recv_each(|envelope| sum += envelope.message), Ok(4));
    /// assert_eq!(sum, 10);
    /// assert_eq!(numbers.try_recv_each(|_| ()), Err(TryRecvError::Empty));
    /// # Ok::<(), oxide_bus::BatchError<u32>>(())
    /// ```
    pub fn try_recv_each(
        &mut self,
        mut look: impl FnMut(&Envelope<M>),
    ) -> Result<usize, TryRecvError> {
        look(self.try_recv_ref()?);
        let mut shown = 1;
        loop {
            if let Inbox::Shared(cursor) = &mut self.inbox {
                shown += cursor.show(&mut look);
            }
            if !self.go_on() {
                break;
            }
            look(self.envelope());
            shown += 1;
        }
        Ok(shown)
    }

    /// Receives up to `max` envelopes into `deliveries`. It waits for the first, then takes what is queued, up to the
    /// next gap. Returns how many, at least one unless `max` is 0.
    ///
    /// # Errors
    ///
    /// As [`recv`](Subscription::recv), if there is no first envelope to receive.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe();
    /// bus.publish_batch((0..10).map(|number| Envelope::new("counter", number)))?;
    ///
    /// let mut batch = Vec::new();
    /// assert_eq!(numbers.recv_batch(&mut batch, 8)?, 8);
    /// assert_eq!(numbers.recv_batch(&mut batch, 8)?, 2);
    /// assert_eq!(batch[9].message, 9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_batch(
        &mut self,
        deliveries: &mut Vec<Delivery<M>>,
        max: usize,
    ) -> Result<usize, RecvError> {
        if max == 0 {
            return Ok(0);
        }
        self.advance(Wait::Forever)?;
        Ok(self.gather(deliveries, max))
    }

    /// Takes the envelope that the last [`advance`](Subscription::advance) went on to and those that are queued after
    /// it, up to `max` or the next gap.
    pub(crate) fn gather(&mut self, deliveries: &mut Vec<Delivery<M>>, max: usize) -> usize {
        deliveries.push(self.delivery());
        let mut received = 1;
        while received < max && self.go_on() {
            deliveries.push(self.delivery());
            received += 1;
        }
        received
    }

    /// Iterates over the envelopes as they come. It waits for each, until the end.
    ///
    /// A loss is an item too, [`RecvError::Lagged`]. An eviction is the last item, [`RecvError::Evicted`], and comes
    /// once. When the bus closes, the iteration ends without such an item. `flatten` passes over everything that is not
    /// an envelope.
    ///
    /// A thread that publishes in the loop should hold a [`WeakPublisher`](crate::WeakPublisher): a
    /// [`Publisher`](crate::Publisher) would keep the bus open, and the loop would not end.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use oxide_bus::{Bus, Envelope};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut subscription = bus.subscribe();
    /// let sum = thread::spawn(move || -> u32 {
    ///     subscription.iter().flatten().map(|delivery| delivery.message).sum()
    /// });
    /// for number in 1..=4 {
    ///     bus.publish(Envelope::new("counter", number))?;
    /// }
    /// drop(bus);
    /// assert_eq!(sum.join().unwrap(), 10);
    /// # Ok::<(), oxide_bus::PublishError<u32>>(())
    /// ```
    pub fn iter(&mut self) -> Iter<'_, M> {
        Iter { subscription: self }
    }

    /// Iterates over the queued envelopes without waiting. Losses and an eviction are items, as with
    /// [`iter`](Subscription::iter).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope, RecvError, SubscribeOptions};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe_with(SubscribeOptions::new().capacity(2))?;
    /// bus.publish_batch((1..=5).map(|number| Envelope::new("counter", number)))?;
    ///
    /// let seen: Vec<_> = numbers
    ///     .try_iter()
    ///     .map(|item| item.map(|delivery| delivery.message))
    ///     .collect();
    /// assert_eq!(seen, [Ok(1), Ok(2), Err(RecvError::Lagged { missed: 3 })]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_iter(&mut self) -> TryIter<'_, M> {
        TryIter { subscription: self }
    }

    /// Receives the next item of an iterator.
    #[inline]
    pub(crate) fn next_item(&mut self, wait: Wait) -> Option<Result<Delivery<M>, RecvError>> {
        let advanced = self.advance(wait);
        self.item(advanced)
    }

    /// Turns the outcome of [`advance`](Self::advance) into the item of an iterator or a stream; `None` at its end. An
    /// eviction is returned once.
    #[inline]
    pub(crate) fn item(
        &mut self,
        advanced: Result<(), Nothing>,
    ) -> Option<Result<Delivery<M>, RecvError>> {
        match advanced {
            Ok(()) => Some(Ok(self.delivery())),
            Err(Nothing::Lagged(missed)) => Some(Err(RecvError::Lagged { missed })),
            Err(Nothing::Empty) => None,
            Err(Nothing::Disconnected) => {
                self.has_ended = true;
                None
            }
            Err(Nothing::Evicted) => {
                let was_told = mem::replace(&mut self.has_ended, true);
                (!was_told).then_some(Err(RecvError::Evicted))
            }
        }
    }

    /// Whether an iterator or a stream has come to the end.
    #[cfg(feature = "tokio")]
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    #[expect(clippy::inline_always, reason = "a call is a fifth of a delivery")]
    #[inline(always)]
    fn take(&mut self, wait: Wait) -> Result<Delivery<M>, Nothing> {
        if let Inbox::Direct(receiver) = &mut self.inbox
            && self.untold.is_none()
            && self.backlog.is_empty()
        {
            match receiver.receive() {
                found @ (Ok(_) | Err(Nothing::Lagged(_))) => {
                    self.tell_drains();
                    return found;
                }
                Err(Nothing::Empty) if wait.is_over() && !self.has_readiness() => {
                    return Err(Nothing::Empty);
                }
                Err(_) => {} // `advance` finds it again and does what belongs to it
            }
        }
        self.advance(wait)?;
        Ok(self.delivery())
    }

    /// Goes on to the next envelope of a batch, if one is queued and no gap lies before it.
    fn go_on(&mut self) -> bool {
        match self.advance(Wait::No) {
            Ok(()) => true,
            Err(Nothing::Lagged(missed)) => {
                self.untold = Some(missed);
                self.put_token(); // the queue was not found empty
                false
            }
            Err(Nothing::Empty | Nothing::Disconnected | Nothing::Evicted) => false,
        }
    }
}
