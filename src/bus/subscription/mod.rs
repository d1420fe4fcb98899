//! A subscription: the receiving side of the bus.
//!
//! It joins one queue, what it listens to, and the ways to receive: one by one, in batches, by iterators, waiting or
//! not. Closing and dropping it are [barriers](crate::docs::guarantees#5-subscribing-and-unsubscribing-are-barriers).

mod advancing;
pub mod iter;
mod readiness;
mod receiving;
mod waiting;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use uuid::Uuid;

use crate::bus::error::SetPatternsError;
use crate::bus::state::BusState;
use crate::engine::filter::{self, Filter};
use crate::message::kernel::Message;
use crate::message::pattern::{
    self, MAX_PATTERN_SHAPES, MAX_PATTERNS, MAX_PATTERNS_BYTES, Pattern, PatternError,
};
use crate::queue::delivery::Delivery;
use crate::queue::direct::seat::Seat;
use crate::queue::inbox::Inbox;
use crate::queue::shared::{FinalAccounts, QueueState};
use crate::queue::terms::Terms;
use crate::support::sync::Mutex;

use self::readiness::Readiness;
use self::waiting::Sleep;

/// A subscriber's end of its queue, made by [`Bus::subscribe`](crate::Bus::subscribe).
///
/// # Losses
///
/// If envelopes were lost because the queue was full, the next receive at that point returns `Lagged` once, with their
/// number. Receiving goes on after it. (A gap that grows while it is reported is reported in pieces.)
///
/// # End
///
/// When the bus has closed, or the subscription [was closed](Subscription::close), what is queued can still be
/// received. Then every receive returns `Disconnected`. A subscription does not keep its bus open.
///
/// A subscription that the bus has evicted (see [`Overflow::Evict`](crate::Overflow::Evict)) also receives what is
/// queued, and then `Evicted`. An iterator returns that once, as its last item.
///
/// Dropping a subscription is a barrier: nothing is enqueued for it any more, what was queued is freed, and
/// [`subscriber_count`](crate::Bus::subscriber_count) no longer counts it.
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
    pub(super) terms: Arc<Terms>,
    /// What it listens to now. Written under the lock that guards the list.
    pub(super) filter: Mutex<Filter<M>>,
    pub(super) inbox: Inbox<M>,
    pub(super) core: Weak<BusState<M>>,
    /// A gap that a batch or a check for readiness has met. The next receive reports it.
    untold: Option<u64>,
    /// Retained envelopes, which come before everything in the inbox.
    backlog: VecDeque<Delivery<M>>,
    /// The retained envelope that was taken out of the backlog last.
    retained: Option<Delivery<M>>,
    /// Whether an iterator or a stream has come to the end.
    has_ended: bool,
    sleep: Sleep,
    /// The readiness channel, from the first request for it on.
    readiness: OnceLock<Readiness>,
}

impl<M> Subscription<M> {
    pub(crate) fn new(
        terms: Arc<Terms>,
        filter: Filter<M>,
        inbox: Inbox<M>,
        core: Weak<BusState<M>>,
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

    /// Sets the retained envelopes, which are received first.
    pub(crate) fn begin_with(&mut self, backlog: VecDeque<Delivery<M>>) {
        self.backlog = backlog;
    }

    /// Notes that the bus had closed before the subscription was made.
    pub(crate) fn never_began(&self) {
        if let Inbox::Shared(cursor) = &self.inbox {
            cursor.state().never_began();
        }
    }

    /// The sequence number from which on everything is offered to it. `None` if it has a filter or the bus has closed.
    pub(crate) fn first(&self) -> Option<u64> {
        match &self.inbox {
            Inbox::Shared(cursor) if !self.is_closed() => cursor.state().start(),
            Inbox::Shared(_) | Inbox::Direct(_) => None,
        }
    }
}

/// # End and patterns
impl<M> Subscription<M> {
    /// Takes nothing new from now on. What is queued can still be received, and then comes `Disconnected`. It is for a
    /// worker that stops gracefully. From outside, [`Bus::unsubscribe`](crate::Bus::unsubscribe) does the same.
    ///
    /// Closing is a barrier: what is published after this has returned is not offered to the subscription, and
    /// [`subscriber_count`](crate::Bus::subscriber_count) has gone down. Publishers that wait for room here give up, as
    /// when the bus closes: their envelopes are dropped for this subscription and counted. A second call has no effect.
    ///
    /// A member of a [group](crate::SubscribeOptions::group) only leaves: what is queued stays with the others, and
    /// this member gets `Disconnected` at once. The last member receives what is left.
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
            core.end_subscription(&self.terms, seat);
        } else if let Some(seat) = seat {
            seat.leave();
        }
    }

    /// Whether nothing new will come: the bus has closed, or the subscription [was closed](Subscription::close) or
    /// evicted. What is queued can still be received.
    ///
    /// # Cost
    ///
    /// A binary search in the list of subscribers.
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

    /// Replaces the patterns that it listens to. An empty list (`[""; 0]`) means every subject. Sources and predicates
    /// stay.
    ///
    /// The change is one step: a publish goes by the old patterns or by the new ones. So an envelope that both match is
    /// neither missed nor received twice. The change is a barrier: a publish that begins after this has returned goes
    /// by the new patterns. What is queued stays queued.
    ///
    /// So the holder of a subscription can listen to any subject. A subscription that is handed out should be made
    /// [fixed](crate::SubscribeOptions::fixed).
    ///
    /// # Cost
    ///
    /// As [`subscribe`](crate::Bus::subscribe).
    ///
    /// # Errors
    ///
    /// - [`SetPatternsError::Unfiltered`] if the subscription was made without a filter: it shares whole segments with
    ///   others and cannot leave any of it out. A subscription that should choose later begins with the pattern `>`;
    /// - [`SetPatternsError::Grouped`] if it is a member of a group;
    /// - [`SetPatternsError::Fixed`] if it was made [fixed](crate::SubscribeOptions::fixed);
    /// - [`SetPatternsError::Pattern`] if a text is not a pattern;
    /// - [`SetPatternsError::TooMany`] with more than [`MAX_PATTERNS`] patterns;
    /// - [`SetPatternsError::PatternsTooLong`] with more than [`MAX_PATTERNS_BYTES`];
    /// - [`SetPatternsError::TooManyShapes`] with more than [`MAX_PATTERN_SHAPES`];
    /// - [`SetPatternsError::Ended`] if the bus has closed, or the subscription was closed or evicted.
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

/// # State
impl<M> Subscription<M> {
    /// The number of queued envelopes, with those that were [retained](crate::Bus::retain) for it.
    ///
    /// Without a filter this costs a binary search in the list of subscribers, as [`is_empty`](Subscription::is_empty)
    /// and [`dropped`](Subscription::dropped) do.
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

    /// The number of envelopes that the queue holds at most. Without a filter, a queue with
    /// [`Overflow::DropOldest`](crate::Overflow::DropOldest) may hold up to 128 more.
    pub fn capacity(&self) -> usize {
        self.terms.capacity
    }

    /// The number of envelopes that were lost so far because the queue was full, reported or not.
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

/// The numbers of envelopes that were enqueued and left out for a subscription without a filter so far.
fn standing<M>(core: &Weak<BusState<M>>, terms: &Terms, state: &QueueState) -> (u64, u64) {
    // An evicted subscription may still be on the list, so its own record is asked first.
    let end = |end: FinalAccounts| (end.enqueued, end.left_out);
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
        // This member may have been the last one when it left, and have received what was left.
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
