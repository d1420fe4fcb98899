//! Tests of waiting for subscribers, for drains and for revokes.

use std::pin::pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use oxide_bus::{Bus, Capability, Grant, Overflow, RevokeError, SubscribeOptions, Subscription};
use tokio::task::yield_now;

use crate::support::task::Task;
use crate::{Counter, current_thread, envelope, kinds, poll_once};

/// Only a failing test waits that long.
const LONG: Duration = Duration::from_secs(10);

const MOMENT: Duration = Duration::from_millis(2);

#[test]
fn a_task_waits_for_subscribers_while_others_subscribe() {
    current_thread().block_on(async {
        let bus = Bus::<u64>::new().into_async();
        assert!(bus.wait_for_subscribers(0, Duration::ZERO).await);
        assert!(!bus.wait_for_subscribers(1, MOMENT).await);
        let waiting = {
            let bus = bus.clone();
            tokio::spawn(async move { bus.wait_for_subscribers(2, LONG).await })
        };
        let _one = bus.subscribe().await;
        yield_now().await;
        assert!(!waiting.is_finished());
        let _other = bus.subscribe().await;
        assert!(waiting.await.unwrap());
    });
}

#[test]
fn a_task_that_waits_for_subscribers_learns_that_the_bus_closes() {
    current_thread().block_on(async {
        let bus = Bus::<u64>::new().into_async();
        let waiting = {
            let bus = bus.clone();
            tokio::spawn(async move { bus.wait_for_subscribers(1, LONG).await })
        };
        yield_now().await;
        bus.close();
        assert!(!waiting.await.unwrap());
    });
}

/// Nobody drives the runtime's clock here, so only a waker can wake the task.
#[test]
fn a_task_that_waits_for_subscribers_is_woken_by_them() {
    let runtime = current_thread();
    let _inside = runtime.enter();
    let bus = Bus::<u64>::new();
    let (counter, waker) = Counter::new();
    let tasks = bus.clone().into_async();
    let mut waiting = pin!(tasks.wait_for_subscribers(2, LONG));
    assert!(poll_once(waiting.as_mut(), &waker).is_pending());
    assert_eq!(counter.woken(), 0);
    let group = || SubscribeOptions::new().group("workers");
    let one = bus.subscribe_with(group()).unwrap();
    assert_eq!(counter.woken(), 1);
    assert!(poll_once(waiting.as_mut(), &waker).is_pending());
    let _other = bus.subscribe_with(group()).unwrap();
    assert_eq!(counter.woken(), 2);
    assert_eq!(poll_once(waiting.as_mut(), &waker), Poll::Ready(true));

    let mut waiting = pin!(tasks.wait_for_subscribers(3, LONG));
    assert!(poll_once(waiting.as_mut(), &waker).is_pending());
    drop(one);
    bus.close();
    assert!(counter.woken() > 2);
    assert_eq!(poll_once(waiting.as_mut(), &waker), Poll::Ready(false));
}

/// A way to end a subscription. Returns the subscription if it is kept.
type End = fn(&Bus<u64>, Subscription<u64>) -> Option<Subscription<u64>>;

/// Nobody drives the runtime's clock here, so only a waker can wake the task.
#[test]
fn a_task_that_waits_until_nobody_is_subscribed_is_woken_by_the_last_subscriber_that_leaves() {
    let runtime = current_thread();
    let _inside = runtime.enter();
    let bus = Bus::<u64>::new();
    let tasks = bus.clone().into_async();
    let evicted = || {
        SubscribeOptions::new()
            .capacity(1)
            .overflow(Overflow::Evict)
    };
    let overflow: End = |bus, last| {
        (0..2).for_each(|number| drop(bus.publish(envelope(number))));
        Some(last)
    };
    let ends: [(SubscribeOptions<u64>, End); 5] = [
        (SubscribeOptions::new(), |_, _| None),
        (SubscribeOptions::new().group("workers"), |_, last| {
            last.close();
            Some(last)
        }),
        (evicted(), overflow),
        (evicted().source("counter"), overflow),
        (SubscribeOptions::new(), |bus, last| {
            bus.close();
            Some(last)
        }),
    ];
    for (options, end) in ends {
        let last = bus.subscribe_with(options).unwrap();
        let (counter, waker) = Counter::new();
        let mut waiting = pin!(tasks.wait_for_no_subscribers(LONG));
        assert!(poll_once(waiting.as_mut(), &waker).is_pending());
        assert_eq!(counter.woken(), 0);
        let _last = end(&bus, last);
        assert!(counter.woken() > 0);
        assert_eq!(poll_once(waiting.as_mut(), &waker), Poll::Ready(true));
    }
}

/// Nobody drives the runtime's clock here, so only a waker can wake the task.
#[test]
fn a_task_that_drains_is_woken_once_for_each_queue_that_is_not_empty_and_by_nothing_else() {
    let runtime = current_thread();
    let _inside = runtime.enter();
    let bus = Bus::<u64>::new();
    let tasks = bus.clone().into_async();
    let [plain, filtered, newest, group] =
        kinds().map(|options| bus.subscribe_with(options).unwrap());
    let mut subscriptions = [plain, newest, filtered, group]; // in the order in which the drain looks at them
    let mut empty = bus
        .subscribe_with(SubscribeOptions::new().source("nobody"))
        .unwrap();
    for number in 0..3 {
        bus.publish(envelope(number)).unwrap();
    }
    let (counter, waker) = Counter::new();
    let mut draining = pin!(tasks.drain(LONG));
    assert!(poll_once(draining.as_mut(), &waker).is_pending());
    for (place, subscription) in subscriptions.iter_mut().enumerate() {
        for number in 0..3 {
            assert_eq!(counter.woken(), place);
            assert_eq!(subscription.try_recv().unwrap().message, number);
        }
        assert_eq!(counter.woken(), place + 1);
        assert!(empty.try_recv().is_err());
        assert_eq!(
            poll_once(draining.as_mut(), &waker).is_ready(),
            place == 3,
            "{place}"
        );
    }
    assert_eq!(counter.woken(), 4);
}

#[test]
fn a_task_that_drains_is_not_woken_by_subscribers_whose_queues_it_does_not_wait_for() {
    let runtime = current_thread();
    let _inside = runtime.enter();
    let bus = Bus::<u64>::new();
    let tasks = bus.clone().into_async();
    let mut stuck = bus.subscribe();
    bus.publish(envelope(0)).unwrap();
    let (counter, waker) = Counter::new();
    let mut draining = pin!(tasks.drain(LONG));
    assert!(poll_once(draining.as_mut(), &waker).is_pending());
    let mut subscriptions = kinds().map(|options| bus.subscribe_with(options).unwrap());
    let woken = counter.woken(); // the list has changed
    assert!(poll_once(draining.as_mut(), &waker).is_pending());
    for number in 1..100 {
        bus.publish(envelope(number)).unwrap();
        for subscription in &mut subscriptions {
            assert_eq!(subscription.try_recv().unwrap().message, number);
        }
    }
    assert_eq!(counter.woken(), woken);
    stuck.try_recv_each(|_| ()).unwrap();
    assert_eq!(counter.woken(), woken + 1);
    assert!(poll_once(draining.as_mut(), &waker).is_ready());
}

#[test]
fn a_task_drains_a_bus_while_others_receive() {
    current_thread().block_on(async {
        let bus = Bus::new().into_async();
        let mut subscription = bus.subscribe().await;
        for number in 0..10 {
            bus.publish(envelope(number)).await.unwrap();
        }
        let error = bus.drain(MOMENT).await.unwrap_err();
        assert_eq!(error.left().len(), 1);
        let receiving = tokio::spawn(async move {
            for number in 0..10 {
                assert_eq!(subscription.recv().await.unwrap().message, number);
                yield_now().await;
            }
            subscription
        });
        bus.drain(LONG).await.unwrap();
        drop(receiving.await.unwrap());
    });
}

#[test]
fn a_drain_that_is_given_up_changes_nothing() {
    let draining = Task::start(|| {
        let runtime = current_thread();
        let _inside = runtime.enter();
        let bus = Bus::new();
        let mut subscription = bus.subscribe().into_async();
        let publish = |number| bus.publish(envelope(number)).unwrap().delivered();
        assert_eq!(publish(0), 1);
        let tasks = bus.clone().into_async();
        let (counter, waker) = Counter::new();
        {
            let mut goes_on = pin!(tasks.drain(LONG));
            {
                let mut given_up = pin!(tasks.drain(LONG));
                assert!(poll_once(given_up.as_mut(), &waker).is_pending());
                assert_eq!(publish(1), 1);
                assert!(poll_once(goes_on.as_mut(), Waker::noop()).is_pending());
            }
            drop(waker);
            assert_eq!(Arc::strong_count(&counter), 1, "it keeps no waker");
            assert_eq!(publish(2), 1);
            for number in 0..3 {
                assert_eq!(subscription.try_recv().unwrap().message, number);
            }
            runtime.block_on(goes_on).unwrap();
        }
        assert_eq!(publish(3), 1);
        assert!(bus.drain(Duration::ZERO).is_err());
        assert_eq!(subscription.try_recv().unwrap().message, 3);
        runtime.block_on(tasks.drain(LONG)).unwrap();
        assert_eq!(subscription.dropped(), 0);
    });
    draining.end();
}

/// A publish that was admitted and stays in flight until it is told to go on.
struct OnItsWay {
    bus: Bus<u64>,
    subscription: Subscription<u64>,
    publishing: Task<usize>,
    go_on: Sender<()>,
}

fn on_its_way(capability: &Capability) -> OnItsWay {
    let bus = Bus::new();
    let (stopped, is_there) = channel();
    let (go_on, may) = channel::<()>();
    let may = Mutex::new(may);
    let options = SubscribeOptions::new().predicate(move |_| {
        stopped.send(()).unwrap();
        may.lock().unwrap().recv().unwrap();
        true
    });
    let subscription = bus.subscribe_with(options).unwrap();
    bus.grant(capability).unwrap();
    let publisher = bus.publisher("counter", capability);
    let publishing = Task::start(move || publisher.publish(7).unwrap().delivered());
    is_there.recv().unwrap();
    OnItsWay {
        bus,
        subscription,
        publishing,
        go_on,
    }
}

#[test]
fn a_task_that_revokes_waits_for_what_was_admitted_before_while_others_run() {
    let capability = Capability::new("count");
    let mut given = on_its_way(&capability);
    current_thread().block_on(async {
        let bus = given.bus.clone().into_async();
        bus.revoke_and_drain("nobody's", MOMENT).await.unwrap();
        assert!(bus.revoke_and_drain(&capability, MOMENT).await.is_err());
        assert!(!bus.is_granted(&capability));
        let revoking = {
            let (bus, capability) = (bus.clone(), capability.clone());
            tokio::spawn(async move { bus.revoke_and_drain(&capability, LONG).await })
        };
        yield_now().await;
        assert!(!revoking.is_finished());
        given.go_on.send(()).unwrap();
        revoking.await.unwrap().unwrap();
    });
    assert_eq!(given.subscription.try_recv().unwrap().message, 7);
    assert_eq!(given.publishing.end(), 1);
}

/// Nobody drives the runtime's clock here, so only a waker can wake the task.
#[test]
fn a_task_that_revokes_is_woken_by_the_last_publish_in_flight_and_by_the_next_grant() {
    let runtime = current_thread();
    let _inside = runtime.enter();
    let capability = Capability::new("count");
    let given = on_its_way(&capability);
    let bus = given.bus.into_async();
    let (counter, waker) = Counter::new();

    let mut revoking = pin!(bus.revoke_and_drain(&capability, LONG));
    assert!(poll_once(revoking.as_mut(), &waker).is_pending());
    assert_eq!(counter.woken(), 0);
    bus.grant(Grant::new(capability.clone())).unwrap();
    assert_eq!(counter.woken(), 1);
    let outcome = poll_once(revoking.as_mut(), &waker);
    assert_eq!(outcome, Poll::Ready(Err(RevokeError::GrantedAgain)));

    let mut revoking = pin!(bus.revoke_and_drain(&capability, LONG));
    assert!(poll_once(revoking.as_mut(), &waker).is_pending());
    assert_eq!(counter.woken(), 1);
    given.go_on.send(()).unwrap();
    assert_eq!(given.publishing.end(), 1);
    assert_eq!(counter.woken(), 2);
    assert_eq!(poll_once(revoking.as_mut(), &waker), Poll::Ready(Ok(())));
}

#[test]
fn a_revocation_that_is_given_up_has_revoked() {
    let runtime = current_thread();
    let _inside = runtime.enter();
    let capability = Capability::new("count");
    let bus = Bus::<u64>::new();
    bus.grant(&capability).unwrap();
    let bus = bus.into_async();
    {
        let mut revoking = pin!(bus.revoke_and_drain(&capability, LONG));
        assert!(bus.is_granted(&capability), "it was not asked yet");
        let _drained = poll_once(revoking.as_mut(), Waker::noop());
    }
    assert!(!bus.is_granted(&capability));
}
