//! Tests of subscribers that filter by a predicate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use oxide_bus::{
    Advisory, Bus, Envelope, Eviction, Overflow, Payload, RecvError, RecvTimeoutError, Subject,
    SubscribeOptions, TryRecvError,
};

use crate::support::numbers::{publish, publish_all, queued};
use crate::support::task::Task;

fn even(envelope: &Envelope<u64>) -> bool {
    envelope.message.is_multiple_of(2)
}

/// Has a subject, so that the bus can retain it.
#[derive(Debug)]
struct Numbered(u64);

impl Payload for Numbered {
    fn subject(&self) -> Subject<'_> {
        Subject::new(["number"])
    }
}

/// Returns a predicate that panics at one number and accepts all others.
fn bomb(number: u64) -> impl Fn(&Envelope<u64>) -> bool + Send + Sync + 'static {
    move |envelope| {
        assert_ne!(envelope.message, number, "the test's own panic");
        true
    }
}

#[test]
fn what_a_predicate_refuses_is_neither_matched_nor_queued_nor_dropped() {
    let bus = Bus::<u64>::new();
    let options = SubscribeOptions::new().capacity(2).predicate(even);
    let mut subscription = bus.subscribe_with(options).unwrap();
    assert_eq!(publish(&bus, 1).matched(), 0);
    publish_all(&bus, 2..=7);
    assert_eq!(subscription.dropped(), 1, "6 is even as well");
    assert_eq!(queued(&mut subscription), [Ok(2), Ok(4), Err(1)]);
}

#[test]
fn a_predicate_is_asked_last_and_all_of_several_must_accept() {
    let bus = Bus::<u64>::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let options = SubscribeOptions::new()
        .source("counter")
        .predicate(even)
        .predicate(move |envelope: &Envelope<u64>| {
            counting.fetch_add(1, Ordering::Relaxed);
            envelope.message > 4
        });
    let mut subscription = bus.subscribe_with(options).unwrap();
    bus.publish(Envelope::new("other", 8)).unwrap();
    publish_all(&bus, 1..=6);
    assert_eq!(queued(&mut subscription), [Ok(6)]);
    assert_eq!(asked.load(Ordering::Relaxed), 3, "for 2, 4 and 6");
}

#[test]
fn a_predicate_is_asked_once_for_each_publish() {
    let bus = Bus::<u64>::new();
    let asked = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&asked);
    let options = SubscribeOptions::new().predicate(move |_: &Envelope<u64>| {
        counting.fetch_add(1, Ordering::Relaxed);
        true
    });
    let subscription = bus.subscribe_with(options).unwrap();
    let unfiltered = bus.subscribe();
    // Opens many segments: a publish that opens one starts over.
    publish_all(&bus, 0..100);
    bus.publish_batch((0..100).map(|number| Envelope::new("counter", number)))
        .unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 200);
    drop((subscription, unfiltered));
}

#[test]
fn a_predicate_may_use_the_bus() {
    let bus = Bus::<u64>::new();
    let mut copies = bus.subscribe();
    let inner = bus.clone();
    let options = SubscribeOptions::new().predicate(move |envelope: &Envelope<u64>| {
        if envelope.message < 100 {
            publish(&inner, envelope.message + 100);
            drop(inner.subscribe());
        }
        true
    });
    let mut subscription = bus.subscribe_with(options).unwrap();
    publish(&bus, 1);
    assert_eq!(queued(&mut subscription), [Ok(101), Ok(1)]);
    assert_eq!(queued(&mut copies), [Ok(101), Ok(1)]);
    bus.close(); // the predicate holds a handle of its own bus
}

#[test]
fn a_predicate_that_panics_evicts_its_own_subscription_and_nobody_else_notices() {
    let bus = Bus::<u64>::new();
    let mut before = bus
        .subscribe_with(SubscribeOptions::new().predicate(even))
        .unwrap();
    let mut victim = bus
        .subscribe_with(SubscribeOptions::new().predicate(bomb(4)))
        .unwrap();
    let mut after = bus
        .subscribe_with(SubscribeOptions::new().predicate(even))
        .unwrap();
    let mut unfiltered = bus.subscribe();
    let mut advisories = bus.advisories();

    publish_all(&bus, 1..=3);
    assert_eq!(publish(&bus, 4).matched(), 3);
    assert_eq!(bus.subscriber_count(), 3);
    publish_all(&bus, 5..=6);

    assert_eq!(queued(&mut before), [Ok(2), Ok(4), Ok(6)]);
    assert_eq!(queued(&mut after), [Ok(2), Ok(4), Ok(6)]);
    assert_eq!(queued(&mut unfiltered), (1..=6).map(Ok).collect::<Vec<_>>());
    for number in 1..=3 {
        assert_eq!(victim.recv().unwrap().message, number);
    }
    assert_eq!(victim.try_recv().unwrap_err(), TryRecvError::Evicted);
    assert_eq!(victim.recv().unwrap_err(), RecvError::Evicted);
    let error = victim.recv_deadline(std::time::Instant::now()).unwrap_err();
    assert_eq!(error, RecvTimeoutError::Evicted);
    assert_eq!(victim.recv().unwrap_err(), RecvError::Evicted);
    assert_eq!(victim.recv().unwrap_err(), RecvError::Evicted);
    let item = victim.iter().next().expect("the last item");
    assert_eq!(item.unwrap_err(), RecvError::Evicted);
    assert!(victim.iter().next().is_none());

    let told = advisories.try_recv().unwrap();
    let (id, name) = (victim.id(), None);
    let reason = Eviction::PredicatePanicked;
    assert_eq!(told.message, Advisory::Evicted { id, name, reason });
    drop(victim);
    assert!(advisories.is_empty(), "told once");
}

#[test]
fn each_panic_of_a_predicate_is_counted() {
    let bus = Bus::<u64>::new();
    let bombs = [1, 1, 3].map(|number| {
        let options = SubscribeOptions::new().predicate(bomb(number));
        bus.subscribe_with(options).unwrap()
    });
    publish(&bus, 0);
    assert_eq!(bus.stats().predicate_panics, 0);
    publish(&bus, 1);
    assert_eq!(bus.stats().predicate_panics, 2);
    publish_all(&bus, 1..4);
    assert_eq!(bus.stats().predicate_panics, 3);
    assert_eq!(bus.subscriber_count(), 0);
    drop(bombs);
}

/// Nothing is published here, so it would not do to look only at what is.
#[test]
fn a_predicate_that_panics_is_evicted_where_the_publish_is_refused() {
    let bus = Bus::<u64>::new();
    let lossless = SubscribeOptions::new().capacity(1);
    let lossless = lossless.overflow(Overflow::Block);
    for lossless in [lossless.clone(), lossless.source("counter")] {
        let full = bus.subscribe_with(lossless).unwrap();
        publish(&bus, 1);
        let mut victim = bus
            .subscribe_with(SubscribeOptions::new().predicate(bomb(4)))
            .unwrap();
        assert!(bus.try_publish(Envelope::new("counter", 4)).is_err());
        assert_eq!(victim.recv().unwrap_err(), RecvError::Evicted);
        assert_eq!(bus.subscriber_count(), 1);
        drop(full);
    }
    assert_eq!(bus.stats().predicate_panics, 2);
}

#[test]
fn a_predicate_that_panics_at_a_retained_envelope_evicts_the_new_subscription_and_the_panic_is_caught()
 {
    let bus = Bus::<Numbered>::new();
    bus.retain("number", 10).unwrap();
    let publish = |number| bus.publish(Envelope::new("counter", Numbered(number)));
    for number in 1..=3 {
        publish(number).unwrap();
    }
    let mut advisories = bus.advisories();
    let bomb = |envelope: &Envelope<Numbered>| {
        assert_ne!(envelope.message.0, 2, "the test's own panic");
        true
    };
    let options = SubscribeOptions::new().predicate(bomb).name("victim");
    let other = SubscribeOptions::new().name("other");
    let mut both = bus.subscribe_many([options, other]).unwrap();
    assert_eq!(bus.subscriber_count(), 1);
    assert_eq!(bus.stats().predicate_panics, 1);
    let reasons = advisories.try_iter().flatten().filter(|told| {
        matches!(&told.message, Advisory::Evicted { reason, .. } if *reason == Eviction::PredicatePanicked)
    });
    assert_eq!(reasons.count(), 1);
    publish(4).unwrap();
    assert_eq!(both[0].recv().unwrap().message.0, 1);
    assert_eq!(both[0].recv().unwrap_err(), RecvError::Evicted);
    let others: Vec<_> = both[1]
        .try_iter()
        .flatten()
        .map(|it| it.message.0)
        .collect();
    assert_eq!(others, [1, 2, 3, 4]);
    assert!(both[0].set_patterns([""; 0]).is_err(), "it is out");
}

/// A change of patterns does not ask predicates: retained envelopes are for new subscribers.
#[test]
fn a_predicate_is_not_asked_of_what_is_retained_where_patterns_change() {
    let bus = Bus::<Numbered>::new();
    bus.retain("number", 10).unwrap();
    let options = SubscribeOptions::new()
        .pattern("another")
        .predicate(|_: &Envelope<Numbered>| panic!("the test's own panic"));
    let mut subscription = bus.subscribe_with(options).unwrap();
    bus.publish(Envelope::new("counter", Numbered(1))).unwrap();
    subscription.set_patterns(["number"]).unwrap();
    assert_eq!(subscription.try_recv().unwrap_err(), TryRecvError::Empty);
    bus.publish(Envelope::new("counter", Numbered(2))).unwrap();
    assert_eq!(subscription.try_recv().unwrap_err(), TryRecvError::Evicted);
    assert_eq!(bus.stats().predicate_panics, 1);
}

#[test]
fn a_loss_before_an_eviction_is_told() {
    let bus = Bus::<u64>::new();
    let options = SubscribeOptions::new().capacity(1).predicate(bomb(3));
    let mut victim = bus.subscribe_with(options).unwrap();
    publish_all(&bus, 1..=3);
    assert_eq!(victim.recv().unwrap().message, 1);
    assert_eq!(victim.recv().unwrap_err(), RecvError::Lagged { missed: 1 });
    assert_eq!(victim.recv().unwrap_err(), RecvError::Evicted);
}

#[test]
fn a_subscriber_that_waits_wakes_when_it_is_evicted() {
    let bus = Bus::<u64>::new();
    let options = SubscribeOptions::new().predicate(bomb(7));
    let mut victim = bus.subscribe_with(options).unwrap();
    let waiting = Task::start(move || victim.recv().unwrap_err());
    waiting.assert_waits();
    publish(&bus, 7);
    assert_eq!(waiting.end(), RecvError::Evicted);
}

#[test]
fn publishers_that_wait_for_a_subscriber_wake_when_it_is_evicted() {
    let bus = Bus::<u64>::new();
    let options = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Block)
        .predicate(bomb(7));
    let victim = bus.subscribe_with(options).unwrap();
    publish(&bus, 1);
    let waiting = Task::start({
        let bus = bus.clone();
        move || publish(&bus, 2)
    });
    waiting.assert_waits();
    publish(&bus, 7);
    assert_eq!(waiting.end().matched(), 0);
    assert_eq!(victim.len(), 1);
}

#[test]
fn a_predicate_is_dropped_with_its_subscription_and_may_use_the_bus_then() {
    struct Last(Bus<u64>);
    impl Drop for Last {
        fn drop(&mut self) {
            publish(&self.0, 99);
            drop(self.0.subscribe());
        }
    }
    let bus = Bus::<u64>::new();
    let mut others = bus.subscribe();
    let last = Last(bus.clone());
    let options = SubscribeOptions::new().predicate(move |_: &Envelope<u64>| {
        let _kept = &last;
        true
    });
    let subscription = bus.subscribe_with(options).unwrap();
    publish(&bus, 1);
    drop(subscription);
    assert_eq!(queued(&mut others), [Ok(1), Ok(99)]);
}

#[test]
fn a_predicate_that_panics_once_more_when_it_is_dropped_keeps_the_envelope_from_nobody_else() {
    struct Tail;
    impl Drop for Tail {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "it is let go of");
        }
    }
    let bus = Bus::<u64>::new();
    let mut other = bus
        .subscribe_with(SubscribeOptions::new().source("s"))
        .unwrap();
    let tail = Tail;
    let panics = move |_: &Envelope<u64>| {
        let _captured = &tail;
        panic!("it is asked")
    };
    let evicted = bus
        .subscribe_with(SubscribeOptions::new().predicate(panics))
        .unwrap();
    bus.publish(Envelope::new("s", 1)).unwrap();
    assert_eq!(other.try_recv().unwrap().message, 1);
    let let_go = || drop(evicted);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(let_go))
        .expect_err("the second panic is the owner's who lets go of it last");
    bus.publish(Envelope::new("s", 2)).unwrap();
    assert_eq!(other.try_recv().unwrap().message, 2);
}
