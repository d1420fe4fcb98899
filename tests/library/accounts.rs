//! Tests of the accounts: every envelope that matched a subscription is received, queued or dropped, and the receipts
//! agree.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use oxide_bus::{
    Bus, Envelope, Overflow, Pattern, Payload, Source, Subject, SubscribeOptions, Subscription,
};

use crate::support::task::Task;

const SOURCES: [&str; 3] = ["kernel", "logger", "disk"];
const KINDS: [&str; 2] = ["even", "odd"];

/// A payload that is addressed by its parity.
struct Number(usize);

impl Number {
    fn kind(&self) -> &'static str {
        KINDS[self.0 % 2]
    }
}

impl Payload for Number {
    fn subject(&self) -> Subject<'_> {
        Subject::new(["number", self.kind()])
    }
}

/// What one subscription listens to.
#[derive(Debug, Clone, Copy)]
struct Listens {
    source: Option<&'static str>,
    kind: Option<&'static str>,
}

impl Listens {
    fn to(self, source: &str, number: &Number) -> bool {
        self.source.is_none_or(|listened| listened == source)
            && self.kind.is_none_or(|listened| listened == number.kind())
    }
}

/// The sums of one stopped subscriber, and its subscription.
struct Reader {
    subscription: Subscription<Number>,
    received: usize,
    missed: u64,
}

impl Reader {
    /// Receives one envelope or one gap, if there is one.
    fn take(&mut self) -> bool {
        match self.subscription.try_iter().next() {
            Some(Ok(_)) => self.received += 1,
            Some(Err(error)) => self.missed += error.missed().expect("nobody is evicted"),
            None => return false,
        }
        true
    }

    /// Receives at irregular times until `stop` is set.
    fn read(mut self, stop: &AtomicBool, mut rng: Rng) -> Self {
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..rng.usize(..20) {
                self.take();
            }
            for _ in 0..rng.usize(..5) {
                thread::yield_now();
            }
        }
        self
    }
}

fn options(rng: &mut Rng) -> (SubscribeOptions<Number>, Listens) {
    let mut options = SubscribeOptions::new().capacity(*rng.choice(&[1, 2, 3, 16, 128]).unwrap());
    if rng.u8(..4) == 0 {
        let timeout = Duration::from_micros(rng.u64(..50));
        options = options.overflow(Overflow::BlockFor(timeout));
    }
    let listens = Listens {
        source: rng.choice(SOURCES).filter(|_| rng.u8(..4) == 0),
        kind: rng.choice(KINDS).filter(|_| rng.u8(..4) == 0),
    };
    if let Some(source) = listens.source {
        options = options.source(source);
    }
    if let Some(kind) = listens.kind {
        options = options.pattern(format!("number.{}", Pattern::escape(kind)));
    }
    (options, listens)
}

#[derive(Default)]
struct Receipts {
    matched: usize,
    delivered: usize,
    dropped: usize,
}

/// Runs a random load, waits until it is quiet, then compares the sums.
fn keep_accounts(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let bus = Bus::<Number>::new();
    let stop = Arc::new(AtomicBool::new(false));
    let (readers, listens): (Vec<_>, Vec<_>) = (0..rng.usize(1..8))
        .map(|_| {
            let (options, listens) = options(&mut rng);
            let reader = Reader {
                subscription: bus.subscribe_with(options).unwrap(),
                received: 0,
                missed: 0,
            };
            let (stop, rng) = (Arc::clone(&stop), rng.fork());
            (Task::start(move || reader.read(&stop, rng)), listens)
        })
        .unzip();

    let publishers: Vec<_> = SOURCES
        .into_iter()
        .map(|source| {
            let (bus, listens, numbers) = (bus.clone(), listens.clone(), rng.usize(..400));
            Task::start(move || {
                let mut sums = Receipts::default();
                let mut matched = vec![0; listens.len()];
                for number in (0..numbers).map(Number) {
                    for (listens, matched) in listens.iter().zip(&mut matched) {
                        *matched += usize::from(listens.to(source, &number));
                    }
                    let receipt = bus.publish(Envelope::new(source, number)).unwrap();
                    sums.matched += receipt.matched();
                    sums.delivered += receipt.delivered();
                    sums.dropped += receipt.dropped();
                }
                (sums, matched)
            })
        })
        .collect();

    let mut receipts = Receipts::default();
    let mut matched = vec![0; listens.len()];
    for publisher in publishers {
        let (sums, by_subscription) = publisher.end();
        receipts.matched += sums.matched;
        receipts.delivered += sums.delivered;
        receipts.dropped += sums.dropped;
        for (total, more) in matched.iter_mut().zip(by_subscription) {
            *total += more;
        }
    }
    stop.store(true, Ordering::Relaxed);

    let (mut delivered, mut dropped) = (0, 0);
    for ((reader, matched), listens) in readers.into_iter().zip(&matched).zip(listens) {
        let mut reader = reader.end();
        let lost = usize::try_from(reader.subscription.dropped()).unwrap();
        let taken = reader.received + reader.subscription.len();
        assert_eq!(taken + lost, *matched, "seed {seed}, {listens:?}");
        delivered += taken;
        dropped += lost;

        while reader.take() {
            assert!(reader.missed <= lost as u64, "seed {seed}, {listens:?}");
        }
        assert_eq!(reader.received, taken, "seed {seed}, {listens:?}");
        assert_eq!(reader.missed, lost as u64, "seed {seed}, {listens:?}");
    }
    assert_eq!(
        receipts.matched,
        matched.iter().sum::<usize>(),
        "seed {seed}"
    );
    assert_eq!(receipts.delivered, delivered, "seed {seed}");
    assert_eq!(receipts.dropped, dropped, "seed {seed}");
}

#[test]
fn matched_is_received_and_queued_and_dropped_and_receipts_agree() {
    for seed in 0..60 {
        keep_accounts(seed);
    }
}

/// Several publishers find the same queue full at the same time.
#[test]
fn every_loss_is_counted_though_several_publishers_lose_at_once() {
    const EACH: usize = 30_000;
    let bus = Bus::<Number>::new();
    let mut stuck = bus
        .subscribe_with(SubscribeOptions::new().capacity(1))
        .unwrap();
    let start = Arc::new(Barrier::new(SOURCES.len()));
    let publishers = SOURCES.map(|source| {
        let (bus, start) = (bus.clone(), Arc::clone(&start));
        Task::start(move || {
            let source = Source::from(source);
            start.wait();
            let publish = |number| bus.publish(Envelope::new(&source, Number(number))).unwrap();
            (0..EACH)
                .map(|number| publish(number).dropped())
                .sum::<usize>()
        })
    });
    let dropped: usize = publishers.map(Task::end).into_iter().sum();
    assert_eq!(dropped, SOURCES.len() * EACH - 1);
    assert_eq!(stuck.dropped(), dropped as u64);
    assert!(stuck.recv().is_ok());
    let told = stuck
        .try_recv()
        .map_or_else(|error| error.missed(), |_| None);
    assert_eq!(told, Some(dropped as u64));
}

/// A subscription that comes and goes counts in receipts only while it is subscribed.
#[test]
fn receipts_count_a_subscriber_only_while_it_is_subscribed() {
    let bus = Bus::<Number>::new();
    let publish = || bus.publish(Envelope::new("kernel", Number(0))).unwrap();
    let first = bus.subscribe();
    assert_eq!(publish().matched(), 1);
    let second = bus.subscribe();
    assert_eq!(publish().matched(), 2);
    drop(first);
    assert_eq!(publish().matched(), 1);
    assert_eq!(second.len(), 2);
    drop(second);
    assert_eq!(publish().matched(), 0);
}

/// A thread that learns by any means that a publish has returned finds the envelope in the queue.
#[test]
fn what_a_receipt_counts_as_delivered_is_in_the_queue_when_publish_returns() {
    const EACH: usize = 700;
    let bus = Bus::<Number>::new();
    let mut subscription = bus
        .subscribe_with(SubscribeOptions::new().capacity(3 * EACH))
        .unwrap();
    let (tell, told) = channel();
    let publishers: Vec<_> = (0..3)
        .map(|publisher| {
            let (bus, tell) = (bus.clone(), tell.clone());
            Task::start(move || {
                for number in publisher * EACH..(publisher + 1) * EACH {
                    let receipt = bus
                        .publish(Envelope::new("kernel", Number(number)))
                        .unwrap();
                    assert_eq!(receipt.delivered(), 1);
                    tell.send(number).unwrap();
                }
            })
        })
        .collect();
    drop(tell);

    let mut seen = HashSet::new();
    for number in told {
        while !seen.contains(&number) {
            let delivery = subscription.try_recv().expect("it has been published");
            seen.insert(delivery.message.0);
        }
    }
    assert_eq!(seen.len(), 3 * EACH);
    for publisher in publishers {
        publisher.end();
    }
}
