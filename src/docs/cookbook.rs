//! Complete programs to copy: each runs as it stands, and ends by itself. There are eleven, on two pages.
//!
//! | I want | program |
//! | --- | --- |
//! | to share work among threads | [a work queue](#a-work-queue) |
//! | to ask several responders, and take the best answer | [a request with several responders](#a-request-with-several-responders) |
//! | to stop without losing what was accepted | [a graceful stop](#a-graceful-stop) |
//! | one thread that listens to several things | [waiting for several things](#waiting-for-several-things) |
//! | the same with channels and timers beside | [subscriptions among channels](#subscriptions-among-channels) |
//! | workers that are replaced when they fail | [a supervisor](#a-supervisor) |
//!
//! Where the bus meets something else, on [the second page](super::cookbook_boundaries):
//!
//! | I want | program |
//! | --- | --- |
//! | threads and tasks in one program | [a bridge of threads and tasks](super::cookbook_boundaries#a-bridge-of-threads-and-tasks) |
//! | to prove later what happened | [an audit](super::cookbook_boundaries#an-audit) |
//! | modules that I do not trust | [plug-ins with capabilities](super::cookbook_boundaries#plug-ins-with-capabilities) |
//! | a source that is no faster than its sink | [back-pressure end to end](super::cookbook_boundaries#back-pressure-end-to-end) |
//! | to test a module by itself | [testing a module](super::cookbook_boundaries#testing-a-module) |
//!
//! # A work queue
//!
//! You need it when jobs come faster than one thread can do them. The members of a group share one queue, and each
//! job goes to one of them. If a worker panics, its job was received, and no other worker gets it. So the owner counts
//! what is done, not what was sent.
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
//! You need it when several modules may answer, and you want all their answers, or the best of them. The receipt says
//! how many subscribers have the question. A subscriber that never answers, such as a log, makes you wait for the
//! time-out. So let the responders listen by pattern.
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
//! You need it when a program ends on a signal and must still do the work that it has accepted. Stop from the front to
//! the back: each stage takes nothing new and does what it has, and only then comes the next stage. A bus that is
//! closed at once would refuse what the first stages still have to say.
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
//! You need it when one thread must react to whatever comes first: from several buses, with any payloads, with a time
//! limit. [`Select`](crate::Select) names the subscription to ask. Each keeps its own queue, capacity and overflow
//! policy. For several subjects of one bus, one subscription with several
//! [`patterns`](crate::SubscribeOptions::patterns) is enough. Tasks have `tokio::select!`.
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
//! [`readiness`](crate::Subscription::readiness) gives a channel for crossbeam's `select!`. After each of its tokens,
//! receive until nothing is left: only a receive that finds the queue empty asks for the next token.
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
//! You need it when a worker may panic and the rest of the program must go on. A thread that panics drops its
//! subscription, and an advisory tells that. Bound the restarts, or a job that no worker can do makes them endless.
//! Keep a second member in the group, because the queue is gone with the last member.
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
