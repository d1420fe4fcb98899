//! Stress tests: publishers and subscribers of every kind at once, and the accounts at the end. They show what one
//! thread at a time cannot.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use oxide_bus::{
    Bus, Delivery, Envelope, Overflow, Payload, RecvError, Subject, SubscribeOptions, Subscription,
    TryRecvError,
};

/// A publisher and its running number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbered {
    publisher: usize,
    number: u64,
}

impl Payload for Numbered {
    fn subject(&self) -> Subject<'_> {
        Subject::new([if self.number.is_multiple_of(2) {
            "even"
        } else {
            "odd"
        }])
    }
}

#[derive(Default)]
struct Sums {
    matched: AtomicU64,
    delivered: AtomicU64,
    dropped: AtomicU64,
}

/// What one subscriber received.
#[derive(Default)]
struct Seen {
    received: u64,
    missed: u64,
    last: BTreeMap<usize, u64>,
    last_sequence: Option<u64>,
}

impl Seen {
    fn delivery(&mut self, delivery: &Delivery<Numbered>, gap: u64, in_order: bool) {
        let Numbered { publisher, number } = delivery.message;
        self.received += 1;
        if let Some(last) = self.last.insert(publisher, number) {
            assert!(
                number > last,
                "publisher {publisher}: {number} after {last}"
            );
        }
        let sequence = delivery.sequence();
        if let Some(last) = self.last_sequence.replace(sequence)
            && in_order
        {
            assert_eq!(sequence, last + 1 + gap, "the gap is told where it lies");
        }
    }

    /// Receives to the end; `mode` says whether by waiting.
    fn all(
        mut self,
        mut subscription: Subscription<Numbered>,
        mode: usize,
        in_order: bool,
    ) -> Self {
        let mut gap = 0;
        loop {
            let result = match mode % 3 {
                0 => subscription.recv(),
                _ => match subscription.try_recv() {
                    Ok(delivery) => Ok(delivery),
                    Err(TryRecvError::Empty) => {
                        if mode % 3 == 1 {
                            thread::yield_now();
                            continue;
                        }
                        subscription.recv()
                    }
                    Err(TryRecvError::Lagged { missed }) => Err(RecvError::Lagged { missed }),
                    Err(TryRecvError::Disconnected) => Err(RecvError::Disconnected),
                    Err(TryRecvError::Evicted) => Err(RecvError::Evicted),
                },
            };
            match result {
                Ok(delivery) => {
                    self.delivery(&delivery, gap, in_order);
                    gap = 0;
                }
                Err(RecvError::Lagged { missed: lost }) => {
                    self.missed += lost;
                    gap += lost;
                }
                Err(RecvError::Disconnected | RecvError::Evicted) => {
                    assert_eq!(subscription.dropped(), self.missed);
                    assert_eq!(subscription.len(), 0);
                    return self;
                }
            }
        }
    }
}

fn stress(publishers: usize, each: u64, capacities: &[usize], batch: usize) {
    let bus = Bus::<Numbered>::new();
    let sums = Arc::new(Sums::default());
    let mut subscribers = Vec::new();
    for (index, &capacity) in capacities.iter().enumerate() {
        for overflow in [
            Overflow::DropNewest,
            Overflow::DropOldest,
            Overflow::Evict,
            Overflow::Block,
            Overflow::BlockFor(std::time::Duration::from_micros(50)),
        ] {
            for pattern in [None, Some("odd")] {
                let mut options = SubscribeOptions::new()
                    .capacity(capacity)
                    .overflow(overflow);
                if let Some(pattern) = pattern {
                    options = options.pattern(pattern);
                }
                let subscription = bus.subscribe_with(options).expect("open");
                let filtered = pattern.is_some();
                let in_order = !filtered;
                let lossless = overflow == Overflow::Block;
                let mode = index + subscribers.len();
                subscribers.push(thread::spawn(move || {
                    let seen = Seen::default().all(subscription, mode, in_order);
                    let offered = each * publishers as u64 / if filtered { 2 } else { 1 };
                    let matched = seen.received + seen.missed;
                    if overflow == Overflow::Evict && seen.missed > 0 {
                        assert_eq!(seen.missed, 1);
                        assert!(matched <= offered);
                    } else {
                        assert_eq!(matched, offered, "{capacity} {overflow:?}");
                    }
                    if lossless {
                        assert_eq!(seen.missed, 0);
                    }
                    if overflow == Overflow::DropOldest {
                        // A displaced envelope counts as delivered.
                        (matched, 0)
                    } else {
                        (seen.received, seen.missed)
                    }
                }));
            }
        }
    }
    let start = Arc::new(Barrier::new(publishers));
    let threads: Vec<_> = (0..publishers)
        .map(|publisher| {
            let (bus, sums, start) = (bus.clone(), Arc::clone(&sums), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                let envelope = |number| Envelope::new("stress", Numbered { publisher, number });
                let mut number = 0;
                while number < each {
                    let (delivered, dropped) = if batch == 1 {
                        let receipt = bus.publish(envelope(number)).expect("open");
                        number += 1;
                        (receipt.delivered(), receipt.dropped())
                    } else {
                        let end = (number + batch as u64).min(each);
                        let receipt = bus
                            .publish_batch((number..end).map(envelope))
                            .expect("open");
                        number = end;
                        (receipt.delivered(), receipt.dropped())
                    };
                    sums.delivered
                        .fetch_add(delivered as u64, Ordering::Relaxed);
                    sums.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
                    sums.matched
                        .fetch_add((delivered + dropped) as u64, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for publisher in threads {
        publisher.join().expect("publisher");
    }
    drop(bus);
    let (mut received, mut missed) = (0, 0);
    for subscriber in subscribers {
        let (its_received, its_missed) = subscriber.join().expect("subscriber");
        received += its_received;
        missed += its_missed;
    }
    assert_eq!(received, sums.delivered.load(Ordering::Relaxed));
    assert_eq!(missed, sums.dropped.load(Ordering::Relaxed));
    assert_eq!(received + missed, sums.matched.load(Ordering::Relaxed));
}

#[test]
fn one_publisher_and_subscribers_of_every_kind_agree_on_the_accounts() {
    stress(1, 4_000, &[1, 3, 128], 1);
}

#[test]
fn four_publishers_and_subscribers_of_every_kind_agree_on_the_accounts() {
    stress(4, 1_000, &[1, 2, 64], 1);
}

#[test]
fn batches_and_subscribers_of_every_kind_agree_on_the_accounts() {
    stress(3, 2_000, &[1, 5, 200], 17);
}

#[test]
fn subscribers_that_come_and_go_under_load_miss_nothing_of_their_time() {
    let bus = Bus::<Numbered>::new();
    let stop = Arc::new(AtomicBool::new(false));
    let published = Arc::new(AtomicU64::new(0));
    let publisher = {
        let (bus, stop, published) = (bus.clone(), Arc::clone(&stop), Arc::clone(&published));
        thread::spawn(move || {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                let message = Numbered {
                    publisher: 0,
                    number,
                };
                bus.publish(Envelope::new("stress", message)).expect("open");
                number += 1;
                published.store(number, Ordering::Release);
            }
        })
    };
    for round in 0..2_000 {
        let before = published.load(Ordering::Acquire);
        let mut subscription = bus
            .subscribe_with(SubscribeOptions::new().capacity(1 + round % 5))
            .expect("open");
        let after = published.load(Ordering::Acquire);
        let first = subscription.recv().expect("the first is never lost");
        assert!(
            first.message.number >= before,
            "published before it subscribed"
        );
        assert!(
            first.message.number <= after + 1,
            "a publish was not offered to it"
        );
        let mut next = first.message.number + 1;
        for _ in 0..round % 7 {
            match subscription.recv() {
                Ok(delivery) => {
                    assert_eq!(delivery.message.number, next);
                    next += 1;
                }
                Err(RecvError::Lagged { missed: lost }) => next += lost,
                Err(RecvError::Disconnected | RecvError::Evicted) => panic!("the bus is open"),
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    publisher.join().expect("publisher");
    assert_eq!(bus.subscriber_count(), 0);
}

/// Members come and go all the time. Exactly one of them receives each published envelope, or it is counted as lost.
/// The next member founds an evicted group anew. What the old group held is freed with its last member, received or
/// not.
fn members_come_and_go(overflow: Overflow) {
    const PUBLISHERS: usize = 2;
    const EACH: u64 = 1_000;
    const MEMBERS: usize = 3;
    let bus = Bus::<Numbered>::new();
    let member = SubscribeOptions::new()
        .capacity(8)
        .overflow(overflow)
        .group("workers");
    let evicts = overflow == Overflow::Evict;
    let evictions = SubscribeOptions::new()
        .pattern("advisory.evicted")
        .capacity(PUBLISHERS * usize::try_from(EACH).expect("few"));
    let evictions = bus.advisories_with(evictions).expect("open");
    // One member that stays keeps the group alive.
    let mut staying = bus.subscribe_with(member.clone()).expect("open");
    let done = Arc::new(AtomicBool::new(false));
    let members: Vec<_> = (0..MEMBERS)
        .map(|index| {
            let (bus, member, done) = (bus.clone(), member.clone(), Arc::clone(&done));
            thread::spawn(move || {
                let (mut received, mut missed, mut round) = (Vec::new(), 0, index);
                while !done.load(Ordering::Acquire) {
                    let mut subscription = bus.subscribe_with(member.clone()).expect("open");
                    for _ in 0..round % 5 {
                        match subscription.try_recv() {
                            Ok(delivery) => received.push(delivery.sequence()),
                            Err(TryRecvError::Lagged { missed: lost }) => missed += lost,
                            Err(TryRecvError::Empty) => thread::yield_now(),
                            Err(TryRecvError::Evicted) if evicts => break,
                            Err(end) => panic!("{end}"),
                        }
                    }
                    round += 1;
                }
                (received, missed)
            })
        })
        .collect();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let bus = bus.clone();
            thread::spawn(move || {
                let (mut delivered, mut dropped) = (0, 0);
                for number in 0..EACH {
                    let message = Numbered { publisher, number };
                    let receipt = bus.publish(Envelope::new("stress", message)).expect("open");
                    let matched = receipt.matched();
                    assert!(
                        matched == 1 || evicts && matched == 0,
                        "a group counts as one"
                    );
                    delivered += receipt.delivered() as u64;
                    dropped += receipt.dropped() as u64;
                }
                (delivered, dropped)
            })
        })
        .collect();
    let (mut delivered, mut dropped) = (0, 0);
    for publisher in publishers {
        let sums = publisher.join().expect("publisher");
        delivered += sums.0;
        dropped += sums.1;
    }
    done.store(true, Ordering::Release);
    let (mut received, mut missed) = (Vec::new(), 0);
    for member in members {
        let (its, its_missed) = member.join().expect("member");
        received.extend(its);
        missed += its_missed;
    }
    assert!(bus.subscriber_count() == 1 || evicts && bus.subscriber_count() == 0);
    assert_eq!(evictions.len() as u64, if evicts { dropped } else { 0 });
    drop(bus);
    for item in &mut staying {
        match item {
            Ok(delivery) => received.push(delivery.sequence()),
            Err(RecvError::Lagged { missed: lost }) => missed += lost,
            Err(error) => assert!(evicts && error == RecvError::Evicted),
        }
    }
    assert!(staying.dropped() == missed || evicts);
    let count = received.len() as u64;
    received.sort_unstable();
    received.dedup();
    assert_eq!(received.len() as u64, count, "received twice");
    if evicts {
        assert!(dropped > 0 && missed > 0, "it was to be evicted");
        assert!(count <= delivered && missed <= dropped);
    } else if overflow == Overflow::DropOldest {
        assert_eq!((count + missed, 0), (delivered, dropped));
    } else {
        assert_eq!((count, missed), (delivered, dropped));
    }
}

#[test]
fn members_that_come_and_go_under_load_cost_a_group_no_envelope_and_no_account() {
    members_come_and_go(Overflow::DropNewest);
    members_come_and_go(Overflow::DropOldest);
    members_come_and_go(Overflow::Block);
}

#[test]
fn members_that_come_and_go_while_their_groups_are_evicted_receive_nothing_twice() {
    members_come_and_go(Overflow::Evict);
}
