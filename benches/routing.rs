//! What routing costs: one publish, by how many subscribers there are and how many of them match; and
//! coming and going, by how many are there already.
//!
//! Prints tables; each figure is the median of several rounds.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oxide_bus::{Command, Envelope, Message, MessageBus, Source, SubscribeOptions, Subscription};
use tokio::sync::broadcast::{Receiver, Sender};

const SUBSCRIBERS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
const MATCHES: [usize; 4] = [0, 1, 10, 100];
const ROUNDS: usize = 501;

fn main() {
    publishing();
    against_broadcast();
    changing();
}

/// Nanoseconds a time, the median of the rounds.
fn median(times: u32, mut round: impl FnMut() -> Duration) -> f64 {
    round(); // warms up
    let mut took: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    took.sort_unstable();
    took[ROUNDS / 2].as_secs_f64() * 1e9 / f64::from(times)
}

fn module(number: usize) -> String {
    format!("module-{number}")
}

/// A command to one of so many modules.
fn command(source: &Source, number: usize) -> Envelope {
    let module_id = module(number);
    Envelope::new(source, Message::Command(Command::Stop { module_id }))
}

fn to_own(number: usize) -> SubscribeOptions {
    let pattern = format!("command.*.{}", module(number));
    SubscribeOptions::new().pattern(pattern.parse().expect("a pattern"))
}

/// So many subscribers, of which so many listen to module 0 and the others each to a module of its
/// own.
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
            .drain(|envelope| _ = black_box(envelope))
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

/// The same with a channel that everybody receives everything from.
fn against_broadcast() {
    const MODULES: usize = 1_000;
    const TIMES: u32 = 64;
    println!("\nA command to one of {MODULES} modules, until it has it, in nanoseconds");
    let source = Source::from("kernel");
    let numbers = || (0..TIMES).map(|time| time as usize * 7 % MODULES);

    let bus = MessageBus::new();
    let mut subscriptions: Vec<_> = (0..MODULES)
        .map(|number| bus.subscribe_with(to_own(number)).expect("open"))
        .collect();
    let ours = median(TIMES, || {
        let envelopes: Vec<_> = numbers().map(|number| command(&source, number)).collect();
        let started = Instant::now();
        for envelope in envelopes {
            bus.publish(envelope).expect("open");
        }
        for number in numbers() {
            black_box(
                subscriptions[number]
                    .try_recv()
                    .expect("it has its command"),
            );
        }
        started.elapsed()
    });
    println!("{:>32}{ours:>12.0}", "oxide-bus, by pattern");

    let sender = Sender::new(128);
    let mut receivers: Vec<(String, Receiver<Arc<Envelope>>)> = (0..MODULES)
        .map(|number| (module(number), sender.subscribe()))
        .collect();
    let theirs = median(TIMES, || {
        let envelopes: Vec<_> = numbers()
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
    });
    println!("{:>32}{theirs:>12.0}", "tokio broadcast, discarding");
    println!("{:>32}{:>11.0}x", "ratio", theirs / ours);
}

/// How long it takes to do something with each of so many, in microseconds for each.
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
