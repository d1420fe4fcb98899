//! The receiving side.

mod advancing;
mod again;
mod readiness;
mod receiving;
mod waiting;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use uuid::Uuid;

use crate::bus::error::SetPatternsError;
use crate::bus::shared::Shared;
use crate::engine::filter::{self, Filter};
use crate::message::kernel::Message;
use crate::message::pattern::{
    self, MAX_PATTERN_SHAPES, MAX_PATTERNS, MAX_PATTERNS_BYTES, Pattern, PatternError,
};
use crate::queue::delivery::Delivery;
use crate::queue::group::Seat;
use crate::queue::inbox::Inbox;
use crate::queue::shared::{End, QueueState};
use crate::queue::terms::Terms;
use crate::support::sync::Mutex;

use self::readiness::Readiness;
use self::waiting::Sleep;

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
/// When the bus has closed, or the subscription [was closed](Subscription::close), what is queued can still be
/// received; then every receive returns `Disconnected`. A subscription does not keep its bus open. One that the bus has put out (see
/// [`Overflow::Evict`](crate::Overflow::Evict)) receives what is queued too, and then
/// `Evicted`. An iterator tells that once, as its last item.
///
/// Dropping a subscription is a barrier: nothing is enqueued for it any more, what was queued is
/// freed, and [`subscriber_count`](crate::Bus::subscriber_count) no longer counts it.
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::Command;
/// use oxide_bus::{MessageBus, TryRecvError};
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
    /// What it listens to now. Written under the lock that guards the list.
    filter: Mutex<Filter<M>>,
    inbox: Inbox<M>,
    core: Weak<Shared<M>>,
    /// A gap that a batch has come upon, to be told by the next receive.
    untold: Option<u64>,
    /// What was retained, and comes before everything in the inbox.
    backlog: VecDeque<Delivery<M>>,
    /// Taken out of the backlog last.
    retained: Option<Delivery<M>>,
    /// An iterator or a stream has come to the end.
    has_ended: bool,
    sleep: Sleep,
    /// Once it was asked for.
    readiness: OnceLock<Readiness>,
}

impl<M> Subscription<M> {
    pub(crate) fn new(
        terms: Arc<Terms>,
        filter: Filter<M>,
        inbox: Inbox<M>,
        core: Weak<Shared<M>>,
    ) -> Self {
        Subscription {
            terms,
            filter: Mutex::new(filter),
            inbox,
            core,
            untold: None,
            backlog: VecDeque::new(),
            retained: None,
            has_ended: false,
            sleep: Sleep::default(),
            readiness: OnceLock::new(),
        }
    }

    /// These come first.
    pub(crate) fn begin_with(&mut self, backlog: VecDeque<Delivery<M>>) {
        self.backlog = backlog;
    }

    /// The bus had closed before.
    pub(crate) fn never_began(&self) {
        if let Inbox::Shared(cursor) = &self.inbox {
            cursor.state().never_began();
        }
    }

    /// The sequence number from which on everything is offered to it, if it has no filter; none if the bus has
    /// closed.
    pub(crate) fn first(&self) -> Option<u64> {
        match &self.inbox {
            Inbox::Shared(cursor) if !self.is_closed() => cursor.state().start(),
            Inbox::Shared(_) | Inbox::Direct(_) => None,
        }
    }
}

/// # The end, and what it listens to
impl<M> Subscription<M> {
    /// Takes nothing new from now on. What is queued can be received, and then comes `Disconnected`: for a worker that
    /// stops with grace. From outside, [`Bus::unsubscribe`](crate::Bus::unsubscribe) does the same.
    ///
    /// A barrier: what is published after this has returned is not offered to it, and
    /// [`subscriber_count`](crate::Bus::subscriber_count) has gone down. Publishers that wait for room here give up, as
    /// when the bus closes: their envelopes are dropped for this subscription, and counted. To close it twice is to
    /// close it once.
    ///
    /// A member of a [group](crate::SubscribeOptions::group) only leaves: what is queued stays with the others, and it
    /// gets `Disconnected` at once. The last member receives what is left.
    ///
    /// # Cost
    ///
    /// As [`subscribe`](crate::Bus::subscribe).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope, RecvError};
    ///
    /// let bus = Bus::<u32>::new();
    /// let mut jobs = bus.subscribe();
    /// bus.publish(Envelope::new("office", 1))?;
    /// jobs.close();
    /// assert_eq!(bus.publish(Envelope::new("office", 2))?.matched(), 0);
    /// assert_eq!(jobs.recv()?.message, 1);
    /// assert_eq!(jobs.recv().unwrap_err(), RecvError::Disconnected);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) {
        let seat = self.inbox.seat();
        if let Some(core) = self.core.upgrade() {
            core.end(&self.terms, seat);
        } else if let Some(seat) = seat {
            seat.leave();
        }
    }

    /// Whether nothing new will come: the bus has closed, or it [was closed](Subscription::close), or evicted. What
    /// is queued can still be received.
    ///
    /// Costs a binary search in the list of subscribers.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// let (one, other) = (bus.subscribe(), bus.subscribe());
    /// one.close();
    /// assert!(one.is_closed() && !other.is_closed());
    /// bus.close();
    /// assert!(other.is_closed());
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let seat = self.inbox.seat();
        let listed = seat.map_or(&self.terms, Seat::listed);
        self.inbox.is_evicted()
            || seat.is_some_and(Seat::has_left)
            || !(self.core.upgrade()).is_some_and(|core| core.lists(listed))
    }

    /// Listens to these patterns from now on, in the place of those it had; none (`[""; 0]`) means every subject.
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
    /// whole segments with others, and cannot leave any of it out. One that shall choose later begins with
    /// the pattern `>`. [`SetPatternsError::Grouped`] for a member of a group, [`SetPatternsError::Fixed`] for
    /// one that was made [fixed](crate::SubscribeOptions::fixed), [`SetPatternsError::Pattern`] for a text that is no
    /// pattern, [`SetPatternsError::TooMany`] with more than
    /// [`MAX_PATTERNS`] of them, [`SetPatternsError::PatternsTooLong`] with more than [`MAX_PATTERNS_BYTES`],
    /// [`SetPatternsError::TooManyShapes`] with more than [`MAX_PATTERN_SHAPES`], [`SetPatternsError::Ended`] where the
    /// bus has closed or has evicted the subscription, or it was closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::{Command, Event};
    /// use oxide_bus::{MessageBus, SubscribeOptions};
    ///
    /// let bus = MessageBus::new();
    /// let options = SubscribeOptions::new().pattern("command.>");
    /// let mut subscription = bus.subscribe_with(options)?;
    /// let ping = bus.send_command("kernel", Command::Ping)?;
    ///
    /// subscription.set_patterns(["event.pong.*"])?;
    /// bus.send_command("kernel", Command::Ping)?;
    /// let pong = bus.emit_event("echo", Event::Pong { from: "echo".into() })?;
    /// assert_eq!(subscription.recv()?.id, ping);
    /// assert_eq!(subscription.recv()?.id, pong);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_patterns<P>(
        &self,
        patterns: impl IntoIterator<Item = P>,
    ) -> Result<(), SetPatternsError>
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        let Inbox::Direct(receiver) = &self.inbox else {
            return Err(SetPatternsError::Unfiltered);
        };
        if receiver.seat().is_some() {
            return Err(SetPatternsError::Grouped);
        }
        if self.terms.fixed {
            return Err(SetPatternsError::Fixed);
        }
        let patterns = pattern::read(patterns.into_iter().take(MAX_PATTERNS + 1))
            .map_err(SetPatternsError::Pattern)?;
        if patterns.len() > MAX_PATTERNS {
            return Err(SetPatternsError::TooMany);
        }
        let bytes = filter::bytes(&patterns);
        if bytes > MAX_PATTERNS_BYTES {
            return Err(SetPatternsError::PatternsTooLong { bytes });
        }
        if filter::shapes(&patterns) > MAX_PATTERN_SHAPES {
            return Err(SetPatternsError::TooManyShapes);
        }
        let note = |now: &Filter<M>| *self.filter.lock() = now.clone();
        let changed = (self.core.upgrade())
            .is_some_and(|core| core.set_patterns(&self.terms, patterns, note));
        if changed {
            Ok(())
        } else {
            Err(SetPatternsError::Ended)
        }
    }
}

/// # Looking at it
impl<M> Subscription<M> {
    /// How many envelopes are queued, with those that were [retained](crate::Bus::retain) for it.
    ///
    /// Without a filter it costs a binary search in the list of subscribers, as
    /// [`is_empty`](Subscription::is_empty) and [`dropped`](Subscription::dropped) do.
    pub fn len(&self) -> usize {
        let queued = match &self.inbox {
            Inbox::Shared(cursor) => cursor.len(|state| standing(&self.core, &self.terms, state)),
            Inbox::Direct(receiver) => receiver.len(),
        };
        queued + self.backlog.len()
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many envelopes the queue holds at most; without a filter, up to 128 more with
    /// [`Overflow::DropOldest`](crate::Overflow::DropOldest).
    pub fn capacity(&self) -> usize {
        self.terms.capacity
    }

    /// How many envelopes were lost so far because the queue was full, told or not.
    pub fn dropped(&self) -> u64 {
        match &self.inbox {
            Inbox::Shared(cursor) => cursor.lost(|state| standing(&self.core, &self.terms, state)),
            Inbox::Direct(receiver) => receiver.lost(),
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
}

/// How many envelopes were enqueued and left out for a follower so far.
fn standing<M>(core: &Weak<Shared<M>>, terms: &Terms, state: &QueueState) -> (u64, u64) {
    // Who was evicted may be on the list still.
    let end = |end: End| (end.enqueued, end.left_out);
    (state.ended().map(end))
        .or_else(|| core.upgrade()?.standing(terms))
        .unwrap_or_else(|| end(state.at_end()))
}

impl<M> Drop for Subscription<M> {
    fn drop(&mut self) {
        let core = self.core.upgrade();
        let seat = match &self.inbox {
            Inbox::Shared(cursor) => {
                cursor.state().leave();
                self.terms.wake_publishers();
                None
            }
            Inbox::Direct(receiver) => {
                if let Some(untold) = self.untold {
                    receiver.return_loss(untold);
                }
                if receiver.seat().is_none() {
                    receiver.leave();
                }
                receiver.seat()
            }
        };
        let is_evicted = || self.inbox.is_evicted();
        let is_last = match (&core, seat) {
            (Some(core), _) => core.remove(&self.terms, seat, is_evicted).is_last,
            (None, Some(seat)) => seat.leave(),
            (None, None) => Some(true),
        };
        // It may have been the last one before, and have received what was left.
        let is_last = is_last.unwrap_or_else(|| !seat.is_some_and(Seat::has_left));
        match &mut self.inbox {
            Inbox::Shared(cursor) => cursor.drain(),
            Inbox::Direct(receiver) if is_last => {
                receiver.leave();
                receiver.drain();
            }
            Inbox::Direct(receiver) => receiver.hand_on(), // the others receive what is left
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
