//! Payloads whose `Drop` is user code of the worst kind: it publishes, subscribes, panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use oxide_bus::{Bus, Envelope, Grant, Overflow, Payload, Subject, SubscribeOptions, Subscription};

type Act = Box<dyn FnOnce() + Send>;

/// Does something when it is dropped.
struct Charge {
    number: u32,
    act: Mutex<Option<Act>>,
}

impl Payload for Charge {
    fn subject(&self) -> Subject<'_> {
        Subject::new(["charge"])
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let act = self.act.get_mut().ok().and_then(Option::take);
        if let Some(act) = act {
            act();
        }
    }
}

fn charge(number: u32, act: impl FnOnce() + Send + 'static) -> Envelope<Charge> {
    let act: Mutex<Option<Act>> = Mutex::new(Some(Box::new(act)));
    Envelope::new("test", Charge { number, act })
}

fn dud(number: u32) -> Envelope<Charge> {
    let act = Mutex::new(None);
    Envelope::new("test", Charge { number, act })
}

fn subscribe(bus: &Bus<Charge>, overflow: Overflow) -> Subscription<Charge> {
    let options = SubscribeOptions::new().capacity(1).overflow(overflow);
    bus.subscribe_with(options).expect("open")
}

fn number(subscription: &mut Subscription<Charge>) -> u32 {
    loop {
        match subscription.recv() {
            Ok(delivery) => return delivery.message.number,
            Err(error) => assert!(error.missed().is_some(), "the bus is open"),
        }
    }
}

#[test]
fn a_payload_that_panics_while_a_publisher_waits_takes_nobodys_turn_with_it() {
    let bus = Bus::new();
    let timeout = Duration::from_millis(1);
    let mut subscription = subscribe(&bus, Overflow::BlockFor(timeout));
    bus.publish(dud(0)).expect("open");
    let bomb = charge(1, || panic!("a payload's drop"));
    assert_eq!(bus.publish(bomb).expect("open").dropped(), 1);
    // The bus lets go of the bomb when it opens the next parcel, for which it has to wait too.
    assert!(catch_unwind(AssertUnwindSafe(|| bus.publish(dud(2)))).is_err());

    assert_eq!(number(&mut subscription), 0);
    assert_eq!(bus.publish(dud(3)).expect("open").delivered(), 1);
    assert_eq!(number(&mut subscription), 3);
    assert_eq!(subscription.dropped(), 2);
}

#[test]
fn a_payload_that_panics_while_it_is_received_costs_its_queue_no_place() {
    let bus = Bus::new();
    let options = SubscribeOptions::new().capacity(1);
    let mut subscription = (bus.subscribe_with(options.pattern("charge"))).expect("open");
    bus.publish(charge(0, || panic!("a payload's drop")))
        .expect("open");
    assert!(subscription.recv_ref().is_ok());
    bus.publish(dud(1)).expect("open");
    let received = catch_unwind(AssertUnwindSafe(|| subscription.recv_ref().is_ok()));
    assert!(received.is_err());
    assert_eq!(number(&mut subscription), 1);
    assert_eq!(bus.publish(dud(2)).expect("open").delivered(), 1);
    assert_eq!(number(&mut subscription), 2);
}

#[test]
fn a_payload_that_publishes_while_its_publisher_waits_gets_its_turn() {
    let bus = Arc::new(Bus::new());
    let timeout = Duration::from_millis(300);
    let mut subscription = subscribe(&bus, Overflow::BlockFor(timeout));
    bus.publish(dud(0)).expect("open");
    let last_words = {
        let bus = Arc::downgrade(&bus);
        charge(1, move || {
            let bus = bus.upgrade().expect("the test keeps it");
            bus.publish(dud(3)).expect("open");
        })
    };
    assert_eq!(bus.publish(last_words).expect("open").dropped(), 1);
    let reader = thread::spawn(move || {
        assert_eq!(number(&mut subscription), 0);
        let numbers = [number(&mut subscription), number(&mut subscription)];
        (numbers, subscription.dropped())
    });
    bus.publish(dud(2)).expect("open");
    bus.publish(dud(4)).expect("open");
    let (numbers, dropped) = reader.join().expect("reader");
    assert_eq!((numbers, dropped), ([2, 3], 1));
}

/// Publishes, subscribes, asks, unsubscribes: whatever a payload may do with a bus.
fn meddle(bus: &Bus<Charge>, told: &Sender<usize>) {
    let mut other = bus.subscribe();
    let matched = bus.publish(dud(7)).map_or(0, |receipt| receipt.matched());
    let _received = other.try_recv();
    let _asked = (other.len(), other.dropped(), bus.subscriber_count());
    drop(other);
    told.send(matched).expect("the test listens");
}

#[test]
fn a_payload_may_use_the_bus_wherever_it_is_dropped() {
    let (told, tells) = channel();
    let worker = thread::spawn(move || {
        let bus = Arc::new(Bus::new());
        let meddler = |number| {
            let (bus, told) = (Arc::downgrade(&bus), told.clone());
            charge(number, move || match bus.upgrade() {
                Some(bus) => meddle(&bus, &told),
                None => told.send(0).expect("the test listens"),
            })
        };
        // Nobody listens: it is dropped by the publish.
        bus.publish(meddler(0)).expect("open");
        // Received by all: it is dropped by the publish that opens the next parcel.
        let mut subscription = bus.subscribe();
        bus.publish(meddler(1)).expect("open");
        drop(subscription.recv());
        bus.publish(dud(2)).expect("open");
        // In the hand of a subscriber that goes on.
        bus.publish(meddler(3)).expect("open");
        bus.publish_batch((0..9).map(dud)).expect("open");
        subscription.try_recv_each(|_| ()).expect("queued");
        // In a queue that goes, and in a batch that is refused.
        bus.publish_batch((0..20).map(meddler)).expect("open");
        drop(subscription);
        let last = bus.subscribe();
        bus.publish(meddler(4)).expect("open");
        bus.close();
        drop(bus.publish_batch((5..9).map(meddler)));
        drop(bus);
        drop(last);
    });
    let mut count = 0;
    loop {
        match tells.recv_timeout(Duration::from_secs(20)) {
            Ok(_) => count += 1,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("a payload waits for its own thread"),
        }
    }
    worker.join().expect("worker");
    assert_eq!(count, 3 + 20 + 1 + 4);
}

#[test]
fn a_payload_that_panics_when_it_is_let_go_of_costs_no_subscriber_the_next_envelope() {
    let options = SubscribeOptions::new;
    let kinds = [
        options(),
        options().source("test"),
        options().overflow(Overflow::DropOldest),
    ];
    for (kind, options) in kinds.into_iter().enumerate() {
        let bus = Bus::new();
        let mut subscription = bus.subscribe_with(options).expect("open");
        let armed = charge(0, || panic!("on purpose"));
        for envelope in [armed, dud(1), dud(2)] {
            bus.publish(envelope).expect("open");
            drop(bus.subscribe()); // the next one lies in another parcel
        }
        let mut seen = Vec::new();
        for _ in 0..4 {
            let receive = || subscription.try_recv_ref().map(|it| it.message.number).ok();
            seen.extend(catch_unwind(AssertUnwindSafe(receive)).ok().flatten());
        }
        assert_eq!(seen, [0, 1, 2], "kind {kind}");
    }
}

#[test]
fn a_payload_that_panics_when_it_is_let_go_of_keeps_nobodys_batch_from_being_published() {
    type Publish = fn(&Bus<Charge>);
    let ways: &[Publish] = &[
        |bus| drop(bus.publish_batch((1..=10).map(dud))),
        #[cfg(feature = "tokio")]
        |bus| {
            let tasks = bus.clone().into_async();
            drop(futures::executor::block_on(
                tasks.publish_batch((1..=10).map(dud)),
            ));
        },
    ];
    for publish in ways {
        let bus = Bus::new();
        let options = SubscribeOptions::new().source("test");
        let mut subscription = bus.subscribe_with(options).expect("open");
        let armed = charge(0, || panic!("on purpose"));
        bus.publish(armed).expect("open");
        drop(subscription.recv().expect("queued")); // the bus alone keeps the parcel now
        let outcome = catch_unwind(AssertUnwindSafe(|| publish(&bus)));
        assert!(outcome.is_err(), "the panic is not hidden");
        for expected in 1..=10 {
            assert_eq!(number(&mut subscription), expected);
        }
    }
}

#[test]
fn a_batch_to_nobody_is_counted_once_though_a_payload_panics_when_it_is_let_go_of() {
    let bus = Bus::new();
    let batch = (0..10).map(|number| match number {
        3 => charge(number, || panic!("on purpose")),
        _ => dud(number),
    });
    let outcome = catch_unwind(AssertUnwindSafe(|| bus.publish_batch(batch).is_ok()));
    assert!(outcome.is_err(), "the panic is not hidden");
    assert_eq!(bus.stats().published, 10);
}

/// Does something when it is asked for its subject, or panics when it is dropped.
enum Quarrel {
    Acts(Mutex<Option<Act>>),
    Panics,
    Rests,
}

impl Payload for Quarrel {
    fn subject(&self) -> Subject<'_> {
        if let Quarrel::Acts(act) = self {
            let act = act.lock().unwrap().take();
            if let Some(act) = act {
                act();
            }
        }
        Subject::new(["quarrel"])
    }
}

impl Drop for Quarrel {
    fn drop(&mut self) {
        assert!(!matches!(self, Quarrel::Panics), "a payload's drop");
    }
}

/// A bus with somebody who listens to everything, and has received all but a payload that panics when it is dropped, in
/// a parcel that has room for more; and what makes that go out of use. The others subscribe before.
fn quarrel<T>(
    others: impl FnOnce(&Bus<Quarrel>) -> T,
) -> (Bus<Quarrel>, T, impl FnOnce() + Send + 'static) {
    let bus = Bus::<Quarrel>::new();
    let others = others(&bus);
    let grant = Grant::new("quarrel").patterns(["quarrel"]);
    bus.grant(grant).expect("well-formed");
    let mut subscription = bus.subscribe();
    let mut messages = [const { Quarrel::Rests }; 5];
    messages[4] = Quarrel::Panics;
    for message in messages {
        let publish = bus.publish(Envelope::new("other", message));
        publish.map_err(drop).expect("open");
    }
    let lets_go = {
        let bus = bus.clone();
        move || {
            while subscription.try_recv_ref().is_ok() {}
            // Puts another parcel in the place of that one, which who publishes alone has then.
            bus.subscribe().close();
            assert!(subscription.try_recv_ref().is_err());
        }
    };
    (bus, others, lets_go)
}

fn by_pattern(bus: &Bus<Quarrel>) -> Subscription<Quarrel> {
    let options = SubscribeOptions::new().pattern("quarrel.about.*");
    bus.subscribe_with(options).expect("open")
}

fn acts(act: impl FnOnce() + Send + 'static) -> Quarrel {
    Quarrel::Acts(Mutex::new(Some(Box::new(act))))
}

#[test]
fn a_payload_that_panics_while_a_grant_asks_keeps_nothing_from_being_published() {
    let (bus, (), lets_go) = quarrel(|_| ());
    let publisher = bus.publisher("quarrel", "quarrel");
    let publish = publisher.publish(acts(lets_go));
    publish.map_err(drop).expect("granted");
    assert_eq!(bus.stats().published, 6);
}

#[test]
fn a_payload_that_panics_while_a_publish_is_refused_leaves_the_envelope_to_who_published() {
    let lossless = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Block)
        .predicate(|it: &Envelope<Quarrel>| matches!(it.message, Quarrel::Acts(_)));
    let (bus, _others, lets_go) = quarrel(|bus| {
        let full = bus.subscribe_with(lossless).expect("open");
        let fills = Envelope::new("other", acts(|| ()));
        bus.publish(fills).map_err(drop).expect("open");
        (full, by_pattern(bus))
    });
    let refused = bus.try_publish(Envelope::new("other", acts(lets_go)));
    assert!(refused.expect_err("it has no room").is_full());
}

#[test]
fn a_subject_and_a_payload_that_panic_at_once_are_one_panic() {
    for guarded in [true, false] {
        let (bus, _by_pattern, lets_go) = quarrel(|bus| (!guarded).then(|| by_pattern(bus)));
        let publisher = bus.publisher("quarrel", "quarrel");
        let message = acts(|| {
            lets_go();
            panic!("a payload's subject");
        });
        let publish = AssertUnwindSafe(|| {
            if guarded {
                publisher.publish(message).is_ok()
            } else {
                bus.publish(Envelope::new("quarrel", message)).is_ok()
            }
        });
        assert!(catch_unwind(publish).is_err());
    }
}
