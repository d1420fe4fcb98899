//! Benchmark of routing: one publish, by how many subscribers there are and how many of them match; and subscribing and
//! leaving, by how many subscribers there are already.
//!
//! Prints tables. Each figure is the median of several rounds.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oxide_bus::kernel::{Command, Message};
use oxide_bus::{Envelope, MessageBus, Source, SubscribeOptions, Subscription};
use tokio::sync::broadcast::{Receiver, Sender};

const SUBSCRIBERS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
const MATCHES: [usize; 4] = [0, 1, 10, 100];
const ROUNDS: usize = 501;

fn main() {
    publishing();
    against_broadcast();
    changing();
}

/// Returns the nanoseconds of one time: the median of the rounds.
fn median(times: u32, mut round: impl FnMut() -> Duration) -> f64 {
    round(); // warms up
    let mut took: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    took.sort_unstable();
    took[ROUNDS / 2].as_secs_f64() * 1e9 / f64::from(times)
}

fn module(number: usize) -> String {
    format!("module-{number}")
}

/// Makes a command to one of this many modules.
fn command(source: &Source, number: usize) -> Envelope {
    let module_id = module(number);
    Envelope::new(source, Message::Command(Command::Stop { module_id }))
}

fn to_own(number: usize) -> SubscribeOptions {
    let pattern = format!("command.*.{}", module(number));
    SubscribeOptions::new().pattern(pattern)
}

/// Adds this many subscribers. `matches` of them listen to module 0, and each other one to a module of its own.
fn modules(bus: &MessageBus, subscribers: usize, matches: usize) -> Vec<Subscription> {
    (0..subscribers)
        .map(|number| {
            let number = if number < matches { 0 } else { number + 1 };
            bus.subscribe_with(to_own(number)).expect("open")
        })
        .collect()
}

fn drain(subscriptions: &mut [Subscription]) {
    for subscription in subscriptions {
        while subscription
            .try_recv_each(|envelope| _ = black_box(envelope))
            .is_ok()
        {}
    }
}

fn publishing() {
    const TIMES: u32 = 64;
    println!("One publish, in nanoseconds, making the envelope aside");
    print!("{:>12}", "subscribers");
    for matches in MATCHES {
        print!("{:>14}", format!("{matches} match"));
    }
    println!();
    let source = Source::from("kernel");
    for subscribers in SUBSCRIBERS {
        print!("{subscribers:>12}");
        for matches in MATCHES
            .into_iter()
            .filter(|matches| *matches <= subscribers)
        {
            let bus = MessageBus::new();
            let mut subscriptions = modules(&bus, subscribers, matches);
            let nanos = median(TIMES, || {
                let envelopes: Vec<_> = (0..TIMES).map(|_| command(&source, 0)).collect();
                let started = Instant::now();
                for envelope in envelopes {
                    let receipt = bus.publish(envelope).expect("open");
                    assert_eq!(receipt.delivered(), matches);
                }
                let took = started.elapsed();
                drain(&mut subscriptions[..matches]);
                took
            });
            print!("{nanos:>14.0}");
        }
        println!();
    }
}

/// Measures the same with a channel that delivers everything to every module.
fn against_broadcast() {
    const MODULES: usize = 1_000;
    println!("\nA command to one of {MODULES} modules, in nanoseconds");
    println!(
        "{:>20}{:>12}{:>20}{:>20}{:>12}",
        "published at a time", "oxide-bus", "with its receiving", "tokio broadcast", "ratio"
    );
    for burst in [1, 8, 64] {
        let [publishing, receiving] = one_by_pattern(MODULES, burst);
        let broadcast = one_by_broadcast(MODULES, burst);
        let ratio = broadcast / publishing;
        println!("{burst:>20}{publishing:>12.0}{receiving:>20.0}{broadcast:>20.0}{ratio:>11.0}x");
    }
}

/// Yields the modules to which the commands go, one after the other.
fn addressed(modules: usize, burst: u32) -> impl Iterator<Item = usize> {
    (0..burst).map(move |time| time as usize * 7 % modules)
}

/// Measures publishing, then publishing with receiving.
fn one_by_pattern(modules: usize, burst: u32) -> [f64; 2] {
    let source = Source::from("kernel");
    let bus = MessageBus::new();
    let mut subscriptions: Vec<_> = (0..modules)
        .map(|number| bus.subscribe_with(to_own(number)).expect("open"))
        .collect();
    [false, true].map(|receiving| {
        median(burst, || {
            let addressed = || addressed(modules, burst);
            let envelopes: Vec<_> = addressed().map(|it| command(&source, it)).collect();
            let started = Instant::now();
            for envelope in envelopes {
                bus.publish(envelope).expect("open");
            }
            let published = started.elapsed();
            for number in addressed() {
                black_box(
                    subscriptions[number]
                        .try_recv()
                        .expect("it has its command"),
                );
            }
            if receiving {
                started.elapsed()
            } else {
                published
            }
        })
    })
}

/// Measures publishing, and discarding by all other modules.
fn one_by_broadcast(modules: usize, burst: u32) -> f64 {
    let source = Source::from("kernel");
    let sender = Sender::new(128);
    let mut receivers: Vec<(String, Receiver<Arc<Envelope>>)> = (0..modules)
        .map(|number| (module(number), sender.subscribe()))
        .collect();
    median(burst, || {
        let envelopes: Vec<_> = addressed(modules, burst)
            .map(|number| Arc::new(command(&source, number)))
            .collect();
        let started = Instant::now();
        for envelope in envelopes {
            sender.send(envelope).expect("there are receivers");
        }
        for (own, receiver) in &mut receivers {
            while let Ok(envelope) = receiver.try_recv() {
                if let Message::Command(Command::Stop { module_id }) = &envelope.message
                    && module_id == own
                {
                    black_box(envelope);
                }
            }
        }
        started.elapsed()
    })
}

/// Returns the microseconds that the work takes for each item.
fn each<T>(items: impl ExactSizeIterator<Item = T>, work: impl FnMut(T)) -> f64 {
    let count = u32::try_from(items.len()).expect("few");
    let started = Instant::now();
    items.for_each(work);
    started.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}

fn changing() {
    const THERE: usize = 10_000;
    const MORE: usize = 200;
    println!("\nComing and going, up to {THERE} subscribers, in microseconds for each");
    println!("{:>28}{:>14}{:>14}", "", "with filter", "without");
    let source = Source::from("kernel");
    let columns = [true, false].map(|filtered| {
        let options = |number| {
            let options = if filtered {
                to_own(number)
            } else {
                SubscribeOptions::new()
            };
            options.capacity(4)
        };
        let bus = MessageBus::new();
        let subscribe = |number| bus.subscribe_with(options(number)).expect("open");
        let mut there = Vec::new();
        let coming = each(0..THERE, |number| there.push(subscribe(number)));
        let publishing = each(0..MORE, |number| {
            there.push(subscribe(number));
            bus.publish(command(&source, number)).expect("open");
        });
        let going = each(there.into_iter(), drop);
        [coming, publishing, going]
    });
    let rows = [
        "subscribing one by one",
        "subscribing and a publish",
        "leaving one by one",
    ];
    for (row, name) in rows.into_iter().enumerate() {
        let [with, without] = columns.map(|column| column[row]);
        println!("{name:>28}{with:>14.1}{without:>14.1}");
    }
}
