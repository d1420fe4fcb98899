//! How a bus begins and ends, and publishing from inside a publish.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::numbers::{publish, publish_all};
use crate::support::task::Task;
use oxide_bus::limits::{LimitExceeded, MAX_PUBLISH_DEPTH, Measure, Meter};
use oxide_bus::{
    Bus, Denial, DrainError, Envelope, Grant, Overflow, Payload, PublishError, Publisher, Receipt,
    RecvError, Subject, SubscribeOptions, WeakBus,
};

const LONG: Duration = Duration::from_mins(1);

#[test]
fn who_waits_for_subscribers_is_told_when_they_are_there_or_that_they_are_not() {
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
fn who_waits_until_nobody_is_subscribed_is_told_when_that_is_so() {
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
    publish_all(&bus, 0..2); // one is evicted
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
fn draining_does_not_wait_for_who_has_left() {
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

/// What came of publishes from inside.
#[derive(Default)]
struct Nested {
    published: AtomicUsize,
    refused: AtomicUsize,
}

impl Nested {
    fn count<M>(&self, published: Result<Receipt, PublishError<M>>) {
        match published {
            Ok(_) => _ = self.published.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                assert!(matches!(error, PublishError::TooDeep(_)), "{error}");
                assert_eq!(error.to_string(), "inside too many other publishes");
                self.refused.fetch_add(1, Ordering::Relaxed);
                mem::forget(error.into_envelope()); // its `Drop` would begin anew
            }
        }
    }

    fn counts(&self) -> (usize, usize) {
        (
            self.published.swap(0, Ordering::Relaxed),
            self.refused.swap(0, Ordering::Relaxed),
        )
    }
}

#[test]
fn a_predicate_may_publish_to_its_own_bus_so_deep_and_no_deeper() {
    let bus = Bus::<u64>::new();
    let nested = Arc::new(Nested::default());
    let echo = {
        let (weak, nested) = (bus.downgrade(), Arc::clone(&nested));
        SubscribeOptions::new().predicate(move |envelope: &Envelope<u64>| {
            let bus = weak.upgrade().expect("somebody publishes");
            nested.count(bus.publish(Envelope::new("echo", envelope.message + 1)));
            true
        })
    };
    let mut echo = bus.subscribe_with(echo).unwrap();
    publish(&bus, 0);
    assert_eq!(nested.counts(), (MAX_PUBLISH_DEPTH - 1, 1));
    // The innermost was published first.
    let received: Vec<_> = echo.try_iter().map(|it| it.unwrap().message).collect();
    let expected: Vec<_> = (0..MAX_PUBLISH_DEPTH as u64).rev().collect();
    assert_eq!(received, expected);
}

/// A payload that publishes another of its kind when it is dropped.
struct Phoenix {
    bus: WeakBus<Phoenix>,
    nested: Arc<Nested>,
}

impl Payload for Phoenix {}

impl Drop for Phoenix {
    fn drop(&mut self) {
        if let Some(bus) = self.bus.upgrade() {
            self.nested.count(bus.publish(phoenix(&bus, &self.nested)));
        }
    }
}

fn phoenix(bus: &Bus<Phoenix>, nested: &Arc<Nested>) -> Envelope<Phoenix> {
    Envelope::new(
        "ashes",
        Phoenix {
            bus: bus.downgrade(),
            nested: Arc::clone(nested),
        },
    )
}

/// With nobody who keeps it, what is published is dropped at once.
#[test]
fn a_drop_may_publish_what_is_dropped_in_turn_so_deep_and_no_deeper() {
    for full in [false, true] {
        let bus = Bus::<Phoenix>::new();
        let nested = Arc::new(Nested::default());
        let kept = full.then(|| {
            let full = bus
                .subscribe_with(SubscribeOptions::new().capacity(1))
                .unwrap();
            bus.publish(phoenix(&bus, &nested)).map_err(drop).unwrap();
            full
        });
        for _ in 0..3 {
            bus.publish(phoenix(&bus, &nested)).map_err(drop).unwrap();
            assert_eq!(nested.counts(), (MAX_PUBLISH_DEPTH - 1, 1));
        }
        let batch = [(); 2].map(|()| phoenix(&bus, &nested));
        bus.publish_batch(batch).map_err(drop).unwrap();
        assert_eq!(nested.counts(), (2 * (MAX_PUBLISH_DEPTH - 1), 2));
        drop((bus, kept));
    }
}

/// A payload that publishes another of its kind when it is asked for the first time, for whatever.
struct Curious {
    publish: Arc<dyn Fn(Curious) -> Result<Receipt, PublishError<Curious>> + Send + Sync>,
    nested: Arc<Nested>,
    was_asked: AtomicBool,
}

impl Curious {
    fn again(&self) -> Curious {
        Curious {
            publish: Arc::clone(&self.publish),
            nested: Arc::clone(&self.nested),
            was_asked: AtomicBool::new(false),
        }
    }

    fn ask(&self) {
        if !self.was_asked.swap(true, Ordering::Relaxed) {
            self.nested.count((self.publish)(self.again()));
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

fn publishes_so_deep_and_no_deeper(
    bus: &Bus<Curious>,
    publish: impl Fn(Curious) -> Result<Receipt, PublishError<Curious>> + Send + Sync + 'static,
) {
    let subscription = bus.subscribe();
    let curious = Curious {
        publish: Arc::new(publish),
        nested: Arc::default(),
        was_asked: AtomicBool::new(false),
    };
    for _ in 0..2 {
        thread::scope(|scope| {
            // Another thread begins anew.
            scope.spawn(|| (curious.publish)(curious.again()).map_err(drop).unwrap());
        });
        assert_eq!(curious.nested.counts(), (MAX_PUBLISH_DEPTH - 1, 1));
    }
    assert_eq!(subscription.len(), 2 * MAX_PUBLISH_DEPTH);
    bus.close();
}

fn unguarded(
    bus: &Bus<Curious>,
) -> impl Fn(Curious) -> Result<Receipt, PublishError<Curious>> + use<> {
    let bus = bus.clone();
    move |curious| bus.publish(Envelope::new("curious", curious))
}

#[test]
fn a_subject_that_a_subscriber_chooses_by_may_publish_so_deep_and_no_deeper() {
    let bus = Bus::<Curious>::new();
    let options = SubscribeOptions::new().pattern("curious");
    let _by_pattern = bus.subscribe_with(options).unwrap();
    publishes_so_deep_and_no_deeper(&bus, unguarded(&bus));
}

#[test]
fn a_subject_that_a_grant_is_for_may_publish_so_deep_and_no_deeper() {
    let bus = Bus::<Curious>::new();
    let grant = Grant::new("ask").patterns(["curious"]);
    bus.grant(grant).unwrap();
    let publisher = bus.publisher("curious", "ask");
    publishes_so_deep_and_no_deeper(&bus, move |curious| publisher.publish(curious));
}

/// Publishes another of its kind each time it is asked for its subject.
struct Insistent {
    publisher: Publisher<Insistent>,
    asked: Arc<AtomicUsize>,
}

impl Insistent {
    fn publish(&self) -> PublishError<Insistent> {
        let insistent = Insistent {
            publisher: self.publisher.clone(),
            asked: Arc::clone(&self.asked),
        };
        self.publisher.publish(insistent).unwrap_err()
    }
}

impl Payload for Insistent {
    fn subject(&self) -> Subject<'_> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.publish();
        Subject::new(["insistent"])
    }
}

/// Were each asked twice, there would be 2¹⁶ of them.
#[test]
fn a_subject_that_is_refused_is_asked_for_once() {
    let bus = Bus::<Insistent>::new();
    let _all = bus.subscribe();
    let grant = Grant::new("insist").patterns(["patient"]);
    bus.grant(grant).unwrap();
    let insistent = Insistent {
        publisher: bus.publisher("insistent", "insist"),
        asked: Arc::default(),
    };
    assert_eq!(insistent.publish().denial(), Some(Denial::Subject));
    assert_eq!(insistent.asked.load(Ordering::Relaxed), MAX_PUBLISH_DEPTH);
}

#[test]
fn a_payload_that_is_weighed_may_publish_so_deep_and_no_deeper() {
    let bus = Bus::<Curious>::builder().max_payload(1 << 20, 60).build();
    publishes_so_deep_and_no_deeper(&bus, unguarded(&bus));
}

#[test]
fn what_is_refused_for_its_depth_is_handed_back() {
    let bus = Bus::<u64>::new();
    let refused = Arc::new(Mutex::new(Vec::new()));
    let predicate = {
        let (weak, refused) = (bus.downgrade(), Arc::clone(&refused));
        move |envelope: &Envelope<u64>| {
            let bus = weak.upgrade().expect("somebody publishes");
            let number = envelope.message;
            let batch = [number + 1, number + 100].map(|number| Envelope::new("echo", number));
            if number < 100
                && let Err(error) = bus.publish_batch(batch)
            {
                assert!(matches!(error.cause(), PublishError::TooDeep(_)), "{error}");
                refused.lock().unwrap().extend(error.into_envelopes());
            }
            false
        }
    };
    let _echo = bus
        .subscribe_with(SubscribeOptions::new().predicate(predicate))
        .unwrap();
    publish(&bus, 0);
    let refused: Vec<_> = (refused.lock().unwrap().iter())
        .map(|it| it.message)
        .collect();
    let depth = MAX_PUBLISH_DEPTH as u64;
    assert_eq!(refused, [depth, depth - 1 + 100]);
}
