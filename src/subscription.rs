//! The receiving side.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use uuid::Uuid;

#[cfg(feature = "tokio")]
use crate::alarm::Alarm;
use crate::delivery::Delivery;
use crate::envelope::Envelope;
use crate::error::{Lagged, RecvError, RecvTimeoutError, SetPatternsError, TryRecvError};
use crate::fanout::Core;
use crate::follow::{End, Places};
use crate::follower::Follower;
use crate::iter::{Iter, TryIter};
use crate::message::Message;
use crate::options::MAX_PATTERNS;
use crate::pattern::Pattern;
use crate::queue::{Inbox, Terms};
use crate::wait::{Nothing, Wait};

/// A subscriber's end of its queue, made by [`Bus::subscribe`](crate::Bus::subscribe).
///
/// # Losses
///
/// Where envelopes were lost because the queue was full, the next receive at that point returns
/// `Lagged` once, says how many, and receiving goes on after it. (A gap that grows while it is told
/// is told in pieces.)
///
/// # End
///
/// When the bus has closed, what is queued can still be received; then every receive returns
/// `Disconnected`. A subscription does not keep its bus open. One that the bus has put out (see
/// [`Overflow::Disconnect`](crate::Overflow::Disconnect)) receives what is queued too, and then
/// `Evicted`.
///
/// Dropping a subscription is a barrier: nothing is enqueued for it any more, what was queued is
/// freed, and [`subscriber_count`](crate::Bus::subscriber_count) no longer counts it.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Command, MessageBus, TryRecvError};
///
/// let bus = MessageBus::new();
/// let mut subscription = bus.subscribe();
/// for _ in 0..200 {
///     bus.send_command("kernel", Command::Ping)?;
/// }
///
/// let received = subscription.try_iter().take_while(Result::is_ok).count();
/// assert_eq!(received, 128);
/// assert_eq!(subscription.dropped(), 72);
/// assert_eq!(subscription.try_recv().unwrap_err(), TryRecvError::Empty);
/// # Ok::<(), oxide_bus::PublishError>(())
/// ```
#[must_use = "a subscription that is dropped receives nothing"]
pub struct Subscription<M = Message> {
    terms: Arc<Terms>,
    inbox: Inbox<M>,
    core: Weak<Core<M>>,
    /// A gap that a batch has come upon, to be told by the next receive.
    untold: Option<Lagged>,
    /// What was retained, and comes before everything in the inbox.
    backlog: VecDeque<Delivery<M>>,
    /// Taken out of the backlog last.
    retained: Option<Delivery<M>>,
}

impl<M> Subscription<M> {
    pub(crate) fn new(terms: Arc<Terms>, inbox: Inbox<M>, core: Weak<Core<M>>) -> Self {
        Subscription {
            terms,
            inbox,
            core,
            untold: None,
            backlog: VecDeque::new(),
            retained: None,
        }
    }

    /// These come first.
    pub(crate) fn begin_with(&mut self, backlog: VecDeque<Delivery<M>>) {
        self.backlog = backlog;
    }

    /// The bus had closed before.
    pub(crate) fn never_began(&self) {
        if let Inbox::Follow(follower) = &self.inbox {
            follower.places().never_began();
        }
    }

    /// The sequence number from which on everything is offered to it, if it has no filter; none if the bus has
    /// closed.
    pub(crate) fn first(&self) -> Option<u64> {
        (self.core.upgrade())
            .zip(self.follower())
            .and_then(|(core, follower)| core.first_for(follower.places()))
    }

    pub(crate) fn follower(&self) -> Option<&Follower<M>> {
        match &self.inbox {
            Inbox::Follow(follower) => Some(follower),
            Inbox::Pick(_) => None,
        }
    }

    /// What wakes a task that waits for an envelope.
    #[cfg(feature = "tokio")]
    pub(crate) fn alarm(&self) -> &Arc<Alarm> {
        match &self.inbox {
            Inbox::Follow(follower) => follower.alarm(),
            Inbox::Pick(picker) => picker.alarm(),
        }
    }

    /// Receives the next envelope, and waits for it as long as it takes.
    ///
    /// # Errors
    ///
    /// [`RecvError::Lagged`] where envelopes were lost; at the end [`RecvError::Disconnected`], or
    /// [`RecvError::Evicted`].
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
    /// [`TryRecvError::Empty`] if there is none, [`TryRecvError::Lagged`] where envelopes were lost;
    /// at the end [`TryRecvError::Disconnected`], or [`TryRecvError::Evicted`].
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

    /// Receives the next envelope, and waits for it up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError::Timeout`] if none came in time, [`RecvTimeoutError::Lagged`] where
    /// envelopes were lost; at the end [`RecvTimeoutError::Disconnected`], or
    /// [`RecvTimeoutError::Evicted`].
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
        // A deadline beyond the clock's end is none.
        let deadline = Instant::now().checked_add(timeout);
        Ok(self.take(deadline.map_or(Wait::Forever, Wait::Until))?)
    }

    /// Receives the next envelope, and waits for it until `deadline`. One that has passed already
    /// still takes what is queued.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Subscription::recv_timeout).
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<Delivery<M>, RecvTimeoutError> {
        Ok(self.take(Wait::Until(deadline))?)
    }

    /// Receives the next envelope as [`recv`](Subscription::recv) does, and lends it until the next
    /// call.
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

    /// Receives the next envelope as [`try_recv`](Subscription::try_recv) does, and lends it until
    /// the next call.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Subscription::try_recv).
    #[inline]
    pub fn try_recv_ref(&mut self) -> Result<&Envelope<M>, TryRecvError> {
        self.advance(Wait::No)?;
        Ok(self.envelope())
    }

    /// Shows every envelope that is queued to `look`, without waiting, up to the next gap or the end
    /// of the queue; returns how many, at least one. Touches no reference count.
    ///
    /// What is published meanwhile is shown too: with publishers as fast as `look` it goes on for as
    /// long as they do.
    ///
    /// If `look` panics, the envelope that it was shown counts as received; the rest stays queued.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Subscription::try_recv), where there is none to show first.
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
    /// assert_eq!(numbers.drain(|envelope| sum += envelope.message), Ok(4));
    /// assert_eq!(sum, 10);
    /// assert_eq!(numbers.drain(|_| ()), Err(TryRecvError::Empty));
    /// # Ok::<(), oxide_bus::BatchError<u32>>(())
    /// ```
    pub fn drain(&mut self, mut look: impl FnMut(&Envelope<M>)) -> Result<usize, TryRecvError> {
        look(self.try_recv_ref()?);
        let mut shown = 1;
        loop {
            if let Inbox::Follow(follower) = &mut self.inbox {
                shown += follower.show(&mut look);
            }
            if !self.go_on() {
                break;
            }
            look(self.envelope());
            shown += 1;
        }
        Ok(shown)
    }

    /// Receives up to `max` envelopes into `deliveries`: waits for the first, then takes what is
    /// queued, up to the next gap; returns how many, at least one unless `max` is 0.
    ///
    /// # Errors
    ///
    /// As [`recv`](Subscription::recv), where there is none to receive first.
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

    /// Takes what the last [`advance`](Subscription::advance) went on to and what is queued after it, up to
    /// so many or the next gap.
    pub(crate) fn gather(&mut self, deliveries: &mut Vec<Delivery<M>>, max: usize) -> usize {
        deliveries.push(self.delivery());
        let mut received = 1;
        while received < max && self.go_on() {
            deliveries.push(self.delivery());
            received += 1;
        }
        received
    }

    /// Iterates over what comes, waiting for each, until the end. Losses are items too.
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

    /// Iterates over what is queued, without waiting. Losses are items too.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope, SubscribeOptions};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut numbers = bus.subscribe_with(SubscribeOptions::new().capacity(2))?;
    /// bus.publish_batch((1..=5).map(|number| Envelope::new("counter", number)))?;
    ///
    /// let seen: Vec<_> = numbers
    ///     .try_iter()
    ///     .map(|item| item.map(|delivery| delivery.message).map_err(|lagged| lagged.missed))
    ///     .collect();
    /// assert_eq!(seen, [Ok(1), Ok(2), Err(3)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_iter(&mut self) -> TryIter<'_, M> {
        TryIter { subscription: self }
    }

    /// Listens to these patterns from now on, in the place of those it had; none means every subject.
    /// Sources and predicates stay.
    ///
    /// The change is one step: a publish goes by the old patterns or by the new ones, so what both match
    /// is neither missed nor received twice. It is a barrier: a publish that begins after this has
    /// returned goes by the new ones. What is queued stays queued.
    ///
    /// Whoever holds a subscription can so listen to any subject. One to hand out is made
    /// [fixed](crate::SubscribeOptions::fixed).
    ///
    /// # Cost
    ///
    /// As [`subscribe`](crate::Bus::subscribe).
    ///
    /// # Errors
    ///
    /// [`SetPatternsError::Unfiltered`] for a subscription that was made without a filter: it shares
    /// whole parcels with others, and cannot leave any of it out. One that shall choose later begins with
    /// the pattern `>`. [`SetPatternsError::Grouped`] for a member of a group, [`SetPatternsError::Fixed`] for
    /// one that was made [fixed](crate::SubscribeOptions::fixed), [`SetPatternsError::TooMany`] with more than
    /// [`MAX_PATTERNS`] of them, [`SetPatternsError::Ended`] where the bus has closed or has evicted the subscription.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Command, Event, MessageBus, SubscribeOptions};
    ///
    /// let bus = MessageBus::new();
    /// let options = SubscribeOptions::new().pattern("command.>".parse()?);
    /// let mut subscription = bus.subscribe_with(options)?;
    /// let ping = bus.send_command("kernel", Command::Ping)?;
    ///
    /// subscription.set_patterns(["event.pong.*".parse()?])?;
    /// bus.send_command("kernel", Command::Ping)?;
    /// let pong = bus.emit_event("echo", Event::Pong { from: "echo".into() })?;
    /// assert_eq!(subscription.recv()?.id, ping);
    /// assert_eq!(subscription.recv()?.id, pong);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_patterns(
        &self,
        patterns: impl IntoIterator<Item = Pattern>,
    ) -> Result<(), SetPatternsError> {
        let Inbox::Pick(picker) = &self.inbox else {
            return Err(SetPatternsError::Unfiltered);
        };
        if picker.seat().is_some() {
            return Err(SetPatternsError::Grouped);
        }
        if self.terms.fixed {
            return Err(SetPatternsError::Fixed);
        }
        let patterns: Vec<_> = patterns.into_iter().take(MAX_PATTERNS + 1).collect();
        if patterns.len() > MAX_PATTERNS {
            return Err(SetPatternsError::TooMany);
        }
        let changed =
            (self.core.upgrade()).is_some_and(|core| core.set_patterns(&self.terms, patterns));
        if changed {
            Ok(())
        } else {
            Err(SetPatternsError::Ended)
        }
    }

    /// How many envelopes are queued, with those that were [retained](crate::Bus::retain) for it.
    ///
    /// Without a filter it costs a search through the list of subscribers, as
    /// [`is_empty`](Subscription::is_empty) and [`dropped`](Subscription::dropped) do.
    pub fn len(&self) -> usize {
        let queued = match &self.inbox {
            Inbox::Follow(follower) => follower.len(|places| standing(&self.core, places)),
            Inbox::Pick(picker) => picker.len(),
        };
        queued + self.backlog.len()
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many envelopes the queue holds at most.
    pub fn capacity(&self) -> usize {
        self.terms.capacity
    }

    /// How many envelopes were lost so far because the queue was full, told or not.
    pub fn dropped(&self) -> u64 {
        match &self.inbox {
            Inbox::Follow(follower) => follower.lost(|places| standing(&self.core, places)),
            Inbox::Pick(picker) => picker.lost(),
        }
    }

    /// The id of this subscription, for diagnostics.
    pub fn id(&self) -> Uuid {
        self.terms.id
    }

    /// The name that [`SubscribeOptions::name`](crate::SubscribeOptions::name) gave it.
    pub fn name(&self) -> Option<&str> {
        self.terms.name.as_deref()
    }

    #[expect(clippy::inline_always, reason = "a call is a fifth of a delivery")]
    #[inline(always)]
    fn take(&mut self, wait: Wait) -> Result<Delivery<M>, Nothing> {
        self.advance(wait)?;
        Ok(self.delivery())
    }

    /// Goes on to the next envelope.
    #[inline]
    pub(crate) fn advance(&mut self, wait: Wait) -> Result<(), Nothing> {
        if let Inbox::Follow(follower) = &mut self.inbox
            && follower.step()
        {
            return Ok(());
        }
        self.advance_further(wait)
    }

    /// Beyond what is known to be there: kept out of the loops that receive.
    #[inline(never)]
    fn advance_further(&mut self, wait: Wait) -> Result<(), Nothing> {
        if let Some(lagged) = self.untold.take() {
            return Err(Nothing::Lagged(lagged));
        }
        self.retained = self.backlog.pop_front();
        if self.retained.is_some() {
            return Ok(()); // the inbox was not touched yet
        }
        match &mut self.inbox {
            Inbox::Follow(follower) => {
                follower.advance(wait, |places| standing(&self.core, places))
            }
            Inbox::Pick(picker) => picker.advance(wait),
        }
    }

    /// Goes on to the next envelope of a batch, if it is queued and no gap lies before it.
    fn go_on(&mut self) -> bool {
        match self.advance(Wait::No) {
            Ok(()) => true,
            Err(Nothing::Lagged(lagged)) => {
                self.untold = Some(lagged);
                false
            }
            Err(Nothing::Empty | Nothing::Disconnected | Nothing::Evicted) => false,
        }
    }

    /// The envelope that the last [`advance`](Subscription::advance) went on to; asked for once.
    #[expect(clippy::inline_always, reason = "as above")]
    #[inline(always)]
    pub(crate) fn delivery(&mut self) -> Delivery<M> {
        if let Some(retained) = self.retained.take() {
            return retained;
        }
        match &mut self.inbox {
            Inbox::Follow(follower) => follower.delivery(),
            Inbox::Pick(picker) => picker.delivery(),
        }
    }

    /// The same, to be looked at.
    #[inline]
    pub(crate) fn envelope(&self) -> &Envelope<M> {
        if let Some(retained) = &self.retained {
            return retained;
        }
        match &self.inbox {
            Inbox::Follow(follower) => follower.envelope(),
            Inbox::Pick(picker) => picker.envelope(),
        }
    }
}

/// How many envelopes were enqueued and left out for a follower so far.
fn standing<M>(core: &Weak<Core<M>>, places: &Places<M>) -> (u64, u64) {
    // Who was evicted may be on the list still.
    let end = |end: End| (end.enqueued, end.left_out);
    (places.ended().map(end))
        .or_else(|| core.upgrade()?.standing(places))
        .unwrap_or_else(|| end(places.at_end()))
}

impl<M> Drop for Subscription<M> {
    fn drop(&mut self) {
        let core = self.core.upgrade();
        let seat = match &self.inbox {
            Inbox::Follow(follower) => {
                follower.places().leave();
                None
            }
            Inbox::Pick(picker) => {
                if let Some(untold) = self.untold {
                    picker.untell(untold);
                }
                if picker.seat().is_none() {
                    picker.leave();
                }
                picker.seat()
            }
        };
        let is_last = match (&core, seat) {
            (Some(core), _) => core.remove(&self.terms, seat, || self.inbox.is_evicted()),
            (None, Some(seat)) => seat.leave(),
            (None, None) => true,
        };
        match &mut self.inbox {
            Inbox::Follow(follower) => follower.drain(),
            Inbox::Pick(picker) if is_last => {
                picker.leave();
                picker.drain();
            }
            Inbox::Pick(_) => {} // the others receive what is left
        }
    }
}

impl<M> fmt::Debug for Subscription<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}
