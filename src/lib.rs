//! A message bus for the threads of one program.
//!
//! Whoever holds the [`Bus`] publishes [`Envelope`]s, and every [`Subscription`] that listens to one
//! receives it, as a [`Delivery`]: a handle on the one envelope that all share. Nothing runs
//! in the background: all the work is done in the threads, or tasks, that publish and receive.
//!
//! The questions below come in the order in which a user meets them. What exactly is promised is in
//! [`docs::guarantees`], what to know before relying on it in [`docs::limitations`].
//!
//! * [How do I publish and receive?](#publish-and-receive)
//! * [May messages be of a type of my own?](#messages-of-a-type-of-your-own)
//! * [How do I choose what to receive?](#choose-what-to-receive)
//! * [What happens when a subscriber is slow?](#slow-subscribers)
//! * [Who may publish?](#who-may-publish)
//! * [How do I ask, and wait for the answer?](#ask-and-answer)
//! * [How does it end?](#the-end)
//! * [What does the bus say about itself?](#advisories)
//! * [How do I handle many envelopes at a time?](#many-at-a-time)
//! * [How do tasks use it?](#tasks)
//! * [How do envelopes become JSON?](#json)
//! * [How do I show later what happened?](#a-record-of-what-happened)
//! * [What does it cost?](#cost)
//! * [Which features are there?](#features)
//!
//! # Publish and receive
//!
//! A [`MessageBus`] carries [`Message`]s, which are [`Command`]s and [`Event`]s. The receiving side
//! usually has a thread to itself.
//!
//! ```
//! use std::thread;
//! use oxide_bus::{Command, Event, Message, MessageBus};
//!
//! let bus = MessageBus::new();
//! let mut subscription = bus.subscribe();
//!
//! let echo = {
//!     let bus = bus.clone(); // a handle on the same bus
//!     thread::spawn(move || {
//!         let ping = subscription.recv().expect("the bus is open");
//!         assert_eq!(ping.message, Message::Command(Command::Ping));
//!         bus.emit_event("echo", Event::Pong { from: "echo".into() })
//!     })
//! };
//!
//! bus.send_command("kernel", Command::Ping)?;
//! echo.join().expect("it has not panicked")?;
//! # Ok::<(), oxide_bus::PublishError>(())
//! ```
//!
//! [`publish`](Bus::publish) takes an [`Envelope`] and returns a [`Receipt`]: how many subscribers it
//! matched, and how many have it in their queues. To receive there are [`recv`](Subscription::recv), which
//! waits, [`try_recv`](Subscription::try_recv), which does not,
//! [`recv_timeout`](Subscription::recv_timeout), and iterators.
//!
//! # Messages of a type of your own
//!
//! The bus is generic over its payload. A type opts in with one line; numbers, `String` and the like
//! need none, see [`Payload`].
//!
//! ```
//! use oxide_bus::{Bus, Envelope, Payload};
//!
//! struct Reading {
//!     celsius: f64,
//! }
//!
//! impl Payload for Reading {}
//!
//! let bus = Bus::<Reading>::new();
//! let mut readings = bus.subscribe();
//! bus.publish(Envelope::new("thermometer", Reading { celsius: 21.5 }))?;
//! assert_eq!(readings.recv()?.message.celsius, 21.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It need not be `Clone`: what is delivered is shared, never copied.
//!
//! # Choose what to receive
//!
//! A payload's [`Subject`] is a list of tokens, and a [`Pattern`] stands for many subjects: `*` for any
//! one token, `>` at the end for all that follow. For [`Message`] they are given, see
//! [`Message::subject`](Message#method.subject); a type of your own gives its own. (No pattern matches
//! a payload without a subject. Where payloads never have one, a subscriber by pattern is evicted by the first.)
//!
//! ```
//! use oxide_bus::{Bus, Envelope, Payload, Subject, SubscribeOptions};
//!
//! struct Reading {
//!     room: &'static str,
//! }
//!
//! impl Payload for Reading {
//!     fn subject(&self) -> Subject<'_> {
//!         Subject::new(["reading", self.room])
//!     }
//! }
//!
//! let bus = Bus::<Reading>::new();
//! let mut cellar = bus.subscribe_with(
//!     SubscribeOptions::new()
//!         .pattern("reading.cellar")
//!         .source("thermometer"),
//! )?;
//! bus.publish(Envelope::new("thermometer", Reading { room: "attic" }))?;
//! bus.publish(Envelope::new("thermometer", Reading { room: "cellar" }))?;
//! assert_eq!(cellar.recv()?.message.room, "cellar");
//! assert!(cellar.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Subscriptions of one [`group`](SubscribeOptions::group) share a queue: each envelope goes to one of them.
//!
//! Of two publishes that overlap in time, those with a filter may see the second first;
//! [`BusBuilder::total_order`] gives everybody one order.
//!
//! What neither says goes into a [predicate](SubscribeOptions::predicate), a function of the envelope.
//!
//! What is published before somebody subscribes is gone for him, unless [`Bus::retain`] keeps the last
//! few that match a pattern: these he receives first.
//!
//! # Slow subscribers
//!
//! Each subscription has a queue of its own with a fixed capacity, 128 envelopes unless
//! [`SubscribeOptions::capacity`] says otherwise. What happens when it is full is that subscription's
//! [`Overflow`] policy: the envelope is dropped for it alone (the default), or the oldest that is queued
//! gives way, or publishers wait until there is room, or the subscription is evicted.
//!
//! The subscriber is told of every loss: its next receive after the last envelope before the gap returns [`Lagged`](RecvError::Lagged)
//! once, and [`dropped`](Subscription::dropped) counts it. The publisher sees in the [`Receipt`] which of its own
//! envelopes found no place. It does not see what one displaced with [`Overflow::DropOldest`]: each was delivered into
//! the queue, by its own receipt, before it gave way to a newer one.
//!
//! ```
//! use oxide_bus::{Bus, Envelope, RecvError, SubscribeOptions};
//!
//! let bus = Bus::<u32>::new();
//! let mut slow = bus.subscribe_with(SubscribeOptions::new().capacity(2))?;
//! for number in 1..=5 {
//!     bus.publish(Envelope::new("counter", number))?;
//! }
//! assert_eq!(slow.recv()?.message, 1);
//! assert_eq!(slow.recv()?.message, 2);
//! assert_eq!(slow.recv().unwrap_err(), RecvError::Lagged { missed: 3 });
//!
//! bus.publish(Envelope::new("counter", 6))?;
//! assert_eq!(slow.recv()?.message, 6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Who may publish
//!
//! Whoever holds a [`Bus`] may do anything with it. A module is given a [`Publisher`] instead: it speaks
//! as one source, under one [`Capability`], for as long as that is granted, and has no way back to the
//! bus.
//!
//! ```
//! use oxide_bus::{Capability, Event, MessageBus};
//!
//! let bus = MessageBus::new();
//! let capability = Capability::new("log:write");
//! let logger = bus.publisher("logger", &capability);
//!
//! bus.grant(&capability)?;
//! logger.publish(Event::Pong { from: "logger".into() })?;
//!
//! bus.revoke(&capability);
//! let error = logger.publish(Event::Pong { from: "logger".into() }).unwrap_err();
//! assert!(error.is_denied());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Grant`] may be for less: some subjects or sources, a time, a rate. And a publisher can be
//! [narrowed](Publisher::narrow) before it is handed on.
//!
//! [`publish_with_capability`](Bus::publish_with_capability) checks a capability by name, and
//! [`publish`](Bus::publish) on the bus itself checks nothing.
//!
//! # Ask and answer
//!
//! [`Bus::request`] and [`Publisher::request`] publish a message in a new envelope and wait for the first whose
//! correlation id is its id: what [`Publisher::reply`] publishes. They wait up to 10 s, unless
//! [told otherwise](BusBuilder::request_timeout). [`Publisher::request_many`] gives several answers, as they come.
//!
//! ```
//! use std::thread;
//! use oxide_bus::{Command, Event, MessageBus};
//!
//! let bus = MessageBus::new();
//! bus.grant("answer")?;
//! let echo = bus.publisher("echo", "answer");
//! let mut commands = bus.subscribe();
//! thread::spawn(move || {
//!     let ping = commands.recv().expect("somebody pings");
//!     echo.reply(&ping, Event::Pong { from: "echo".into() })
//! });
//!
//! let pong = bus.request("kernel", Command::Ping)?;
//! assert_eq!(pong.source, "echo");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The end
//!
//! A bus closes by [`close`](Bus::close), or when its last `Bus` and `Publisher` are gone. From then on a
//! publish fails; subscribers receive what they have, and then learn that there will be no more. So an
//! iterator over a subscription ends by itself.
//!
//! ```
//! use oxide_bus::{Bus, Envelope};
//!
//! let bus = Bus::<&str>::new();
//! let subscription = bus.subscribe();
//! bus.publish(Envelope::new("poet", "one"))?;
//! bus.publish(Envelope::new("poet", "two"))?;
//! drop(bus);
//!
//! let words: Vec<_> = subscription.into_iter().flatten().map(|word| word.message).collect();
//! assert_eq!(words, ["one", "two"]);
//! # Ok::<(), oxide_bus::PublishError<&str>>(())
//! ```
//!
//! The items are `Result`s: a loss is an item too ([`RecvError::Lagged`]), and an eviction is the last one
//! ([`RecvError::Evicted`]). `flatten` passes over both.
//!
//! A [`Publisher`] keeps the bus open. So a thread that loops over its subscription and publishes in the loop holds a
//! [`WeakPublisher`]; else it would keep the loop from ending.
//!
//! ```
//! use std::thread;
//! use oxide_bus::{Bus, Grant};
//!
//! let bus = Bus::<u32>::new();
//! bus.grant(Grant::new("count"))?;
//! let mut numbers = bus.subscribe();
//! let counter = bus.publisher("counter", "count").downgrade();
//! let counting = thread::spawn(move || {
//!     for number in numbers.iter().flatten() {
//!         let Some(counter) = counter.upgrade() else { break };
//!         if number.message < 3 {
//!             counter.publish(number.message + 1).expect("it is granted, and the bus is open");
//!         }
//!     }
//! });
//! bus.publisher("owner", "count").publish(0)?;
//! drop(bus);
//! counting.join().expect("it has not panicked"); // the loop has ended
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`wait_for_subscribers`](Bus::wait_for_subscribers) is for the beginning, and [`drain`](Bus::drain), before
//! the end, waits until everything was received. A part of the program that must not keep the bus open holds a
//! [`WeakBus`].
//!
//! # Advisories
//!
//! [`Bus::advisories`] subscribes to what the bus says about itself: who came and went, who lost
//! envelopes, what was refused. Each is an [`Advisory`].
//!
//! ```
//! use oxide_bus::{Advisory, MessageBus};
//!
//! let bus = MessageBus::new();
//! let mut advisories = bus.advisories();
//! bus.grant("log:write")?;
//! bus.close();
//! let told: Vec<_> = advisories.iter().flatten().map(|it| it.message.clone()).collect();
//! assert!(matches!(&told[..], [Advisory::Granted { .. }, Advisory::Closed]));
//! # Ok::<(), oxide_bus::GrantError>(())
//! ```
//!
//! [`Bus::stats`] gives the figures: how much was published, and for each subscription what it matched,
//! received, holds and lost.
//!
//! # Many at a time
//!
//! [`publish_batch`](Bus::publish_batch) places many envelopes in few steps. On the other side,
//! [`recv_ref`](Subscription::recv_ref) and [`try_recv_each`](Subscription::try_recv_each) lend envelopes where they lie,
//! and [`recv_batch`](Subscription::recv_batch) takes many handles at once.
//!
//! ```
//! use oxide_bus::{Bus, Envelope, Source};
//!
//! let bus = Bus::<u64>::new();
//! let mut numbers = bus.subscribe();
//! let source = Source::from("counter"); // allocated once for all
//! bus.publish_batch((1..=100).map(|number| Envelope::new(&source, number)))?;
//!
//! let mut sum = numbers.recv_ref()?.message;
//! numbers.try_recv_each(|envelope| sum += envelope.message)?;
//! assert_eq!(sum, 5050);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A `Delivery` that is kept keeps its neighbours in memory; see [`Delivery`].
//!
//! # Tasks
//!
//! With the feature `tokio` there are [`AsyncBus`], [`AsyncPublisher`] and [`AsyncSubscription`]: handles on the
//! same bus, with the same methods, awaited. Threads and tasks may use one bus at once. A task that waits is
//! woken by whoever publishes; nothing is polled, and any executor will do (but for what has
//! a time-out, which takes tokio's clock; so does a request, by default). [`docs::tasks`] has the twin of each method.
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use oxide_bus::{AsyncMessageBus, Command, Message, MessageBus};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = AsyncMessageBus::new();
//! let mut commands = bus.subscribe().await;
//! let reader = tokio::spawn(async move { commands.recv().await });
//!
//! let in_a_thread = MessageBus::from(bus); // a handle on the same bus
//! std::thread::spawn(move || in_a_thread.send_command("kernel", Command::Ping));
//! assert_eq!(reader.await??.message, Message::Command(Command::Ping));
//! # Ok(())
//! # }
//! ```
//!
//! An [`AsyncSubscription`] is a `Stream`, and an [`AsyncPublisher`] gives a [`sink`](AsyncPublisher::sink). Every
//! wait may be given up: each method says under *Cancel safety* what is so then.
//!
//! # JSON
//!
//! [`Envelope::to_json`] and [`Envelope::from_json`] write and read one envelope, strictly and within
//! limits, so that a hostile input costs neither a panic nor much memory. The module [`codec`] has the format,
//! the limits, and readers and writers for logs with one envelope a line.
//!
//! ```
//! use oxide_bus::{Command, Envelope, Message};
//!
//! let ping = Envelope::new("kernel", Message::Command(Command::Ping));
//! assert_eq!(Envelope::from_json(ping.to_json()?)?, ping);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A record of what happened
//!
//! An [`AuditLog`](audit::AuditLog) writes what was published, refused, granted, revoked and subscribed to disk, without a
//! loss and in order; [`audit::verify`] looks whether a log is whole. See [`audit`].
//!
//! # Cost
//!
//! * A **publish** appends to a *parcel* of up to 64 envelopes that lies in every queue already: one
//!   compare-and-swap and one write, however many subscribers there are. Once for each parcel, the next
//!   one has to be allocated and sent to every queue. While nobody waits parcels are long; when subscribers
//!   sleep each envelope is its own parcel, and wakes them.
//! * A subscriber **with a filter** costs more: an envelope that matches is sent into its channel by itself.
//!   Who matches is looked up, token by token: those that do not match cost nothing, however many there are.
//! * An **envelope** costs one reading of the clock, and an allocation unless its [`Source`] is at hand.
//! * **Receiving** an owned [`Delivery`] touches a reference count that all receivers of that parcel share;
//!   receiving by reference does not.
//! * **Checking** a [`Publisher`]'s grant costs the reading of one word; where there is more to do than to append, two
//!   atomic additions; a [`Grant`] with a scope costs what it has to look at.
//! * A **subscription** takes about 4 KiB at the default capacity, 6 KiB with a filter, see [`SubscribeOptions::capacity`];
//!   subscribing and leaving copy a small part of the list of subscribers.
//!
//! `cargo bench` measures each of these, and `README.md` shows the comparison with other crates.
//!
//! # Features
//!
//! | feature | gives |
//! | --- | --- |
//! | (none) | this library; no crate for async or for the command line comes with it |
//! | `cli` | the `oxide-bus` command, which replays logs and measures the bus |
//! | `metrics` | [`Metrics`], which hands the figures to the recorder of the `metrics` crate |
//! | `tokio` | [`AsyncBus`] and its kin, for tasks |
//! | `tracing` | each [`Advisory`] as an event of the `tracing` crate, too |
//!
//! [`docs::internals`] tells how it works, file by file, [`docs::migrating`] what is different for users of
//! `oxide-k`'s bus.

#![forbid(unsafe_code)]

pub mod audit;
pub mod codec;
#[cfg(any(doc, doctest))]
pub mod docs;
pub mod iter;
pub mod limits;

mod admission;
mod advisory;
mod alarm;
mod builder;
mod bus;
mod capability;
mod caught;
mod delivery;
mod demands;
mod denial;
mod draft;
mod envelope;
mod error;
mod fanout;
mod filter;
mod follow;
mod follower;
mod gate;
mod grant;
mod granting;
mod grants;
mod group;
mod headers;
mod index;
mod lane;
mod lifecycle;
mod limit;
mod line;
mod lobby;
mod losses;
mod message;
#[cfg(feature = "metrics")]
mod metrics;
mod nesting;
mod opening;
mod options;
mod overflow;
mod parcel;
mod parker;
mod pattern;
mod pause;
mod pending;
mod pick;
mod publisher;
mod queue;
mod rate;
mod receipt;
mod request;
mod retained;
mod ring;
mod room;
mod route;
mod scope;
mod shelf;
mod source;
mod stamp;
mod stats;
mod subject;
mod subscription;
mod sync;
#[cfg(feature = "tokio")]
mod tokio;
mod told;
mod trace_context;
mod visible;
mod wait;
mod waiting;

pub use crate::advisory::{Advisory, Eviction};
pub use crate::builder::BusBuilder;
pub use crate::bus::{Bus, MessageBus};
pub use crate::capability::Capability;
pub use crate::delivery::Delivery;
pub use crate::denial::Denial;
pub use crate::draft::Draft;
pub use crate::envelope::Envelope;
pub use crate::error::{
    BatchError, DrainError, GrantError, HeaderError, PublishError, RecvError, RecvTimeoutError,
    RequestError, RetainError, RevokeError, SetPatternsError, SubscribeError, TryRecvError,
};
pub use crate::grant::Grant;
pub use crate::headers::Headers;
pub use crate::iter::{IntoIter, Iter, TryIter};
pub use crate::lifecycle::WeakBus;
pub use crate::message::{Command, Event, Message};
#[cfg(feature = "metrics")]
pub use crate::metrics::Metrics;
pub use crate::options::SubscribeOptions;
pub use crate::overflow::Overflow;
pub use crate::pattern::{Pattern, PatternError};
pub use crate::publisher::{Publisher, WeakPublisher};
pub use crate::receipt::{BatchReceipt, Receipt};
pub use crate::request::Replies;
pub use crate::source::Source;
pub use crate::stats::{GrantStats, Stats, SubscriptionStats};
pub use crate::subject::{Payload, Subject};
pub use crate::subscription::Subscription;
#[cfg(feature = "tokio")]
pub use crate::tokio::{
    AsyncBus, AsyncMessageBus, AsyncPublisher, AsyncReplies, AsyncSubscription, AsyncWeakPublisher,
    PublishSink,
};

// Their types are in signatures.
pub use {chrono, crossbeam_channel, serde_json, uuid};

/// The example in README.md, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
