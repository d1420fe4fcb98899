//! Tests of endings: subscriptions of every kind begin, close themselves, are closed by others, are evicted and begin
//! anew while others publish. Everything that the receipts count is received or reported as lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::yield_now;
use std::time::Duration;

use oxide_bus::{Bus, Envelope, Overflow, RecvError, SubscribeOptions, Subscription, TryRecvError};
use uuid::Uuid;

use crate::support::task::Task;

const PUBLISHERS: u64 = 2;
const EACH: u64 = 1_000;
const SUBSCRIBERS: u64 = 4;

/// Returns the options of each kind of queue by number. The last ones are groups, which may have several members.
fn kind(number: u64) -> SubscribeOptions<u64> {
    let overflow = [
        Overflow::DropNewest,
        Overflow::Block,
        Overflow::BlockFor(Duration::from_micros(50)),
        Overflow::Evict,
        Overflow::DropOldest,
    ][(number % 5) as usize];
    let options = SubscribeOptions::new().capacity(3).overflow(overflow);
    match number / 5 {
        0 => options,
        1 => options.source("stress"),
        _ => options.group(format!("{overflow:?}")),
    }
}

const KINDS: u64 = 15;

/// The sums of one subscription.
#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    received: u64,
    missed: u64,
}

/// What one subscription has received.
#[derive(Default)]
struct Seen {
    sums: Sums,
    /// The last number of each publisher.
    last: BTreeMap<u64, u64>,
}

impl Seen {
    /// Records one result. Returns true at the end.
    fn note(&mut self, item: Result<u64, RecvError>) -> bool {
        match item {
            Ok(number) => {
                self.sums.received += 1;
                let last = self.last.insert(number / EACH, number);
                assert!(last.is_none_or(|last| last < number), "{last:?}, {number}");
                false
            }
            Err(RecvError::Lagged { missed }) => {
                self.sums.missed += missed;
                false
            }
            Err(RecvError::Disconnected | RecvError::Evicted) => true,
        }
    }
}

/// Receives a few envelopes, then ends or is ended by another thread, and receives the rest.
fn live(
    mut subscription: Subscription<u64>,
    bus: &Bus<u64>,
    random: &mut fastrand::Rng,
    others: &Mutex<Vec<Uuid>>,
) -> Seen {
    let mut seen = Seen::default();
    others.lock().unwrap().push(subscription.id());
    for _ in 0..random.u32(..20) {
        match subscription.try_recv() {
            Ok(delivery) => {
                seen.note(Ok(delivery.message));
            }
            Err(TryRecvError::Lagged { missed }) => {
                seen.note(Err(RecvError::Lagged { missed }));
            }
            Err(TryRecvError::Empty) => yield_now(),
            Err(TryRecvError::Disconnected | TryRecvError::Evicted) => break,
        }
    }
    let ends_by_itself = random.bool();
    if ends_by_itself {
        subscription.close();
        assert!(subscription.is_closed());
        assert!(!bus.unsubscribe(subscription.id()), "it is closed already");
    }
    let id = subscription.id();
    let mut others = others.lock().unwrap();
    if !others.is_empty() {
        let place = random.usize(..others.len());
        let another = others.swap_remove(place);
        drop(others);
        bus.unsubscribe(another);
    }
    if !ends_by_itself {
        bus.unsubscribe(id); // unless another thread has
    }
    // The loop ends by itself: nothing new arrives, and the end wakes the subscriber.
    while !seen.note(subscription.recv().map(|it| it.message)) {}
    assert_eq!(subscription.len(), 0);
    seen
}

#[test]
fn all_that_receipts_count_is_received_or_told_as_lost_however_subscriptions_end() {
    let seed = fastrand::u64(..);
    println!("seed {seed:#x}");
    for kinds in (0..KINDS)
        .map(|kind| vec![kind])
        .chain([(0..KINDS).collect()])
    {
        run(seed, &kinds);
    }
}

fn run(seed: u64, kinds: &[u64]) {
    let bus = Bus::<u64>::new();
    let others = Arc::new(Mutex::new(Vec::new()));
    let done = Arc::new(AtomicBool::new(false));
    let lives = Arc::new(AtomicU64::new(0));
    let subscribers: Vec<_> = (0..SUBSCRIBERS)
        .map(|number| {
            let mut random = fastrand::Rng::with_seed(seed + number);
            let (bus, others, done) = (bus.clone(), Arc::clone(&others), Arc::clone(&done));
            let (kinds, lives) = (kinds.to_vec(), Arc::clone(&lives));
            Task::start(move || {
                let mut sums = Sums::default();
                while !done.load(Ordering::Acquire) {
                    let kind = kind(kinds[random.usize(..kinds.len())]);
                    let subscription = bus.subscribe_with(kind).unwrap();
                    let seen = live(subscription, &bus, &mut random, &others);
                    sums.received += seen.sums.received;
                    sums.missed += seen.sums.missed;
                    lives.fetch_add(1, Ordering::Relaxed);
                }
                sums
            })
        })
        .collect();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let bus = bus.clone();
            Task::start(move || {
                let mut matched = 0;
                for number in publisher * EACH..(publisher + 1) * EACH {
                    let receipt = bus.publish(Envelope::new("stress", number)).unwrap();
                    matched += receipt.matched() as u64;
                }
                matched
            })
        })
        .collect();
    let matched: u64 = publishers.into_iter().map(Task::end).sum();
    done.store(true, Ordering::Release);
    let (mut received, mut missed) = (0, 0);
    for sums in subscribers.into_iter().map(Task::end) {
        received += sums.received;
        missed += sums.missed;
    }
    let lives = lives.load(Ordering::Relaxed);
    println!(
        "kinds {kinds:?}: {lives} subscriptions, {received} received, {missed} lost, {matched} matched"
    );
    assert_eq!(bus.subscriber_count(), 0);
    assert_eq!(received + missed, matched);
}
