//! Tests of the ways to receive.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use oxide_bus::limits::{DEFAULT_CAPACITY, MAX_CAPACITY};
use oxide_bus::{
    Bus, Envelope, RecvError, RecvTimeoutError, SubscribeError, SubscribeOptions, Subscription,
    TryRecvError,
};

use crate::support::task::Task;

const MOMENT: Duration = Duration::from_millis(5);

fn publish(bus: &Bus<u64>, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        bus.publish(Envelope::new("counter", number)).unwrap();
    }
}

fn bus_with_one() -> (Bus<u64>, Subscription<u64>) {
    let bus = Bus::new();
    let subscription = bus.subscribe();
    (bus, subscription)
}

/// Returns a time in the past.
fn past() -> Instant {
    let now = Instant::now();
    now.checked_sub(Duration::from_secs(1)).unwrap_or(now)
}

#[test]
fn all_ways_take_the_envelopes_in_one_order() {
    let (bus, mut subscription) = bus_with_one();
    publish(&bus, 0..9);
    assert_eq!(subscription.recv().unwrap().message, 0);
    assert_eq!(subscription.try_recv().unwrap().message, 1);
    assert_eq!(subscription.recv_ref().unwrap().message, 2);
    assert_eq!(subscription.recv_timeout(MOMENT).unwrap().message, 3);
    assert_eq!(
        subscription
            .recv_deadline(Instant::now() + MOMENT)
            .unwrap()
            .message,
        4
    );
    assert_eq!(subscription.iter().next().unwrap().unwrap().message, 5);
    assert_eq!(subscription.try_iter().next().unwrap().unwrap().message, 6);
    assert_eq!(
        (&mut subscription)
            .into_iter()
            .next()
            .unwrap()
            .unwrap()
            .message,
        7
    );
    assert_eq!(subscription.into_iter().next().unwrap().unwrap().message, 8);
}

#[test]
fn nothing_queued_is_empty_and_times_out_and_is_not_the_end() {
    let (bus, mut subscription) = bus_with_one();
    for _ in 0..3 {
        assert_eq!(subscription.try_recv().unwrap_err(), TryRecvError::Empty);
        assert!(subscription.try_iter().next().is_none());
        for timeout in [
            Duration::ZERO,
            Duration::from_nanos(1),
            Duration::from_micros(1),
        ] {
            let error = subscription.recv_timeout(timeout).unwrap_err();
            assert_eq!(error, RecvTimeoutError::Timeout);
        }
        for deadline in [past(), Instant::now()] {
            let error = subscription.recv_deadline(deadline).unwrap_err();
            assert_eq!(error, RecvTimeoutError::Timeout);
        }
    }
    publish(&bus, [7]);
    assert_eq!(subscription.try_recv().unwrap().message, 7);
}

#[test]
fn a_time_out_is_waited_for_and_not_much_longer() {
    let (_bus, mut subscription) = bus_with_one();
    let timeout = Duration::from_millis(20);
    let started = Instant::now();
    assert_eq!(
        subscription.recv_timeout(timeout).unwrap_err(),
        RecvTimeoutError::Timeout
    );
    assert!(started.elapsed() >= timeout);

    let deadline = Instant::now() + timeout;
    assert_eq!(
        subscription.recv_deadline(deadline).unwrap_err(),
        RecvTimeoutError::Timeout
    );
    let late = deadline.elapsed();
    assert!(
        Instant::now() >= deadline && late < Duration::from_secs(10),
        "{late:?} late"
    );
}

#[test]
fn a_time_that_is_up_still_takes_what_is_queued() {
    let (bus, mut subscription) = bus_with_one();
    publish(&bus, 0..3);
    assert_eq!(
        subscription.recv_timeout(Duration::ZERO).unwrap().message,
        0
    );
    assert_eq!(subscription.recv_deadline(past()).unwrap().message, 1);
    assert_eq!(
        subscription
            .recv_timeout(Duration::from_nanos(1))
            .unwrap()
            .message,
        2
    );
    bus.close();
    let error = subscription.recv_deadline(past()).unwrap_err();
    assert_eq!(error, RecvTimeoutError::Disconnected);
    let error = subscription.recv_timeout(Duration::ZERO).unwrap_err();
    assert_eq!(error, RecvTimeoutError::Disconnected);
}

#[test]
fn the_longest_time_out_waits_until_something_comes() {
    let (bus, mut subscription) = bus_with_one();
    let receiver = Task::start(move || {
        let first = subscription.recv_timeout(Duration::MAX).unwrap().message;
        (first, subscription.recv_timeout(Duration::MAX).unwrap_err())
    });
    receiver.assert_waits();
    publish(&bus, [7]);
    receiver.assert_waits();
    bus.close();
    assert_eq!(receiver.end(), (7, RecvTimeoutError::Disconnected));
}

#[test]
fn a_receiver_that_waits_wakes_when_something_is_published() {
    let bus = Bus::new();
    let ways: [fn(&mut Subscription<u64>) -> u64; 5] = [
        |subscription| subscription.recv().unwrap().message,
        |subscription| subscription.recv_ref().unwrap().message,
        |subscription| {
            subscription
                .recv_timeout(Duration::from_mins(1))
                .unwrap()
                .message
        },
        |subscription| subscription.iter().next().unwrap().unwrap().message,
        |subscription| subscription.into_iter().next().unwrap().unwrap().message,
    ];
    let receivers = ways.map(|receive| {
        let mut subscription = bus.subscribe();
        Task::start(move || receive(&mut subscription))
    });
    for receiver in &receivers {
        receiver.assert_waits();
    }
    publish(&bus, [7]);
    for receiver in receivers {
        assert_eq!(receiver.end(), 7);
    }
}

#[test]
fn an_iterator_that_waits_ends_with_the_bus_and_stays_ended() {
    let (bus, mut subscription) = bus_with_one();
    publish(&bus, 0..3);
    drop(bus);
    let numbers: Vec<_> = subscription
        .iter()
        .map(|item| item.unwrap().message)
        .collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert!(subscription.iter().next().is_none());
    let mut owned = subscription.into_iter();
    assert!(owned.next().is_none());
    assert!(owned.next().is_none());
}

#[test]
fn an_iterator_that_does_not_wait_takes_what_is_queued_and_can_be_had_again() {
    let (bus, mut subscription) = bus_with_one();
    for round in 0..3 {
        publish(&bus, [round, round + 1]);
        let numbers: Vec<_> = subscription
            .try_iter()
            .map(|item| item.unwrap().message)
            .collect();
        assert_eq!(numbers, [round, round + 1]);
    }
}

#[test]
fn an_iterator_that_is_left_off_leaves_the_rest_queued() {
    let (bus, mut subscription) = bus_with_one();
    publish(&bus, 0..6);
    for item in &mut subscription {
        if item.unwrap().message == 2 {
            break;
        }
    }
    assert_eq!(subscription.try_iter().take(1).flatten().count(), 1);
    assert_eq!(subscription.len(), 2);
    assert_eq!(subscription.recv().unwrap().message, 4);
}

#[test]
fn a_queue_tells_how_full_it_is_and_how_much_it_holds() {
    let bus = Bus::new();
    let options = SubscribeOptions::new().capacity(3).name("plotter");
    let mut subscription = bus.subscribe_with(options).unwrap();
    assert_eq!(
        (subscription.capacity(), subscription.name()),
        (3, Some("plotter"))
    );
    assert!(subscription.is_empty());
    for (published, queued) in [(1, 1), (2, 2), (3, 3), (4, 3)] {
        publish(&bus, [published]);
        assert_eq!(subscription.len(), queued);
        assert!(!subscription.is_empty());
    }
    assert_eq!(subscription.dropped(), 1);
    for queued in [2, 1, 0] {
        subscription.recv().unwrap();
        assert_eq!(subscription.len(), queued);
    }
    assert!(subscription.is_empty());
    assert!(subscription.try_recv().unwrap_err().missed().is_some());
    assert_eq!((subscription.len(), subscription.dropped()), (0, 1));
}

#[test]
fn a_subscription_without_options_has_the_default_capacity_and_no_name() {
    let (bus, subscription) = bus_with_one();
    assert_eq!(DEFAULT_CAPACITY, 128);
    assert_eq!(subscription.capacity(), DEFAULT_CAPACITY);
    assert_eq!(subscription.name(), None);
    let with = bus.subscribe_with(SubscribeOptions::default()).unwrap();
    assert_eq!(with.capacity(), DEFAULT_CAPACITY);
}

#[test]
fn subscriptions_are_told_apart_by_their_ids_even_if_their_names_are_the_same() {
    let bus = Bus::<u64>::new();
    let named = || {
        bus.subscribe_with(SubscribeOptions::new().name("twin"))
            .unwrap()
    };
    let subscriptions: Vec<_> = (0..100).map(|_| named()).collect();
    let ids: HashSet<_> = subscriptions.iter().map(Subscription::id).collect();
    assert_eq!(ids.len(), subscriptions.len());
    assert!(ids.iter().all(|id| !id.is_nil()));
    assert!(
        subscriptions
            .iter()
            .all(|subscription| subscription.name() == Some("twin"))
    );
}

#[test]
fn a_capacity_of_nothing_or_of_too_much_is_refused() {
    let bus = Bus::<u64>::new();
    for capacity in [0, MAX_CAPACITY + 1, usize::MAX] {
        let options = SubscribeOptions::new().capacity(capacity);
        let error = bus.subscribe_with(options).unwrap_err();
        assert_eq!(error, SubscribeError::CapacityOutOfRange(capacity));
        assert!(error.to_string().contains(&capacity.to_string()));
    }
    assert_eq!(bus.subscriber_count(), 0);
    bus.close();
    let options = SubscribeOptions::new().capacity(0);
    assert!(bus.subscribe_with(options).is_err());
}

#[test]
fn what_recv_ref_lends_is_what_was_published() {
    let (bus, mut subscription) = bus_with_one();
    let mut other = bus.subscribe();
    let envelope = Envelope::new("counter", 7);
    bus.publish(envelope.clone()).unwrap();
    assert_eq!(subscription.recv_ref(), Ok(&envelope));
    let delivery = other.recv().unwrap();
    assert_eq!(*delivery, envelope);
    assert_eq!(delivery.as_ref(), &envelope);
    assert_eq!(delivery.clone().into_envelope(), envelope);
    assert_eq!(delivery.into_envelope(), envelope);
}

#[test]
fn every_subscriber_receives_the_same_envelope_and_none_is_cloned() {
    let bus = Bus::<Box<u64>>::new();
    let mut subscriptions = [(); 3].map(|()| bus.subscribe());
    bus.publish(Envelope::new("counter", Box::new(7))).unwrap();
    let deliveries = subscriptions
        .each_mut()
        .map(|subscription| subscription.recv().unwrap());
    let places = deliveries
        .each_ref()
        .map(|delivery| std::ptr::from_ref(&*delivery.message));
    assert_eq!(places[0], places[1]);
    assert_eq!(places[1], places[2]);
    let [kept, ..] = deliveries;
    let copy = kept.clone().into_envelope();
    assert_ne!(std::ptr::from_ref(&*copy.message), places[0], "a copy");
    assert_eq!(copy, *kept);
}

#[test]
fn a_delivery_outlives_its_subscription_and_its_bus() {
    let (bus, mut subscription) = bus_with_one();
    publish(&bus, [7]);
    let delivery = subscription.recv().unwrap();
    drop((bus, subscription));
    let elsewhere = Task::start(move || delivery.message);
    assert_eq!(elsewhere.end(), 7);
}

#[test]
fn a_subscription_can_be_handed_to_another_thread_in_the_midst() {
    let (bus, mut subscription) = bus_with_one();
    publish(&bus, 0..4);
    assert_eq!(subscription.recv().unwrap().message, 0);
    let rest = Task::start(move || {
        subscription
            .iter()
            .map(|item| item.unwrap().message)
            .collect::<Vec<_>>()
    });
    publish(&bus, [4]);
    drop(bus);
    assert_eq!(rest.end(), [1, 2, 3, 4]);
}

#[test]
fn receive_errors_say_what_they_are() {
    let bus = Bus::new();
    let mut subscription = bus
        .subscribe_with(SubscribeOptions::new().capacity(1))
        .unwrap();
    publish(&bus, 0..3);
    subscription.recv().unwrap();
    let lagged = subscription.recv().unwrap_err();
    assert_eq!(lagged.to_string(), "lagged: missed 2 envelopes");
    assert!(!lagged.is_end());
    let empty = subscription.try_recv().unwrap_err();
    assert!(empty.missed().is_none() && !empty.is_end());
    drop(bus);
    assert_eq!(subscription.recv().unwrap_err(), RecvError::Disconnected);
    assert_eq!(
        subscription.try_recv().unwrap_err(),
        TryRecvError::Disconnected
    );
}
