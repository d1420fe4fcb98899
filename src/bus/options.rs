//! The options of a subscription.
//!
//! Subscribing has many choices with good defaults, so they stand in one value with one method for each.

use std::fmt;
use std::sync::Arc;

use crate::bus::error::SubscribeError;
use crate::engine::filter::{self, Filter};
use crate::engine::queue_kind::{Queue, queue};
use crate::message::envelope::Envelope;
use crate::message::kernel::Message;
use crate::message::overflow::Overflow;
use crate::message::pattern::{self, MAX_PATTERNS_BYTES, Pattern, PatternError};
use crate::message::source::Source;
use crate::queue::inbox::Inbox;
use crate::queue::terms::{DEFAULT_CAPACITY, MAX_CAPACITY, Terms};
use crate::support::wait_list::{Occupied, WaitList};

/// The options of a subscription: its capacity, its name, what it listens to, and what happens when it is too slow.
///
/// # Defaults
///
/// | option | default |
/// | --- | --- |
/// | [`capacity`](Self::capacity) | 128 envelopes |
/// | [`name`](Self::name) | none |
/// | [`pattern`](Self::pattern), [`patterns`](Self::patterns) | every subject |
/// | [`source`](Self::source), [`sources`](Self::sources) | every source |
/// | [`predicate`](Self::predicate) | none |
/// | [`overflow`](Self::overflow) | [`Overflow::DropNewest`] |
/// | [`fixed`](Self::fixed) | no: what it listens to may be changed |
/// | [`group`](Self::group) | none |
///
/// Filters are applied before the queue. An envelope that a subscriber does not listen to takes no room in its queue
/// and is not counted as matched.
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::Event;
/// use oxide_bus::{MessageBus, SubscribeOptions};
///
/// let bus = MessageBus::new();
/// let mut readings = bus.subscribe_with(
///     SubscribeOptions::new()
///         .name("plotter")
///         .capacity(1_024)
///         .pattern("event.custom.*.reading")
///         .source("thermometer"),
/// )?;
/// bus.emit_event("kernel", Event::Pong { from: "kernel".into() })?;
/// assert!(readings.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "options do nothing until they are given to `subscribe_with`"]
#[expect(
    clippy::struct_excessive_bools,
    reason = "options that do not depend on each other"
)]
pub struct SubscribeOptions<M = Message> {
    pub(crate) capacity: usize,
    pub(crate) name: Option<String>,
    pub(crate) filter: Filter<M>,
    pub(crate) overflow: Overflow,
    pub(crate) group: Option<String>,
    pub(crate) overrides_limit: bool,
    pub(crate) is_own: bool,
    pub(crate) fixed: bool,
    /// The first text that was given as a pattern and is not one.
    pub(crate) bad_pattern: Option<PatternError>,
    /// Whether it may choose patterns later, even if it has no filter now.
    pub(crate) chooses: bool,
}

impl<M> Default for SubscribeOptions<M> {
    fn default() -> Self {
        SubscribeOptions {
            capacity: DEFAULT_CAPACITY,
            name: None,
            filter: Filter::none(),
            overflow: Overflow::default(),
            group: None,
            overrides_limit: false,
            is_own: false,
            fixed: false,
            bad_pattern: None,
            chooses: false,
        }
    }
}

impl<M> SubscribeOptions<M> {
    /// Returns the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many envelopes the queue holds, from 1 to [`MAX_CAPACITY`]. Without a filter, a queue with
    /// [`Overflow::DropOldest`] holds up to 128 more.
    ///
    /// Without a filter, the queue takes 2 KiB on subscribing and 2 bytes for each envelope of capacity; with
    /// `DropOldest`, 3 KiB in all. It grows only if the bus publishes in segments of less than eight envelopes. With a
    /// filter or a group it is allocated whole: 24 bytes for each envelope of capacity, and up to 2 KiB more (3 KiB in
    /// a group). What the filter itself takes comes on top. The envelopes are shared by all subscribers. As with any
    /// allocation, the process aborts if the memory cannot be had.
    pub fn capacity(mut self, envelopes: usize) -> Self {
        self.capacity = envelopes;
        self
    }

    /// Sets a name for logs and diagnostics; it need not be unique. The limit is 256 bytes, unless the bus was
    /// [built](crate::BusBuilder::max_name) with another. The same limit holds for the name of a group.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Listens to subjects that this pattern matches. Each call adds a pattern, and one match is enough. Together the
    /// patterns may have up to [`MAX_PATTERNS_BYTES`].
    ///
    /// A payload whose type does not say what its [`subject`](crate::Payload::subject) is has no subject, and no
    /// pattern matches it, not even `>`. A subscription with patterns would wait for ever on such a bus. So it is
    /// [evicted](crate::Eviction::NoSubject) when the first payload of such a type is published.
    ///
    /// A text that is not a pattern makes subscribing [fail](SubscribeError::Pattern).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{MessageBus, SubscribeError, SubscribeOptions};
    ///
    /// let bus = MessageBus::new();
    /// let error = bus.subscribe_with(SubscribeOptions::new().pattern("event.sensor*")).unwrap_err();
    /// assert!(matches!(error, SubscribeError::Pattern(error) if error.offset() == 12));
    /// ```
    pub fn pattern<P>(self, pattern: P) -> Self
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        self.patterns([pattern])
    }

    /// Listens to subjects that one of these patterns matches, as [`pattern`](Self::pattern) does for each. An empty
    /// list restricts nothing. (In a [`Grant`](crate::Grant::patterns), an empty list lets nothing pass.)
    pub fn patterns<P>(mut self, patterns: impl IntoIterator<Item = P>) -> Self
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        match pattern::read(patterns) {
            Ok(patterns) => self.filter.patterns.extend(patterns),
            Err(error) => {
                self.bad_pattern.get_or_insert(error);
            }
        }
        self
    }

    /// Listens to envelopes from this source. Each call adds a source, and one that is equal is enough. If there are
    /// patterns too, both must agree.
    pub fn source(self, source: impl Into<Source>) -> Self {
        self.sources([source])
    }

    /// Listens to envelopes from one of these sources, as [`source`](Self::source) does for each. An empty list
    /// restricts nothing.
    pub fn sources<S: Into<Source>>(mut self, sources: impl IntoIterator<Item = S>) -> Self {
        (self.filter.sources).extend(sources.into_iter().map(Into::into));
        self
    }

    /// Listens to envelopes that this function accepts. Each call adds a predicate, and all must accept. If there are
    /// patterns or sources too, they must agree first: only then is the predicate called.
    ///
    /// It runs on the publishers' threads, in the middle of a publish and outside every lock. So it should be cheap,
    /// and it may use the bus. It is called once for each publish.
    ///
    /// # Panics
    ///
    /// A panic of a predicate is caught. The publisher and the other subscribers do not notice it. The envelope counts
    /// as not accepted, and the subscription is evicted: it receives what is queued, and then
    /// [`RecvError::Evicted`](crate::RecvError::Evicted).
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope, SubscribeOptions};
    ///
    /// let bus = Bus::<f64>::new();
    /// let frost = SubscribeOptions::new().predicate(|reading: &Envelope<f64>| reading.message < 0.0);
    /// let mut frost = bus.subscribe_with(frost)?;
    /// for celsius in [2.0, -1.5] {
    ///     bus.publish(Envelope::new("thermometer", celsius))?;
    /// }
    /// assert_eq!(frost.recv()?.message, -1.5);
    /// assert!(frost.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn predicate(
        mut self,
        accepts: impl Fn(&Envelope<M>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.filter.add_predicate(accepts);
        self
    }

    /// Returns these options if they are valid.
    pub(crate) fn checked(self, max_name: usize) -> Result<Self, SubscribeError> {
        if !(1..=MAX_CAPACITY).contains(&self.capacity) {
            return Err(SubscribeError::CapacityOutOfRange(self.capacity));
        }
        if let Some(error) = self.bad_pattern {
            return Err(SubscribeError::Pattern(error));
        }
        let names = self.name.iter().chain(&self.group).map(String::as_str);
        let mut names = names.chain(self.filter.sources.iter().map(Source::as_str));
        if !self.is_own && names.any(|name| name.len() > max_name) {
            return Err(SubscribeError::NameTooLong { limit: max_name });
        }
        let bytes = filter::bytes(&self.filter.patterns);
        if bytes > MAX_PATTERNS_BYTES {
            return Err(SubscribeError::PatternsTooLong { bytes });
        }
        Ok(self)
    }

    /// Makes both ends of the queue that these options describe.
    pub(crate) fn queue(
        self,
        readers: &Arc<WaitList>,
        occupied: &Arc<Occupied>,
    ) -> (Arc<Terms>, Queue<M>, Inbox<M>) {
        let mut terms = Terms::new(self.capacity, self.overflow);
        terms.name = self.name.map(Into::into);
        terms.group = self.group.map(Into::into);
        (terms.overrides_limit, terms.fixed) = (self.overrides_limit, self.fixed);
        queue(terms, self.filter, self.chooses, readers, occupied)
    }

    /// Whether publishers have to wait for room.
    pub(crate) fn blocks(&self) -> bool {
        self.overflow.blocks()
    }

    /// Sets what happens when the queue has no room.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Makes publishers wait as long as the overflow policy says, whatever limit they have themselves.
    pub(crate) fn override_limit(mut self) -> Self {
        self.overrides_limit = true;
        self
    }

    /// Marks a subscription of the bus's own, which records what is published from now on. It receives no retained
    /// envelopes, and its name is not subject to the bus's limits.
    pub(crate) fn own(mut self) -> Self {
        self.is_own = true;
        self
    }

    /// Whether it receives retained envelopes.
    pub(crate) fn takes_retained(&self) -> bool {
        self.group.is_none() && !self.is_own
    }

    /// Forbids [changing](crate::Subscription::set_patterns) what the subscription listens to. It is for a subscription
    /// that is handed to a module that must not see more.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{MessageBus, SetPatternsError, SubscribeOptions};
    ///
    /// let bus = MessageBus::new();
    /// let pings = SubscribeOptions::new().pattern("command.ping").fixed();
    /// let pings = bus.subscribe_with(pings)?;
    /// assert_eq!(pings.set_patterns([">"]), Err(SetPatternsError::Fixed));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fixed(mut self) -> Self {
        self.fixed = true;
        self
    }

    /// Shares one queue with all subscriptions of this group: each envelope goes to one of them.
    ///
    /// The members receive from one queue, whichever comes first. The queue's room belongs to the group, and so do its
    /// losses: a loss is reported once, to the member that receives next. When a member leaves or its thread panics,
    /// what is queued stays there for the others. It is freed with the last member. A [`Receipt`](crate::Receipt)
    /// counts a group as one subscriber; [`subscriber_count`](crate::Bus::subscriber_count) counts each member.
    ///
    /// The first member sets the terms: capacity, overflow policy, patterns, sources and predicates. A later member has
    /// to ask for the same terms, or gets a [`SubscribeError::GroupMismatch`]. Predicates are the same if they come
    /// from clones of the same options. Names and ids are each member's own.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope, SubscribeOptions};
    ///
    /// let bus = Bus::<u32>::new();
    /// let worker = SubscribeOptions::new().group("workers");
    /// let mut one = bus.subscribe_with(worker.clone())?;
    /// let mut other = bus.subscribe_with(worker)?;
    /// for task in 1..=3 {
    ///     assert_eq!(bus.publish(Envelope::new("boss", task))?.delivered(), 1);
    /// }
    /// assert_eq!(one.recv()?.message, 1);
    /// assert_eq!(other.recv()?.message, 2);
    /// drop(one);
    /// assert_eq!(other.recv()?.message, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }
}

impl<M> Clone for SubscribeOptions<M> {
    fn clone(&self) -> Self {
        SubscribeOptions {
            capacity: self.capacity,
            name: self.name.clone(),
            filter: self.filter.clone(),
            overflow: self.overflow,
            group: self.group.clone(),
            overrides_limit: self.overrides_limit,
            is_own: self.is_own,
            fixed: self.fixed,
            bad_pattern: self.bad_pattern.clone(),
            chooses: self.chooses,
        }
    }
}

impl<M> fmt::Debug for SubscribeOptions<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscribeOptions")
            .field("capacity", &self.capacity)
            .field("name", &self.name)
            .field("filter", &self.filter)
            .field("overflow", &self.overflow)
            .field("group", &self.group)
            .field("overrides_limit", &self.overrides_limit)
            .field("is_own", &self.is_own)
            .field("fixed", &self.fixed)
            .field("bad_pattern", &self.bad_pattern)
            .field("chooses", &self.chooses)
            .finish()
    }
}
