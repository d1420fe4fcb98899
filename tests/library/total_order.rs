//! Tests of one order for all subscribers: `BusBuilder::total_order`.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use oxide_bus::{Bus, Envelope, Overflow, RecvError, SubscribeOptions, Subscription, TryRecvError};

use crate::support::numbers::{publish, publish_all, queued};
use crate::support::task::Task;

const PUBLISHERS: u64 = 4;
const EACH: u64 = 400;
const SOURCES: [&str; 3] = ["red", "green", "blue"];
const LOSSLESS: Overflow = Overflow::Block;

fn options() -> SubscribeOptions<u64> {
    SubscribeOptions::new()
}

fn source(number: u64) -> &'static str {
    SOURCES[usize::try_from(number % 3).expect("small")]
}

/// What one subscriber has received, in order.
#[derive(Default)]
struct Seen {
    sequences: Vec<u64>,
    missed: u64,
    evicted: bool,
}

fn receive_all(mut subscription: Subscription<u64>) -> Task<Seen> {
    Task::start(move || {
        let mut seen = Seen::default();
        loop {
            match subscription.recv() {
                Ok(delivery) => seen.sequences.push(delivery.sequence()),
                Err(RecvError::Lagged { missed: lost }) => seen.missed += lost,
                Err(RecvError::Evicted) => {
                    seen.evicted = true;
                    return seen;
                }
                Err(RecvError::Disconnected) => return seen,
            }
        }
    })
}

/// All threads publish at once, each in its own way. The bus closes when they are done.
fn publish_at_once(bus: Bus<u64>) -> Vec<Task<()>> {
    let publisher = |publisher| {
        let bus = bus.clone();
        Task::start(move || {
            for number in (0..EACH).map(|number| publisher * EACH + number) {
                let mut envelope = Envelope::new(source(number), number);
                match publisher {
                    0 => _ = bus.publish(envelope).unwrap(),
                    1 => {
                        let moment = Duration::from_micros(20);
                        bus.publish_timeout(envelope, moment).unwrap();
                    }
                    2 => _ = bus.publish_batch([envelope]).unwrap(),
                    _ => {
                        while let Err(full) = bus.try_publish(envelope) {
                            assert!(full.is_full());
                            std::thread::yield_now();
                            envelope = full.into_envelope();
                        }
                    }
                }
            }
        })
    };
    let publishers = (0..PUBLISHERS).map(publisher).collect();
    drop(bus);
    publishers
}

/// Returns filters that overlap, under every policy, and one subscriber without a filter, which has the order anyhow.
fn subscribers() -> Vec<SubscribeOptions<u64>> {
    let some = |sources: Range<usize>| {
        (SOURCES[sources].iter()).fold(options(), |options, &source| options.source(source))
    };
    let even = |envelope: &Envelope<u64>| envelope.message.is_multiple_of(2);
    vec![
        some(0..2).capacity(1).overflow(LOSSLESS),
        some(1..3).capacity(3).overflow(LOSSLESS),
        options().predicate(even).capacity(2).overflow(LOSSLESS),
        some(0..3).capacity(1),
        some(0..1).capacity(4).overflow(Overflow::DropOldest),
        options().capacity(4).overflow(Overflow::DropOldest),
        some(1..2).capacity(2_000).overflow(Overflow::Evict),
        options().group("red").capacity(2).overflow(LOSSLESS),
        options().group("red").capacity(2).overflow(LOSSLESS),
        options().group("blue").overflow(Overflow::DropOldest),
        options().group("blue").overflow(Overflow::DropOldest),
        options().capacity(2).overflow(LOSSLESS),
    ]
}

#[test]
fn everybody_sees_the_order_of_the_sequence_numbers_whatever_the_filter_and_the_policy() {
    for _ in 0..5 {
        let bus = Bus::<u64>::builder().total_order().build();
        let seen: Vec<_> = (bus.subscribe_many(subscribers()).unwrap().into_iter())
            .map(receive_all)
            .collect();
        for publisher in publish_at_once(bus) {
            publisher.end();
        }
        for (subscriber, seen) in seen.into_iter().enumerate() {
            let Seen {
                sequences,
                missed,
                evicted,
            } = seen.end();
            assert!(
                sequences.is_sorted_by(|one, next| one < next),
                "subscriber {subscriber}: {sequences:?}"
            );
            assert!(!sequences.is_empty() && !evicted);
            if subscriber == 6 {
                assert_eq!(missed, 0, "it has room for all");
            }
        }
    }
}

/// Every subscriber listens to everything, so that a missing envelope shows.
#[test]
fn nothing_is_lost_that_is_waited_for() {
    let bus = Bus::<u64>::builder().total_order().build();
    let lossless = options().source("red").capacity(1).overflow(LOSSLESS);
    let seen = [(); 3].map(|()| receive_all(bus.subscribe_with(lossless.clone()).unwrap()));
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|_| {
            let bus = bus.clone();
            Task::start(move || {
                for number in 0..EACH {
                    let receipt = bus.publish(Envelope::new("red", number)).unwrap();
                    assert_eq!((receipt.delivered(), receipt.dropped()), (3, 0));
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.end();
    }
    drop(bus);
    let all: Vec<_> = (0..PUBLISHERS * EACH).collect();
    for seen in seen {
        assert_eq!(seen.end().sequences, all);
    }
}

#[test]
fn a_waiting_publisher_keeps_nobody_from_publishing_to_other_subscribers() {
    let bus = Bus::<u64>::builder().total_order().build();
    let lossless = options().source("red").capacity(1).overflow(LOSSLESS);
    let mut full = bus.subscribe_with(lossless).unwrap();
    let mut other = bus.subscribe_with(options().source("counter")).unwrap();
    bus.publish(Envelope::new("red", 1)).unwrap();
    let waiting = {
        let bus = bus.clone();
        Task::start(move || bus.publish(Envelope::new("red", 2)).unwrap())
    };
    waiting.assert_waits();
    // Others receive while the publisher waits.
    publish_all(&bus, 10..12);
    assert_eq!(queued(&mut other), [Ok(10), Ok(11)]);
    let refused = bus.try_publish(Envelope::new("red", 3)).unwrap_err();
    assert!(refused.is_full());
    let late = bus
        .publish_timeout(Envelope::new("red", 4), Duration::from_millis(1))
        .unwrap();
    assert_eq!((late.delivered(), late.dropped()), (0, 1));
    assert_eq!(full.recv().unwrap().message, 1);
    assert_eq!(waiting.end().delivered(), 1);
    // 2 was published when there was room, after 4 was lost.
    assert_eq!(full.recv().unwrap_err().missed().unwrap(), 1);
    assert_eq!(full.recv().unwrap().message, 2);
    assert_eq!(full.try_recv().unwrap_err(), TryRecvError::Empty);
}

/// All of this is user code, and would deadlock if it ran under the lock.
#[test]
fn predicates_and_what_a_payload_does_when_it_is_dropped_may_publish() {
    struct Echo(Bus<Option<Self>>, Arc<AtomicU64>);
    impl oxide_bus::Payload for Echo {}
    impl Drop for Echo {
        fn drop(&mut self) {
            self.1.fetch_add(1, Ordering::Relaxed);
            let _closed = self.0.publish(Envelope::new("echo", None));
        }
    }
    let bus = Bus::<Option<Echo>>::builder().total_order().build();
    let dropped = Arc::new(AtomicU64::new(0));
    let echo = || Some(Echo(bus.clone(), Arc::clone(&dropped)));
    let inner = bus.clone();
    let newest = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::DropOldest)
        .source("voice")
        .predicate(move |_: &Envelope<_>| inner.publish(Envelope::new("asked", None)).is_ok());
    let kept = bus.subscribe_with(newest).unwrap();
    let mut echoes = bus
        .subscribe_with(SubscribeOptions::new().capacity(1_000).source("echo"))
        .unwrap();
    for _ in 0..200 {
        bus.publish(Envelope::new("voice", echo())).unwrap();
    }
    assert!(dropped.load(Ordering::Relaxed) > 0);
    let heard = echoes.try_iter().count() as u64;
    assert_eq!(heard, dropped.load(Ordering::Relaxed));
    bus.close();
    drop(kept);
}

/// What a waker does is the executor's code, and may run the task at once.
#[cfg(feature = "tokio")]
#[test]
fn a_waker_may_publish() {
    use std::pin::pin;
    use std::task::{Context, Poll, Wake, Waker};

    use oxide_bus::AsyncBus;

    struct Echo(Bus<u64>, AtomicU64);
    impl Wake for Echo {
        fn wake(self: Arc<Self>) {
            if self.1.fetch_add(1, Ordering::Relaxed) == 0 {
                publish(&self.0, 100);
            }
        }
    }
    for kind in [
        options(),
        options().source("counter"),
        options().overflow(LOSSLESS),
    ] {
        let bus = Bus::<u64>::builder().total_order().build();
        let filtered = bus.subscribe_with(options().source("counter")).unwrap();
        let mut subscription =
            futures::executor::block_on(AsyncBus::from(bus.clone()).subscribe_with(kind)).unwrap();
        publish_all(&bus, 0..2); // so that the segment has room
        while subscription.try_recv().is_ok() {}
        let echo = Arc::new(Echo(bus.clone(), AtomicU64::new(0)));
        let waker = Waker::from(Arc::clone(&echo));
        let mut receiving = pin!(subscription.recv());
        let polled = receiving.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(matches!(polled, Poll::Pending));
        let publishing = bus.clone();
        assert_eq!(
            Task::start(move || publish(&publishing, 2))
                .end()
                .delivered(),
            2
        );
        assert!(echo.1.load(Ordering::Relaxed) > 0, "it was woken");
        assert_eq!(filtered.len(), 4);
    }
}

#[test]
fn a_bus_with_one_order_does_what_any_bus_does() {
    let bus = Bus::<u64>::builder().total_order().build();
    let mut evicted = bus
        .subscribe_with(
            options()
                .source("counter")
                .capacity(1)
                .overflow(Overflow::Evict),
        )
        .unwrap();
    let newest = options().source("counter").overflow(Overflow::DropOldest);
    let mut newest = bus.subscribe_with(newest.capacity(2)).unwrap();
    assert_eq!(publish(&bus, 1).delivered(), 2);
    let receipt = publish(&bus, 2);
    assert_eq!((receipt.delivered(), receipt.dropped()), (1, 1));
    assert_eq!(publish(&bus, 3).matched(), 1);
    assert_eq!(queued(&mut newest), [Err(1), Ok(2), Ok(3)]);
    assert_eq!(queued(&mut evicted), [Ok(1), Err(1)]);
}
