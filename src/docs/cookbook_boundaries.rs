//! The second page of the [cookbook](super::cookbook): programs where the bus meets tasks, a disk, modules that are not
//! trusted, the edge of the program, and a test.
//!
//! | I want | program |
//! | --- | --- |
//! | threads and tasks in one program | [a bridge of threads and tasks](#a-bridge-of-threads-and-tasks) |
//! | to prove later what happened | [an audit](#an-audit) |
//! | modules that I do not trust | [plug-ins with capabilities](#plug-ins-with-capabilities) |
//! | a source that is no faster than its sink | [back-pressure end to end](#back-pressure-end-to-end) |
//! | to test a module by itself | [testing a module](#testing-a-module) |
//!
//! # A bridge of threads and tasks
//!
//! You need it when a driver or a computation has a thread and the rest of the program runs on an executor. Both
//! faces are handles on one bus. Never call a blocking `recv` in a task. Give it a thread, here one of tokio's.
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use std::error::Error;
//! use std::thread;
//!
//! use oxide_bus::{Bus, Payload, RecvError, Subject};
//!
//! enum Room {
//!     Celsius(f64),
//!     Alarm(String),
//! }
//!
//! impl Payload for Room {
//!     fn subject(&self) -> Subject<'_> {
//!         Subject::new([if matches!(self, Room::Celsius(_)) { "celsius" } else { "alarm" }])
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn Error>> {
//!     let bus = Bus::<Room>::new();
//!     let mut alarms = bus.subscribe_to("alarm")?;
//!     let siren = tokio::task::spawn_blocking(move || alarms.recv()); // a thread listens …
//!
//!     let tasks = bus.clone().into_async();
//!     let mut readings = tasks.subscribe_to("celsius").await?;
//!     let watcher = tokio::spawn(async move {
//!         loop {
//!             match readings.recv().await {
//!                 Ok(reading) => if let Room::Celsius(celsius) = reading.message && celsius > 60.0 {
//!                     let text = format!("{celsius} °C at {}", reading.source);
//!                     let _ = tasks.send("watcher", Room::Alarm(text)).await; // … to what a task says
//!                 },
//!                 Err(RecvError::Lagged { missed }) => eprintln!("{missed} readings were lost"),
//!                 Err(_) => break,
//!             }
//!         }
//!     });
//!     let sensor = bus.trusted_publisher("oven"); // a thread speaks to the task
//!     thread::spawn(move || [21.5, 80.0].map(|celsius| sensor.publish(Room::Celsius(celsius)).is_ok()));
//!
//!     assert!(matches!(&siren.await??.message, Room::Alarm(text) if text == "80 °C at oven"));
//!     bus.close(); // the task has a handle too, which would keep it open
//!     Ok(watcher.await?)
//! }
//! ```
//!
//! # An audit
//!
//! You need it when somebody will ask later who said what, and who was refused. The log loses nothing, so publishers
//! wait for it. Put it on a disk that keeps up, and check the error of [`close`](crate::audit::AuditLog::close).
//! If the log itself may be tampered with, give it a hash chain (feature `hash-chain`) and keep its heads elsewhere.
//!
//! ```
//! use std::error::Error;
//!
//! use oxide_bus::audit::{self, AuditLog, Options};
//! use oxide_bus::{Bus, Grant, Payload, Subject};
//!
//! #[derive(serde::Serialize)]
//! struct Transfer {
//!     from: &'static str,
//!     cents: u64,
//! }
//!
//! impl Payload for Transfer {
//!     fn subject(&self) -> Subject<'_> {
//!         Subject::new(["transfer", self.from])
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let folder = tempfile::tempdir()?;
//!     let path = folder.path().join("audit.jsonl");
//!     let bus = Bus::<Transfer>::new();
//!     let options = Options::new().sync(true).rotate_at(1 << 30);
//!     let log = AuditLog::start(&bus, &path, options)?;
//!
//!     bus.grant(Grant::new("teller").pattern("transfer.till"))?;
//!     let teller = bus.publisher("teller", "teller");
//!     teller.publish(Transfer { from: "till", cents: 250 })?;
//!     teller.publish(Transfer { from: "vault", cents: 1_000_000 }).expect_err("not from the vault");
//!     log.flush()?; // all of it is on disk now
//!     log.close()?;
//!
//!     let report = audit::verify([&path])?;
//!     assert!(report.is_whole() && report.is_ended());
//!     assert_eq!(report.envelopes, 1);
//!     let text = std::fs::read_to_string(&path)?;
//!     assert!(text.contains("transfer.vault")); // the refusal is there as well
//!     Ok(())
//! }
//! ```
//!
//! # Plug-ins with capabilities
//!
//! You need it when parts of the program come from others. A plug-in gets a publisher and a subscription, and no way
//! to the bus. Give it a rate, a [fixed](crate::SubscribeOptions::fixed) subscription, and
//! [`Evict`](crate::Overflow::Evict) or a policy that drops, never `Block`.
//! [`docs::threat_model`](crate::docs::threat_model) says what it can still do.
//!
//! ```
//! use std::error::Error;
//! use std::thread;
//! use std::time::Duration;
//!
//! use oxide_bus::{Bus, Grant, Overflow, Payload, Publisher, Subject, SubscribeOptions, Subscription};
//!
//! struct Note {
//!     topic: &'static str,
//!     text: String,
//! }
//!
//! impl Payload for Note {
//!     fn subject(&self) -> Subject<'_> {
//!         Subject::new(["note", self.topic])
//!     }
//! }
//!
//! fn plug_in(out: &Publisher<Note>, inbox: Subscription<Note>) {
//!     for note in inbox.into_iter().flatten() {
//!         let text = format!("heard of {}", note.message.text);
//!         for topic in ["weather", "door"] { // it may not speak of the door
//!             if let Err(error) = out.publish(Note { topic, text: text.clone() }) {
//!                 eprintln!("{error}");
//!             }
//!         }
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let bus = Bus::<Note>::new();
//!     let mut refused = bus.advisories_with(SubscribeOptions::new().pattern("advisory.denied"))?;
//!     let mut weather = bus.subscribe_to("note.weather")?;
//!     bus.grant(Grant::new("plug-in:weather").pattern("note.weather").rate(100, 10))?;
//!     let out = bus.publisher("weather", "plug-in:weather");
//!     let options = SubscribeOptions::new().pattern("note.sensor").fixed().overflow(Overflow::Evict);
//!     let inbox = bus.subscribe_with(options)?;
//!     let plug_in = thread::spawn(move || plug_in(&out, inbox));
//!     bus.send("kernel", Note { topic: "sensor", text: "rain".into() })?;
//!     assert_eq!(weather.recv()?.message.text, "heard of rain");
//!     println!("{:?}", refused.recv()?.message);
//!     bus.revoke_and_drain("plug-in:weather", Duration::from_secs(60))?; // now nothing more comes from it
//!     bus.close();
//!     plug_in.join().map_err(|_| "it has panicked".into())
//! }
//! ```
//!
//! # Back-pressure end to end
//!
//! You need it when nothing may be lost and memory is bounded, so that the source must be as slow as the sink. Every
//! queue on the way blocks, and what comes from outside is refused if there is no room. Take a bus for each stage: a
//! thread that publishes to a queue that it empties itself waits for ever, and so do two threads that wait in a circle.
//!
//! ```
//! use std::error::Error;
//! use std::thread;
//!
//! use oxide_bus::{Bus, Envelope, Overflow, SubscribeOptions};
//!
//! fn lossless<M>() -> SubscribeOptions<M> {
//!     SubscribeOptions::new().capacity(4).overflow(Overflow::Block)
//! }
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let (raw, cooked) = (Bus::<u32>::new(), Bus::<String>::new());
//!     let (mut input, mut output) = (raw.subscribe_with(lossless())?, cooked.subscribe_with(lossless())?);
//!
//!     // At the edge, nobody waits: the fifth is refused, and comes back.
//!     let mut accepted = 0;
//!     let refused = loop {
//!         match raw.try_publish(Envelope::new("edge", accepted)) {
//!             Ok(_) => accepted += 1,
//!             Err(error) => break error,
//!         }
//!     };
//!     assert!(refused.is_full());
//!     assert_eq!((accepted, refused.into_envelope().message), (4, 4));
//!
//!     // Inside, each stage waits for the next: a source, a cook, and this thread as the sink.
//!     let source = thread::spawn(move || {
//!         (4..1_000).try_for_each(|number| raw.send("source", number).map(drop))
//!     });
//!     let cook = thread::spawn(move || {
//!         for number in input.iter().flatten() {
//!             cooked.send("cook", format!("dish {}", number.message)).expect("the bus is open");
//!         }
//!     });
//!     let dishes: Vec<_> = output.iter().flatten().collect(); // ends when both buses are gone
//!     assert_eq!(dishes.len(), 1_000);
//!     assert_eq!(dishes[999].message, "dish 999");
//!     source.join().expect("it has not panicked")?;
//!     cook.join().expect("it has not panicked");
//!     Ok(())
//! }
//! ```
//!
//! # Testing a module
//!
//! You need it for every module. Give it a real bus, which costs next to nothing to make, and look at what it says.
//! Fill its inbox and close that before the module runs. Then it runs on the test's own thread, to its end, and there
//! is nothing to wait for.
//!
//! ```
//! use oxide_bus::{Bus, Payload, Publisher, Subject, Subscription};
//!
//! #[derive(Debug, Clone, Copy, PartialEq)]
//! enum Home { Celsius(f64), Heater(bool) }
//!
//! impl Payload for Home {
//!     fn subject(&self) -> Subject<'_> {
//!         Subject::new([if matches!(self, Home::Celsius(_)) { "celsius" } else { "heater" }])
//!     }
//! }
//!
//! /// The module: turns the heater on below 18 °C, and off above 21 °C.
//! fn thermostat(out: &Publisher<Home>, inbox: Subscription<Home>) {
//!     let mut on = false;
//!     for reading in inbox.into_iter().flatten() {
//!         let Home::Celsius(celsius) = reading.message else { continue };
//!         let wanted = if on { celsius <= 21.0 } else { celsius < 18.0 };
//!         if wanted != on && out.publish(Home::Heater(wanted)).is_ok() {
//!             on = wanted;
//!         }
//!     }
//! }
//!
//! fn heater_after(readings: &[f64], granted: bool) -> Vec<Home> {
//!     let bus = Bus::<Home>::new();
//!     let (inbox, mut heater) = (bus.subscribe_to("celsius").unwrap(), bus.subscribe_to("heater").unwrap());
//!     let out = bus.publisher("thermostat", "home:heat");
//!     if granted {
//!         bus.grant("home:heat").unwrap();
//!     }
//!     for &celsius in readings {
//!         bus.send("test", Home::Celsius(celsius)).unwrap();
//!     }
//!     inbox.close(); // what is queued, and then the end
//!     thermostat(&out, inbox);
//!     heater.try_iter().flatten().map(|it| it.message).collect()
//! }
//!
//! fn main() { // in your crate, a test each
//!     assert_eq!(heater_after(&[17.0, 20.0, 22.0], true), [Home::Heater(true), Home::Heater(false)]);
//!     assert!(heater_after(&[19.0, 21.0], true).is_empty());
//!     assert!(heater_after(&[17.0], false).is_empty()); // it may not speak, and does not panic
//! }
//! ```
