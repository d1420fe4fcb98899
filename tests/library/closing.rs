//! Tests of the end: what `close`, and the drop of the last handle, mean for publishers and subscribers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use oxide_bus::kernel::Command;
use oxide_bus::{
    Bus, Envelope, Payload, RecvError, RecvTimeoutError, Subject, SubscribeError, SubscribeOptions,
    Subscription, TryRecvError,
};

use crate::support::task::Task;

const PATIENCE: Duration = Duration::from_secs(20);

fn of_capacity<M>(capacity: usize) -> SubscribeOptions<M> {
    SubscribeOptions::new().capacity(capacity)
}

/// Returns how many of the published payloads are alive.
fn alive(payload: &Arc<()>) -> usize {
    Arc::strong_count(payload) - 1
}

fn publish(bus: &Bus<Arc<()>>, payload: &Arc<()>) {
    bus.publish(Envelope::new("owner", Arc::clone(payload)))
        .unwrap();
}

#[test]
fn a_closed_bus_refuses_and_lets_its_subscribers_drain() {
    let bus = Bus::<u64>::new();
    bus.grant("log:write").unwrap();
    let publisher = bus.publisher("log", "log:write");
    let mut subscription = bus.subscribe_with(of_capacity(2)).unwrap();
    for number in 0..3 {
        publisher.publish(number).unwrap();
    }
    assert!(!bus.is_closed());
    bus.close();
    bus.close(); // the second close changes nothing
    assert!(bus.is_closed() && bus.clone().is_closed());

    let refused = [
        bus.publish(Envelope::new("root", 7)),
        publisher.publish(7),
        publisher.reply(&Envelope::new("client", 6), 7),
    ];
    for outcome in refused {
        let error = outcome.unwrap_err();
        assert!(error.is_closed() && !error.is_denied());
        assert_eq!(error.envelope().message, 7);
    }

    assert_eq!(subscription.len(), 2);
    assert_eq!(subscription.recv().unwrap().message, 0);
    assert_eq!(subscription.try_recv().unwrap().message, 1);
    assert!(
        subscription
            .recv_timeout(PATIENCE)
            .unwrap_err()
            .missed()
            .is_some()
    );
    for _ in 0..3 {
        assert_eq!(subscription.recv().unwrap_err(), RecvError::Disconnected);
        assert_eq!(
            subscription.try_recv().unwrap_err(),
            TryRecvError::Disconnected
        );
        let error = subscription.recv_timeout(PATIENCE).unwrap_err();
        assert_eq!(error, RecvTimeoutError::Disconnected);
        assert!(subscription.iter().next().is_none());
    }
}

#[test]
fn a_closed_bus_returns_commands_and_events_too() {
    let bus = oxide_bus::MessageBus::new();
    bus.grant("any").unwrap();
    let publisher = bus.publisher("module", "any");
    bus.close();
    assert!(
        bus.send_command("kernel", Command::Ping)
            .unwrap_err()
            .is_closed()
    );
    assert!(publisher.publish(Command::Ping).unwrap_err().is_closed());
}

#[test]
fn on_a_closed_bus_a_subscription_is_disconnected_from_the_start() {
    let bus = Bus::<u64>::new();
    bus.close();
    let mut subscription = bus.subscribe();
    assert_eq!(subscription.recv().unwrap_err(), RecvError::Disconnected);
    assert_eq!((subscription.len(), subscription.dropped()), (0, 0));
    let error = bus.subscribe_with(SubscribeOptions::new()).unwrap_err();
    assert_eq!(error, SubscribeError::Closed);
    assert_eq!(bus.subscriber_count(), 0);
}

#[test]
fn receivers_that_wait_learn_that_the_bus_closes() {
    let bus = Bus::<u64>::new();
    let receivers: Vec<_> = (0..4)
        .map(|index| {
            let mut subscription = bus.subscribe();
            Task::start(move || match index {
                0 => subscription.recv().unwrap_err() == RecvError::Disconnected,
                1 => {
                    subscription.recv_timeout(Duration::MAX).unwrap_err()
                        == RecvTimeoutError::Disconnected
                }
                2 => subscription.recv_ref().unwrap_err() == RecvError::Disconnected,
                _ => subscription.into_iter().next().is_none(),
            })
        })
        .collect();
    for receiver in &receivers {
        receiver.assert_waits();
    }
    bus.close();
    for receiver in receivers {
        assert!(receiver.end());
    }
}

#[test]
fn the_bus_closes_with_its_last_handle_be_it_a_bus_or_a_publisher() {
    for bus_is_last in [true, false] {
        let bus = Bus::<u64>::new();
        bus.grant("log:write").unwrap();
        let (clone, publisher) = (bus.clone(), bus.publisher("log", "log:write"));
        let mut subscription = bus.subscribe();
        drop(bus);
        if bus_is_last {
            drop(publisher);
            clone.publish(Envelope::new("log", 1)).unwrap();
            assert_eq!(subscription.recv().unwrap().message, 1);
            let receiver = Task::start(move || subscription.recv().unwrap_err());
            receiver.assert_waits();
            drop(clone);
            assert_eq!(receiver.end(), RecvError::Disconnected);
        } else {
            drop(clone);
            publisher.clone().publish(1).unwrap();
            assert_eq!(subscription.recv().unwrap().message, 1);
            let receiver = Task::start(move || subscription.recv().unwrap_err());
            receiver.assert_waits();
            drop(publisher);
            assert_eq!(receiver.end(), RecvError::Disconnected);
        }
    }
}

/// Neither a subscriber that received the last publish nor one that left keeps the bus alive.
#[test]
fn a_bus_without_handles_is_freed_though_subscriptions_are_kept() {
    let (bus, payload) = (Bus::new(), Arc::new(()));
    let mut kept = bus.subscribe();
    drop(bus.subscribe());
    publish(&bus, &payload);
    drop(bus);
    assert_eq!(kept.len(), 1);
    kept.recv().unwrap();
    assert_eq!(kept.recv().unwrap_err(), RecvError::Disconnected);
    assert_eq!(alive(&payload), 0);
}

/// What a publisher and a subscriber observed while the bus closed.
struct Race {
    delivered: usize,
    dropped: usize,
    received: usize,
    missed: u64,
    subscription: Subscription<u64>,
}

/// Runs one publisher and one subscriber with little room, and closes the bus somewhere in between.
fn race_with_the_close() -> Race {
    let bus = Bus::<u64>::new();
    let mut subscription = bus.subscribe_with(of_capacity(4)).unwrap();
    let closed = Arc::new(AtomicBool::new(false));
    let (begun, begins) = channel();
    let publisher = {
        let (bus, closed) = (bus.clone(), Arc::clone(&closed));
        Task::start(move || {
            let (mut delivered, mut dropped) = (0, 0);
            loop {
                let too_late = closed.load(Ordering::SeqCst);
                let Ok(receipt) = bus.publish(Envelope::new("counter", 0)) else {
                    return (delivered, dropped);
                };
                assert!(!too_late, "accepted after the bus had closed");
                delivered += receipt.delivered();
                dropped += receipt.dropped();
                let _asked_once = begun.send(());
            }
        })
    };
    let subscriber = Task::start(move || {
        let (mut received, mut missed) = (0, 0);
        for item in &mut subscription {
            match item {
                Ok(_) => received += 1,
                Err(error) => missed += error.missed().expect("nobody is evicted"),
            }
        }
        (received, missed, subscription)
    });
    begins.recv_timeout(PATIENCE).unwrap();
    drop(begins);
    bus.close();
    closed.store(true, Ordering::SeqCst);
    let (delivered, dropped) = publisher.end();
    let (received, missed, subscription) = subscriber.end();
    Race {
        delivered,
        dropped,
        received,
        missed,
        subscription,
    }
}

#[test]
fn of_publishes_that_race_with_the_close_those_are_received_that_were_accepted() {
    for _ in 0..100 {
        let race = race_with_the_close();
        assert_eq!(race.received, race.delivered);
        assert_eq!(
            usize::try_from(race.subscription.dropped()),
            Ok(race.dropped)
        );
    }
}

#[test]
fn what_was_lost_before_the_end_is_told_before_the_end() {
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        let mut race = race_with_the_close();
        let after_the_end = race.subscription.recv().unwrap_err();
        assert_eq!(after_the_end, RecvError::Disconnected, "the end was no end");
        assert_eq!(race.missed, race.subscription.dropped());
    }
}

/// Asks a subscription for its length, in user code that runs while the last handle is dropped.
#[derive(Default)]
struct Asked {
    subscription: Mutex<Option<Subscription<Asks>>>,
    is_ending: AtomicBool,
    found: Mutex<Vec<usize>>,
}

struct Asks(Arc<Asked>);

impl Asks {
    fn ask(&self) {
        if self.0.is_ending.load(Ordering::Relaxed) {
            let found = self.0.subscription.lock().unwrap().as_ref().unwrap().len();
            self.0.found.lock().unwrap().push(found);
        }
    }
}

impl Payload for Asks {
    fn subject(&self) -> Subject<'_> {
        self.ask();
        Subject::new(["asks"])
    }
}

impl Drop for Asks {
    fn drop(&mut self) {
        self.ask();
    }
}

#[test]
fn user_code_that_runs_while_the_last_handle_goes_may_ask_a_subscription() {
    for retains in [false, true] {
        let asked = Arc::new(Asked::default());
        let bus = Bus::<Asks>::new();
        if retains {
            bus.retain("asks", 1).unwrap();
        }
        *asked.subscription.lock().unwrap() = Some(bus.subscribe_with(of_capacity(1)).unwrap());
        let mut reader = bus
            .subscribe_with(SubscribeOptions::new().source("test"))
            .unwrap();
        for _ in 0..2 {
            bus.send("test", Asks(Arc::clone(&asked))).unwrap();
            assert!(reader.try_recv().is_ok());
        }
        asked.is_ending.store(true, Ordering::Relaxed);
        // The second envelope is in no queue, so it is dropped here.
        Task::start(move || drop(bus)).end();
        asked.is_ending.store(false, Ordering::Relaxed);
        assert_eq!(*asked.found.lock().unwrap(), [1], "retains: {retains}");
        drop(asked.subscription.lock().unwrap().take());
    }
}
