//! For users of NATS as a bus inside one process: the same program with both, what is different, and what gets worse.
//!
//! If a server carries messages between parts of one program, a bus in that program can do it without a server, sockets
//! or serialization. If the parts are several programs, see [links](super::links): they take the bus across a NATS
//! server, and the parts of one program still talk without it.
//!
//! The programs here are compiled as tests. Those without a server are also run.
//!
//! # Publish and subscribe
//!
//! With NATS:
//!
#![cfg_attr(feature = "nats", doc = "```no_run")]
#![cfg_attr(not(feature = "nats"), doc = "```ignore")]
//! use futures::StreamExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = async_nats::connect("127.0.0.1").await?;
//! let mut readings = client.queue_subscribe("reading.*", "writers".into()).await?;
//! client.publish("reading.cellar", "21.5".into()).await?;
//! client.flush().await?;
//! let reading = readings.next().await.ok_or("the connection is closed")?;
//! let celsius: f64 = std::str::from_utf8(&reading.payload)?.parse()?;
//! assert_eq!(celsius, 21.5);
//! # Ok(())
//! # }
//! ```
//!
//! Here, in threads:
//!
//! ```
//! use oxide_bus::{Bus, Payload, Subject, SubscribeOptions};
//!
//! struct Reading { room: String, celsius: f64 }
//! impl Payload for Reading {
//!     fn subject(&self) -> Subject<'_> {
//!         Subject::new(["reading", self.room.as_str()])
//!     }
//! }
//!
//! let bus = Bus::<Reading>::new();
//! let writers = SubscribeOptions::new().pattern("reading.*").group("writers");
//! let mut readings = bus.subscribe_with(writers)?;
//! bus.send("thermometer", Reading { room: "cellar".into(), celsius: 21.5 })?;
//! assert_eq!(readings.recv()?.message.celsius, 21.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Or in tasks, with the feature `tokio`:
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! # use oxide_bus::{Payload, Subject};
//! # struct Reading { room: String, celsius: f64 }
//! # impl Payload for Reading {
//! #     fn subject(&self) -> Subject<'_> {
//! #         Subject::new(["reading", self.room.as_str()])
//! #     }
//! # }
//! use oxide_bus::{AsyncBus, SubscribeOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = AsyncBus::<Reading>::new();
//! let writers = SubscribeOptions::new().pattern("reading.*").group("writers");
//! let mut readings = bus.subscribe_with(writers).await?;
//! bus.send("thermometer", Reading { room: "cellar".into(), celsius: 21.5 }).await?;
//! assert_eq!(readings.recv().await?.message.celsius, 21.5);
//! # Ok(())
//! # }
//! ```
//!
//! # Request and reply
//!
//! With NATS:
//!
#![cfg_attr(feature = "nats", doc = "```no_run")]
#![cfg_attr(not(feature = "nats"), doc = "```ignore")]
//! use futures::StreamExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = async_nats::connect("127.0.0.1").await?;
//! let mut questions = client.subscribe("square").await?;
//! client.flush().await?;
//! let server = client.clone();
//! tokio::spawn(async move {
//!     while let Some(question) = questions.next().await {
//!         let number = std::str::from_utf8(&question.payload).ok().and_then(|it| it.parse::<u32>().ok());
//!         if let (Some(number), Some(inbox)) = (number, question.reply) {
//!             let _ = server.publish(inbox, (number * number).to_string().into()).await;
//!         }
//!     }
//! });
//! let answer = client.request("square", "7".into()).await?;
//! assert_eq!(answer.payload, "49");
//! # Ok(())
//! # }
//! ```
//!
//! Here:
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use oxide_bus::{AsyncBus, SubscribeOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = AsyncBus::<u32>::new();
//! let questions = SubscribeOptions::new().source("client"); // answers go to subscribers as well
//! let mut questions = bus.subscribe_with(questions).await?;
//! let server = bus.trusted_publisher("server");
//! tokio::spawn(async move {
//!     while let Ok(question) = questions.recv().await {
//!         let _ = server.reply(&question, question.message * question.message).await;
//!     }
//! });
//! let answer = bus.request("client", 7).await?;
//! assert_eq!((answer.message, answer.source.as_str()), (49, "server"));
//! # Ok(())
//! # }
//! ```
//!
//! # What to change
//!
//! | in NATS | here |
//! | --- | --- |
//! | a subject beside the payload | the payload [says its own](crate::Payload::subject) |
//! | subjects, `*`, `>` | the same, see [`Pattern`](crate::Pattern); a token may be any text, and is escaped in patterns |
//! | bytes | a Rust type; all subscribers share one value |
//! | headers | [`Headers`](crate::Headers): each name once, within limits |
//! | queue groups | [`SubscribeOptions::group`](crate::SubscribeOptions::group); all members listen to the same |
//! | request and reply, with an inbox | [`Bus::request`](crate::Bus::request), [`Publisher::reply`](crate::Publisher::reply), by correlation id |
//! | no responders: an error at once | [`RequestError::NoResponders`](crate::RequestError::NoResponders), likewise |
//! | `flush`, and a round trip to be sure that a subscription is there | a subscription is there when `subscribe` returns |
//! | the last value for those that come late (`JetStream`) | [`Bus::retain`](crate::Bus::retain), in memory |
//! | a stream on disk (`JetStream`) | an [audit log](crate::audit) can be replayed; a [durable link](super::links#durable-links) uses the server's stream |
//! | permissions of a user | a [`Grant`](crate::Grant) for a [`Publisher`](crate::Publisher); it can be revoked at any time |
//! | a slow consumer is cut off, or loses without a count | an [`Overflow`](crate::Overflow) policy for each subscription, and an exact count |
//! | `drain` | [`Bus::close`](crate::Bus::close), or [`Subscription::close`](crate::Subscription::close) and then receiving the rest |
//!
//! # What gets better
//!
//! A publish takes between 0.1 µs and a few µs, where a message through a local server takes tens of microseconds.
//! Payloads stay Rust values, whose types the compiler checks. A [`Publisher`](crate::Publisher) cannot speak as
//! another source. A loss is told, always, and a publisher can wait instead of losing.
//!
//! # What gets worse
//!
//! * Nothing leaves the process by itself. Several programs need [links](super::links), which need a server again.
//! * Only Rust takes part. With NATS a tool of any language listens in.
//! * Nothing outlives the process but an audit log, which is no queue: nobody acknowledges, and nothing is delivered
//!   again.
//! * The bus is as large as the memory of one machine, and ends with the process. A server goes on.
//! * A payload that panics or is huge is in the same process as all others. There is no wall between the parts.
//! * Patterns have [limits](crate::limits) for each subscription.
