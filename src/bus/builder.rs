//! A builder for a bus with options of its own.
//!
//! [`Bus::new`] suits most programs; some need other limits, one total order, or another way to wake threads.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::authority::grants::{GrantLimits, Grants};
use crate::bus::handle::Bus;
use crate::bus::state::BusState;
use crate::bus::state::{DEFAULT_REQUEST_TIMEOUT, NEVER};
use crate::codec::Codec;
use crate::engine::demands::{Demands, MustEncode, Size};
use crate::message::kernel::Message;
use crate::message::measure::Measure;
use crate::message::subject::Payload;
use crate::message::trace_context::TraceContext;
use crate::queue::segment::MAX_SLOTS;
use crate::support::sync::Mutex;
use crate::support::wait_list::Waking;

/// Makes a [`Bus`] with other options than those of [`Bus::new`].
///
/// # Defaults
///
/// | option | default |
/// | --- | --- |
/// | [`max_payload`](Self::max_payload) | none: payloads are not measured |
/// | [`writable_by`](Self::writable_by) | none: no envelope is written as a trial |
/// | [`max_grants`](Self::max_grants) | 65,536 |
/// | [`max_name`](Self::max_name) | 256 bytes |
/// | [`max_requests`](Self::max_requests) | 1,024 |
/// | [`request_timeout`](Self::request_timeout) | 10 s |
/// | [`max_segment`](Self::max_segment) | 64 envelopes |
/// | [`wake_directly`](Self::wake_directly) | no: sleeping threads wake each other |
/// | [`trace_context`](Self::trace_context) | none: only headers that publishers set |
/// | [`total_order`](Self::total_order) | no: filtered subscribers may see overlapping publishes in another order |
///
/// # Examples
///
/// ```
/// use oxide_bus::{Grant, GrantError, MessageBus};
///
/// let bus = MessageBus::builder().max_grants(1).build();
/// bus.grant(Grant::new("log:write"))?;
/// let error = bus.grant(Grant::new("log:read")).unwrap_err();
/// assert_eq!(error, GrantError::TooMany { limit: 1 });
/// # Ok::<(), GrantError>(())
/// ```
#[must_use = "there is no bus before `build`"]
pub struct BusBuilder<M = Message> {
    size: Option<Size<M>>,
    must_encode: Option<MustEncode<M>>,
    limits: GrantLimits,
    request_timeout: Duration,
    max_segment: usize,
    waking: Waking,
    trace_context: Option<TraceContext>,
    total_order: bool,
}

impl<M: Payload> BusBuilder<M> {
    /// Refuses an envelope whose payload has more bytes, or is nested deeper, as [`Measure`] counts them:
    /// [`PublishError::TooLarge`](crate::PublishError::TooLarge). It holds for every publisher. With this limit, the
    /// source of an envelope may have no more bytes than [`max_name`](Self::max_name).
    ///
    /// A `depth` above 127 levels counts as 127, since measuring recurses. What the [codec](crate::codec) writes by its
    /// default limits fits into 1 MiB and 60 levels.
    ///
    /// # Cost
    ///
    /// Each publish measures its payload, which costs as much as walking through it.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::limits::LimitExceeded;
    /// use oxide_bus::{Bus, Envelope, PublishError};
    ///
    /// let bus = Bus::<String>::builder().max_payload(8, 1).build();
    /// bus.publish(Envelope::new("poet", "short".to_owned()))?;
    /// let error = bus.publish(Envelope::new("poet", "far too long".to_owned())).unwrap_err();
    /// let PublishError::TooLarge { exceeded, .. } = error else { panic!() };
    /// assert_eq!(exceeded, LimitExceeded::Bytes { limit: 8 });
    /// # Ok::<(), PublishError<String>>(())
    /// ```
    pub fn max_payload(mut self, bytes: usize, depth: usize) -> Self
    where
        M: Measure,
    {
        self.size = Some(Size::new(bytes, depth));
        self
    }

    /// Refuses an envelope that this codec cannot write: by the codec's limits, and also what it never writes, such as
    /// a nil id. It holds for every publisher.
    ///
    /// So nothing is published that an [audit log](crate::audit::Options::codec) or a peer with the same codec cannot
    /// hold. As its cost, each publish writes its envelope once more, into memory of no more than [`Codec::max_bytes`],
    /// and discards that.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::codec::{Codec, ErrorKind};
    /// use oxide_bus::kernel::{Command, Message};
    /// use oxide_bus::{Envelope, MessageBus, PublishError};
    ///
    /// let bus = MessageBus::builder().writable_by(Codec::new()).build();
    /// let nameless = Envelope::new("", Message::from(Command::Ping));
    /// let error = bus.publish(nameless).unwrap_err();
    /// assert_eq!(error.to_string(), "cannot be written: source is empty or has a control character");
    /// let PublishError::Unwritable { cause, .. } = error else { panic!() };
    /// assert!(matches!(cause.kind(), ErrorKind::BadName("source")));
    /// ```
    pub fn writable_by(mut self, codec: Codec) -> Self
    where
        M: Serialize,
    {
        self.must_encode = Some(MustEncode {
            codec,
            encode: Codec::encode::<M>,
        });
        self
    }

    /// Sets how many capabilities may be granted at once. Expired ones do not count.
    pub fn max_grants(mut self, grants: usize) -> Self {
        self.limits.grants = grants;
        self
    }

    /// Sets how many bytes a name may have: of a capability that is granted or held, of a source in a grant, a
    /// publisher or a filter, of a subscription, and of a group. With [`max_payload`](Self::max_payload) it holds for
    /// the sources of envelopes too. (It does not hold for an [audit log](crate::audit), which names itself.)
    pub fn max_name(mut self, bytes: usize) -> Self {
        self.limits.name = bytes;
        self
    }

    /// Sets how many [requests](crate::Publisher::request) may be pending under one capability, by all its holders. So
    /// no module uses up the requests of others: there are never more than
    /// [`MAX_PENDING_REQUESTS`](crate::limits::MAX_PENDING_REQUESTS) in all.
    pub fn max_requests(mut self, requests: usize) -> Self {
        self.limits.requests = requests;
        self
    }

    /// Sets how long a [request](Bus::request) on this bus and by its publishers waits for its answer. With `None`, it
    /// waits as long as it takes. A publisher may have [another time-out](crate::Publisher::with_request_timeout).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::{Bus, RequestError};
    ///
    /// let timeout = Duration::from_millis(5);
    /// let bus = Bus::<u32>::builder().request_timeout(timeout).build();
    /// let nobody_answers = bus.subscribe();
    /// let error = bus.request("client", 7).unwrap_err();
    /// assert!(matches!(error, RequestError::TimedOut(it) if it == timeout));
    /// # drop(nobody_answers);
    /// ```
    pub fn request_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.request_timeout = timeout.into().unwrap_or(NEVER);
        self
    }

    /// Sets how many envelopes lie in one piece of memory, a segment: from 1 to 64, the default.
    ///
    /// Envelopes that are published one after the other lie together and are freed together. So one
    /// [`Delivery`](crate::Delivery) that is kept keeps up to 63 others, with everything that their payloads have on
    /// the heap. Choose a small number if payloads are large and deliveries are kept for long. With 1, no payload keeps
    /// another. (The bus keeps its newest envelope until the next publish. A subscription keeps its last one until its
    /// next receive.)
    ///
    /// The limit counts envelopes and not bytes, because the bus does not know what a payload has on the heap. The
    /// envelopes of a segment never take more than 16 KiB together, unless one alone does.
    ///
    /// # Panics
    ///
    /// If it is not from 1 to 64.
    ///
    /// # Cost
    ///
    /// For subscribers without a filter, publishing allocates a segment and sends it to each of them once per segment.
    /// With 1, that is once per publish.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope};
    ///
    /// let bus = Bus::<Vec<u8>>::builder().max_segment(1).build();
    /// let mut images = bus.subscribe();
    /// for _ in 0..64 {
    ///     bus.publish(Envelope::new("camera", vec![0; 1 << 20]))?;
    /// }
    /// let thumbnail = images.recv()?;
    /// drop((images, bus)); // and with them the other 63 MiB
    /// assert_eq!(thumbnail.message.len(), 1 << 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_segment(mut self, envelopes: usize) -> Self {
        let range = 1..=MAX_SLOTS;
        assert!(
            range.contains(&envelopes),
            "a segment holds 1 to 64 envelopes, not {envelopes}"
        );
        self.max_segment = envelopes;
        self
    }

    /// Lets a thread that wakes many sleeping threads wake all of them itself. By default it wakes two, which wake the
    /// others. It is for programs with threads of very low priority. By default, such a thread might be woken early and
    /// not get to run for long, while others wait for it to wake them.
    ///
    /// That goes for every thread that waits at this bus: subscribers, those of its advisories and members of a group
    /// at their end too; publishers that wait for room, where all are woken at once; and threads that
    /// [drain](Bus::drain), [wait for subscribers](Bus::wait_for_subscribers) or
    /// [revoke and drain](Bus::revoke_and_drain).
    ///
    /// # Cost
    ///
    /// A publish to sleeping threads takes some microseconds for each of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Bus, Envelope};
    ///
    /// let bus = Bus::<u32>::builder().wake_directly().build();
    /// let mut numbers = bus.subscribe();
    /// let reader = std::thread::spawn(move || numbers.recv());
    /// bus.publish(Envelope::new("counter", 7))?;
    /// assert_eq!(reader.join().expect("it has not panicked")?.message, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wake_directly(mut self) -> Self {
        self.waking = Waking::Directly;
        self
    }

    /// Asks the program for the current trace when the bus stamps an envelope without a `traceparent` header. The
    /// returned text becomes that header, as in W3C Trace Context.
    ///
    /// The bus stamps the envelopes of [`send`](Bus::send) and of a [`Publisher`](crate::Publisher). Envelopes that are
    /// made elsewhere, for [`publish`](Bus::publish) and [`forward`](crate::Publisher::forward), stay as they are. The
    /// function is called on the thread, or in the task, that publishes. A text that [`Headers`](crate::Headers) would
    /// refuse is left out. The header needs no [grant](crate::Grant::headers).
    ///
    /// # Panics
    ///
    /// If the function panics, the publish that called it panics; then the envelope was offered to no subscriber.
    ///
    /// # Cost
    ///
    /// Each publish that stamps calls it, and allocates the header.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::cell::RefCell;
    /// use oxide_bus::Bus;
    ///
    /// thread_local! {
    ///     static CURRENT: RefCell<Option<String>> = const { RefCell::new(None) };
    /// }
    ///
    /// let current = || CURRENT.with_borrow(Clone::clone);
    /// let bus = Bus::<u32>::builder().trace_context(current).build();
    /// let mut numbers = bus.subscribe();
    /// CURRENT.set(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()));
    /// bus.send("counter", 7)?;
    /// assert_eq!(numbers.recv()?.header("traceparent"), current().as_deref());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trace_context(
        mut self,
        current: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.trace_context = Some(TraceContext::new(current));
        self
    }

    /// Gives all subscribers one and the same order: that of the sequence numbers.
    ///
    /// Subscribers without a filter have that order anyway. With this option, those with a filter and groups have it
    /// too: if two publishes overlap in time, all subscribers that receive both receive them in one order. Each member
    /// of a group receives a part of it.
    ///
    /// # Cost
    ///
    /// A lock for each publish that a subscriber with a filter or a group listens to. The publish holds it from its
    /// sequence number on until the envelope is in their queues. So such publishes go one after the other. A publisher
    /// that the system stops just there holds up the others, and many publishers on several cores take longer. A
    /// publish to none of these takes no lock. No publisher waits for room under the lock: a publish reserves its room
    /// with [`Overflow::Block`](crate::Overflow::Block) subscribers before it takes the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use oxide_bus::{Bus, Envelope, SubscribeOptions};
    ///
    /// let bus = Bus::<u32>::builder().total_order().build();
    /// let options = SubscribeOptions::new().source("one").source("other");
    /// let [mut some, mut same] = [(); 2].map(|()| bus.subscribe_with(options.clone()).expect("open"));
    /// thread::scope(|scope| {
    ///     for source in ["one", "other"] {
    ///         let bus = &bus;
    ///         scope.spawn(move || (0..50).for_each(|it| _ = bus.publish(Envelope::new(source, it))));
    ///     }
    /// });
    /// for _ in 0..100 {
    ///     assert_eq!(some.recv()?.id, same.recv()?.id);
    /// }
    /// # Ok::<(), oxide_bus::RecvError>(())
    /// ```
    pub fn total_order(mut self) -> Self {
        self.total_order = true;
        self
    }

    /// Makes the bus.
    pub fn build(self) -> Bus<M> {
        let mut shared = BusState::new(self.waking);
        let max_source = self.limits.name;
        shared.grants = Arc::new(Grants::new(self.limits, self.waking));
        shared.request_timeout = self.request_timeout;
        let core = &mut shared.core;
        let (size, must_encode) = (self.size, self.must_encode);
        if size.is_some() || must_encode.is_some() {
            core.demands = Some(Demands {
                size,
                must_encode,
                max_source,
            });
        }
        core.max_segment = self.max_segment;
        core.trace_context = self.trace_context;
        core.order = self.total_order.then(Mutex::default);
        Bus {
            core: Arc::new(shared),
        }
    }
}

/// # Making one
impl<M> Bus<M> {
    /// Makes a bus without subscribers or grants. Allocates little and starts no thread.
    // The bound stands here and not above, so that the compiler says how to meet it.
    pub fn new() -> Self
    where
        M: Payload,
    {
        Bus {
            core: Arc::new(BusState::new(Waking::default())),
        }
    }

    /// Returns a builder for a bus with limits of its own.
    pub fn builder() -> BusBuilder<M>
    where
        M: Payload,
    {
        BusBuilder {
            size: None,
            must_encode: None,
            limits: GrantLimits::default(),
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            max_segment: MAX_SLOTS,
            waking: Waking::default(),
            trace_context: None,
            total_order: false,
        }
    }
}

impl<M> fmt::Debug for BusBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusBuilder")
            .field("max_payload", &self.size.as_ref().map(Size::limits))
            .field("writable_by", &self.must_encode.as_ref().map(|it| it.codec))
            .field("limits", &self.limits)
            .field("request_timeout", &self.request_timeout)
            .field("max_segment", &self.max_segment)
            .field("waking", &self.waking)
            .field("trace_context", &self.trace_context.is_some())
            .field("total_order", &self.total_order)
            .finish_non_exhaustive()
    }
}
