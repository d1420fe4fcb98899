//! Tests of `Overflow::Block`: publishers wait for room, and for nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use oxide_bus::kernel::{Command, Message};
use oxide_bus::{Bus, Envelope, Overflow, Receipt, RecvError, RecvTimeoutError, SubscribeOptions};

use crate::support::numbers::{publish, publish_all, queued};
use crate::support::task::Task;

const PATIENCE: Duration = Duration::from_secs(20);

fn blocking<M>(capacity: usize, timeout: Option<Duration>) -> SubscribeOptions<M> {
    SubscribeOptions::new()
        .capacity(capacity)
        .overflow(timeout.map_or(Overflow::Block, Overflow::BlockFor))
}

/// Publishes on a thread of its own, on a bus where the publisher has to wait.
fn publish_aside(bus: &Bus<u64>, number: u64) -> Task<Receipt> {
    let bus = bus.clone();
    Task::start(move || publish(&bus, number))
}

#[test]
fn a_blocking_queue_loses_nothing_though_its_subscriber_is_slow() {
    let bus = Bus::new();
    let mut subscription = bus.subscribe_with(blocking(2, None)).unwrap();
    let publisher = Task::start(move || {
        (0..300)
            .map(|number| publish(&bus, number).delivered())
            .sum::<usize>()
    });
    let mut received = Vec::new();
    while let Ok(delivery) = subscription.recv() {
        received.push(delivery.message);
        if delivery.message % 30 == 0 {
            // The publisher has to wait once the queue is full, because nothing is taken meanwhile.
            while subscription.len() < 2 && delivery.message < 298 {
                std::thread::yield_now();
            }
        }
    }
    assert_eq!(publisher.end(), 300);
    assert_eq!(received, (0..300).collect::<Vec<_>>());
    assert_eq!(subscription.dropped(), 0);
}

#[test]
fn a_publisher_waits_for_room_and_goes_on_when_there_is_some() {
    let bus = Bus::new();
    let mut subscription = bus.subscribe_with(blocking(1, None)).unwrap();
    publish(&bus, 0);
    let publisher = publish_aside(&bus, 1);
    publisher.assert_waits();
    assert_eq!(subscription.recv().unwrap().message, 0);
    let receipt = publisher.end();
    assert_eq!((receipt.delivered(), receipt.dropped()), (1, 0));
    assert_eq!(queued(&mut subscription), [Ok(1)]);
}

fn assert_each_place_lets_one_publisher_go_on(timeout: Option<Duration>) {
    let bus = Bus::new();
    let mut subscription = bus.subscribe_with(blocking(1, timeout)).unwrap();
    publish(&bus, 0);
    let (done, returned) = channel();
    let publishers: Vec<_> = (1..=4)
        .map(|number| {
            let (bus, done) = (bus.clone(), done.clone());
            Task::start(move || {
                publish(&bus, number);
                done.send(()).unwrap();
            })
        })
        .collect();
    for publisher in &publishers {
        publisher.assert_waits();
    }
    let mut received = Vec::new();
    for _ in 0..4 {
        received.push(subscription.recv().unwrap().message);
        returned
            .recv_timeout(PATIENCE)
            .expect("one publisher got the place");
        assert!(returned.try_recv().is_err(), "two publishers got one place");
    }
    received.push(subscription.recv().unwrap().message);
    assert_eq!(received[0], 0);
    received.sort_unstable();
    assert_eq!(received, [0, 1, 2, 3, 4]);
    for publisher in publishers {
        publisher.end();
    }
}

#[test]
fn each_place_that_becomes_free_lets_one_waiting_publisher_go_on() {
    assert_each_place_lets_one_publisher_go_on(None);
}

#[test]
fn each_place_that_becomes_free_in_time_lets_one_waiting_publisher_go_on() {
    assert_each_place_lets_one_publisher_go_on(Some(6 * PATIENCE));
}

#[test]
fn a_wait_with_a_time_out_ends_there_and_the_envelope_is_dropped_and_counted() {
    let timeout = Duration::from_millis(20);
    let bus = Bus::new();
    let mut subscription = bus.subscribe_with(blocking(1, Some(timeout))).unwrap();
    publish(&bus, 0);
    let started = Instant::now();
    let receipt = publish(&bus, 1);
    let waited = started.elapsed();
    assert!(waited >= timeout, "waited only {waited:?}");
    assert!(waited < timeout + PATIENCE, "waited {waited:?}");
    assert_eq!((receipt.matched(), receipt.dropped()), (1, 1));
    assert_eq!(subscription.dropped(), 1);
    assert_eq!(queued(&mut subscription), [Ok(0), Err(1)]);
    assert_eq!(publish(&bus, 2).delivered(), 1);
}

#[test]
fn a_time_out_of_zero_waits_not_at_all_and_one_beyond_the_clock_is_none() {
    let bus = Bus::new();
    let mut impatient = bus
        .subscribe_with(blocking(1, Some(Duration::ZERO)))
        .unwrap();
    publish(&bus, 0);
    assert_eq!(publish(&bus, 1).dropped(), 1);
    assert_eq!(queued(&mut impatient), [Ok(0), Err(1)]);
    drop(impatient);

    let mut patient = bus
        .subscribe_with(blocking(1, Some(Duration::MAX)))
        .unwrap();
    publish(&bus, 2);
    let publisher = publish_aside(&bus, 3);
    publisher.assert_waits();
    assert_eq!(patient.recv().unwrap().message, 2);
    assert_eq!(publisher.end().delivered(), 1);
}

#[test]
fn the_time_out_counts_from_the_publish_for_all_that_are_waited_for() {
    let timeout = Duration::from_millis(200);
    let bus = Bus::new();
    let stuck: Vec<_> = (0..10)
        .map(|_| bus.subscribe_with(blocking(1, Some(timeout))).unwrap())
        .collect();
    publish(&bus, 0);
    let started = Instant::now();
    assert_eq!(publish(&bus, 1).dropped(), 10);
    let waited = started.elapsed();
    assert!(waited < 10 * timeout, "one after another: {waited:?}");
    assert!(stuck.iter().all(|subscription| subscription.dropped() == 1));
}

#[test]
fn while_a_publisher_waits_nobody_has_its_envelope_and_then_all_have_it() {
    let bus = Bus::new();
    let mut others = [
        bus.subscribe(),
        bus.subscribe_with(blocking(2, None)).unwrap(),
        bus.subscribe_with(blocking(2, None).source("counter"))
            .unwrap(),
    ];
    let mut waited_for = bus.subscribe_with(blocking(1, None)).unwrap();
    publish(&bus, 0);
    let publisher = publish_aside(&bus, 1);
    publisher.assert_waits();
    for other in &mut others {
        assert_eq!(queued(other), [Ok(0)]);
    }
    assert_eq!(waited_for.recv().unwrap().message, 0);
    assert_eq!(publisher.end().delivered(), 4);
    for other in others.iter_mut().chain([&mut waited_for]) {
        assert_eq!(queued(other), [Ok(1)]);
    }
}

#[test]
fn a_publisher_that_waits_holds_up_no_other_publisher_of_a_queue_with_room() {
    let bus = Bus::new();
    let stuck = blocking(1, None).source("slow");
    let mut stuck = bus.subscribe_with(stuck).unwrap();
    let mut lively = bus.subscribe();
    let slow = |number| Envelope::new("slow", number);
    bus.publish(slow(0)).unwrap();
    let aside = bus.clone();
    let publisher = Task::start(move || aside.publish(slow(1)).unwrap());
    publisher.assert_waits();

    for number in 2..100 {
        assert_eq!(publish(&bus, number).delivered(), 1);
    }
    let passed = [0].into_iter().chain(2..100);
    assert_eq!(queued(&mut lively), passed.map(Ok).collect::<Vec<_>>());
    drop(bus.subscribe());
    assert_eq!(stuck.recv().unwrap().message, 0);
    publisher.end();
    assert_eq!(queued(&mut lively), [Ok(1)]);
}

#[test]
fn a_publisher_that_waits_learns_that_the_subscription_is_dropped() {
    let bus = Bus::new();
    let subscription = bus.subscribe_with(blocking(1, None)).unwrap();
    publish(&bus, 0);
    let publishers = [publish_aside(&bus, 1), publish_aside(&bus, 2)];
    for publisher in &publishers {
        publisher.assert_waits();
    }
    drop(subscription);
    for publisher in publishers {
        assert_eq!(publisher.end().matched(), 0);
    }
}

#[test]
fn a_publisher_that_waits_gets_its_envelope_back_when_the_bus_closes() {
    let bus = Bus::new();
    let _with_room = bus.subscribe_with(blocking(3, None)).unwrap();
    let mut subscription = bus.subscribe_with(blocking(1, None)).unwrap();
    publish(&bus, 0);
    let publishers = [1, 2].map(|number| {
        let bus = bus.clone();
        Task::start(move || bus.publish(Envelope::new("counter", number)))
    });
    for publisher in &publishers {
        publisher.assert_waits();
    }
    bus.close();
    for (publisher, number) in publishers.into_iter().zip(1..) {
        let error = publisher.end().unwrap_err();
        assert!(error.is_closed());
        assert_eq!(error.into_envelope().message, number);
    }
    assert_eq!(subscription.dropped(), 0);
    assert_eq!(queued(&mut subscription), [Ok(0)]);
    assert_eq!(subscription.recv().unwrap_err(), RecvError::Disconnected);
}

#[test]
fn a_subscriber_that_goes_while_another_is_waited_for_is_not_waited_for_in_its_turn() {
    let bus = Bus::new();
    let mut first = bus.subscribe_with(blocking(1, None)).unwrap();
    let second = bus.subscribe_with(blocking(1, None)).unwrap();
    publish(&bus, 0);
    let publisher = publish_aside(&bus, 1);
    publisher.assert_waits();
    drop(second);
    publisher.assert_waits();
    first.recv().unwrap();
    assert_eq!(publisher.end().matched(), 1);
}

#[test]
fn a_publisher_waits_also_for_the_place_of_an_envelope_that_is_only_held_back_by_a_gap() {
    let bus = Bus::new();
    let timeout = Some(Duration::from_millis(1));
    let mut subscription = bus.subscribe_with(blocking(1, timeout)).unwrap();
    publish_all(&bus, 0..2); // 1 is lost
    assert_eq!(subscription.recv().unwrap().message, 0);
    publish(&bus, 2);
    assert!(subscription.recv().unwrap_err().missed().is_some());
    assert_eq!(publish(&bus, 3).dropped(), 1);
    assert_eq!(queued(&mut subscription), [Ok(2), Err(1)]);
}

#[test]
fn many_publishers_through_one_blocking_place_lose_nothing() {
    const PUBLISHERS: u64 = 8;
    const EACH: u64 = 250;
    let bus = Bus::new();
    let mut subscription = bus.subscribe_with(blocking(1, None)).unwrap();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let bus = bus.clone();
            Task::start(move || publish_all(&bus, publisher * EACH..(publisher + 1) * EACH))
        })
        .collect();
    drop(bus);

    let mut next: Vec<_> = (0..PUBLISHERS).map(|publisher| publisher * EACH).collect();
    loop {
        let number = match subscription.recv_timeout(PATIENCE) {
            Ok(delivery) => delivery.message,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(error) => panic!("{error}"),
        };
        let next = &mut next[usize::try_from(number / EACH).unwrap()];
        assert_eq!(number, *next, "out of its publisher's order");
        *next += 1;
    }
    for (publisher, next) in (1..).zip(next) {
        assert_eq!(next, publisher * EACH, "some are missing");
    }
    for publisher in publishers {
        publisher.end();
    }
    assert_eq!(subscription.dropped(), 0);
}

/// Room, a time-out, the end of the bus or of the subscriber: whichever comes first ends the wait. No publisher keeps
/// waiting, and the accounts agree.
#[test]
fn publishers_that_wait_by_the_clock_keep_exact_accounts() {
    const PUBLISHERS: usize = 4;
    const EACH: u64 = 100;
    let bus = Bus::new();
    let options = blocking(1, Some(Duration::from_micros(30)));
    let mut subscription = bus.subscribe_with(options).unwrap();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|_| {
            let bus = bus.clone();
            Task::start(move || {
                let receipts = (0..EACH).map(|number| publish(&bus, number));
                receipts.fold((0, 0), |(delivered, dropped), receipt| {
                    assert_eq!(receipt.matched(), 1);
                    (delivered + receipt.delivered(), dropped + receipt.dropped())
                })
            })
        })
        .collect();
    drop(bus);
    let (mut received, mut missed) = (0, 0);
    for item in &mut subscription {
        match item {
            Ok(_) => received += 1,
            Err(error) => missed += error.missed().expect("nobody is evicted"),
        }
    }
    let (mut delivered, mut dropped) = (0, 0);
    for publisher in publishers {
        let sums = publisher.end();
        delivered += sums.0;
        dropped += sums.1;
    }
    assert_eq!(received, delivered);
    assert_eq!(usize::try_from(subscription.dropped()), Ok(dropped));
    assert!(missed <= subscription.dropped());
}

#[test]
fn what_a_waiting_publisher_holds_is_freed_with_the_subscription() {
    let bus = Bus::new();
    let options = blocking(1, None);
    let subscription = bus.subscribe_with(options).unwrap();
    let payload = Arc::new(());
    let publish = |bus: &Bus<Arc<()>>, payload: &Arc<()>| {
        bus.publish(Envelope::new("owner", Arc::clone(payload)))
            .unwrap()
    };
    publish(&bus, &payload);
    let publisher = {
        let (bus, payload) = (bus.clone(), Arc::clone(&payload));
        Task::start(move || publish(&bus, &payload))
    };
    publisher.assert_waits();
    drop(subscription);
    publisher.end();
    assert_eq!(Arc::strong_count(&payload), 1);
}

#[test]
fn an_envelope_that_several_have_no_room_for_comes_when_the_last_of_them_has() {
    let kinds = || [blocking(1, None), blocking(1, None).source("counter")];
    let bus = Bus::new();
    let mut subscriptions: Vec<_> = [kinds(), kinds()]
        .into_iter()
        .flatten()
        .map(|options| bus.subscribe_with(options).unwrap())
        .collect();
    publish(&bus, 0);
    let publisher = publish_aside(&bus, 1);
    // The last subscription makes room first: the publisher waits for all of them, in whatever order they make room.
    for subscription in subscriptions.iter_mut().rev() {
        publisher.assert_waits();
        assert_eq!(subscription.try_recv().map(|it| it.message), Ok(0)); // and no more: 1 may follow at once
    }
    assert_eq!(publisher.end().delivered(), 4);
    for subscription in &mut subscriptions {
        assert_eq!(queued(subscription), [Ok(1)]);
    }
}

#[test]
fn a_publisher_that_waits_goes_on_when_its_envelope_matches_no_more() {
    let bus = Bus::<Message>::new();
    let full = blocking(1, None).pattern("command.ping");
    let full = bus.subscribe_with(full).unwrap();
    let ping = || Envelope::new("kernel", Message::Command(Command::Ping));
    bus.publish(ping()).unwrap();
    let publisher = {
        let bus = bus.clone();
        Task::start(move || bus.publish(ping()).unwrap().matched())
    };
    publisher.assert_waits();
    full.set_patterns(["event.>"]).unwrap();
    assert_eq!(publisher.end(), 0);
}

#[test]
fn a_publisher_that_is_held_up_when_it_was_woken_keeps_no_other_from_a_free_place() {
    let bus = Bus::<u64>::new();
    let of = |sources: &[&'static str]| {
        let options = blocking(1, None);
        (sources.iter()).fold(options, |options, &source| options.source(source))
    };
    let mut full = bus.subscribe_with(of(&["first", "second"])).unwrap();
    bus.publish(Envelope::new("first", 0)).unwrap();
    let publishers = [("first", 1), ("second", 2)].map(|(source, number)| {
        let bus = bus.clone();
        let publisher = Task::start(move || {
            bus.publish(Envelope::new(source, number)).unwrap();
        });
        publisher.assert_waits();
        publisher
    });
    let (release, released) = channel::<()>();
    let released = std::sync::Mutex::new(released);
    let asks = of(&["first"]).predicate(move |_: &Envelope<u64>| {
        let _let_go = released.lock().unwrap().recv();
        true
    });
    let _asks = bus.subscribe_with(asks).unwrap();
    // The first is woken, and asks the predicate.
    assert_eq!(full.recv().unwrap().message, 0);
    assert_eq!(full.recv_timeout(PATIENCE).unwrap().message, 2);
    drop(release);
    assert_eq!(full.recv_timeout(PATIENCE).unwrap().message, 1);
    for publisher in publishers {
        publisher.end();
    }
}

#[test]
fn a_try_publish_is_for_all_or_for_none() {
    for options in [blocking(2, None), blocking(2, None).source("counter")] {
        let bus = Bus::new();
        let mut other = bus.subscribe();
        let mut filtered = bus
            .subscribe_with(SubscribeOptions::new().source("counter"))
            .unwrap();
        let mut roomy = bus
            .subscribe_with(blocking(10, None).source("counter"))
            .unwrap();
        let mut full = bus.subscribe_with(options).unwrap();
        let try_publish = |number| bus.try_publish(Envelope::new("counter", number));
        for number in 0..2 {
            assert_eq!(try_publish(number).unwrap().delivered(), 4);
        }
        for _ in 0..3 {
            let error = try_publish(7).unwrap_err();
            assert!(error.is_full() && !error.is_closed());
            assert_eq!(error.into_envelope().message, 7);
        }
        assert_eq!(bus.stats().published, 2);
        assert_eq!(full.recv().unwrap().message, 0);
        assert_eq!(try_publish(2).unwrap().delivered(), 4);
        assert!(try_publish(7).unwrap_err().is_full());
        for subscription in [&mut other, &mut filtered, &mut roomy] {
            assert_eq!(queued(subscription), [Ok(0), Ok(1), Ok(2)]);
            assert_eq!(subscription.dropped(), 0);
        }
        assert_eq!(queued(&mut full), [Ok(1), Ok(2)]);
        drop(full);
        assert_eq!(try_publish(3).unwrap().delivered(), 3);
        bus.close();
        assert!(try_publish(4).unwrap_err().is_closed());
    }
}

#[test]
fn a_place_that_a_refused_try_gave_back_goes_to_the_publisher_that_waits_for_it() {
    const EACH: u64 = 2_000;
    let bus = Bus::new();
    let lossless = || blocking(1, None).source("trier");
    // A try reserves a place in the first queue, finds the second one full and gives the place back.
    let mut contested = bus.subscribe_with(lossless().source("counter")).unwrap();
    let _full = bus.subscribe_with(lossless()).unwrap();
    bus.publish(Envelope::new("trier", 0)).unwrap();
    contested.recv().unwrap();
    let tries = Arc::new(AtomicBool::new(true));
    let trier = {
        let (bus, tries) = (bus.clone(), Arc::clone(&tries));
        Task::start(move || {
            while tries.load(Ordering::Relaxed) {
                assert!(bus.try_publish(Envelope::new("trier", 0)).is_err());
            }
        })
    };
    let publisher = {
        let bus = bus.clone();
        Task::start(move || publish_all(&bus, 0..EACH))
    };
    for number in 0..EACH {
        assert_eq!(contested.recv_timeout(PATIENCE).unwrap().message, number);
    }
    publisher.end();
    tries.store(false, Ordering::Relaxed);
    trier.end();
}

#[test]
fn a_publish_waits_no_longer_than_its_own_time_out_and_no_longer_than_the_subscriber_s() {
    let timeout = Duration::from_millis(20);
    for (theirs, ours) in [(None, timeout), (Some(timeout), Duration::MAX)] {
        for options in [blocking(1, theirs), blocking(1, theirs).source("counter")] {
            let bus = Bus::new();
            let mut subscription = bus.subscribe_with(options).unwrap();
            let publish = |number| bus.publish_timeout(Envelope::new("counter", number), ours);
            assert_eq!(publish(0).unwrap().delivered(), 1);
            let started = Instant::now();
            assert_eq!(publish(1).unwrap().dropped(), 1);
            let waited = started.elapsed();
            assert!(
                (timeout..timeout + PATIENCE).contains(&waited),
                "{waited:?}"
            );
            assert_eq!(queued(&mut subscription), [Ok(0), Err(1)]);
            assert_eq!(publish(2).unwrap().delivered(), 1);
            assert_eq!(queued(&mut subscription), [Ok(2)]);
        }
    }
}

#[test]
fn a_publisher_s_handle_tries_and_waits_as_the_bus_does() {
    let bus = Bus::new();
    let mut subscription = bus.subscribe_with(blocking(1, None)).unwrap();
    let counter = bus.publisher("counter", "count");
    assert!(counter.try_publish(0).unwrap_err().is_denied());
    assert!(
        counter
            .publish_timeout(0, PATIENCE)
            .unwrap_err()
            .is_denied()
    );
    bus.grant("count").unwrap();
    assert_eq!(counter.try_publish(0).unwrap().delivered(), 1);
    assert!(counter.try_publish(1).unwrap_err().is_full());
    let timeout = Duration::from_millis(1);
    assert_eq!(counter.publish_timeout(1, timeout).unwrap().dropped(), 1);
    assert_eq!(queued(&mut subscription), [Ok(0), Err(1)]);
}
