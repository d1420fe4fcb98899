//! Benchmark of one publish, by what its subscribers are like.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use oxide_bus::kernel::{Command, Message};
use oxide_bus::{Envelope, MessageBus, Overflow, Source, SubscribeOptions, Subscription};

fn ping(source: &Source) -> Envelope {
    Envelope::new(source, Message::Command(Command::Ping))
}

fn publish(c: &mut Criterion) {
    let source = Source::from("kernel");
    let mut group = c.benchmark_group("publish");
    group.throughput(Throughput::Elements(1));

    let bus = MessageBus::new();
    group.bench_function("nobody listens", |b| {
        b.iter(|| bus.publish(ping(&source)).expect("open"));
    });

    for subscribers in [1, 4, 16] {
        let bus = MessageBus::new();
        let full: Vec<_> = (0..subscribers)
            .map(|_| bus.subscribe_with(SubscribeOptions::new().capacity(1)))
            .collect();
        bus.publish(ping(&source)).expect("open");
        group.bench_function(BenchmarkId::new("all queues full", subscribers), |b| {
            b.iter(|| bus.publish(ping(&source)).expect("open"));
        });
        drop(full);
    }

    let bus = MessageBus::new();
    let others: Vec<_> = (0..16)
        .map(|module| {
            let pattern = format!("command.*.module-{module}");
            bus.subscribe_with(SubscribeOptions::new().pattern(pattern))
        })
        .collect();
    group.bench_function("sixteen listen to something else", |b| {
        b.iter(|| bus.publish(ping(&source)).expect("open"));
    });
    drop(others);
    group.finish();
}

const BURST: u32 = 64;

/// A bus and its subscribers, ready for a burst.
struct Cell {
    name: String,
    bus: MessageBus,
    one: Subscription,
    /// Subscribers that do not receive, and the thread that reads the figures.
    others: Vec<Subscription>,
    reading: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Cell {
    fn new(name: impl Into<String>, bus: MessageBus, options: SubscribeOptions) -> Self {
        Cell {
            name: name.into(),
            one: bus.subscribe_with(options).expect("open"),
            bus,
            others: Vec::new(),
            reading: None,
        }
    }

    fn retaining(self, pattern: &str) -> Self {
        self.bus.retain(pattern, 1).expect("open");
        self
    }

    /// Adds `count` subscribers whose queues are full.
    fn beside_full(mut self, count: usize) -> Self {
        let options = || SubscribeOptions::new().capacity(1);
        let full = (0..count).map(|_| self.bus.subscribe_with(options()).expect("open"));
        self.others.extend(full);
        self.bus
            .publish(ping(&Source::from("kernel")))
            .expect("open");
        self.one.try_recv_each(|_| ()).expect("it has the first");
        self
    }

    /// Adds `count` subscribers that listen to something else, and reads their figures now and then.
    fn beside_others(mut self, count: usize, read: Option<Duration>) -> Self {
        let other = |number| SubscribeOptions::new().source(format!("module-{number}"));
        let others = (0..count).map(|number| self.bus.subscribe_with(other(number)).expect("open"));
        self.others.extend(others);
        self.reading = read.map(|pause| {
            let bus = self.bus.clone();
            let (stop, stopped) = channel::<()>();
            let reader = thread::spawn(move || {
                while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                    assert_eq!(bus.stats().subscriptions.len(), count + 1);
                }
            });
            (stop, reader)
        });
        self
    }

    /// Publishes a burst, which one subscriber receives. Returns the time of one publish with its receiving.
    fn burst(&mut self, source: &Source) -> Duration {
        let started = Instant::now();
        for _ in 0..BURST {
            self.bus.publish(ping(source)).expect("open");
        }
        let received = self.one.try_recv_each(|_| ());
        let took = started.elapsed();
        assert_eq!(received, Ok(BURST as usize));
        took / BURST
    }
}

/// Measures the features that a publish may pay for: retaining, counting, reading the figures. Each figure is one
/// publish with its receiving in bursts of 64, side by side, the fastest of many rounds.
fn beside(_: &mut Criterion) {
    const ROUNDS: usize = 4_000;
    let plain = SubscribeOptions::new;
    let picked = || plain().source("kernel");
    let ordered = MessageBus::builder().total_order().build();
    let each = Duration::from_millis;
    let mut cells = vec![
        Cell::new("one subscriber", MessageBus::new(), plain()),
        Cell::new("something else retained", MessageBus::new(), plain()).retaining("event.>"),
        Cell::new("the last one retained", MessageBus::new(), plain()).retaining("command.>"),
        Cell::new("one subscriber, with a filter", MessageBus::new(), picked()),
        Cell::new("the same, in one order for all", ordered, picked()),
        Cell::new("beside 1 that is full", MessageBus::new(), plain()).beside_full(1),
        Cell::new("beside 8 that are full", MessageBus::new(), plain()).beside_full(8),
        Cell::new("beside 64 that are full", MessageBus::new(), plain()).beside_full(64),
        Cell::new("beside 1,000 others", MessageBus::new(), plain()).beside_others(1_000, None),
        Cell::new("the same, figures read each s", MessageBus::new(), plain())
            .beside_others(1_000, Some(each(1_000))),
        Cell::new("the same, read each 10 ms", MessageBus::new(), plain())
            .beside_others(1_000, Some(each(10))),
    ];
    let source = Source::from("kernel");
    let mut fastest = vec![Duration::MAX; cells.len()];
    let mut all = vec![Duration::ZERO; cells.len()];
    for _ in 0..ROUNDS {
        for ((cell, fastest), all) in cells.iter_mut().zip(&mut fastest).zip(&mut all) {
            let took = cell.burst(&source);
            *fastest = took.min(*fastest);
            *all += took;
        }
    }
    println!("One publish and its receiving, in nanoseconds");
    println!("{:>32}{:>10}{:>10}", "", "fastest", "mean");
    for ((cell, fastest), all) in cells.into_iter().zip(fastest).zip(all) {
        let mean = all.as_nanos() / ROUNDS as u128;
        println!("{:>32}{:>10}{:>10}", cell.name, fastest.as_nanos(), mean);
        if let Some((stop, reader)) = cell.reading {
            drop(stop);
            reader.join().expect("it ends well");
        }
        drop(cell.others);
    }
}

/// Measures one publish past this many full queues, by overflow policy. The time for each queue must not grow with
/// their number.
fn past_full_queues(_: &mut Criterion) {
    const ROUNDS: usize = 5;
    let sizes = [100, 1_000, 10_000, 100_000];
    println!("One publish past full queues, in nanoseconds for each queue");
    print!("{:>32}", "");
    println!("{}", sizes.map(|size| format!("{size:>10}")).concat());
    let policies = [
        ("DropNewest", Overflow::DropNewest, false),
        ("DropOldest", Overflow::DropOldest, false),
        ("Block, try_publish is refused", Overflow::Block, false),
        ("Block, publish_timeout gives up", Overflow::Block, true),
        ("Evict", Overflow::Evict, false),
    ];
    let source = Source::from("kernel");
    for (name, overflow, waits) in policies {
        let cells = sizes.map(|size| {
            let mut took: Vec<_> = (0..ROUNDS)
                .map(|_| past(size, overflow, waits, &source))
                .collect();
            took.sort();
            took[ROUNDS / 2].as_nanos() / size as u128
        });
        println!(
            "{name:>32}{}",
            cells.map(|cell| format!("{cell:>10}")).concat()
        );
    }
}

/// Returns the time of one publish past this many full queues. It is the second publish, because the first opens a
/// segment.
fn past(size: usize, overflow: Overflow, waits: bool, source: &Source) -> Duration {
    let bus = MessageBus::new();
    let options = || SubscribeOptions::new().capacity(1).overflow(overflow);
    let full = bus
        .subscribe_many((0..size).map(|_| options()))
        .expect("open");
    bus.publish(ping(source)).expect("open");
    let publish = || {
        let started = Instant::now();
        let published = match overflow {
            Overflow::Block | Overflow::BlockFor(_) if waits => {
                bus.publish_timeout(ping(source), Duration::ZERO)
            }
            Overflow::Block | Overflow::BlockFor(_) => bus.try_publish(ping(source)),
            _ => bus.publish(ping(source)),
        };
        let took = started.elapsed();
        assert!(published.is_ok() || published.is_err_and(|error| error.is_full()));
        took
    };
    let first = publish();
    let took = if overflow == Overflow::Evict {
        first
    } else {
        publish()
    };
    drop(bus); // before the subscriptions: leaving an open bus costs a walk along the whole list
    drop(full);
    took
}

criterion_group!(benches, publish, beside, past_full_queues);
criterion_main!(benches);
