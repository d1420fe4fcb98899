//! For users of `tokio::sync::broadcast`, of a fan-out over crossbeam channels, or of NATS inside one process: what to
//! write instead, and what gets better and worse.
//!
//! Each section shows the same small program twice. All of them are compiled and run as tests.
//!
//! # From `tokio::sync::broadcast`
//!
//! Before:
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use tokio::sync::broadcast::{self, error::RecvError};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (sender, mut receiver) = broadcast::channel::<u32>(128);
//! let reader = tokio::spawn(async move {
//!     let mut sum = 0;
//!     loop {
//!         match receiver.recv().await {
//!             Ok(number) => sum += number,
//!             Err(RecvError::Lagged(missed)) => eprintln!("{missed} are missing"),
//!             Err(RecvError::Closed) => break sum,
//!         }
//!     }
//! });
//! sender.send(3)?;
//! sender.send(4)?;
//! drop(sender);
//! assert_eq!(reader.await?, 7);
//! # Ok(())
//! # }
//! ```
//!
//! After, with the feature `tokio`:
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use oxide_bus::{AsyncBus, Overflow, RecvError, SubscribeOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = AsyncBus::<u32>::new();
//! let newest = SubscribeOptions::new().overflow(Overflow::DropOldest); // as broadcast does
//! let mut numbers = bus.subscribe_with(newest).await?;
//! let reader = tokio::spawn(async move {
//!     let mut sum = 0;
//!     loop {
//!         match numbers.recv().await {
//!             Ok(number) => sum += number.message,
//!             Err(RecvError::Lagged { missed }) => eprintln!("{missed} are missing"),
//!             Err(_) => break sum,
//!         }
//!     }
//! });
//! bus.send("counter", 3).await?;
//! bus.send("counter", 4).await?;
//! drop(bus);
//! assert_eq!(reader.await?, 7);
//! # Ok(())
//! # }
//! ```
//!
//! | in `broadcast` | here |
//! | --- | --- |
//! | one capacity for all, set by the sender | each subscription has its own, 128 by default |
//! | a slow receiver loses the oldest | that is [`Overflow::DropOldest`](crate::Overflow::DropOldest); the default drops the newest, and publishers may wait instead |
//! | `T: Clone`, a clone for each receiver | a [`Delivery`](crate::Delivery): all share one envelope |
//! | `send` fails if nobody listens | a publish succeeds; its [`Receipt`](crate::Receipt) says how many it matched |
//! | `sender.subscribe()`, `receiver.resubscribe()` | [`bus.subscribe()`](crate::Bus::subscribe) |
//! | `blocking_recv()` in a thread | [`Subscription::recv`](crate::Subscription::recv); threads and tasks may use one bus |
//! | `receiver.len()` | [`Subscription::len`](crate::Subscription::len) |
//!
//! **Better:** filters, groups, lossless subscribers, back-pressure, right to publish. Many receivers on one thread
//! receive sooner (cell k of [`docs::speed`](super::speed)).
//!
//! **Worse:** a further subscription takes about 2 KiB, where a receiver of `broadcast` takes 16 bytes. A publish to
//! subscribers that never read costs more, because each has a queue that must be looked at (cells o and q). A message is
//! wrapped in an envelope, with an id and a time: a reading of the clock for each.
//!
//! # From a fan-out over crossbeam channels
//!
//! Before:
//!
//! ```
//! use std::sync::Arc;
//! use crossbeam_channel::{TrySendError, bounded};
//!
//! let (lamp, lamp_inbox) = bounded::<Arc<(String, f64)>>(128);
//! let (log, log_inbox) = bounded::<Arc<(String, f64)>>(128);
//! let fan_out = [(lamp, true), (log, false)]; // the lamp wants to know of the cellar only
//!
//! let reading = Arc::new(("cellar".to_owned(), 21.5));
//! for (sender, wants_cellar) in &fan_out {
//!     if !wants_cellar || reading.0 == "cellar" {
//!         match sender.try_send(Arc::clone(&reading)) {
//!             Err(TrySendError::Full(_)) => eprintln!("lost, and the receiver does not know it"),
//!             sent => sent?,
//!         }
//!     }
//! }
//! assert_eq!(lamp_inbox.recv()?.1, 21.5);
//! assert_eq!(log_inbox.recv()?.1, 21.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! After:
//!
//! ```
//! use oxide_bus::{Bus, Payload, Subject};
//!
//! struct Reading { room: String, celsius: f64 }
//! impl Payload for Reading {
//!     fn subject(&self) -> Subject<'_> {
//!         Subject::new(["reading", self.room.as_str()])
//!     }
//! }
//!
//! let bus = Bus::<Reading>::new();
//! let mut lamp = bus.subscribe_to("reading.cellar")?;
//! let mut log = bus.subscribe();
//!
//! bus.send("thermometer", Reading { room: "cellar".into(), celsius: 21.5 })?;
//! assert_eq!(lamp.recv()?.message.celsius, 21.5);
//! assert_eq!(log.recv()?.message.celsius, 21.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | with channels | here |
//! | --- | --- |
//! | a list of senders behind a lock | subscribe and leave at any time, from any thread; no publisher waits for it |
//! | `send` to one full channel stops all others | choose for each subscriber: [`Overflow`](crate::Overflow) |
//! | a loss is known to the sender only | the subscriber is told where the gap lies, and how many are missing |
//! | several consumers share one channel | [`SubscribeOptions::group`](crate::SubscribeOptions::group) |
//! | `select!` over several channels | [`Select`](crate::Select); or [`Subscription::readiness`](crate::Subscription::readiness) beside other channels in crossbeam's `select!` |
//! | an answer channel in each message | [`Bus::request`](crate::Bus::request) |
//!
//! **Better:** without filters a publish costs the same for one subscriber and for a thousand.
//!
//! **Worse:** with filters, each envelope is sent to each subscriber that matches. That takes two to five times as long as
//! a hand-made fan-out that asks the same question (cell n), and a group moves a third to a half of what a bare channel
//! does (cell p). Between two threads, a request takes 1.5 times as long as a pair of channels (cell r). One sender and
//! one receiver need no bus.
//!
//! # From NATS, inside one process
//!
//! If a server or an embedded one carries messages between parts of one program, a bus in that program can do it
//! without a server, sockets or serialization. Before (shown only, because it needs a server):
//!
//! ```text
//! let client = async_nats::connect("127.0.0.1").await?;
//! let mut readings = client.queue_subscribe("reading.*", "writers".into()).await?;
//! client.publish("reading.cellar", "21.5".into()).await?;
//! client.flush().await?;
//! let reading = readings.next().await.expect("it is connected");
//! assert_eq!(reading.payload, "21.5");
//! ```
//!
//! After, with the payload of the section before:
//!
//! ```
//! # use oxide_bus::{Payload, Subject};
//! # struct Reading { room: String, celsius: f64 }
//! # impl Payload for Reading {
//! #     fn subject(&self) -> Subject<'_> {
//! #         Subject::new(["reading", self.room.as_str()])
//! #     }
//! # }
//! use oxide_bus::{Bus, SubscribeOptions};
//!
//! let bus = Bus::<Reading>::new();
//! let writers = SubscribeOptions::new().pattern("reading.*").group("writers");
//! let mut readings = bus.subscribe_with(writers)?;
//! bus.send("thermometer", Reading { room: "cellar".into(), celsius: 21.5 })?;
//! assert_eq!(readings.recv()?.message.celsius, 21.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | in NATS | here |
//! | --- | --- |
//! | subjects, `*`, `>` | the same, see [`Pattern`](crate::Pattern) |
//! | queue groups | [`SubscribeOptions::group`](crate::SubscribeOptions::group) |
//! | request and reply | [`Bus::request`](crate::Bus::request), [`Publisher::reply`](crate::Publisher::reply) |
//! | last value for late joiners (JetStream) | [`Bus::retain`](crate::Bus::retain), in memory |
//! | permissions of a user | a [`Grant`](crate::Grant) for a [`Publisher`](crate::Publisher) |
//! | a slow consumer is cut off, or loses without a count | an [`Overflow`](crate::Overflow) policy for each subscription, and an exact count |
//!
//! **Better:** a publish takes a tenth of a microsecond to a few, where a round through a local server takes tens.
//! Payloads stay Rust values. A loss is told, always.
//!
//! **Worse:** nothing leaves the process, nothing outlives it, and only Rust takes part.
