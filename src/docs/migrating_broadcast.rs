//! For users of `tokio::sync::broadcast`: the same program with both, what is different, and what gets worse.
//!
//! All programs here are compiled and run as tests.
//!
//! # Side by side
//!
//! With `broadcast`:
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
//! Here, with the feature `tokio`:
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
//! # What to change
//!
//! | in `broadcast` | here |
//! | --- | --- |
//! | `broadcast::channel::<T>(128)` | [`Bus::<T>::new()`](crate::Bus::new) for threads, [`AsyncBus::<T>::new()`](crate::docs::tasks) for tasks, or both over one bus |
//! | one capacity for all, set by the sender | each subscription has its own, 128 by default ([`SubscribeOptions::capacity`](crate::SubscribeOptions::capacity)) |
//! | a slow receiver loses the oldest | that is [`Overflow::DropOldest`](crate::Overflow::DropOldest); the default drops the newest, and publishers may wait instead |
//! | `Lagged(missed)` where the receiver reads next | [`RecvError::Lagged`](crate::RecvError::Lagged)` { missed }` where the gap lies |
//! | `T: Clone`, a clone for each receiver | a [`Delivery`](crate::Delivery): all share one envelope. To own the message, clone it |
//! | any `T: Send` | a `T: Send + Sync + 'static`, with a line `impl Payload for T {}` for a type of your own |
//! | `send` fails if nobody listens, and gives the value back | a publish succeeds; its [`Receipt`](crate::Receipt) says how many subscriptions it matched |
//! | `sender.subscribe()` | [`bus.subscribe_with`](crate::Bus::subscribe_with) and `DropOldest`, as above; plain [`subscribe()`](crate::Bus::subscribe) drops the newest instead |
//! | `receiver.resubscribe()` | [`Subscription::resubscribe`](crate::Subscription::resubscribe), with the same options |
//! | `sender.receiver_count()` | [`Bus::subscriber_count`](crate::Bus::subscriber_count) |
//! | `sender.closed()` | [`Bus::wait_for_no_subscribers`](crate::Bus::wait_for_no_subscribers), which takes a time-out |
//! | `receiver.blocking_recv()` in a thread | [`Subscription::recv`](crate::Subscription::recv); threads and tasks may use one bus |
//! | `receiver.len()` | [`Subscription::len`](crate::Subscription::len) |
//! | the channel ends with its last sender | the same; also at [`Bus::close`](crate::Bus::close), from any handle |
//!
//! # When nobody listens, and who is slow
//!
//! With `broadcast` the sender learns that there is no receiver, and nothing of a slow one:
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use tokio::sync::broadcast;
//!
//! let (sender, receiver) = broadcast::channel::<u32>(2);
//! for number in 1..=3 {
//!     sender.send(number)?; // the receiver has lost the first by now; only it will learn of it
//! }
//! drop(receiver);
//! assert!(sender.send(4).is_err());
//! # Ok::<(), broadcast::error::SendError<u32>>(())
//! ```
//!
//! Here the receipt says both, if the policy loses the newest:
//!
//! ```
//! use oxide_bus::{Bus, SubscribeOptions};
//!
//! let bus = Bus::<u32>::new();
//! let slow = bus.subscribe_with(SubscribeOptions::new().capacity(2))?;
//! for number in 1..=2 {
//!     assert_eq!(bus.send("counter", number)?.dropped(), 0);
//! }
//! assert_eq!(bus.send("counter", 3)?.dropped(), 1);
//! drop(slow);
//! assert_eq!(bus.send("counter", 4)?.matched(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What gets better
//!
//! Filters before the queue, groups, subscribers that lose nothing, back-pressure, requests with answers, and the right
//! to publish. One slow receiver does not make the others lose anything, because each has a capacity of its own. Many
//! receivers on one thread receive sooner ([`speed`](super::speed)).
//!
//! # What gets worse
//!
//! * A further subscription takes about 3 KiB with `DropOldest`, else 2 KiB; a receiver of `broadcast` takes a few
//!   words.
//! * A publish to subscribers that never read costs more, because each has a queue that must be looked at: `broadcast`
//!   publishes past any number of them in the same time ([rows o and q](super::speed#where-programs-really-are)).
//! * Publishing with `DropOldest` to subscribers of which none is slow takes 1.03 to 1.15 times as long as with
//!   the best peer, and up to 1.3 times on other machines.
//! * A message is wrapped in an envelope with an id, a source and a time. That takes a reading of the clock for each.
//! * [`DropOldest`](crate::Overflow::DropOldest) without a filter keeps at least the newest *capacity*, and up to 128
//!   more ([limitations](super::limitations#what-keeps-the-newest)); `broadcast` keeps its capacity, rounded up to a
//!   power of two.
//! * Envelopes live in segments, so a message that is kept keeps up to 63 neighbours
//!   ([limitations](super::limitations#envelopes-live-in-segments)).
//! * It is a crate more. tokio is there already.
