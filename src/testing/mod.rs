//! A kit for the tests of programs that use a bus (feature `testing`).
//!
//! | to test | take |
//! | --- | --- |
//! | what a module says, by itself or in threads | [`Recorder`], whose failures say what came instead |
//! | grants that expire, rates, time-outs, timestamps | [`ManualClock`] |
//! | output that has ids in it | [`SeededIds`] |
//! | that a program of threads has received everything | [`wait_idle`] |
//! | that a module copes with loss, doubles and disorder | [`FaultyPublisher`] |
//! | that modules do not rely on the order in which they are served | [`Scheduler`]: one thread, one order for each seed |
//!
//! Enable the feature for tests only. `cargo test` also builds the binaries of your package with it. Do not ship those:
//! a [module](crate::docs::threat_model#what-it-can-do) can then use a clock of its own.
//!
//! ```toml
//! [dev-dependencies]
//! oxide-bus = { path = "../oxide-bus", features = ["testing"] } # not on crates.io yet
//! ```
//!
//! Clock and ids belong to the thread that has entered them. A thread that has entered none pays one read of a
//! thread-local flag each time it reads the clock. Tasks need no manual clock: the time-outs of the async methods use
//! tokio's clock, which a test can [pause](https://docs.rs/tokio/latest/tokio/time/fn.pause.html). Grants, rates and
//! timestamps use the [`ManualClock`] there too, if the runtime's thread has entered it.
//!
//! # A whole test
//!
//! Billing takes each order that the shop places, and reports it paid. It may see an order twice, because the shop
//! repeats the order until it is paid. The test runs with a hundred seeds. Each seed makes another sequence of
//! deliveries.
//!
//! ```
//! use std::collections::HashSet;
//! use std::time::Duration;
//! use oxide_bus::testing::{FaultyPublisher, Recorder, Scheduler};
//! use oxide_bus::{Bus, Delivery, Payload, Publisher, RecvError, Subject};
//!
//! #[derive(Debug, Clone)]
//! enum Order { Placed(u32), Paid(u32) }
//! impl Payload for Order {
//!     fn subject(&self) -> Subject<'_> {
//!         Subject::new(["order", match self { Order::Placed(_) => "placed", Order::Paid(_) => "paid" }])
//!     }
//! }
//!
//! // The module.
//! fn billing(out: Publisher<Order>) -> impl FnMut(Result<Delivery<Order>, RecvError>) {
//!     let mut billed = HashSet::new();
//!     move |item| {
//!         if let Ok(envelope) = item
//!             && let Order::Placed(number) = envelope.message
//!             && billed.insert(number)
//!         {
//!             out.reply(&envelope, Order::Paid(number)).expect("billing may report");
//!         }
//!     }
//! }
//!
//! // The test.
//! for seed in 0..100 {
//!     let bus = Bus::<Order>::new();
//!     let mut scheduler = Scheduler::new(seed); // prints the seed if something below fails
//!     let mut paid = Recorder::new(&bus, "order.paid");
//!     bus.grant("order:pay")?;
//!     let out = bus.publisher("billing", "order:pay");
//!     scheduler.handle("billing", bus.subscribe_to("order.placed")?, billing(out));
//!
//!     let shop = bus.trusted_publisher("shop");
//!     let mut shop = FaultyPublisher::new(shop, seed).doubles(0.5).reorders(0.5, 2);
//!     for number in 0..5 {
//!         shop.publish(Order::Placed(number))?;
//!         scheduler.step();
//!     }
//!     shop.release_all()?;
//!     scheduler.run();
//!
//!     for number in 0..5 {
//!         let is_paid = move |order: &Order| matches!(order, Order::Paid(it) if *it == number);
//!         (paid.expect_that(format!("payment of order {number}"), move |it| is_paid(&it.message)))
//!             .within(Duration::ZERO);
//!     }
//!     paid.expect_nothing(); // none was billed twice
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! If billing forgot what it has billed, the test would fail with this:
//!
//! ```text
//! nothing was expected, but there came 3 envelopes:
//!   #3 order.paid from billing: Paid(0)
//!   #14 order.paid from billing: Paid(3)
//!   #15 order.paid from billing: Paid(4)
//! The scheduler's seed was 0. After 8 steps, the last were:
//!   billing: #0 order.placed from shop
//!   billing: #1 order.placed from shop
//!   billing: #4 order.placed from shop
//!   …
//! ```
//!
//! The number after `#` is the sequence number of the envelope.

mod clock;
mod faulty;
mod idle;
mod ids;
mod line;
mod recorder;
mod scheduler;

pub use self::clock::ManualClock;
pub use self::faulty::{FaultCounts, FaultyPublisher};
pub use self::idle::{NotIdle, wait_idle};
pub use self::ids::SeededIds;
pub use self::recorder::{Expectation, Recorder};
pub use self::scheduler::Scheduler;
pub use crate::support::substitutes::Entered;
