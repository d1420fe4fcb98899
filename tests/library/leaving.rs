//! Tests of subscriptions that end by themselves or by others: they accept nothing new, and still receive what is
//! queued.

use oxide_bus::{
    Advisory, Bus, Overflow, RecvError, SetPatternsError, SubscribeOptions, Subscription,
    TryRecvError,
};

use crate::support::numbers::{publish, publish_all, queued};
use crate::support::task::Task;

const POLICIES: [Overflow; 4] = [
    Overflow::DropNewest,
    Overflow::DropOldest,
    Overflow::Block,
    Overflow::Evict,
];

/// The two ways to end a subscription.
type Way = fn(&Bus<u64>, &Subscription<u64>);

const WAYS: [Way; 2] = [
    |_, subscription| subscription.close(),
    |bus, subscription| assert!(bus.unsubscribe(subscription.id())),
];

/// Yields every kind of queue except those of groups.
fn kinds(capacity: usize) -> impl Iterator<Item = SubscribeOptions<u64>> {
    POLICIES.into_iter().flat_map(move |overflow| {
        let plain = SubscribeOptions::new()
            .capacity(capacity)
            .overflow(overflow);
        [plain.clone().source("counter"), plain]
    })
}

fn worker(overflow: Overflow) -> SubscribeOptions<u64> {
    SubscribeOptions::new().group("workers").overflow(overflow)
}

#[test]
fn one_that_was_closed_is_offered_nothing_and_receives_what_it_has() {
    for end in WAYS {
        for options in kinds(4) {
            let bus = Bus::new();
            let mut other = bus.subscribe();
            let mut leaving = bus.subscribe_with(options).unwrap();
            publish_all(&bus, 0..3);
            assert_eq!(leaving.recv().unwrap().message, 0);
            assert!(!leaving.is_closed());
            end(&bus, &leaving);
            assert!(leaving.is_closed() && !other.is_closed());
            assert_eq!((bus.subscriber_count(), leaving.len()), (1, 2));
            assert_eq!(bus.stats().subscriptions.len(), 1);

            let receipt = publish(&bus, 3);
            assert_eq!((receipt.matched(), receipt.delivered()), (1, 1));
            publish_all(&bus, 4..20);
            assert_eq!((leaving.len(), leaving.dropped()), (2, 0));
            assert_eq!(queued(&mut leaving), [Ok(1), Ok(2)]);
            for _ in 0..2 {
                assert_eq!(leaving.try_recv().unwrap_err(), TryRecvError::Disconnected);
                assert_eq!(leaving.recv().unwrap_err(), RecvError::Disconnected);
            }
            assert!(leaving.iter().next().is_none());
            assert_eq!(queued(&mut other), (0..20).map(Ok).collect::<Vec<_>>());
        }
    }
}

#[test]
fn what_was_lost_before_is_told_before_the_end_and_nothing_after_it_is_counted() {
    for end in WAYS {
        let bus = Bus::new();
        let mut leaving = [Some("counter"), None].map(|source| {
            let options = SubscribeOptions::new().capacity(2);
            let options = source.into_iter().fold(options, SubscribeOptions::source);
            bus.subscribe_with(options).unwrap()
        });
        publish_all(&bus, 0..5);
        for subscription in &mut leaving {
            end(&bus, subscription);
        }
        publish_all(&bus, 5..9);
        for subscription in &mut leaving {
            assert_eq!(subscription.dropped(), 3);
            assert_eq!(queued(subscription), [Ok(0), Ok(1), Err(3)]);
            assert_eq!(subscription.recv().unwrap_err(), RecvError::Disconnected);
            assert_eq!((subscription.len(), subscription.dropped()), (0, 3));
        }
    }
}

#[test]
fn a_receiver_that_waits_wakes_when_its_subscription_is_ended_from_outside() {
    for options in kinds(4) {
        for begins in [false, true] {
            let bus = Bus::new();
            let mut waiting = bus.subscribe_with(options.clone()).unwrap();
            let id = waiting.id();
            if begins {
                publish(&bus, 0);
                waiting.recv().unwrap();
            }
            let receiver = Task::start(move || waiting.recv().map(drop));
            receiver.assert_waits();
            assert!(bus.unsubscribe(id));
            assert_eq!(receiver.end(), Err(RecvError::Disconnected));
        }
    }
}

#[test]
fn publishers_that_wait_for_one_that_is_closed_go_on_without_it() {
    for end in WAYS {
        for source in [Some("counter"), None] {
            let bus = Bus::new();
            let options = SubscribeOptions::new()
                .capacity(1)
                .overflow(Overflow::Block);
            let options = source.into_iter().fold(options, SubscribeOptions::source);
            let mut full = bus.subscribe_with(options).unwrap();
            publish(&bus, 0);
            let publishers = [1, 2].map(|number| {
                let bus = bus.clone();
                let publisher = Task::start(move || publish(&bus, number));
                publisher.assert_waits();
                publisher
            });
            end(&bus, &full);
            for publisher in publishers {
                let receipt = publisher.end();
                assert_eq!(receipt.matched(), 0);
            }
            assert_eq!(full.dropped(), 0);
            assert_eq!(queued(&mut full), [Ok(0)]);
            assert_eq!(full.recv().unwrap_err(), RecvError::Disconnected);
        }
    }
}

#[test]
fn an_end_is_told_when_it_comes_and_once() {
    for end in WAYS {
        let groups = POLICIES.map(worker);
        for options in kinds(4).chain(groups) {
            let bus = Bus::new();
            let mut advisories = bus.advisories();
            let leaving = bus.subscribe_with(options).unwrap();
            assert!(matches!(
                advisories.recv().unwrap().message,
                Advisory::Subscribed { .. }
            ));
            end(&bus, &leaving);
            let told = advisories.try_recv().unwrap();
            assert!(
                matches!(told.message, Advisory::Unsubscribed { id, .. } if id == leaving.id()),
                "{told:?}"
            );
            leaving.close();
            assert!(!bus.unsubscribe(leaving.id()));
            drop(leaving);
            assert_eq!(advisories.try_recv().unwrap_err(), TryRecvError::Empty);
        }
    }
}

#[test]
fn of_one_that_was_evicted_no_other_end_is_told() {
    let bus = Bus::new();
    for options in kinds(1).skip(6) {
        let mut evicted = bus.subscribe_with(options).unwrap();
        publish_all(&bus, 0..2);
        let mut advisories = bus.advisories();
        assert!(evicted.is_closed() && !bus.unsubscribe(evicted.id()));
        evicted.close();
        assert_eq!(queued(&mut evicted), [Ok(0), Err(1)]);
        assert_eq!(evicted.recv().unwrap_err(), RecvError::Evicted);
        assert_eq!(advisories.try_recv().unwrap_err(), TryRecvError::Empty);
    }
}

#[test]
fn a_member_that_is_closed_leaves_its_queue_to_the_others_and_the_last_one_receives_it() {
    for end in WAYS {
        for overflow in POLICIES {
            let bus = Bus::new();
            let [mut first, mut second] =
                [(); 2].map(|()| bus.subscribe_with(worker(overflow)).unwrap());
            publish_all(&bus, 0..4);
            end(&bus, &first);
            assert!(first.is_closed() && !second.is_closed());
            assert_eq!(bus.subscriber_count(), 1);
            assert_eq!((first.len(), second.len()), (0, 4));
            assert_eq!(first.recv().unwrap_err(), RecvError::Disconnected);
            publish(&bus, 4);
            assert_eq!(second.recv().unwrap().message, 0);

            end(&bus, &second);
            assert!(second.is_closed());
            assert_eq!((bus.subscriber_count(), publish(&bus, 5).matched()), (0, 0));
            drop(first); // and takes nothing with it
            assert_eq!(queued(&mut second), (1..5).map(Ok).collect::<Vec<_>>());
            assert_eq!(second.recv().unwrap_err(), RecvError::Disconnected);
            assert!(bus.subscribe_with(worker(overflow).capacity(1)).is_ok());
        }
    }
}

#[test]
fn of_the_members_that_wait_only_the_one_that_is_ended_wakes() {
    for overflow in POLICIES {
        let bus = Bus::new();
        let members = [(); 2].map(|()| bus.subscribe_with(worker(overflow)).unwrap());
        let ids = members.each_ref().map(Subscription::id);
        let [first, second] = members.map(|mut member| {
            let member = Task::start(move || member.recv().map(|it| it.message));
            member.assert_waits();
            member
        });
        assert!(bus.unsubscribe(ids[0]));
        assert_eq!(first.end(), Err(RecvError::Disconnected));
        second.assert_waits();
        publish(&bus, 7);
        assert_eq!(second.end(), Ok(7));
    }
}

#[test]
fn on_a_closed_bus_there_is_nobody_to_end_and_a_member_still_leaves() {
    for is_gone in [false, true] {
        let mut bus = Some(Bus::new());
        let open = bus.as_ref().unwrap();
        let mut alone = open.subscribe();
        let [mut first, mut second] =
            [(); 2].map(|()| open.subscribe_with(worker(Overflow::Block)).unwrap());
        publish_all(open, 0..2);
        open.close();
        assert!(alone.is_closed() && first.is_closed());
        assert!(!open.unsubscribe(alone.id()));
        if is_gone {
            bus = None;
        }
        alone.close();
        first.close();
        assert_eq!(queued(&mut alone), [Ok(0), Ok(1)]);
        assert_eq!(alone.recv().unwrap_err(), RecvError::Disconnected);
        assert_eq!(first.recv().unwrap_err(), RecvError::Disconnected);
        assert_eq!(queued(&mut second), [Ok(0), Ok(1)]);
        drop(bus);
    }
}

#[test]
fn one_that_was_closed_chooses_nothing_any_more() {
    let bus = Bus::<u64>::new();
    let options = SubscribeOptions::new().pattern(">");
    let subscription = bus.subscribe_with(options).unwrap();
    subscription.close();
    assert_eq!(
        subscription.set_patterns([""; 0]),
        Err(SetPatternsError::Ended)
    );
}
