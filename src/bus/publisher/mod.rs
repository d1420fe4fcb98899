//! What a module is given instead of the bus: the right to speak as itself.

mod passing;
mod publishing;
mod weak;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::authority::admission::{Asking, Stripe};
use crate::authority::grants::GrantHandle;
use crate::bus::handle::Bus;
use crate::bus::request::NEVER;
use crate::message::capability::Capability;
use crate::message::draft::Draft;
use crate::message::envelope::Envelope;
use crate::message::kernel::Message;
use crate::message::pattern::{self, Pattern, PatternError};
use crate::message::source::Source;
use crate::message::subject::Payload;

pub use self::weak::WeakPublisher;

/// A handle that publishes as one source under one capability, made by
/// [`Bus::publisher`](crate::Bus::publisher); or under none, made by
/// [`Bus::trusted_publisher`](crate::Bus::trusted_publisher) for the program's own parts.
///
/// Id, time and source of what it publishes are stamped here, so a module that holds only a
/// `Publisher` can speak for nobody else; from it there is no way back to the bus, and nothing makes
/// one but the bus. Its capability may be revoked, granted again, and granted for less or more at any
/// time, which reaches every clone.
///
/// Clones are cheap and share the grant.
///
/// A `Publisher` keeps the bus open. So a thread that loops over its own subscription and holds a `Publisher` never sees
/// the end of the loop; it holds a [`WeakPublisher`] instead, made by [`downgrade`](Publisher::downgrade).
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
/// It cannot be made out of thin air, nor read from a file:
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
    /// Mostly none: so a publisher is small, and to look whether it was narrowed is to look at one word.
    own: Option<Arc<Own>>,
}

/// What one publisher has of its own, and its clones.
#[derive(Debug, Clone, Default)]
struct Own {
    /// What it was narrowed to, each time; one pattern of each must match.
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

/// # Who it speaks for, and weaker ones
impl<M> Publisher<M> {
    /// The source of everything that it publishes.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The capability that it publishes under; none for a [trusted](crate::Bus::trusted_publisher) one.
    pub fn capability(&self) -> Option<&Capability> {
        self.grant.capability()
    }

    pub(crate) fn ask(&self) -> Result<Asking, usize> {
        self.grant.ask()
    }

    /// How long a request waits for its answer.
    pub(crate) fn patience(&self) -> Duration {
        let own = self.own.as_ref().and_then(|own| own.request_timeout);
        own.unwrap_or(self.bus.core.request_timeout)
    }

    /// What it was narrowed to, each time.
    fn narrowed(&self) -> &[Arc<[Pattern]>] {
        self.own.as_ref().map_or(&[], |own| &own.narrowed)
    }

    /// The same with something else of its own.
    fn with_own(mut self, change: impl FnOnce(&mut Own)) -> Self {
        change(Arc::make_mut(self.own.get_or_insert_default()));
        self
    }

    /// The same publisher, with another time-out for [`request`](Publisher::request); with `None` it waits as long as
    /// it takes.
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

    /// Whether the capability is granted now, and has not expired. A [trusted](crate::Bus::trusted_publisher)
    /// publisher may publish until the bus closes.
    pub fn is_granted(&self) -> bool {
        match self.capability() {
            Some(_) => self.grant.admission().is_granted(),
            None => !self.bus.is_closed(),
        }
    }

    /// A weaker publisher, for somebody trusted with less: what it publishes must match one of these
    /// patterns too, beside all that this one has to keep to.
    ///
    /// It speaks for the same source under the same capability. Never stronger: narrowing again
    /// adds a condition and lifts none, and no patterns at all (`[""; 0]`) let nothing pass.
    ///
    /// # Errors
    ///
    /// [`PatternError`] for a text that is no pattern.
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
    /// Makes the envelope of what this publisher says.
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
