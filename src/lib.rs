//! A message bus for the threads and tasks of one program.
//!
//! Every [`Subscription`] that listens to an [`Envelope`] receives it as a [`Delivery`]: a handle on the one envelope
//! that all share. Nothing runs in the background: the threads, or tasks, that publish and receive do all the work.
//!
//! The sections answer a user's questions in the order in which they come up. [`docs::cookbook`] has complete programs.
//! [`docs::guarantees`] says what is promised, and [`docs::limitations`] what to know before.
//!
//! # Publish and receive
//!
//! A type of your own becomes a payload with one line. Numbers, `String` and the like need none, see [`Payload`].
//!
//! ```
//! use std::thread;
//! use oxide_bus::{Bus, Payload};
//!
//! struct Reading { celsius: f64 }
//! impl Payload for Reading {}
//!
//! let bus = Bus::<Reading>::new();
//! let mut readings = bus.subscribe();
//! let display = thread::spawn(move || readings.recv().map(|reading| reading.message.celsius));
//!
//! bus.send("thermometer", Reading { celsius: 21.5 })?;
//! assert_eq!(display.join().expect("it has not panicked")?, 21.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`send`](Bus::send) makes the envelope: it stamps an id, the time and the source, here `thermometer`.
//! [`publish`](Bus::publish) takes an envelope that you made. Both return a [`Receipt`]: how many subscribers the
//! envelope matched, and how many have it in their queues. [`recv`](Subscription::recv) waits,
//! [`try_recv`](Subscription::try_recv) does not, and a subscription is an iterator too.
//!
//! # Commands and events
//!
//! A [`MessageBus`] carries the [`Command`](kernel::Command)s and [`Event`](kernel::Event)s of the module [`kernel`].
//! They are the messages of *the seed*, the bus of the `oxide-k` micro-kernel. Its users find the differences in
//! [`docs::migrating`].
//!
//! ```
//! use oxide_bus::kernel::{Command, Event, Message};
//! use oxide_bus::MessageBus;
//!
//! let bus = MessageBus::new();
//! let mut messages = bus.subscribe();
//! bus.send_command("kernel", Command::Ping)?;
//! bus.emit_event("echo", Event::Pong { from: "echo".into() })?;
//! assert_eq!(messages.recv()?.message, Message::Command(Command::Ping));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Choose what to receive
//!
//! A payload's [`Subject`] is a list of tokens, and a [`Pattern`] matches many subjects: `*` stands for any one token,
//! and `>` at the end for all that follow.
//!
//! ```
//! use oxide_bus::{Bus, Payload, Subject};
//!
//! struct Reading { room: &'static str }
//! impl Payload for Reading {
//!     fn subject(&self) -> Subject<'_> {
//!         Subject::new(["reading", self.room])
//!     }
//! }
//!
//! let bus = Bus::<Reading>::new();
//! let mut cellar = bus.subscribe_to("reading.cellar")?;
//! bus.send("thermometer", Reading { room: "attic" })?;
//! bus.send("thermometer", Reading { room: "cellar" })?;
//! assert_eq!(cellar.recv()?.message.room, "cellar");
//! assert!(cellar.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`SubscribeOptions`] has the rest: several patterns, sources, a [predicate](SubscribeOptions::predicate), and a
//! [`group`](SubscribeOptions::group). The members of a group share one queue, and each envelope goes to one of them. A
//! payload without a subject matches no pattern.
//!
//! A subscriber does not receive what was published before it subscribed, unless [`Bus::retain`] keeps the last few.
//!
//! # Slow subscribers
//!
//! Each subscription has a queue of its own, for 128 envelopes by default. Its [`Overflow`] policy says what happens
//! when that is full. The envelope is dropped for this subscriber alone (the default), the oldest one gives way,
//! publishers wait, or the subscription is evicted. A subscriber is told of every loss, once, where the gap lies.
//!
//! ```
//! use oxide_bus::{Bus, RecvError, SubscribeOptions};
//!
//! let bus = Bus::<u32>::new();
//! let mut slow = bus.subscribe_with(SubscribeOptions::new().capacity(2))?;
//! for number in 1..=5 {
//!     bus.send("counter", number)?;
//! }
//! assert_eq!(slow.recv()?.message, 1);
//! assert_eq!(slow.recv()?.message, 2);
//! assert_eq!(slow.recv().unwrap_err(), RecvError::Lagged { missed: 3 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Tasks
//!
//! With the feature `tokio` there are [`AsyncBus`], [`AsyncPublisher`] and [`AsyncSubscription`] (a `Stream`): handles
//! on the same bus, with the same methods, awaited. Any executor will do, except for methods that take a time-out.
//! [`docs::tasks`] has the counterpart of each method.
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use oxide_bus::Bus;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = Bus::<u32>::new();
//! let mut numbers = bus.clone().into_async().subscribe().await;
//! let reader = tokio::spawn(async move { numbers.recv().await });
//!
//! std::thread::spawn(move || bus.send("counter", 7));
//! assert_eq!(reader.await??.message, 7);
//! # Ok(())
//! # }
//! ```
//!
//! # Who may publish
//!
//! The holder of a [`Bus`] may do anything with it. Give a module a [`Publisher`] instead. It publishes as one source,
//! under one [`Capability`], for as long as that is granted, and has no way back to the bus.
//!
//! ```
//! use oxide_bus::Bus;
//!
//! let bus = Bus::<f64>::new();
//! let thermometer = bus.publisher("thermometer", "reading:write");
//! bus.grant("reading:write")?;
//! thermometer.publish(21.5)?;
//!
//! bus.revoke("reading:write");
//! assert!(thermometer.publish(21.6).unwrap_err().is_denied());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Grant`] may be for less: some subjects or sources, a time, a rate. A publisher can be
//! [narrowed](Publisher::narrow) before it is handed on. The program's own parts publish through a
//! [`trusted_publisher`](Bus::trusted_publisher), which needs no grant.
//!
//! # Ask and answer
//!
//! [`request`](Bus::request) publishes a question and waits for the first answer, for up to ten seconds unless the bus
//! was [built](BusBuilder::request_timeout) otherwise. [`Publisher::reply`] answers, and [`Publisher::request_many`]
//! takes several answers.
//!
//! ```
//! use std::thread;
//! use oxide_bus::{Bus, Payload};
//!
//! enum Shop { Price(&'static str), Costs(u32) }
//! impl Payload for Shop {}
//!
//! let bus = Bus::<Shop>::new();
//! let shop = bus.trusted_publisher("shop");
//! let mut questions = bus.subscribe();
//! thread::spawn(move || {
//!     let question = questions.recv().expect("somebody asks");
//!     shop.reply(&question, Shop::Costs(9))
//! });
//!
//! let answer = bus.request("client", Shop::Price("tea"))?;
//! assert!(matches!(answer.message, Shop::Costs(9)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The end
//!
//! A bus closes by [`close`](Bus::close), or when its last `Bus` and `Publisher` are gone. From then on a publish
//! fails. Subscribers receive what they have, and then an iterator over a subscription ends.
//!
//! ```
//! use oxide_bus::Bus;
//!
//! let bus = Bus::<&str>::new();
//! let subscription = bus.subscribe();
//! bus.send("poet", "one")?;
//! bus.send("poet", "two")?;
//! drop(bus);
//!
//! let words: Vec<_> = subscription.into_iter().flatten().map(|word| word.message).collect();
//! assert_eq!(words, ["one", "two"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The items are `Result`s, since a loss is an item too ([`RecvError::Lagged`]); `flatten` passes over it.
//!
//! A [`Publisher`] keeps the bus open. So a thread that loops over its subscription and publishes in the loop holds a
//! [`WeakPublisher`], or the loop does not end. [`drain`](Bus::drain) waits until everything was received.
//! [`Subscription::close`] lets one worker receive what it has, and stop.
//!
//! # Advisories
//!
//! [`Bus::advisories`] subscribes to what the bus says about itself: which subscribers came and went, which lost
//! envelopes, what was granted and refused. [`Bus::stats`] gives the figures.
//!
//! ```
//! use oxide_bus::{Advisory, Bus};
//!
//! let bus = Bus::<u32>::new();
//! let mut advisories = bus.advisories();
//! bus.grant("log:write")?;
//! bus.close();
//! let told: Vec<_> = advisories.iter().flatten().map(|it| it.message.clone()).collect();
//! assert!(matches!(&told[..], [Advisory::Granted { .. }, Advisory::Closed]));
//! # Ok::<(), oxide_bus::GrantError>(())
//! ```
//!
//! # Many at a time
//!
//! [`publish_batch`](Bus::publish_batch) places many envelopes in few steps. [`recv_ref`](Subscription::recv_ref) and
//! [`try_recv_each`](Subscription::try_recv_each) lend envelopes where they lie, and
//! [`recv_batch`](Subscription::recv_batch) takes many handles at once.
//!
//! ```
//! use oxide_bus::Bus;
//!
//! let bus = Bus::<u64>::new();
//! let mut numbers = bus.subscribe();
//! bus.trusted_publisher("counter").publish_batch(1..=100_u64)?;
//!
//! let mut sum = 0;
//! numbers.try_recv_each(|envelope| sum += envelope.message)?;
//! assert_eq!(sum, 5050);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # JSON
//!
//! [`Envelope::to_json`] and [`Envelope::from_json`] write and read one envelope, strictly and within limits: hostile
//! input causes no panic, and takes little memory. [`codec`] has the format, and logs with one envelope a line.
//!
//! # A record of what happened
//!
//! An [`AuditLog`](audit::AuditLog) writes to disk what was published, refused and granted, in order and without a
//! loss. [`audit::verify`] checks that a log is whole.
//!
//! # Cost
//!
//! A publish appends to a *segment* of up to 64 envelopes that lies in every queue already: one compare-and-swap and
//! one write, however many subscribers there are. A subscriber with a filter is sent each envelope that matches by
//! itself; one that does not match costs nothing. A subscription takes 2 KiB, 5 KiB with a filter. See [`docs::speed`].
//!
//! # Features
//!
//! | feature | gives |
//! | --- | --- |
//! | (none) | this library alone |
//! | `cli` | the `oxide-bus` command |
//! | `hash-chain` | audit logs that show deletion |
//! | `inspect` | [other programs look](docs::inspecting) |
//! | `link` | [buses elsewhere, linked](docs::links) |
//! | `metrics` | [`Metrics`], for its recorders |
//! | `nats` | links over NATS; `nats-nkeys`: credentials files |
//! | `testing` | [for tests](testing) |
//! | `tokio` | [`AsyncBus`] and the other handles for tasks |
//! | `tracing` | each [`Advisory`] as an event |

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod authority;
mod bus;
pub mod codec;
#[cfg(any(doc, doctest))]
pub mod docs;
mod engine;
#[cfg(feature = "link")]
pub mod link;
mod message;
mod observe;
mod queue;
mod support;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tokio")]
mod tokio;

pub mod kernel {
    //! The messages of the seed: what the modules of a micro-kernel say to each other.
    //!
    //! *The seed* is the bus of the `oxide-k` micro-kernel. A program with a payload type of its own needs nothing of
    //! this module. A program that comes from the seed finds the differences in
    //! [`docs::migrating`](crate::docs::migrating).
    //!
    //! ```
    //! use oxide_bus::kernel::{Command, Event, Message, MessageBus};
    //!
    //! let bus = MessageBus::new();
    //! let mut messages = bus.subscribe();
    //! bus.send_command("kernel", Command::Ping)?;
    //! bus.emit_event("echo", Event::Pong { from: "echo".into() })?;
    //! assert_eq!(messages.recv()?.message, Message::Command(Command::Ping));
    //! # Ok::<(), Box<dyn std::error::Error>>(())
    //! ```

    #[doc(inline)]
    pub use crate::bus::handle::MessageBus;
    pub use crate::message::kernel::{Command, Event, Message};
    #[cfg(feature = "tokio")]
    pub use crate::tokio::AsyncMessageBus;
}

pub use crate::authority::grant::{Grant, GrantError, RevokeError};
pub use crate::authority::grants::GrantStats;
pub use crate::bus::builder::BusBuilder;
pub use crate::bus::error::{
    BatchError, DrainError, PublishError, RequestError, RetainError, SetPatternsError,
    SubscribeError,
};
pub use crate::bus::handle::Bus;
#[doc(no_inline)]
pub use crate::bus::handle::MessageBus;
pub use crate::bus::lifecycle::WeakBus;
pub use crate::bus::limits;
pub use crate::bus::options::SubscribeOptions;
pub use crate::bus::publisher::{Publisher, WeakPublisher};
pub use crate::bus::request::Replies;
pub use crate::bus::select::{Select, Selectable};
pub use crate::bus::stats::Stats;
pub use crate::bus::subscription::{Subscription, iter};
pub use crate::bus::subscription_stats::SubscriptionStats;
pub use crate::engine::receipt::{BatchReceipt, Receipt};
pub use crate::message::advisory::{Advisory, Eviction};
pub use crate::message::capability::Capability;
pub use crate::message::denial::Denial;
pub use crate::message::draft::Draft;
pub use crate::message::envelope::Envelope;
pub use crate::message::headers::{HeaderError, Headers};
pub use crate::message::overflow::Overflow;
pub use crate::message::pattern::{Pattern, PatternError};
pub use crate::message::source::Source;
pub use crate::message::subject::{Payload, Subject};
pub use crate::observe::audit;
#[cfg(all(unix, feature = "inspect"))]
pub use crate::observe::inspect;
#[cfg(feature = "metrics")]
pub use crate::observe::metrics::Metrics;
pub use crate::queue::delivery::Delivery;
pub use crate::queue::recv_error::{RecvError, RecvTimeoutError, TryRecvError};
#[cfg(feature = "tokio")]
pub use crate::tokio::{
    AsyncBus, AsyncPublisher, AsyncReplies, AsyncSubscription, AsyncWeakBus, AsyncWeakPublisher,
    PublishSink,
};

// Their types are in signatures.
pub use {chrono, crossbeam_channel, serde_json, uuid};

/// The examples in README.md, run as tests.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
