//! Bodies about receiving from any kind of queue.

use oxide_bus::{Bus, Overflow, RecvError, SubscribeOptions, TryRecvError};

use crate::support::task::Task;
use crate::twins::sides::Side;
use crate::twins::{kinds, open, publish_all};

on_sides! {
    Threads as threads Tokio as tasks Another as tasks_elsewhere: {
        all_ways_take_the_envelopes_in_one_order
        nothing_queued_is_empty_and_not_the_end
        a_waiting_subscriber_wakes_whatever_it_waits_with_and_whatever_its_queue
        a_gap_is_told_once_where_it_lies_whatever_the_way
        a_batch_takes_what_is_queued_up_to_the_next_gap
        the_end_comes_after_what_is_queued_and_stays
        a_waiting_subscriber_learns_of_the_end
        a_subscriber_that_is_too_slow_receives_what_is_queued_and_then_its_eviction
        the_newest_stay
        a_group_shares_and_its_end_reaches_all_waiting_members
    }
}

fn all_ways_take_the_envelopes_in_one_order<S: Side>(side: S) {
    let (bus, mut subscription) = open(side, 16, Overflow::DropNewest);
    publish_all(side, &bus, 0..4);
    side.publish_batch(&bus, 4..8).unwrap();
    assert_eq!(side.recv(&mut subscription).unwrap().message, 0);
    assert_eq!(side.try_recv(&mut subscription).unwrap().message, 1);
    assert_eq!(side.recv_ref(&mut subscription), Ok(2));
    let next = side.next(&mut subscription).unwrap();
    assert_eq!(next.unwrap().message, 3);
    let mut batch = Vec::new();
    assert_eq!(side.recv_batch(&mut subscription, &mut batch, 2), Ok(2));
    assert_eq!((batch[0].message, batch[1].message), (4, 5));
    assert_eq!(side.drain(&mut subscription), Ok(vec![6, 7]));
}

fn nothing_queued_is_empty_and_not_the_end<S: Side>(side: S) {
    let (bus, mut subscription) = open(side, 4, Overflow::DropNewest);
    for number in 0..3 {
        let error = side.try_recv(&mut subscription).unwrap_err();
        assert_eq!(error, TryRecvError::Empty);
        assert_eq!(side.drain(&mut subscription), Err(TryRecvError::Empty));
        assert_eq!(side.queued(&subscription), (0, 0));
        side.publish(&bus, number).unwrap();
        assert_eq!(side.queued(&subscription), (1, 0));
        assert_eq!(side.recv(&mut subscription).unwrap().message, number);
    }
}

fn a_waiting_subscriber_wakes_whatever_it_waits_with_and_whatever_its_queue<S: Side>(side: S) {
    type Way<S> = fn(S, &mut <S as Side>::Subscription) -> u64;
    let ways: [Way<S>; 4] = [
        |side, subscription| side.recv(subscription).unwrap().message,
        |side, subscription| side.recv_ref(subscription).unwrap(),
        |side, subscription| side.next(subscription).unwrap().unwrap().message,
        |side, subscription| {
            let mut batch = Vec::new();
            side.recv_batch(subscription, &mut batch, 1).unwrap(); // not both at once
            batch[0].message
        },
    ];
    for options in kinds() {
        let receivers = ways.map(|receive| {
            let bus = Bus::new();
            let mut subscription = side.subscribe_with(&bus, options.clone());
            let task = Task::start(move || [(); 2].map(|()| receive(side, &mut subscription)));
            (bus, task)
        });
        for (_, task) in &receivers {
            task.assert_waits();
        }
        for (bus, task) in receivers {
            publish_all(side, &bus, 7..8);
            task.assert_waits();
            publish_all(side, &bus, 8..9);
            assert_eq!(task.end(), [7, 8]);
        }
    }
}

fn a_gap_is_told_once_where_it_lies_whatever_the_way<S: Side>(side: S) {
    for way in 0..4 {
        let (bus, mut subscription) = open(side, 2, Overflow::DropNewest);
        publish_all(side, &bus, 0..5);
        assert_eq!(side.queued(&subscription), (2, 3));
        assert_eq!(side.recv(&mut subscription).unwrap().message, 0);
        assert_eq!(side.recv(&mut subscription).unwrap().message, 1);
        let lagged = match way {
            0 => side.recv(&mut subscription).unwrap_err().missed(),
            1 => side.recv_ref(&mut subscription).unwrap_err().missed(),
            2 => (side.next(&mut subscription).unwrap().unwrap_err()).missed(),
            _ => side.try_recv(&mut subscription).unwrap_err().missed(),
        };
        assert_eq!(lagged, Some(3));
        publish_all(side, &bus, 5..6);
        assert_eq!(side.recv(&mut subscription).unwrap().message, 5);
    }
}

fn a_batch_takes_what_is_queued_up_to_the_next_gap<S: Side>(side: S) {
    let (bus, mut subscription) = open(side, 3, Overflow::DropNewest);
    publish_all(side, &bus, 0..4);
    side.recv(&mut subscription).unwrap();
    publish_all(side, &bus, 4..5);
    let mut batch = Vec::new();
    assert_eq!(side.recv_batch(&mut subscription, &mut batch, 0), Ok(0));
    assert_eq!(side.recv_batch(&mut subscription, &mut batch, 9), Ok(2));
    let error = side.recv_batch(&mut subscription, &mut batch, 9);
    assert_eq!(error.unwrap_err().missed(), Some(1));
    assert_eq!(side.recv_batch(&mut subscription, &mut batch, 9), Ok(1));
    let numbers: Vec<_> = batch.iter().map(|delivery| delivery.message).collect();
    assert_eq!(numbers, [1, 2, 4]);
}

fn the_end_comes_after_what_is_queued_and_stays<S: Side>(side: S) {
    for options in kinds() {
        let bus = Bus::new();
        let mut subscription = side.subscribe_with(&bus, options);
        publish_all(side, &bus, 0..2);
        bus.close();
        assert_eq!(side.recv(&mut subscription).unwrap().message, 0);
        let next = side.next(&mut subscription).unwrap();
        assert_eq!(next.unwrap().message, 1);
        for _ in 0..3 {
            let error = side.recv(&mut subscription).unwrap_err();
            assert_eq!(error, RecvError::Disconnected);
            assert!(side.next(&mut subscription).is_none());
        }
    }
}

fn a_waiting_subscriber_learns_of_the_end<S: Side>(side: S) {
    for options in kinds() {
        for by_close in [true, false] {
            let bus = Bus::new();
            let mut subscription = side.subscribe_with(&bus, options.clone());
            let task = Task::start(move || side.recv(&mut subscription).unwrap_err());
            task.assert_waits();
            if by_close {
                bus.close();
            } else {
                drop(bus);
            }
            assert_eq!(task.end(), RecvError::Disconnected);
        }
    }
}

fn a_subscriber_that_is_too_slow_receives_what_is_queued_and_then_its_eviction<S: Side>(side: S) {
    for options in [
        SubscribeOptions::new(),
        SubscribeOptions::new().source("counter"),
    ] {
        let bus = Bus::new();
        let options = options.capacity(1).overflow(Overflow::Evict);
        let mut subscription = side.subscribe_with(&bus, options);
        publish_all(side, &bus, 0..2);
        assert_eq!(side.recv(&mut subscription).unwrap().message, 0);
        let lagged = side.recv(&mut subscription).unwrap_err().missed();
        assert_eq!(lagged, Some(1));
        let error = side.recv(&mut subscription).unwrap_err();
        assert_eq!(error, RecvError::Evicted);
        let item = side.next(&mut subscription).map(Result::unwrap_err);
        assert_eq!(item, Some(RecvError::Evicted), "the last item");
        for _ in 0..3 {
            assert!(side.next(&mut subscription).is_none());
        }
        let error = side.recv(&mut subscription).unwrap_err();
        assert_eq!(error, RecvError::Evicted, "a receive tells it again");
    }
}

fn the_newest_stay<S: Side>(side: S) {
    let (bus, mut subscription) = open(side, 2, Overflow::DropOldest);
    publish_all(side, &bus, 0..500);
    let missed = side.recv(&mut subscription).unwrap_err().missed().unwrap();
    assert!((500 - 2 - 128..=500 - 2).contains(&missed), "{missed}");
    assert_eq!(side.drain(&mut subscription), Ok((missed..500).collect()));
}

fn a_group_shares_and_its_end_reaches_all_waiting_members<S: Side>(side: S) {
    let bus = Bus::new();
    let members = [(); 3].map(|()| {
        let options = SubscribeOptions::new().group("workers");
        let mut member = side.subscribe_with(&bus, options);
        Task::start(move || {
            let mut sum = 0;
            while let Ok(delivery) = side.recv(&mut member) {
                sum += delivery.message;
            }
            sum
        })
    });
    for member in &members {
        member.assert_waits();
    }
    publish_all(side, &bus, 0..100);
    bus.close();
    assert_eq!(members.map(Task::end).iter().sum::<u64>(), 4950);
}
