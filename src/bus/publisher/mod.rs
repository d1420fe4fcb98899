//! A publisher: the right to publish as one source under one capability.
//!
//! A module is given a publisher instead of the bus, so it can do nothing else with the bus.

mod checking;
mod publishing;
mod weak;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::authority::admission::{Asking, Stripe};
use crate::authority::grants::GrantHandle;
use crate::bus::handle::Bus;
use crate::bus::state::NEVER;
use crate::message::capability::Capability;
use crate::message::draft::Draft;
use crate::message::envelope::Envelope;
use crate::message::kernel::Message;
use crate::message::pattern::{self, Pattern, PatternError};
use crate::message::source::Source;
use crate::message::subject::Payload;

pub use self::weak::WeakPublisher;

/// A handle that publishes as one source under one capability, made by [`Bus::publisher`](crate::Bus::publisher). One
/// made by [`Bus::trusted_publisher`](crate::Bus::trusted_publisher), for the program's own parts, publishes under no
/// capability.
///
/// The publisher stamps the id, time and source of everything it publishes. So a module that holds only a `Publisher`
/// cannot speak for another source. It offers no way back to the bus, and only a bus makes one. Its capability may be
/// revoked, granted again, and granted for less or more at any time; that reaches every clone.
///
/// Clones are cheap and share the grant.
///
/// A `Publisher` keeps the bus open. So the loop of a thread over its own subscription never ends while that thread
/// holds a `Publisher`. Such a thread holds a [`WeakPublisher`] instead, made by [`downgrade`](Publisher::downgrade).
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::Event;
/// use oxide_bus::{Capability, MessageBus};
///
/// let bus = MessageBus::new();
/// let mut subscription = bus.subscribe();
/// let write = Capability::new("log:write");
/// let logger = bus.publisher("logger", &write);
///
/// let event = || Event::Pong { from: "logger".into() };
/// assert!(logger.publish(event()).unwrap_err().is_denied());
///
/// bus.grant(write)?;
/// let id = logger.publish(event())?.id();
/// let delivery = subscription.recv()?;
/// assert_eq!((delivery.id, delivery.source.as_str()), (id, "logger"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Only a bus makes publishers: one cannot be put together by hand, nor read from a file.
///
/// ```compile_fail,E0451
/// # fn forge(bus: oxide_bus::MessageBus) -> oxide_bus::Publisher {
/// oxide_bus::Publisher { bus, source: "kernel".into() }
/// # }
/// ```
///
/// ```compile_fail,E0277
/// let forged: oxide_bus::Publisher = serde_json::from_str("{}").unwrap();
/// ```
pub struct Publisher<M = Message> {
    bus: Bus<M>,
    source: Source,
    grant: Arc<GrantHandle>,
    stripe: Stripe,
    /// None for most publishers. So a publisher is small, and whether it was narrowed takes a look at one word.
    own: Option<Arc<Own>>,
}

/// Settings of one publisher, which its clones share until one of them changes its own.
#[derive(Debug, Clone, Default)]
struct Own {
    /// The patterns of each call of `narrow`; one pattern of each list must match.
    narrowed: Vec<Arc<[Pattern]>>,
    request_timeout: Option<Duration>,
}

impl<M> Publisher<M> {
    pub(crate) fn new(bus: Bus<M>, source: Source, grant: GrantHandle) -> Self {
        Publisher {
            bus,
            source,
            stripe: grant.admission().stripe(),
            grant: Arc::new(grant),
            own: None,
        }
    }

    pub(crate) fn bus(&self) -> &Bus<M> {
        &self.bus
    }
}

/// # Source, capability, and weaker publishers
impl<M> Publisher<M> {
    /// The source of everything that it publishes.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The capability that it publishes under; `None` for a [trusted](crate::Bus::trusted_publisher) publisher.
    pub fn capability(&self) -> Option<&Capability> {
        self.grant.capability()
    }

    pub(crate) fn ask(&self) -> Result<Asking, usize> {
        self.grant.ask()
    }

    /// How long a request of this publisher waits for its answer.
    pub(crate) fn patience(&self) -> Duration {
        let own = self.own.as_ref().and_then(|own| own.request_timeout);
        own.unwrap_or(self.bus.core.request_timeout)
    }

    /// The patterns of each call of [`narrow`](Self::narrow).
    fn narrowed(&self) -> &[Arc<[Pattern]>] {
        self.own.as_ref().map_or(&[], |own| &own.narrowed)
    }

    /// Changes the publisher's own settings, apart from those of its clones.
    fn with_own(mut self, change: impl FnOnce(&mut Own)) -> Self {
        change(Arc::make_mut(self.own.get_or_insert_default()));
        self
    }

    /// Returns this publisher with another time-out for [`request`](Publisher::request). With `None`, a request waits
    /// as long as it takes.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::{Bus, RequestError};
    ///
    /// let bus = Bus::<u32>::new();
    /// let timeout = Duration::from_millis(5);
    /// let client = bus.trusted_publisher("client").with_request_timeout(timeout);
    /// let nobody_answers = bus.subscribe();
    /// let error = client.request(7).unwrap_err();
    /// assert!(matches!(error, RequestError::TimedOut(it) if it == timeout));
    /// # drop(nobody_answers);
    /// ```
    #[must_use = "it is what it returns that has the time-out"]
    pub fn with_request_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout = timeout.into().unwrap_or(NEVER);
        self.with_own(|own| own.request_timeout = Some(timeout))
    }

    /// Whether the capability is granted now and has not expired. For a [trusted](crate::Bus::trusted_publisher)
    /// publisher: whether the bus is open.
    pub fn is_granted(&self) -> bool {
        match self.capability() {
            Some(_) => self.grant.admission().is_granted(),
            None => !self.bus.is_closed(),
        }
    }

    /// Returns a weaker publisher, for a module that is trusted with less. What it publishes must match one of these
    /// patterns, beside all conditions that this publisher has.
    ///
    /// It speaks for the same source under the same capability. It is never stronger: narrowing again adds a condition
    /// and lifts none. An empty list of patterns (`[""; 0]`) lets nothing pass.
    ///
    /// # Errors
    ///
    /// [`PatternError`] if a text is not a pattern.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::Event;
    /// use oxide_bus::{Denial, MessageBus};
    ///
    /// let bus = MessageBus::new();
    /// bus.grant("module:report")?;
    /// let kernel = bus.publisher("kernel", "module:report");
    /// let starter = kernel.narrow(["event.started.*"])?;
    ///
    /// starter.publish(Event::ModuleStarted { module_id: "echo".into() })?;
    /// let error = starter.publish(Event::ModuleStopped { module_id: "echo".into() }).unwrap_err();
    /// assert_eq!(error.denial(), Some(Denial::Subject));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn narrow<P>(&self, patterns: impl IntoIterator<Item = P>) -> Result<Self, PatternError>
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        let narrower = pattern::read(patterns)?.into();
        Ok(self.clone().with_own(|own| own.narrowed.push(narrower)))
    }
}

impl<M: Payload> Publisher<M> {
    /// Makes a stamped envelope of this publisher's source and a message.
    #[inline]
    pub(crate) fn stamp(&self, message: impl Into<Draft<M>>) -> Envelope<M> {
        self.bus.stamp(&self.source, message)
    }
}

impl<M> Clone for Publisher<M> {
    fn clone(&self) -> Self {
        Publisher {
            bus: self.bus.clone(),
            source: self.source.clone(),
            grant: Arc::clone(&self.grant),
            stripe: self.grant.admission().stripe(),
            own: self.own.clone(),
        }
    }
}

impl<M> fmt::Debug for Publisher<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("source", &self.source)
            .field("capability", &self.capability())
            .field("granted", &self.is_granted())
            .finish_non_exhaustive()
    }
}
