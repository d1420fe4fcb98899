//! Tests of how a bus begins and ends, and of publishing from inside a publish.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::support::numbers::{publish, publish_all};
use crate::support::task::Task;
use oxide_bus::limits::{LimitExceeded, Measure, Meter};
use oxide_bus::{
    Bus, Denial, DrainError, Envelope, Grant, Overflow, Payload, PublishError, Receipt, RecvError,
    Subject, SubscribeOptions, WeakBus,
};

const LONG: Duration = Duration::from_mins(1);

#[test]
fn a_thread_that_waits_for_subscribers_learns_when_they_are_there_or_that_they_are_not() {
    let bus = Bus::<u64>::new();
    assert!(bus.wait_for_subscribers(0, Duration::ZERO));
    assert!(!bus.wait_for_subscribers(1, Duration::ZERO));
    let _first = bus.subscribe();
    let waiting = {
        let bus = bus.clone();
        Task::start(move || bus.wait_for_subscribers(2, LONG))
    };
    waiting.assert_waits();
    let second = bus.subscribe_with(SubscribeOptions::new().source("counter"));
    assert!(waiting.end());
    drop(second);

    let timeout = Duration::from_millis(5);
    let started = Instant::now();
    assert!(!bus.wait_for_subscribers(2, timeout));
    assert!(started.elapsed() >= timeout);

    let waiting = {
        let bus = bus.clone();
        Task::start(move || bus.wait_for_subscribers(2, LONG))
    };
    bus.close();
    assert!(!waiting.end());
}

#[test]
fn a_thread_that_waits_until_nobody_is_subscribed_learns_when_that_is_so() {
    let bus = Bus::<u64>::new();
    assert!(bus.wait_for_no_subscribers(Duration::ZERO));
    let first = bus.subscribe();
    let group = || SubscribeOptions::new().group("workers");
    let others = [(); 2].map(|()| bus.subscribe_with(group()).unwrap());
    let evicted = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Evict);
    let _evicted = bus.subscribe_with(evicted).unwrap();
    let waiting = {
        let bus = bus.clone();
        Task::start(move || bus.wait_for_no_subscribers(LONG))
    };
    drop(first);
    others[0].close();
    publish_all(&bus, 0..2); // one subscriber is evicted
    waiting.assert_waits();
    assert!(bus.unsubscribe(others[1].id()));
    assert!(waiting.end());

    let _another = bus.subscribe();
    let timeout = Duration::from_millis(5);
    let started = Instant::now();
    assert!(!bus.wait_for_no_subscribers(timeout));
    assert!(started.elapsed() >= timeout);
    bus.close();
    assert!(bus.wait_for_no_subscribers(Duration::ZERO));
}

#[test]
fn draining_tells_what_was_left_by_subscription() {
    let bus = Bus::<u64>::new();
    assert_eq!(bus.drain(Duration::ZERO), Ok(()));
    let mut audit = bus
        .subscribe_with(SubscribeOptions::new().name("audit"))
        .unwrap();
    let mut filtered = bus
        .subscribe_with(SubscribeOptions::new().source("counter").capacity(2))
        .unwrap();
    publish_all(&bus, 0..3);
    let left = |error: DrainError| -> Vec<_> {
        (error.left().iter())
            .map(|it| (it.id, it.name.as_deref().map(str::to_owned), it.queued))
            .collect()
    };
    let error = bus.drain(Duration::from_millis(2)).unwrap_err();
    assert_eq!(error.left(), bus.stats().subscriptions);
    let text = format!(
        "5 envelopes are left in 2 queues: audit 3, {} 2",
        filtered.id()
    );
    assert_eq!(error.to_string(), text);
    let expected = [
        (audit.id(), Some("audit".to_owned()), 3),
        (filtered.id(), None, 2),
    ];
    assert_eq!(left(error), expected);

    audit.try_recv_each(|_| ()).unwrap();
    let error = bus.drain(Duration::ZERO).unwrap_err();
    assert_eq!(left(error), [(filtered.id(), None, 2)]);
    let draining = {
        let bus = bus.clone();
        Task::start(move || bus.drain(LONG))
    };
    draining.assert_waits();
    filtered.try_recv_each(|_| ()).unwrap();
    assert_eq!(draining.end(), Ok(()));
}

#[test]
fn draining_does_not_wait_for_a_subscriber_that_has_left() {
    let bus = Bus::<u64>::new();
    let subscription = bus.subscribe();
    publish(&bus, 1);
    assert!(bus.drain(Duration::ZERO).is_err());
    drop(subscription);
    assert_eq!(bus.drain(Duration::ZERO), Ok(()));
}

#[test]
fn a_weak_handle_does_not_keep_the_bus_open() {
    let bus = Bus::<u64>::new();
    let mut subscription = bus.subscribe();
    let weak = bus.downgrade();
    let again = weak.clone().upgrade().unwrap();
    assert!(again.same_bus(&bus));
    drop((bus, again));
    assert_eq!(subscription.recv().unwrap_err(), RecvError::Disconnected);
    assert!(weak.upgrade().is_none());
}

#[test]
fn a_weak_handle_on_a_bus_that_has_closed_leads_to_it_while_it_is_held() {
    let bus = Bus::<u64>::new();
    let weak: WeakBus<u64> = bus.downgrade();
    bus.close();
    assert!(weak.upgrade().is_some_and(|bus| bus.is_closed()));
}

/// How many levels deep the tests publish inside a publish.
const DEEP: u64 = 5;

#[test]
fn a_predicate_may_publish_to_its_own_bus() {
    let bus = Bus::<u64>::new();
    let echo = {
        let weak = bus.downgrade();
        SubscribeOptions::new().predicate(move |envelope: &Envelope<u64>| {
            let bus = weak.upgrade().expect("somebody publishes");
            if envelope.message < DEEP {
                publish(&bus, envelope.message + 1);
            }
            true
        })
    };
    let mut echo = bus.subscribe_with(echo).unwrap();
    publish(&bus, 0);
    // The innermost envelope was published first.
    let received: Vec<_> = echo.try_iter().map(|it| it.unwrap().message).collect();
    assert_eq!(received, (0..=DEEP).rev().collect::<Vec<_>>());
}

/// A payload that publishes another of its type when it is dropped, up to a depth.
struct Phoenix {
    bus: WeakBus<Phoenix>,
    lives: u64,
}

impl Payload for Phoenix {}

impl Drop for Phoenix {
    fn drop(&mut self) {
        if let Some(bus) = self.bus.upgrade()
            && self.lives > 0
        {
            bus.publish(phoenix(&bus, self.lives - 1))
                .map_err(drop)
                .unwrap();
        }
    }
}

fn phoenix(bus: &Bus<Phoenix>, lives: u64) -> Envelope<Phoenix> {
    let bus = bus.downgrade();
    Envelope::new("ashes", Phoenix { bus, lives })
}

/// Nobody keeps the envelopes, so each is dropped at once.
#[test]
fn a_drop_may_publish_what_is_dropped_in_turn() {
    for full in [false, true] {
        let bus = Bus::<Phoenix>::new();
        let kept = full.then(|| {
            let full = SubscribeOptions::new().capacity(1);
            let full = bus.subscribe_with(full).unwrap();
            bus.publish(phoenix(&bus, 0)).map_err(drop).unwrap();
            full
        });
        let before = bus.stats().published;
        bus.publish(phoenix(&bus, DEEP)).map_err(drop).unwrap();
        let batch = [(); 2].map(|()| phoenix(&bus, DEEP));
        bus.publish_batch(batch).map_err(drop).unwrap();
        assert_eq!(bus.stats().published - before, 3 * (DEEP + 1));
        drop((bus, kept));
    }
}

type Publish = dyn Fn(Curious) -> Result<Receipt, PublishError<Curious>> + Send + Sync;

/// A payload that publishes another of its type when the bus first asks it for anything, up to a depth.
struct Curious {
    publish: Arc<Publish>,
    left: AtomicU64,
}

impl Curious {
    fn ask(&self) {
        let left = self.left.swap(0, Ordering::Relaxed);
        if left > 0 {
            let next = Curious {
                publish: Arc::clone(&self.publish),
                left: AtomicU64::new(left - 1),
            };
            (self.publish)(next).map_err(drop).unwrap();
        }
    }
}

impl Payload for Curious {
    fn subject(&self) -> Subject<'_> {
        self.ask();
        Subject::new(["curious"])
    }
}

impl Measure for Curious {
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        self.ask();
        meter.bytes(1)
    }
}

fn publishes_from_inside(
    bus: &Bus<Curious>,
    publish: impl Fn(Curious) -> Result<Receipt, PublishError<Curious>> + Send + Sync + 'static,
) {
    let subscription = bus.subscribe();
    let curious = Curious {
        publish: Arc::new(publish),
        left: AtomicU64::new(DEEP),
    };
    let publish = Arc::clone(&curious.publish);
    publish(curious).map_err(drop).unwrap();
    assert_eq!(subscription.len() as u64, DEEP + 1);
    bus.close();
}

fn unguarded(
    bus: &Bus<Curious>,
) -> impl Fn(Curious) -> Result<Receipt, PublishError<Curious>> + use<> {
    let bus = bus.clone();
    move |curious| bus.publish(Envelope::new("curious", curious))
}

#[test]
fn a_subject_that_a_subscriber_chooses_by_may_publish() {
    let bus = Bus::<Curious>::new();
    let options = SubscribeOptions::new().pattern("curious");
    let _by_pattern = bus.subscribe_with(options).unwrap();
    publishes_from_inside(&bus, unguarded(&bus));
}

#[test]
fn a_subject_that_a_grant_is_for_may_publish() {
    let bus = Bus::<Curious>::new();
    let grant = Grant::new("ask").patterns(["curious"]);
    bus.grant(grant).unwrap();
    let publisher = bus.publisher("curious", "ask");
    publishes_from_inside(&bus, move |curious| publisher.publish(curious));
}

#[test]
fn a_payload_that_is_weighed_may_publish() {
    let bus = Bus::<Curious>::builder().max_payload(1 << 20, 60).build();
    publishes_from_inside(&bus, unguarded(&bus));
}

/// Counts how often the bus asks it for its subject.
struct Asked(Arc<AtomicU64>);

impl Payload for Asked {
    fn subject(&self) -> Subject<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Subject::new(["asked"])
    }
}

#[test]
fn a_subject_that_is_refused_is_asked_for_once() {
    let bus = Bus::<Asked>::new();
    let _all = bus.subscribe();
    bus.grant(Grant::new("ask").patterns(["patient"])).unwrap();
    let asked = Arc::new(AtomicU64::new(0));
    let publisher = bus.publisher("asker", "ask");
    let refused = publisher.publish(Asked(Arc::clone(&asked))).unwrap_err();
    assert_eq!(refused.denial(), Some(Denial::Subject));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
