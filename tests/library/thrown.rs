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
    bus.retain(">", 1).unwrap();
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

/// An old parcel goes out of use while the publish that lets go of it looks for its place.
#[test]
fn a_panic_of_what_lay_in_an_old_parcel_is_for_after_the_publish() {
    struct Late(bool);
    impl Payload for Late {}
    impl Drop for Late {
        fn drop(&mut self) {
            assert!(!self.0 || std::thread::panicking(), "it is let go of");
        }
    }
    let bus = Bus::<Late>::new();
    let (nested, weak) = (Arc::new(AtomicU64::new(2)), bus.downgrade());
    let predicate = move |_: &Envelope<Late>| {
        // Inside the second publish: then there is another parcel.
        if nested.fetch_sub(1, Ordering::Relaxed) == 1 {
            let bus = weak.upgrade().unwrap();
            bus.publish(Envelope::new("s", Late(false))).unwrap();
        }
        true
    };
    let options = oxide_bus::SubscribeOptions::new().predicate(predicate);
    let mut subscription = bus.subscribe_with(options).unwrap();
    bus.publish(Envelope::new("s", Late(true))).unwrap();
    drop(subscription.try_recv());
    let last = Envelope::new("s", Late(false));
    let published = catch_unwind(AssertUnwindSafe(|| bus.publish(last).is_ok()));
    assert!(published.is_err());
    assert_eq!(subscription.len(), 2);
}
