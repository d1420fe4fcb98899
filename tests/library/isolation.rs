//! Tests of isolation: what a module does to itself stays with it. Here user code panics, or calls the bus while the
//! bus is calling it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oxide_bus::{
    Bus, Envelope, Overflow, Payload, RecvError, Subject, SubscribeOptions, Subscription,
};

use crate::support::task::Task;

fn of_capacity<M>(capacity: usize) -> SubscribeOptions<M> {
    SubscribeOptions::new().capacity(capacity)
}

fn everything<M>() -> SubscribeOptions<M> {
    SubscribeOptions::new().pattern(">")
}

/// Asserts that the code panics with this message.
fn assert_panics(with: &str, code: impl FnOnce()) {
    let panic = catch_unwind(AssertUnwindSafe(code)).expect_err("it was to panic");
    assert_eq!(panic.downcast_ref(), Some(&with));
}

/// A payload whose subject panics.
struct Nameless(bool);

impl Payload for Nameless {
    fn subject(&self) -> Subject<'_> {
        assert!(!self.0, "no subject");
        Subject::new(["named"])
    }
}

#[test]
fn a_subject_that_panics_unwinds_into_its_publisher_and_reaches_nobody() {
    let bus = Bus::new();
    let mut before = bus.subscribe();
    let mut by_pattern = bus.subscribe_with(everything()).unwrap();
    let mut blocking = bus
        .subscribe_with(of_capacity(1).overflow(Overflow::Block))
        .unwrap();
    for _ in 0..10 {
        assert_panics("no subject", || {
            let _unwound = bus.publish(Envelope::new("module", Nameless(true)));
        });
        assert!(before.is_empty() && by_pattern.is_empty() && blocking.is_empty());

        let receipt = bus
            .publish(Envelope::new("module", Nameless(false)))
            .unwrap();
        assert_eq!(receipt.delivered(), 3);
        for subscription in [&mut before, &mut by_pattern, &mut blocking] {
            assert!(subscription.try_recv().is_ok());
            assert_eq!(subscription.dropped(), 0);
        }
    }
    assert_eq!(bus.subscriber_count(), 3);
    drop(bus.subscribe());
    drop(bus);
    assert!(
        before
            .recv()
            .is_err_and(|error| error == RecvError::Disconnected)
    );
}

#[test]
fn a_subject_is_asked_for_only_where_somebody_listens_by_pattern() {
    let bus = Bus::new();
    let mut subscription = bus
        .subscribe_with(SubscribeOptions::new().source("module"))
        .unwrap();
    bus.publish(Envelope::new("module", Nameless(true)))
        .unwrap();
    assert!(subscription.try_recv().is_ok());
    drop(bus.subscribe_with(everything()).unwrap());
    bus.publish(Envelope::new("module", Nameless(true)))
        .unwrap();
    assert!(subscription.try_recv().is_ok());
}

#[test]
fn a_subscriber_thread_that_panics_takes_only_its_own_subscription_along() {
    let bus = Bus::<u64>::new();
    let mut other = bus.subscribe();
    let mut doomed = bus.subscribe();
    let subscriber = Task::start(move || {
        doomed.recv().unwrap();
        std::panic::panic_any("handler failed");
    });
    bus.publish(Envelope::new("counter", 0)).unwrap();
    assert_panics("handler failed", || subscriber.end());
    assert_eq!(bus.subscriber_count(), 1);
    assert_eq!(
        bus.publish(Envelope::new("counter", 1))
            .unwrap()
            .delivered(),
        1
    );
    assert_eq!(
        other
            .try_iter()
            .flatten()
            .map(|d| d.message)
            .collect::<Vec<_>>(),
        [0, 1]
    );
}

#[test]
fn a_subscriber_thread_that_panics_lets_the_publishers_go_that_wait_for_it() {
    let bus = Bus::<u64>::new();
    let doomed = bus
        .subscribe_with(of_capacity(1).overflow(Overflow::Block))
        .unwrap();
    bus.publish(Envelope::new("counter", 0)).unwrap();
    let publisher = {
        let bus = bus.clone();
        Task::start(move || bus.publish(Envelope::new("counter", 1)).unwrap().matched())
    };
    publisher.assert_waits();
    assert_panics("handler failed", move || {
        let _doomed = doomed;
        std::panic::panic_any("handler failed");
    });
    assert_eq!(publisher.end(), 0);
}

/// A payload whose drop panics.
struct Fragile;

impl Payload for Fragile {}

impl Drop for Fragile {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::panic::panic_any("dropped");
        }
    }
}

#[test]
fn a_payload_that_panics_when_it_is_dropped_unwinds_into_the_thread_that_drops_its_last_handle() {
    let bus = Bus::new();
    let publish = |bus: &Bus<Fragile>| bus.publish(Envelope::new("glazier", Fragile)).unwrap();
    assert_panics("dropped", || {
        publish(&bus); // nobody receives it
    });
    let (mut one, mut other) = (bus.subscribe(), bus.subscribe());
    assert_eq!(publish(&bus).delivered(), 2);
    let kept = one.recv().unwrap();
    drop(other.recv().unwrap());
    assert_eq!(publish(&bus).delivered(), 2);

    std::mem::forget(one.recv().unwrap()); // moves on to the second
    drop(kept);
    // `other` holds the last handle of the first payload, which is dropped here.
    assert_panics("dropped", || drop(other.recv()));
    assert_eq!(bus.subscriber_count(), 2);
    std::mem::forget(other.recv().expect("it has lost nothing"));
    assert_eq!(publish(&bus).delivered(), 2);
    assert_eq!((one.len(), other.len()), (1, 1));
    std::mem::forget((bus, one, other)); // a second panic would abort
}

/// What a payload does in its `Drop`.
type Deed = Box<dyn FnOnce() + Send>;

struct Active(Mutex<Option<Deed>>);

impl Payload for Active {}

impl Active {
    fn new(deed: impl FnOnce() + Send + 'static) -> Self {
        Active(Mutex::new(Some(Box::new(deed))))
    }

    fn idle() -> Self {
        Active(Mutex::default())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if let Some(deed) = self.0.get_mut().unwrap().take() {
            deed();
        }
    }
}

fn publish(bus: &Bus<Active>, message: Active) {
    bus.publish(Envelope::new("module", message)).unwrap();
}

/// A payload that does everything a module can do with the bus, and counts once it is done.
fn everything_at_once(bus: &Bus<Active>, done: &Arc<AtomicUsize>) -> Active {
    let (bus, done) = (bus.clone(), Arc::clone(done));
    Active::new(move || {
        let mut subscription = bus.subscribe();
        publish(&bus, Active::idle());
        assert!(subscription.try_recv().is_ok());
        drop(subscription);
        bus.grant("any").unwrap();
        let publisher = bus.publisher("module", "any");
        publisher.publish(Active::idle()).unwrap();
        bus.revoke("any");
        assert!(publisher.publish(Active::idle()).is_err());
        let _count = bus.subscriber_count();
        done.fetch_add(1, Ordering::SeqCst);
    })
}

/// Covers each place where the bus may drop the last handle of a payload. If the bus held a lock or an exclusive borrow
/// there, this test would deadlock.
#[test]
fn a_payload_may_do_anything_with_the_bus_when_it_is_dropped() {
    let done = Arc::new(AtomicUsize::new(0));
    let within = Arc::clone(&done);
    let all = Task::start(move || {
        let bus = Bus::new();
        let active = || everything_at_once(&bus, &within);
        publish(&bus, active()); // nobody is subscribed

        let mut full = bus.subscribe_with(of_capacity(1)).unwrap();
        publish(&bus, active());
        publish(&bus, active()); // no room
        drop(full.recv().unwrap()); // received
        while full.try_recv().is_ok() {}

        publish(&bus, active());
        let _lent = full.recv_ref().map(|_| ());
        while full.try_recv().is_ok() {}
        drop(full); // lent last

        let queued = bus.subscribe_with(of_capacity(3)).unwrap();
        for _ in 0..3 {
            publish(&bus, active());
        }
        drop(queued); // still queued

        let left = bus.subscribe_with(of_capacity(1)).unwrap();
        publish(&bus, active());
        drop(bus); // the queued envelope has a handle of its own
        drop(left);
    });
    all.end();
    assert_eq!(done.load(Ordering::SeqCst), 8);
}

#[test]
fn a_subscription_may_be_dropped_by_what_another_had_queued() {
    let bus = Bus::new();
    let elsewhere = SubscribeOptions::new().source("elsewhere");
    let owned = bus.subscribe_with(elsewhere).unwrap();
    let outer = bus.subscribe();
    publish(&bus, Active::new(move || drop(owned)));
    assert_eq!(bus.subscriber_count(), 2);
    drop(outer);
    assert_eq!(bus.subscriber_count(), 0);
}

/// One publisher waits for a subscriber while a payload publishes in its `Drop`.
#[test]
fn a_payload_that_publishes_when_it_is_dropped_does_not_delay_a_waiting_publisher() {
    let task = Task::start(|| {
        let bus = Bus::new();
        let options = of_capacity(1).overflow(Overflow::BlockFor(Duration::from_millis(1)));
        let mut blocking = bus.subscribe_with(options).unwrap();
        let again = bus.clone();
        publish(&bus, Active::new(move || publish(&again, Active::idle())));
        publish(&bus, Active::idle()); // no room, and nobody makes any: dropped after the time-out
        drop(blocking.recv().unwrap());
        blocking.try_iter().flatten().count()
    });
    assert_eq!(task.end(), 1);
}

/// A payload that runs code when the bus asks for its subject: during its publish, before any subscriber is offered it.
struct Inquired(Mutex<Option<Deed>>);

impl Payload for Inquired {
    fn subject(&self) -> Subject<'_> {
        let deed = self.0.lock().unwrap().take();
        if let Some(deed) = deed {
            deed();
        }
        Subject::new(["inquired"])
    }
}

fn inquire(bus: &Bus<Inquired>, deed: impl FnOnce() + Send + 'static) -> (usize, usize) {
    let message = Inquired(Mutex::new(Some(Box::new(deed))));
    let receipt = bus.publish(Envelope::new("module", message)).unwrap();
    (receipt.delivered(), receipt.dropped())
}

#[test]
fn a_subscription_that_goes_in_the_midst_of_a_publish_is_not_counted() {
    let bus = Bus::new();
    let stays = bus.subscribe_with(everything()).unwrap();
    let goes = bus.subscribe();
    assert_eq!(inquire(&bus, move || drop(goes)), (1, 0));
    let blocking = of_capacity(1).overflow(Overflow::Block);
    let waited_for = bus.subscribe_with(blocking).unwrap();
    assert_eq!(inquire(&bus, || {}), (2, 0));
    assert_eq!(inquire(&bus, move || drop(waited_for)), (1, 0));
    assert_eq!(stays.len(), 3);
}

#[test]
fn a_subscription_that_comes_in_the_midst_of_a_publish_is_offered_the_next() {
    let bus = Bus::new();
    let _by_pattern = bus.subscribe_with(everything()).unwrap();
    let comes = Arc::new(Mutex::new(None));
    let (place, newcomer) = (Arc::clone(&comes), bus.clone());
    inquire(&bus, move || {
        *place.lock().unwrap() = Some(newcomer.subscribe());
    });
    assert_eq!(inquire(&bus, || {}), (2, 0));
    assert!(
        comes
            .lock()
            .unwrap()
            .as_ref()
            .is_some_and(|subscription| !subscription.is_empty())
    );
}

/// The publisher has not begun to wait when the bus closes, and must not begin then. The test does not say whether the
/// publish or the close came first.
#[test]
fn a_bus_that_closes_in_the_midst_of_a_publish_keeps_nobody_waiting() {
    let publisher = Task::start(|| {
        let bus = Bus::new();
        let options = everything().capacity(1).overflow(Overflow::Block);
        let full = [(); 2].map(|()| bus.subscribe_with(options.clone()).unwrap());
        assert_eq!(inquire(&bus, || {}), (2, 0));
        let closing = bus.clone();
        let message = Inquired(Mutex::new(Some(Box::new(move || closing.close()))));
        let dropped = match bus.publish(Envelope::new("module", message)) {
            Ok(receipt) => receipt.dropped(),
            Err(error) => {
                assert!(error.is_closed());
                0
            }
        };
        (
            dropped as u64,
            full.map(|subscription| subscription.dropped()),
        )
    });
    let accounts = publisher.end();
    assert!(
        matches!(accounts, (0, [0, 0]) | (2, [1, 1])),
        "{accounts:?}"
    );
}

/// Repeats what the test above does on one thread, while other threads publish, subscribe and leave.
#[test]
fn payloads_that_subscribe_and_publish_when_they_are_dropped_do_not_get_in_each_other_s_way() {
    const EACH: usize = 100;
    let bus = Bus::new();
    let done = Arc::new(AtomicUsize::new(0));
    let publishers: Vec<_> = (0..3)
        .map(|_| {
            let (bus, done) = (bus.clone(), Arc::clone(&done));
            Task::start(move || {
                for _ in 0..EACH {
                    let subscription: Subscription<Active> = bus.subscribe();
                    let active = Active::new({
                        let (bus, done) = (bus.clone(), Arc::clone(&done));
                        move || {
                            let _comes_and_goes = bus.subscribe();
                            publish(&bus, Active::idle());
                            done.fetch_add(1, Ordering::SeqCst);
                        }
                    });
                    publish(&bus, active);
                    drop(subscription);
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.end();
    }
    assert_eq!(bus.subscriber_count(), 0);
    assert_eq!(done.load(Ordering::SeqCst), 3 * EACH);
}
