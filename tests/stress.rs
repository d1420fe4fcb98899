//! What one thread at a time cannot show: publishers and subscribers of every kind at once, and
//! the accounts at the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use oxide_bus::{
    Bus, Delivery, Envelope, Overflow, Payload, RecvError, Subject, SubscribeOptions, Subscription,
    TryRecvError,
};

/// Publisher and its running number.
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

/// What one subscriber saw.
#[derive(Default)]
struct Seen {
    received: u64,
    missed: u64,
    last: BTreeMap<usize, u64>,
    last_sequence: Option<u64>,
}

impl Seen {
    fn delivery(&mut self, delivery: &Delivery<Numbered>, gap: u64, filtered: bool) {
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
            && !filtered
        {
            assert_eq!(sequence, last + 1 + gap, "the gap is told where it lies");
        }
    }

    /// Receives to the end, told or not told to wait.
    fn all(
        mut self,
        mut subscription: Subscription<Numbered>,
        mode: usize,
        filtered: bool,
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
                    Err(TryRecvError::Lagged(lagged)) => Err(RecvError::Lagged(lagged)),
                    Err(TryRecvError::Disconnected) => Err(RecvError::Disconnected),
                },
            };
            match result {
                Ok(delivery) => {
                    self.delivery(&delivery, gap, filtered);
                    gap = 0;
                }
                Err(RecvError::Lagged(lagged)) => {
                    self.missed += lagged.missed;
                    gap += lagged.missed;
                }
                Err(RecvError::Disconnected) => {
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
            Overflow::Block { timeout: None },
            Overflow::Block {
                timeout: Some(std::time::Duration::from_micros(50)),
            },
        ] {
            for pattern in [None, Some("odd")] {
                let mut options = SubscribeOptions::new()
                    .capacity(capacity)
                    .overflow(overflow);
                if let Some(pattern) = pattern {
                    options = options.pattern(pattern.parse().expect("a pattern"));
                }
                let subscription = bus.subscribe_with(options).expect("open");
                let filtered = pattern.is_some();
                let lossless = overflow == Overflow::Block { timeout: None };
                let mode = index + subscribers.len();
                subscribers.push(thread::spawn(move || {
                    let seen = Seen::default().all(subscription, mode, filtered);
                    let offered = each * publishers as u64 / if filtered { 2 } else { 1 };
                    assert_eq!(
                        seen.received + seen.missed,
                        offered,
                        "{capacity} {overflow:?}"
                    );
                    if lossless {
                        assert_eq!(seen.missed, 0);
                    }
                    (seen.received, seen.missed)
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
                Err(RecvError::Lagged(lagged)) => next += lagged.missed,
                Err(RecvError::Disconnected) => panic!("the bus is open"),
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    publisher.join().expect("publisher");
    assert_eq!(bus.subscriber_count(), 0);
}
