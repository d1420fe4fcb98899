//! The manual clock: what goes by it, on which threads, and when those that wait for it wake.

use std::thread;
use std::time::Duration;

use oxide_bus::testing::{ManualClock, SeededIds};
use oxide_bus::{
    Advisory, Bus, Denial, Envelope, Grant, Overflow, RecvTimeoutError, RequestError, Select,
    SubscribeOptions,
};

use super::send_all;
use crate::support::task::Task;

/// A time-out that no test could wait for by the system's clock.
const LONG: Duration = Duration::from_hours(1_000);

const JUST_NOT_LONG: Duration = LONG.saturating_sub(NANO);

const NANO: Duration = Duration::from_nanos(1);

/// The system's patience with other threads.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts something on a thread that goes by the clock.
fn start<T: Send + 'static>(
    clock: &ManualClock,
    work: impl FnOnce() -> T + Send + 'static,
) -> Task<T> {
    let clock = clock.clone();
    Task::start(move || {
        let _entered = clock.enter();
        work()
    })
}

/// Asserts that something waits for `LONG`, and not a nanosecond less.
#[track_caller]
fn assert_waits_for_long<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let clock = ManualClock::new();
    let waiting = start(&clock, work);
    assert!(clock.wait_for_sleepers(1, PATIENCE), "it does not sleep");
    clock.advance(JUST_NOT_LONG);
    // A thread that is due is taken off before `advance` returns.
    assert!(clock.wait_for_sleepers(1, Duration::ZERO), "it is early");
    clock.advance(NANO);
    let result = waiting.end();
    assert!(!clock.wait_for_sleepers(1, Duration::ZERO));
    result
}

fn full(overflow: Overflow) -> (Bus<u32>, oxide_bus::Subscription<u32>) {
    let bus = Bus::<u32>::new();
    let options = SubscribeOptions::new().capacity(1).overflow(overflow);
    let subscription = bus.subscribe_with(options).unwrap();
    bus.send("counter", 0).unwrap();
    (bus, subscription)
}

#[test]
fn receives_end_when_the_clock_has_come_to_their_time() {
    for options in [SubscribeOptions::new(), SubscribeOptions::new().source("a")] {
        let bus = Bus::<u32>::new();
        let mut numbers = bus.subscribe_with(options).unwrap();
        let mut numbers = assert_waits_for_long(move || {
            let error = numbers.recv_timeout(LONG).unwrap_err();
            assert_eq!(error, RecvTimeoutError::Timeout);
            numbers
        });
        assert_waits_for_long(move || {
            let found = Select::new().wait_timeout(&mut [&mut numbers], LONG);
            assert_eq!(found, None);
        });
        drop(bus);
    }
}

#[test]
fn a_deadline_is_one_of_the_clock() {
    let clock = ManualClock::new();
    let _entered = clock.enter();
    let bus = Bus::<u32>::new();
    let mut numbers = bus.subscribe();
    let deadline = clock.now() + LONG;
    let waiting = start(&clock, move || numbers.recv_deadline(deadline).unwrap_err());
    assert!(clock.wait_for_sleepers(1, PATIENCE));
    clock.advance(LONG);
    assert_eq!(waiting.end(), RecvTimeoutError::Timeout);
}

#[test]
fn requests_end_when_the_clock_has_come_to_their_time() {
    let bus = Bus::<u32>::builder().request_timeout(LONG).build();
    let listens = bus.subscribe();
    let asking = bus.clone();
    let error = assert_waits_for_long(move || asking.request("client", 1).unwrap_err());
    assert!(matches!(error, RequestError::TimedOut(LONG)), "{error}");
    let client = bus.trusted_publisher("client");
    let answers = move || client.request_many(1, LONG).unwrap().count();
    assert_eq!(assert_waits_for_long(answers), 0);
    assert_eq!(bus.stats().pending_requests, 0);
    drop(listens);
}

#[test]
fn an_answer_wakes_a_request_while_the_clock_stands_still() {
    let clock = ManualClock::new();
    let bus = Bus::<u32>::new();
    let mut questions = bus.subscribe();
    let asking = bus.clone();
    let asking = start(&clock, move || asking.request("client", 1).unwrap());
    assert!(clock.wait_for_sleepers(1, PATIENCE));
    let server = bus.trusted_publisher("server");
    server.reply(&questions.recv().unwrap(), 2).unwrap();
    assert_eq!(asking.end().message, 2);
}

#[test]
fn an_envelope_wakes_a_receive_while_the_clock_stands_still() {
    let clock = ManualClock::new();
    let bus = Bus::<u32>::new();
    let mut numbers = bus.subscribe();
    let waiting = start(&clock, move || numbers.recv_timeout(LONG).unwrap());
    assert!(clock.wait_for_sleepers(1, PATIENCE));
    bus.send("counter", 7).unwrap();
    assert_eq!(waiting.end().message, 7);
    assert!(!clock.wait_for_sleepers(1, Duration::ZERO));
}

#[test]
fn publishers_that_wait_for_room_give_up_when_the_clock_has_come_to_their_time() {
    let (bus, subscription) = full(Overflow::BlockFor(LONG));
    let receipt = assert_waits_for_long(move || bus.send("counter", 1).unwrap());
    assert_eq!((receipt.delivered(), receipt.dropped()), (0, 1));
    assert_eq!(subscription.dropped(), 1);

    let (bus, _subscription) = full(Overflow::BlockFor(2 * LONG));
    let envelope = Envelope::new("counter", 1);
    let publish = move || bus.publish_timeout(envelope, LONG).unwrap();
    assert_eq!(assert_waits_for_long(publish).dropped(), 1);
}

#[test]
fn one_free_place_lets_a_publisher_go_on_while_the_clock_stands_still() {
    let clock = ManualClock::new();
    let bus = Bus::<u32>::new();
    let options = SubscribeOptions::new()
        .capacity(8)
        .overflow(Overflow::BlockFor(LONG));
    let mut numbers = bus.subscribe_with(options).unwrap();
    send_all(&bus, "counter", 0..8);
    let waiting = start(&clock, move || bus.send("counter", 8).unwrap());
    assert!(clock.wait_for_sleepers(1, PATIENCE));
    numbers.recv().unwrap();
    assert_eq!(waiting.end().delivered(), 1);
}

#[test]
fn waits_for_the_bus_end_when_the_clock_has_come_to_their_time() {
    let (bus, _subscription) = full(Overflow::DropNewest);
    let waiting = bus.clone();
    assert!(!assert_waits_for_long(
        move || waiting.wait_for_subscribers(2, LONG)
    ));
    let waiting = bus.clone();
    assert!(!assert_waits_for_long(
        move || waiting.wait_for_no_subscribers(LONG)
    ));
    let left = assert_waits_for_long(move || bus.drain(LONG).unwrap_err());
    assert_eq!(left.left()[0].queued, 1);
}

#[test]
fn of_those_that_wait_the_clock_wakes_those_that_are_due() {
    let clock = ManualClock::new();
    let bus = Bus::<u32>::new();
    let waiting = [1, 2, 3].map(|times| {
        let mut numbers = bus.subscribe();
        start(&clock, move || numbers.recv_timeout(times * LONG).map(drop))
    });
    assert!(clock.wait_for_sleepers(3, PATIENCE));
    clock.advance(2 * LONG);
    assert!(clock.wait_for_sleepers(1, Duration::ZERO));
    assert!(!clock.wait_for_sleepers(2, Duration::ZERO));
    clock.advance(LONG);
    for waiting in waiting {
        assert_eq!(waiting.end(), Err(RecvTimeoutError::Timeout));
    }
}

#[test]
fn a_grant_expires_at_its_nanosecond_and_says_how_long_it_has() {
    let clock = ManualClock::new();
    let _entered = clock.enter();
    let bus = Bus::<u32>::new();
    bus.grant(Grant::new("count").expires_in(LONG)).unwrap();
    let counter = bus.publisher("counter", "count");
    clock.advance(JUST_NOT_LONG);
    assert_eq!(bus.grants()[0].scope.as_deref(), Some("for 1ns"));
    assert!(counter.publish(1).is_ok());
    clock.advance(NANO);
    assert!(!bus.is_granted("count") && !counter.is_granted());
    let error = counter.publish(2).unwrap_err();
    assert_eq!(error.denial(), Some(Denial::Expired));
}

#[test]
fn a_rate_lets_the_next_pass_at_its_nanosecond() {
    let clock = ManualClock::new();
    let _entered = clock.enter();
    let bus = Bus::<u32>::new();
    bus.grant(Grant::new("count").rate(10, 3)).unwrap();
    let counter = bus.publisher("counter", "count");
    let passed = || (0..10).filter(|_| counter.publish(1).is_ok()).count();
    assert_eq!(passed(), 3);
    clock.advance(Duration::from_nanos(99_999_999));
    assert_eq!(passed(), 0);
    clock.advance(NANO);
    assert_eq!(passed(), 1);
    clock.advance(LONG);
    assert_eq!(passed(), 3);
}

#[test]
fn of_many_refusals_ten_are_told_and_one_more_each_tenth_of_a_second() {
    let clock = ManualClock::new();
    let _entered = clock.enter();
    let bus = Bus::<u32>::new();
    let mut advisories = bus.advisories();
    let counter = bus.publisher("counter", "count");
    let mut told = |refused: u32| -> Vec<u64> {
        for _ in 0..refused {
            counter.publish(0).unwrap_err();
        }
        (advisories.try_iter().flatten())
            .map(|it| match it.message {
                Advisory::Denied { suppressed, .. } => suppressed,
                ref other => panic!("{other:?}"),
            })
            .collect()
    };
    assert_eq!(told(100), [0; 10]);
    clock.advance(Duration::from_nanos(99_999_999));
    assert!(told(1).is_empty());
    clock.advance(NANO);
    assert_eq!(told(7), [91]);
}

#[test]
fn envelopes_have_the_time_of_the_clock_which_begins_in_the_year_2000() {
    let clock = ManualClock::new();
    let entered = clock.enter();
    clock.advance(Duration::from_millis(1_500));
    let bus = Bus::<u32>::new();
    let mut numbers = bus.subscribe();
    bus.send("counter", 1).unwrap();
    let sent = numbers.recv().unwrap();
    assert_eq!(sent.timestamp.to_rfc3339(), "2000-01-01T00:00:01.500+00:00");
    assert_eq!(sent.timestamp, clock.timestamp());
    let time = sent.id.get_timestamp().expect("version 7 has a time");
    assert_eq!(time.to_unix(), (946_684_801, 500_000_000));
    drop(entered);
    assert!(Envelope::new("counter", 2).timestamp > clock.timestamp());
}

#[test]
fn what_was_entered_last_counts_until_its_guard_is_dropped_in_whatever_order() {
    let (first, second) = (ManualClock::new(), ManualClock::new());
    first.advance(LONG);
    second.advance(2 * LONG);
    let now = || Envelope::new("counter", 1).timestamp;
    let outer = first.enter();
    let inner = second.clone().enter();
    let again = first.enter();
    assert_eq!(now(), first.timestamp());
    drop(again);
    assert_eq!(now(), second.timestamp());
    drop(outer);
    assert_eq!(now(), second.timestamp());
    drop(inner);
    assert!(now() > second.timestamp());
}

#[test]
fn a_thread_that_has_not_entered_it_goes_by_the_systems_clock() {
    let clock = ManualClock::new();
    let _entered = (clock.enter(), SeededIds::new(7).enter());
    let own = Envelope::new("counter", 1);
    let other = thread::spawn(|| {
        let bus = Bus::<u32>::new();
        let error = bus.subscribe().recv_timeout(Duration::from_millis(5));
        assert_eq!(error.unwrap_err(), RecvTimeoutError::Timeout);
        Envelope::new("counter", 1)
    });
    let other = other.join().unwrap();
    assert!(other.timestamp > own.timestamp && other.id > own.id);
}

#[test]
fn clones_are_one_clock_and_two_clocks_are_two() {
    let (clock, other) = (ManualClock::new(), ManualClock::default());
    clock.clone().advance(LONG);
    assert_eq!(
        clock.timestamp() - other.timestamp(),
        chrono::TimeDelta::hours(1_000)
    );
    assert_eq!(format!("{other:?}"), "ManualClock(2000-01-01T00:00:00Z)");
}

#[test]
#[should_panic(expected = "no clock goes that far")]
fn a_clock_does_not_go_beyond_its_end() {
    ManualClock::new().advance(Duration::MAX);
}

#[test]
fn a_wait_that_is_longer_than_the_clock_is_one_without_end() {
    let clock = ManualClock::new();
    let bus = Bus::<u32>::new();
    let mut numbers = bus.subscribe();
    let waiting = start(&clock, move || numbers.recv_timeout(Duration::MAX));
    assert!(bus.wait_for_subscribers(1, PATIENCE));
    clock.advance(LONG);
    waiting.assert_waits();
    drop(bus);
    assert_eq!(waiting.end().unwrap_err(), RecvTimeoutError::Disconnected);
}
