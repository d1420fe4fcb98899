//! For users of a fan-out over crossbeam channels: the same program with both, what is different, and what gets worse.
//!
//! Both programs are compiled and run as tests. There are pages of their own for [`tokio::sync::broadcast`
//! ](super::migrating_broadcast) and for [NATS](super::migrating_nats).
//!
//! # Side by side
//!
//! With channels:
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
//! Here:
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
//! # What to change
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
//! # What gets better
//!
//! Without filters a publish costs the same for one subscriber and for a thousand. A loss is told, always. Publishers
//! and subscribers come and go while others publish.
//!
//! # What gets worse
//!
//! The cells are those of [`speed`](super::speed#where-programs-really-are).
//!
//! * With filters, each envelope is sent to each subscriber that matches. That takes 1.4 to 1.6 times as long as a
//!   hand-made fan-out that asks the same question, and about twice as long where one of 1,000 matches (cell n).
//! * A group takes 2.0 to 2.9 times as long as crossbeam's channel that several consumers share (cell p).
//! * Between two threads, a request takes about 1.7 times as long as a pair of channels (cell r).
//! * A subscription takes about 2 KiB, and 5 KiB with a filter.
//! * A message is wrapped in an envelope with an id, a source and a time.
//! * One sender and one receiver need no bus.
