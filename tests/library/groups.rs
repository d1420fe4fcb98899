//! Tests of groups: subscriptions that share a queue, so that each envelope goes to one of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use oxide_bus::{
    Bus, Envelope, Overflow, RecvError, SubscribeError, SubscribeOptions, Subscription,
};

use crate::support::numbers::{publish, publish_all, queued};
use crate::support::task::Task;

const PATIENCE: Duration = Duration::from_secs(20);

const POLICIES: [Overflow; 4] = [
    Overflow::DropNewest,
    Overflow::DropOldest,
    Overflow::Block,
    Overflow::Evict,
];

fn worker<M>() -> SubscribeOptions<M> {
    SubscribeOptions::new().group("workers")
}

fn join(bus: &Bus<u64>, options: SubscribeOptions<u64>) -> Subscription<u64> {
    bus.subscribe_with(options).unwrap()
}

#[test]
fn each_envelope_goes_to_one_member_and_to_everybody_else() {
    let bus = Bus::new();
    let mut members = [(); 3].map(|()| join(&bus, worker()));
    let mut others = [
        join(&bus, worker().group("others")),
        bus.subscribe(),
        join(&bus, SubscribeOptions::new().source("counter")),
    ];
    let receipt = publish(&bus, 0);
    assert_eq!((receipt.matched(), receipt.delivered()), (4, 4));
    publish_all(&bus, 1..9);
    let mut received = Vec::new();
    for turn in 0..9 {
        received.push(members[turn % 3].recv().unwrap().message);
    }
    assert_eq!(received, (0..9).collect::<Vec<_>>());
    assert!(members.iter().all(Subscription::is_empty));
    for other in &mut others {
        assert_eq!(queued(other), (0..9).map(Ok).collect::<Vec<_>>());
    }
}

#[test]
fn no_envelope_waits_behind_a_member_that_is_busy() {
    for overflow in POLICIES {
        let bus = Bus::new();
        let mut busy = join(&bus, worker().overflow(overflow));
        let mut idle = join(&bus, worker().overflow(overflow));
        publish_all(&bus, 0..5);
        assert_eq!(busy.recv().unwrap().message, 0); // keeps working on it
        assert_eq!(queued(&mut idle), (1..5).map(Ok).collect::<Vec<_>>());
    }
}

#[test]
fn each_of_the_members_that_sleep_is_woken_by_an_envelope() {
    const MEMBERS: u64 = 4;
    for overflow in POLICIES {
        let bus = Bus::new();
        let all = Arc::new(Barrier::new(usize::try_from(MEMBERS).unwrap() + 1));
        let members: Vec<_> = (0..MEMBERS)
            .map(|_| {
                let mut member = join(&bus, worker().overflow(overflow));
                let all = Arc::clone(&all);
                Task::start(move || {
                    let received = member.recv_timeout(PATIENCE).unwrap().message;
                    all.wait(); // nobody receives twice
                    received
                })
            })
            .collect();
        publish_all(&bus, 0..MEMBERS);
        all.wait();
        let received: BTreeSet<_> = members.into_iter().map(Task::end).collect();
        assert_eq!(received, (0..MEMBERS).collect());
    }
}

#[test]
fn the_end_of_the_bus_wakes_all_members() {
    for overflow in POLICIES {
        let bus = Bus::new();
        let members = [(); 3].map(|()| {
            let mut member = join(&bus, worker().overflow(overflow));
            Task::start(move || member.recv().unwrap_err())
        });
        drop(bus);
        for member in members {
            assert_eq!(member.end(), RecvError::Disconnected);
        }
    }
}

#[test]
fn room_is_the_group_s_and_a_loss_is_reported_once_to_the_next_member_that_receives() {
    let bus = Bus::new();
    let options = worker().capacity(2);
    let (mut one, mut other) = (join(&bus, options.clone()), join(&bus, options));
    publish_all(&bus, 0..2);
    assert_eq!(publish(&bus, 2).dropped(), 1);
    assert_eq!((one.len(), one.dropped()), (2, 1));
    assert_eq!((other.len(), other.dropped()), (2, 1));
    assert_eq!(queued(&mut other), [Err(1), Ok(0), Ok(1)]);
    assert_eq!(queued(&mut one), []);
    assert_eq!(publish(&bus, 3).delivered(), 1);
    assert_eq!(queued(&mut one), [Ok(3)]);
}

#[test]
fn what_is_queued_stays_for_the_others_when_a_member_leaves_or_panics() {
    for overflow in POLICIES {
        let bus = Bus::new();
        let options = worker().overflow(overflow);
        let (leaving, panicking) = (join(&bus, options.clone()), join(&bus, options.clone()));
        let mut staying = join(&bus, options);
        publish_all(&bus, 0..4);
        drop(leaving);
        let panicked = thread::spawn(move || {
            let mut member = panicking;
            assert_eq!(member.recv().unwrap().message, u64::MAX, "meant to fail");
        });
        assert!(panicked.join().is_err());
        assert_eq!(bus.subscriber_count(), 1);
        assert_eq!(queued(&mut staying), [Ok(1), Ok(2), Ok(3)]);
        assert_eq!(publish(&bus, 4).delivered(), 1);
        assert_eq!(queued(&mut staying), [Ok(4)]);
    }
}

#[test]
fn a_gap_that_a_member_has_come_upon_and_not_told_is_told_by_another() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let bus = Bus::new();
        let options = worker().capacity(1).overflow(overflow);
        let (mut leaving, mut staying) = (join(&bus, options.clone()), join(&bus, options));
        publish(&bus, 0);
        let mut batch = Vec::new();
        // The batch's second read finds the loss that happens while its first envelope is looked at.
        let drained = leaving.try_recv_each(|envelope| {
            batch.push(envelope.message);
            publish_all(&bus, 1..3);
        });
        assert_eq!((drained, batch), (Ok(1), vec![0]));
        drop(leaving);
        let gap = queued(&mut staying);
        assert_eq!(
            gap.iter().filter(|item| item.is_err()).count(),
            1,
            "{gap:?}"
        );
        assert_eq!(gap[0], Err(1));
    }
}

#[test]
fn the_last_member_s_end_is_the_group_s_and_frees_what_is_queued() {
    for overflow in POLICIES {
        let bus = Bus::new();
        let payload = Arc::new(());
        let options = worker().overflow(overflow);
        let members = [(); 2].map(|()| bus.subscribe_with(options.clone()).unwrap());
        for _ in 0..3 {
            bus.publish(Envelope::new("owner", Arc::clone(&payload)))
                .unwrap();
        }
        assert_eq!(Arc::strong_count(&payload), 4);
        drop(members);
        assert_eq!(Arc::strong_count(&payload), 1);
        assert_eq!(bus.subscriber_count(), 0);
        assert_eq!(
            bus.publish(Envelope::new("owner", payload))
                .unwrap()
                .matched(),
            0
        );
        // The next member founds the group anew, with its own terms.
        let other_terms = worker().capacity(7);
        assert_eq!(bus.subscribe_with(other_terms).unwrap().len(), 0);
    }
}

#[test]
fn members_agree_on_terms_and_a_member_with_other_terms_learns_which_differ() {
    let bus = Bus::<u64>::new();
    let terms = || worker().pattern("a.*").pattern("b.>").source("x");
    let first = join(&bus, terms().name("first"));
    let second = join(&bus, terms().name("second"));
    assert_eq!(
        (first.name(), second.name()),
        (Some("first"), Some("second"))
    );
    assert_ne!(first.id(), second.id());
    let in_other_order = worker().pattern("b.>").pattern("a.*").source("x");
    let third = join(&bus, in_other_order);
    assert_eq!(bus.subscriber_count(), 3);

    for (options, term) in [
        (terms().capacity(7), "capacity"),
        (terms().overflow(Overflow::DropOldest), "overflow policy"),
        (terms().source("y"), "filter"),
        (worker().source("x"), "filter"),
    ] {
        let error = bus.subscribe_with(options).unwrap_err();
        assert_eq!(error, SubscribeError::GroupMismatch { term });
        assert!(error.to_string().ends_with(term), "{error}");
    }
    assert_eq!(bus.subscriber_count(), 3);
    drop((first, second, third));
    assert_eq!(bus.subscriber_count(), 0);
}

#[test]
fn a_group_may_outlive_its_first_member_and_its_bus() {
    let bus = Bus::new();
    let first = join(&bus, worker());
    let mut second = join(&bus, worker());
    drop(first);
    publish(&bus, 0);
    let mut third = join(&bus, worker());
    drop(bus);
    assert_eq!(third.recv().unwrap().message, 0);
    drop(third);
    assert_eq!(second.recv().unwrap_err(), RecvError::Disconnected);
}

#[test]
fn all_members_of_a_group_are_evicted_at_once_and_its_name_is_free() {
    let bus = Bus::new();
    let options = worker().capacity(1).overflow(Overflow::Evict);
    let mut members = [(); 2].map(|()| join(&bus, options.clone()));
    publish_all(&bus, 0..2);
    assert_eq!(bus.subscriber_count(), 0);
    let mut anew = join(&bus, worker());
    publish(&bus, 2);
    assert_eq!(queued(&mut members[0]), [Err(1), Ok(0)]);
    for member in &mut members {
        assert_eq!(member.recv().unwrap_err(), RecvError::Evicted);
    }
    drop(members);
    assert_eq!(bus.subscriber_count(), 1);
    assert_eq!(queued(&mut anew), [Ok(2)]);
}

#[test]
fn a_publisher_that_waits_for_a_group_goes_on_when_any_member_receives() {
    let bus = Bus::new();
    let options = worker().capacity(1).overflow(Overflow::Block);
    let (_busy, mut idle) = (join(&bus, options.clone()), join(&bus, options));
    publish(&bus, 0);
    let publisher = {
        let bus = bus.clone();
        Task::start(move || publish(&bus, 1))
    };
    publisher.assert_waits();
    assert_eq!(idle.recv().unwrap().message, 0);
    assert_eq!(publisher.end().delivered(), 1);
    assert_eq!(queued(&mut idle), [Ok(1)]);
}
