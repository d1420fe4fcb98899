//! What user code throws may panic again when it is dropped: that is contained as the panic itself is.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use oxide_bus::{Bus, Capability, Envelope, Payload, Subject};

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("it goes off");
    }
}

/// A payload that throws a bomb when it is asked for its subject.
struct Asked;

impl Payload for Asked {
    fn subject(&self) -> Subject<'_> {
        panic_any(Bomb)
    }
}

/// A payload that throws one when it is dropped.
struct Dropped(Arc<AtomicU64>);

impl Payload for Dropped {}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        panic_any(Bomb)
    }
}

#[test]
fn what_the_retained_are_asked_for_is_none_of_who_subscribes() {
    let bus = Bus::<Asked>::new();
    bus.retain(">".parse().unwrap(), 1).unwrap();
    let _reader = bus.subscribe();
    bus.publish(Envelope::new("s", Asked)).unwrap();
    let mut late = bus.subscribe();
    assert!(late.try_recv().is_err());
    assert_eq!(
        bus.publish(Envelope::new("s", Asked)).unwrap().delivered(),
        2
    );
}

#[test]
fn what_is_denied_is_denied() {
    let bus = Bus::<Asked>::new();
    let _advisories = bus.advisories();
    let publisher = bus.publisher("s", Capability::new("none"));
    assert!(publisher.publish(Asked).unwrap_err().is_denied());
}

#[test]
fn all_of_a_batch_is_published_once_and_let_go_of_though_each_throws_one() {
    let bus = Bus::<Dropped>::new();
    let dropped = Arc::new(AtomicU64::new(0));
    // More than one step.
    let batch: Vec<_> = (0..2_000)
        .map(|_| Envelope::new("s", Dropped(Arc::clone(&dropped))))
        .collect();
    let published = catch_unwind(AssertUnwindSafe(|| bus.publish_batch(batch).is_ok()));
    std::mem::forget(published.expect_err("the first panic goes on"));
    assert_eq!(dropped.load(Ordering::Relaxed), 2_000);
    assert_eq!(bus.stats().published, 2_000);
}
