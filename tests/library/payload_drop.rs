//! Tests of payloads with the worst `Drop` that users can write: it publishes, subscribes and panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use oxide_bus::{Bus, Envelope, Overflow, Payload, Subject, SubscribeOptions, Subscription};

type Act = Box<dyn FnOnce() + Send>;

/// Runs a closure when it is dropped.
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

fn number(subscription: &mut Subscription<Charge>) -> u32 {
    loop {
        match subscription.recv() {
            Ok(delivery) => return delivery.message.number,
            Err(error) => assert!(error.missed().is_some(), "the bus is open"),
        }
    }
}

/// Publishes, subscribes, requests and unsubscribes: everything that a payload may do with a bus.
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
        // Nobody is subscribed: the publish drops the payload.
        bus.publish(meddler(0)).expect("open");
        // Everybody has received it: the publish that opens the next segment drops it.
        let mut subscription = bus.subscribe();
        bus.publish(meddler(1)).expect("open");
        drop(subscription.recv());
        bus.publish(dud(2)).expect("open");
        // A subscriber that goes on holds it.
        bus.publish(meddler(3)).expect("open");
        bus.publish_batch((0..9).map(dud)).expect("open");
        subscription.try_recv_each(|_| ()).expect("queued");
        // It is in a queue that is dropped, or in a batch that is refused.
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
fn when_a_payload_has_panicked_in_its_drop_the_bus_goes_on() {
    let options = SubscribeOptions::new;
    for options in [
        options(),
        options().source("test"),
        options().overflow(Overflow::DropOldest),
        options().overflow(Overflow::Block),
    ] {
        let bus = Bus::new();
        let mut subscription = bus.subscribe_with(options.capacity(4)).expect("open");
        bus.publish(charge(0, || panic!("a payload's drop")))
            .expect("open");
        let mut panicked = 0;
        for round in 1..20 {
            // It is in a segment with received envelopes: either a publish or a receive drops it.
            let publish = AssertUnwindSafe(|| bus.publish(dud(round)).is_ok());
            panicked += usize::from(catch_unwind(publish).is_err());
            let receive = AssertUnwindSafe(|| while subscription.try_recv().is_ok() {});
            panicked += usize::from(catch_unwind(receive).is_err());
        }
        assert_eq!(panicked, 1);
        let stats = bus.stats().subscriptions.remove(0);
        assert_eq!(stats.matched, stats.received + stats.queued + stats.dropped);
        for last in 0..3 {
            bus.publish(dud(last)).expect("open");
            assert_eq!(number(&mut subscription), last);
        }
    }
}
