//! Bodies about time-outs.

use std::time::{Duration, Instant};

use oxide_bus::{Bus, Overflow, RecvTimeoutError, SubscribeOptions};

use crate::twins::sides::Timed;
use crate::twins::{lossless, open, publish_all};

on_sides! {
    Threads as threads_in_time Tokio as tasks_in_time: {
        a_time_out_is_waited_for_and_nothing_is_lost
        a_time_that_is_up_still_takes_what_is_queued
        a_publish_waits_no_longer_than_its_time_out
    }
}

fn a_time_out_is_waited_for_and_nothing_is_lost<S: Timed>(side: S) {
    let (bus, mut subscription) = open(side, 4, Overflow::DropNewest);
    let timeout = Duration::from_millis(20);
    let started = Instant::now();
    let error = side.recv_timeout(&mut subscription, timeout).unwrap_err();
    assert_eq!(error, RecvTimeoutError::Timeout);
    let deadline = Instant::now() + timeout;
    let error = side.recv_deadline(&mut subscription, deadline).unwrap_err();
    assert_eq!(error, RecvTimeoutError::Timeout);
    assert!(started.elapsed() >= 2 * timeout);
    publish_all(side, &bus, 0..1);
    let delivery = side.recv_timeout(&mut subscription, Duration::MAX);
    assert_eq!(delivery.unwrap().message, 0);
    bus.close();
    let error = side.recv_timeout(&mut subscription, timeout).unwrap_err();
    assert_eq!(error, RecvTimeoutError::Disconnected);
}

fn a_time_that_is_up_still_takes_what_is_queued<S: Timed>(side: S) {
    let (bus, mut subscription) = open(side, 1_000, Overflow::DropNewest);
    publish_all(side, &bus, 0..1_000);
    for number in 0..500 {
        let delivery = side.recv_timeout(&mut subscription, Duration::ZERO);
        assert_eq!(delivery.unwrap().message, 2 * number);
        let delivery = side.recv_deadline(&mut subscription, Instant::now());
        assert_eq!(delivery.unwrap().message, 2 * number + 1);
    }
    let error = side.recv_timeout(&mut subscription, Duration::ZERO);
    assert_eq!(error.unwrap_err(), RecvTimeoutError::Timeout);
}

fn a_publish_waits_no_longer_than_its_time_out<S: Timed>(side: S) {
    for options in lossless(1) {
        let bus = Bus::new();
        let mut other = side.subscribe_with(&bus, SubscribeOptions::new());
        let subscription = side.subscribe_with(&bus, options);
        let timeout = Duration::from_millis(20);
        let first = side.publish_timeout(&bus, 0, timeout).unwrap();
        assert_eq!((first.delivered(), first.dropped()), (2, 0));
        let started = Instant::now();
        let second = side.publish_timeout(&bus, 1, timeout).unwrap();
        assert!(started.elapsed() >= timeout);
        assert_eq!((second.delivered(), second.dropped()), (1, 1));
        assert_eq!(side.queued(&subscription), (1, 1));
        assert_eq!(side.drain(&mut other), Ok(vec![0, 1]));
    }
}
