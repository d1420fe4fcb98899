//! A bus with limits, or an order, of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::authority::grants::{GrantLimits, Grants};
use crate::bus::handle::Bus;
use crate::bus::request::{DEFAULT_TIMEOUT, NEVER};
use crate::bus::shared::Shared;
use crate::codec::Codec;
use crate::engine::demands::{Demands, Size, Written};
use crate::message::kernel::Message;
use crate::message::measure::Measure;
use crate::message::subject::Payload;
use crate::message::trace_context::TraceContext;
use crate::queue::segment::MAX_SLOTS;
use crate::support::sync::Mutex;
use crate::support::wait_list::{Threads, WaitList};

/// Makes a [`Bus`] that is not as [`Bus::new`] makes it.
///
/// # Defaults
///
/// | option | default |
/// | --- | --- |
/// | [`max_payload`](Self::max_payload) | none: payloads are not measured |
/// | [`writable_by`](Self::writable_by) | none: nothing is tried to be written |
/// | [`max_grants`](Self::max_grants) | 65,536 |
/// | [`max_name`](Self::max_name) | 256 bytes |
/// | [`max_requests`](Self::max_requests) | 1,024 |
/// | [`request_timeout`](Self::request_timeout) | 10 s |
/// | [`max_segment`](Self::max_segment) | 64 envelopes |
/// | [`wake_directly`](Self::wake_directly) | no: threads that sleep wake each other |
/// | [`trace_context`](Self::trace_context) | none: only headers that publishers set |
/// | [`total_order`](Self::total_order) | no: subscribers with a filter may see overlapping publishes in another order |
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
    written: Option<Written<M>>,
    limits: GrantLimits,
    request_timeout: Duration,
    max_segment: usize,
    wakes_directly: bool,
    trace_context: Option<TraceContext>,
    total_order: bool,
}

impl<M: Payload> BusBuilder<M> {
    /// Refuses envelopes whose payload has more bytes, or is nested deeper, as it [measures](Measure) itself, whoever
    /// publishes them: [`PublishError::TooLarge`](crate::PublishError::TooLarge). The source of an envelope has no
    /// more bytes than [`max_name`](Self::max_name), then.
    ///
    /// A depth of more than 127 levels counts as that, since measuring goes down by recursion. What the
    /// [codec](crate::codec) writes by its default limits fits into 1 MiB and 60 levels.
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

    /// Refuses envelopes that this codec cannot write, whoever publishes them: with its limits, and also what
    /// it would write for nobody, such as a nil id.
    ///
    /// So nothing is published that an [audit log](crate::audit::Options::codec) or a peer with the same codec
    /// cannot hold. Each publish then writes its envelope once more, into memory of no more than
    /// [`Codec::max_bytes`], and throws that away.
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
        self.written = Some(Written {
            codec,
            encode: Codec::encode::<M>,
        });
        self
    }

    /// How many capabilities may be granted at once. What has expired does not count.
    pub fn max_grants(mut self, grants: usize) -> Self {
        self.limits.grants = grants;
        self
    }

    /// How many bytes a name may have: that of a capability that is granted or held by a publisher, of the source in a
    /// grant, in a publisher or in a subscription's filter, of a subscription, of a group; with
    /// [`max_payload`](Self::max_payload), of an envelope's source. (Not that of an
    /// [audit log](crate::audit), which names itself.)
    pub fn max_name(mut self, bytes: usize) -> Self {
        self.limits.name = bytes;
        self
    }

    /// How many [requests](crate::Publisher::request) may be pending under one capability, by all who hold it.
    ///
    /// So no module takes up the requests of others: there are never more than
    /// [`MAX_PENDING_REQUESTS`](crate::limits::MAX_PENDING_REQUESTS) in all.
    pub fn max_requests(mut self, requests: usize) -> Self {
        self.limits.requests = requests;
        self
    }

    /// How long a [request](Bus::request) on this bus and by its publishers waits for its answer; with `None` as long
    /// as it takes. A publisher may have [another](crate::Publisher::with_request_timeout).
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

    /// How many envelopes lie in one piece of memory: from 1 to 64, which is the default.
    ///
    /// Envelopes that are published one after the other lie together, and are freed together. So one
    /// [`Delivery`](crate::Delivery) that is kept keeps up to 63 others, with all that their payloads have on the
    /// heap. Choose a small number where payloads are large and deliveries are kept for long. With 1, no payload keeps
    /// another. (The bus keeps its newest envelope until the next is published, and a subscription the one that it
    /// received last until it receives again.)
    ///
    /// The number is of envelopes and not of bytes: the bus does not know what a payload has on the heap. The
    /// envelopes themselves never take more than 16 KiB together, unless one alone does.
    ///
    /// # Panics
    ///
    /// If it is not from 1 to 64.
    ///
    /// # Cost
    ///
    /// Where subscribers have no filter, publishing allocates, and sends to each of them, once for each segment. So
    /// with 1, each publish does.
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

    /// Lets each publisher wake all threads that sleep, instead of two that wake the others.
    ///
    /// For programs with threads of very low priority: one of these might be woken early, and not get to run for long,
    /// while others wait for it to wake them.
    ///
    /// # Cost
    ///
    /// A publish to threads that sleep takes some microseconds for each of them.
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
        self.wakes_directly = true;
        self
    }

    /// Asks the program for the current trace whenever the bus stamps an envelope that has no header `traceparent`: by
    /// [`send`](Bus::send), and for a [`Publisher`](crate::Publisher). What it returns becomes that header.
    ///
    /// It is asked on the thread, or in the task, that publishes. A text that [`Headers`](crate::Headers) would refuse is
    /// left out. The header needs no [grant](crate::Grant::headers). Envelopes that are made elsewhere, for [`publish`](Bus::publish) and
    /// [`forward`](crate::Publisher::forward), stay as they are.
    ///
    /// # Panics
    ///
    /// If it panics, the publish that asked does; then nobody was offered the envelope.
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

    /// Gives everybody one and the same order: that of the sequence numbers.
    ///
    /// Subscribers without a filter have it anyhow. With this, those with a filter and groups have it too: of two
    /// publishes that overlap in time, all who receive both receive them in one order. Each member of a group receives a
    /// part of it.
    ///
    /// # Cost
    ///
    /// A lock, for each publish that some of these listen to: from its sequence number on until it is in
    /// their queues. So such publishes go one after the other, a publisher that the system stops just there
    /// holds up the others, and with many publishers on several cores they take longer. What goes to none of
    /// these takes no lock. Nobody waits under the lock: who finds an
    /// [`Overflow::Block`](crate::Overflow::Block) subscriber full lines up in order and waits outside, and nobody
    /// overtakes it.
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
        let mut shared = Shared::new();
        let max_source = self.limits.name;
        shared.grants = Arc::new(Grants::new(self.limits));
        shared.request_timeout = self.request_timeout;
        let core = &mut shared.core;
        let (size, written) = (self.size, self.written);
        if size.is_some() || written.is_some() {
            core.demands = Some(Demands {
                size,
                written,
                max_source,
            });
        }
        core.max_segment = self.max_segment;
        if self.wakes_directly {
            core.readers = Arc::new(WaitList::waking(Threads::Directly));
        }
        core.trace_context = self.trace_context;
        core.order = self.total_order.then(Mutex::default);
        Bus {
            core: Arc::new(shared),
        }
    }
}

/// # Making one
impl<M> Bus<M> {
    /// A new bus without subscribers or grants. Allocates little, and starts no thread.
    // The bound stands here and not above, so that the compiler says how to meet it.
    pub fn new() -> Self
    where
        M: Payload,
    {
        Bus {
            core: Arc::new(Shared::new()),
        }
    }

    /// A bus with limits of its own.
    pub fn builder() -> BusBuilder<M>
    where
        M: Payload,
    {
        BusBuilder {
            size: None,
            written: None,
            limits: GrantLimits::default(),
            request_timeout: DEFAULT_TIMEOUT,
            max_segment: MAX_SLOTS,
            wakes_directly: false,
            trace_context: None,
            total_order: false,
        }
    }
}

impl<M> fmt::Debug for BusBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusBuilder")
            .field("max_payload", &self.size.as_ref().map(Size::limits))
            .field(
                "writable_by",
                &self.written.as_ref().map(|written| written.codec),
            )
            .field("limits", &self.limits)
            .field("request_timeout", &self.request_timeout)
            .field("max_segment", &self.max_segment)
            .field("wakes_directly", &self.wakes_directly)
            .field("trace_context", &self.trace_context.is_some())
            .field("total_order", &self.total_order)
            .finish_non_exhaustive()
    }
}
