//! Eleven complete programs to copy: each runs as it stands, and ends by itself.
//!
//! | I want | program |
//! | --- | --- |
//! | to share work among threads | [a work queue](#a-work-queue) |
//! | to ask several, and take the best answer | [a request with several responders](#a-request-with-several-responders) |
//! | to stop without losing what was accepted | [a graceful stop](#a-graceful-stop) |
//! | one thread that listens to several things | [waiting for several things](#waiting-for-several-things) |
//! | the same with channels and timers beside | [subscriptions among channels](#subscriptions-among-channels) |
//! | workers that are replaced when they fail | [a supervisor](#a-supervisor) |
//! | threads and tasks in one program | [a bridge of threads and tasks](#a-bridge-of-threads-and-tasks) |
//! | to prove later what happened | [an audit](#an-audit) |
//! | modules that I do not trust | [plug-ins with capabilities](#plug-ins-with-capabilities) |
//! | a source that is no faster than its sink | [back-pressure end to end](#back-pressure-end-to-end) |
//! | to test a module by itself | [testing a module](#testing-a-module) |
//!
//! # A work queue
//!
//! You need it when jobs come faster than one thread can do them: the members of a group share one queue, and each
//! job goes to one of them. A worker that panics has received its job, and no other gets it; so the owner counts what
//! is done, not what was sent.
//!
//! ```
//! use std::error::Error;
//! use std::thread;
//!
//! use oxide_bus::{Bus, Overflow, Payload, Subject, SubscribeOptions};
//!
//! enum Work {
//!     Job(u64),
//!     Done(u64),
//! }
//!
//! impl Payload for Work {
//!     fn subject(&self) -> Subject<'_> {
//!         Subject::new([if matches!(self, Work::Job(_)) { "job" } else { "done" }])
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let bus = Bus::<Work>::new();
//!     let mut done = bus.subscribe_with(SubscribeOptions::new().pattern("done").capacity(1_000))?;
//!     let queue = SubscribeOptions::new().pattern("job").group("workers").overflow(Overflow::Block);
//!     let mut workers = Vec::new();
//!     for name in ["ada", "bob", "cyd"] {
//!         let (mut jobs, out) = (bus.subscribe_with(queue.clone())?, bus.trusted_publisher(name));
//!         workers.push(thread::spawn(move || {
//!             for job in jobs.iter().flatten() {
//!                 if let Work::Job(number) = job.message {
//!                     out.publish(Work::Done(number * number)).expect("the bus is open");
//!                 }
//!             }
//!         }));
//!     }
//!     for number in 0..1_000 {
//!         bus.send("owner", Work::Job(number))?; // waits while the queue is full
//!     }
//!     let results = done.iter().flatten().take(1_000);
//!     let sum: u64 = results.map(|it| if let Work::Done(n) = it.message { n } else { 0 }).sum();
//!     assert_eq!(sum, 332_833_500);
//!     bus.close(); // ends the workers' loops
//!     for worker in workers {
//!         worker.join().expect("it has not panicked");
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # A request with several responders
//!
//! You need it when several may answer, and you want all their answers, or the best of them. The receipt says how
//! many have the question; one that listens and never answers, such as a log, makes you wait for the time-out, so let
//! the responders listen by pattern.
//!
//! ```
//! use std::error::Error;
//! use std::thread;
//! use std::time::Duration;
//!
//! use oxide_bus::{Bus, Payload, Subject};
//!
//! enum Shop {
//!     Price { item: &'static str },
//!     Costs(u32),
//! }
//!
//! impl Payload for Shop {
//!     fn subject(&self) -> Subject<'_> {
//!         match self {
//!             Shop::Price { item } => Subject::new(["price", item]),
//!             Shop::Costs(_) => Subject::new(["costs"]),
//!         }
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let bus = Bus::<Shop>::new();
//!     for (name, price) in [("north", 12), ("south", 9), ("west", 15)] {
//!         let mut questions = bus.subscribe_to("price.tea")?;
//!         let shop = bus.trusted_publisher(name);
//!         thread::spawn(move || {
//!             for question in questions.iter().flatten() {
//!                 let _ = shop.reply(&question, Shop::Costs(price)); // fails if the bus has closed
//!             }
//!         });
//!     }
//!     let client = bus.trusted_publisher("client");
//!     let answers = client.request_many(Shop::Price { item: "tea" }, Duration::from_secs(10))?;
//!     let asked = answers.receipt().delivered();
//!     let best = (answers.take(asked))
//!         .filter_map(|it| if let Shop::Costs(price) = it.message { Some((price, it.source.clone())) } else { None })
//!         .min();
//!     assert_eq!(best, Some((9, "south".into())));
//!     bus.close(); // the shops' publishers would keep it open
//!     Ok(())
//! }
//! ```
//!
//! # A graceful stop
//!
//! You need it when a program ends on a signal and what it has accepted must still be done. Stop from the front to
//! the back: each stage takes nothing new, does what it has, and only then comes the next; a bus that is closed at
//! once would refuse what the first stages still have to say.
//!
//! ```
//! use std::error::Error;
//! use std::thread;
//! use std::time::Duration;
//!
//! use oxide_bus::{Bus, Overflow, Payload, Subject, SubscribeOptions};
//!
//! enum Image {
//!     Uploaded(u32),
//!     Small(u32),
//! }
//!
//! impl Payload for Image {
//!     fn subject(&self) -> Subject<'_> {
//!         Subject::new([if matches!(self, Image::Uploaded(_)) { "uploaded" } else { "small" }])
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let bus = Bus::<Image>::new();
//!     let lossless = SubscribeOptions::new().overflow(Overflow::Block);
//!     let mut uploads = bus.subscribe_with(lossless.clone().pattern("uploaded"))?;
//!     let mut small = bus.subscribe_with(lossless.pattern("small"))?;
//!     let front = uploads.id();
//!     let out = bus.trusted_publisher("resizer");
//!     let resizer = thread::spawn(move || {
//!         for upload in uploads.iter().flatten() {
//!             if let Image::Uploaded(number) = upload.message {
//!                 out.publish(Image::Small(number)).expect("the bus is open");
//!             }
//!         }
//!     });
//!     let store = thread::spawn(move || small.iter().flatten().count());
//!     for number in 0..1_000 {
//!         bus.send("web", Image::Uploaded(number))?;
//!     }
//!
//!     bus.unsubscribe(front); // the first stage takes nothing new …
//!     resizer.join().expect("it has not panicked"); // … and has done what it had
//!     assert_eq!(bus.send("web", Image::Uploaded(1_000))?.matched(), 0); // the web answers: come back later
//!     bus.drain(Duration::from_secs(60))?; // nothing waits any more
//!     bus.close();
//!     assert_eq!(store.join().expect("it has not panicked"), 1_000);
//!     Ok(())
//! }
//! ```
//!
//! # Waiting for several things
//!
//! You need it when one thread must react to whatever comes first: from several buses, of whatever payloads, with a time
//! limit. [`Select`](crate::Select) names the subscription to ask; each keeps its own queue, capacity and overflow policy.
//! For several subjects of one bus, one subscription with several [`patterns`](crate::SubscribeOptions::patterns) is
//! enough. Tasks have `tokio::select!`.
//!
//! ```
//! use std::error::Error;
//! use std::time::{Duration, Instant};
//!
//! use oxide_bus::{Bus, Select, TryRecvError};
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let (readings, orders) = (Bus::<f64>::new(), Bus::<String>::new());
//!     let (mut celsius, mut words) = (readings.subscribe(), orders.subscribe());
//!     readings.send("thermometer", 21.5)?;
//!     orders.send("user", "stop".to_owned())?;
//!
//!     let end = Instant::now() + Duration::from_secs(60);
//!     let mut select = Select::new();
//!     let (mut warmest, mut stopped) = (f64::MIN, false);
//!     while !stopped || warmest == f64::MIN {
//!         match select.wait_deadline(&mut [&mut celsius, &mut words], end) {
//!             Some(0) => match celsius.try_recv() {
//!                 Ok(reading) => warmest = warmest.max(reading.message),
//!                 Err(TryRecvError::Lagged { missed }) => println!("{missed} readings lost"),
//!                 Err(end) => return Err(end.into()),
//!             },
//!             Some(_) => stopped = words.try_recv()?.message == "stop",
//!             None => return Err("nobody said stop".into()),
//!         }
//!     }
//!     assert_eq!(warmest, 21.5);
//!     Ok(())
//! }
//! ```
//!
//! # Subscriptions among channels
//!
//! You need it when a thread has channels, tickers or a stop signal to wait for as well.
//! [`readiness`](crate::Subscription::readiness) gives a channel for crossbeam's `select!`. Receive until nothing is left
//! after each of its tokens; the next one is asked for by that.
//!
//! ```
//! use std::error::Error;
//! use std::thread;
//! use std::time::Duration;
//!
//! use oxide_bus::Bus;
//! use oxide_bus::crossbeam_channel::{bounded, select, tick};
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let (readings, orders) = (Bus::<f64>::new(), Bus::<String>::new());
//!     let (mut celsius, mut words) = (readings.subscribe(), orders.subscribe());
//!     let (stop, stopped) = bounded::<()>(0);
//!
//!     let station = thread::spawn(move || {
//!         let (new_reading, new_order) = (celsius.readiness(), words.readiness());
//!         let every_second = tick(Duration::from_secs(1));
//!         let (mut sum, mut log) = (0.0, Vec::new());
//!         loop {
//!             select! {
//!                 recv(new_reading) -> _ => for it in celsius.try_iter().flatten() { sum += it.message },
//!                 recv(new_order) -> _ => log.extend(words.try_iter().flatten().map(|it| it.message.clone())),
//!                 recv(every_second) -> _ => println!("{sum} so far"),
//!                 recv(stopped) -> _ => return (sum, log),
//!             }
//!         }
//!     });
//!     readings.send("thermometer", 21.5)?;
//!     orders.send("user", "open".to_owned())?;
//!     readings.drain(Duration::from_secs(60))?;
//!     orders.drain(Duration::from_secs(60))?;
//!     drop(stop);
//!     assert_eq!(station.join().expect("it has not panicked"), (21.5, vec!["open".to_owned()]));
//!     Ok(())
//! }
//! ```
//!
//! # A supervisor
//!
//! You need it when a worker may panic and the rest of the program must go on: a thread that panics drops its
//! subscription, and an advisory tells that. Bound the restarts, or a job that nobody can do makes them endless; and
//! keep a second member in the group, since with its last member its queue is gone.
//!
//! ```
//! use std::error::Error;
//! use std::thread;
//!
//! use oxide_bus::{Advisory, Bus, SubscribeError, SubscribeOptions};
//!
//! const MAX_RESTARTS: u32 = 3;
//!
//! fn start(bus: &Bus<i32>) -> Result<(), SubscribeError> {
//!     let jobs = bus.subscribe_with(SubscribeOptions::new().name("worker").group("workers"))?;
//!     thread::spawn(move || {
//!         for job in jobs.into_iter().flatten() {
//!             assert!(job.message >= 0, "no worker can do this"); // a panic drops the subscription
//!             println!("{} is done", job.message);
//!         }
//!     });
//!     Ok(())
//! }
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let bus = Bus::<i32>::new();
//!     let mut ends = bus.advisories_with(SubscribeOptions::new().pattern("advisory.unsubscribed"))?;
//!     for _ in 0..2 {
//!         start(&bus)?;
//!     }
//!     for job in [1, -1, 2] {
//!         bus.send("owner", job)?;
//!     }
//!     let mut restarts = 0;
//!     for end in ends.iter().flatten() {
//!         let Advisory::Unsubscribed { name: Some(name), .. } = &end.message else { continue };
//!         if &**name != "worker" {
//!             continue;
//!         }
//!         if restarts == MAX_RESTARTS {
//!             break; // nobody can do this job: give up
//!         }
//!         start(&bus)?;
//!         restarts += 1;
//!         bus.send("owner", -1)?; // what was not done, once more
//!     }
//!     assert_eq!(restarts, MAX_RESTARTS);
//!     Ok(())
//! }
//! ```
//!
//! # A bridge of threads and tasks
//!
//! You need it when a driver or a computation has a thread and the rest of the program runs on an executor: both
//! faces are handles on one bus. Never call a `recv` that blocks in a task; give it a thread, here one of tokio's.
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
//! wait for it: put it on a disk that keeps up, and look at the error of [`close`](crate::audit::AuditLog::close).
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
//! You need it when parts of the program come from others: a plug-in gets a publisher and a subscription, and no way
//! to the bus. Give it a rate, a [fixed](crate::SubscribeOptions::fixed) subscription, and
//! [`Evict`](crate::Overflow::Evict) or a policy that drops, never `Block`;
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
//! You need it when nothing may be lost and memory is bounded, so that the source must be as slow as the sink: every
//! queue on the way blocks, and what comes from outside is refused where there is no room. Take a bus for each stage:
//! a thread that publishes to a queue that it empties itself waits for ever, and so do two that wait in a circle.
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
//! You need it for every module: give it a real bus, which costs nothing to make, and look at what it says. Fill its
//! inbox and close that before the module runs: then it runs on the test's own thread, to its end, and there is
//! nothing to wait for.
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
