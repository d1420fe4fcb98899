//! Tests of revoking while a task waits for room: the revoke applies to the waiting publish, and does not wait for it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use oxide_bus::kernel::Command;
use oxide_bus::{
    AsyncPublisher, Bus, Capability, Denial, Envelope, Grant, MessageBus, Overflow,
    SubscribeOptions, Subscription, TryRecvError,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Returns a bus, a blocking subscription with so much room, and the capability.
fn given(capacity: usize, grant: Grant) -> (Bus<u64>, Subscription<u64>, Capability) {
    let bus = Bus::new();
    let options = SubscribeOptions::new()
        .capacity(capacity)
        .overflow(Overflow::Block);
    let lossless = bus.subscribe_with(options).unwrap();
    bus.grant(grant).unwrap();
    (bus, lossless, "count".into())
}

fn plain() -> Grant {
    Grant::new("count")
}

/// A grant with a condition, which the publishes here satisfy.
fn scoped() -> Grant {
    plain().sources(["counter"])
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn publisher(bus: &Bus<u64>) -> AsyncPublisher<u64> {
    bus.publisher("counter", "count").into_async()
}

fn in_flight<M>(bus: &Bus<M>, capability: &Capability) -> u64 {
    let grants = bus.grants();
    let known = grants.iter().find(|it| it.capability == *capability);
    known.map_or(0, |it| it.in_flight)
}

fn nothing_is_queued(subscription: &mut Subscription<u64>) -> bool {
    subscription.try_recv().unwrap_err() == TryRecvError::Empty
}

#[test]
fn a_publish_that_waits_for_room_is_refused_after_a_revoke_and_no_drain_waits_for_it() {
    for grant in [plain(), scoped()] {
        let (bus, mut lossless, capability) = given(1, grant);
        let publisher = publisher(&bus);
        publisher.try_publish(0).unwrap();
        let mut waiting: Vec<_> = (1..10).map(|n| Box::pin(publisher.publish(n))).collect();
        for publishing in &mut waiting {
            assert!(publishing.as_mut().poll(&mut context()).is_pending());
        }
        assert_eq!(in_flight(&bus, &capability), 0, "no foot in the door");
        assert_eq!(bus.revoke_and_drain(&capability, Duration::ZERO), Ok(()));

        assert_eq!(lossless.recv().unwrap().message, 0);
        for (publishing, number) in waiting.iter_mut().zip(1..) {
            let Poll::Ready(Err(error)) = publishing.as_mut().poll(&mut context()) else {
                panic!("{number} is not refused");
            };
            assert_eq!(error.denial(), Some(Denial::Revoked));
            assert_eq!(error.into_envelope().message, number);
        }
        assert!(nothing_is_queued(&mut lossless));
    }
}

#[test]
fn what_waits_for_room_goes_by_the_grant_that_stands_when_there_is_some() {
    let (bus, mut lossless, _) = given(1, plain());
    let publisher = publisher(&bus);
    for grant in [plain(), scoped()] {
        bus.grant(grant).unwrap();
        publisher.try_publish(0).unwrap();
        let mut waits = pin!(publisher.publish(1));
        assert!(waits.as_mut().poll(&mut context()).is_pending());
        bus.grant(plain().sources(["another"])).unwrap();
        lossless.recv().unwrap();
        let Poll::Ready(Err(error)) = waits.as_mut().poll(&mut context()) else {
            panic!("it is not refused");
        };
        assert_eq!(error.denial(), Some(Denial::Source));
    }

    bus.grant(plain()).unwrap();
    publisher.try_publish(2).unwrap();
    let mut waits = pin!(publisher.publish(3));
    assert!(waits.as_mut().poll(&mut context()).is_pending());
    bus.revoke("count");
    bus.grant(scoped()).unwrap();
    lossless.recv().unwrap();
    assert!(waits.as_mut().poll(&mut context()).is_ready());
    assert_eq!(lossless.recv().unwrap().message, 3, "granted again");
}

#[test]
fn what_waits_takes_out_of_its_allowance_once() {
    let (bus, mut lossless, _) = given(1, plain().rate(1, 3));
    let publisher = publisher(&bus);
    publisher.try_publish(0).unwrap();
    let mut waits = pin!(publisher.publish(1));
    for _ in 0..20 {
        assert!(waits.as_mut().poll(&mut context()).is_pending());
    }
    lossless.recv().unwrap();
    let Poll::Ready(Ok(_)) = waits.as_mut().poll(&mut context()) else {
        panic!("its allowance was taken once");
    };
    lossless.recv().unwrap();
    publisher.try_publish(2).unwrap();
}

#[test]
fn of_a_batch_that_waits_the_first_are_published_and_the_rest_handed_back() {
    for grant in [plain(), scoped()] {
        let (bus, mut lossless, capability) = given(4, grant);
        let publisher = publisher(&bus);
        let mut waits = pin!(publisher.publish_batch(0..10));
        assert!(waits.as_mut().poll(&mut context()).is_pending());
        assert_eq!(bus.revoke_and_drain(&capability, PATIENCE), Ok(()));
        let queued: Vec<_> = lossless.try_iter().flatten().map(|it| it.message).collect();
        assert_eq!(queued, [0, 1, 2, 3]);
        let Poll::Ready(Err(error)) = waits.as_mut().poll(&mut context()) else {
            panic!("the rest is not refused");
        };
        assert_eq!(error.cause().denial(), Some(Denial::Revoked));
        assert_eq!(error.receipt().published(), 4);
        let left: Vec<_> = (error.into_envelopes().into_iter())
            .map(|it| it.message)
            .collect();
        assert_eq!(left, [4, 5, 6, 7, 8, 9]);
        assert!(nothing_is_queued(&mut lossless));
    }
}

#[test]
fn an_envelope_that_some_have_room_for_is_in_all_queues_or_in_none() {
    let (bus, mut lossless, capability) = given(1, plain());
    let mut others = [
        bus.subscribe(),
        bus.subscribe_with(SubscribeOptions::new().source("counter"))
            .unwrap(),
    ];
    let publisher = publisher(&bus);
    publisher.try_publish(0).unwrap();
    let mut waits = pin!(publisher.publish(1));
    assert!(waits.as_mut().poll(&mut context()).is_pending());
    bus.revoke_and_drain(&capability, Duration::ZERO).unwrap();
    lossless.recv().unwrap();
    assert!(matches!(
        waits.as_mut().poll(&mut context()),
        Poll::Ready(Err(_))
    ));
    for other in &mut others {
        let queued: Vec<_> = other.try_iter().flatten().map(|it| it.message).collect();
        assert_eq!(queued, [0]);
    }
    assert!(nothing_is_queued(&mut lossless));
}

#[test]
fn what_waits_with_a_time_or_in_a_batch_takes_out_of_its_allowance_once_too() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _time = runtime.enter();
    let (bus, mut lossless, _) = given(1, plain().rate(1, 3));
    let limited = publisher(&bus);
    limited.try_publish(0).unwrap();
    let mut waits = pin!(limited.publish_timeout(1, PATIENCE));
    for _ in 0..20 {
        assert!(waits.as_mut().poll(&mut context()).is_pending());
    }
    lossless.recv().unwrap();
    assert!(matches!(
        waits.as_mut().poll(&mut context()),
        Poll::Ready(Ok(_))
    ));
    // The publish tries once more when its time is up.
    let late = runtime.block_on(limited.publish_timeout(2, Duration::ZERO));
    assert_eq!(late.unwrap().dropped(), 1);

    let (bus, mut lossless, _) = given(4, plain().rate(1, 12));
    let limited = publisher(&bus);
    let mut waits = pin!(limited.publish_batch(0..10));
    for _ in 0..2 {
        assert!(waits.as_mut().poll(&mut context()).is_pending());
        assert_eq!(lossless.try_iter().count(), 4);
    }
    assert!(matches!(
        waits.as_mut().poll(&mut context()),
        Poll::Ready(Ok(_))
    ));
    limited.try_publish(10).unwrap();
    limited.try_publish(11).unwrap();
}

#[cfg(feature = "testing")]
#[test]
fn what_waits_for_room_is_refused_when_its_grant_has_expired() {
    let clock = oxide_bus::testing::ManualClock::new();
    let _entered = clock.enter();
    let time = Duration::from_millis(200);
    let (bus, _lossless, _) = given(1, plain().expires_in(time));
    bus.try_publish(Envelope::new("counter", 0)).unwrap();
    let publisher = publisher(&bus);
    let mut waits = pin!(publisher.publish(1));
    clock.advance(time.saturating_sub(Duration::from_nanos(1)));
    assert!(waits.as_mut().poll(&mut context()).is_pending());
    clock.advance(Duration::from_nanos(1));
    let Poll::Ready(refused) = waits.as_mut().poll(&mut context()) else {
        panic!("it is not refused");
    };
    assert_eq!(refused.unwrap_err().denial(), Some(Denial::Expired));
}

#[test]
fn a_publish_is_in_flight_until_it_ends_in_whatever_way() {
    let bus = Bus::<u64>::new();
    let capability = Capability::new("count");
    let asked = Arc::new(AtomicUsize::new(0));
    let asks = SubscribeOptions::new().predicate({
        let (bus, capability, asked) = (bus.clone(), capability.clone(), Arc::clone(&asked));
        move |_| {
            assert_eq!(in_flight(&bus, &capability), 1);
            asked.fetch_add(1, Ordering::Relaxed);
            true
        }
    });
    let _subscription = bus.subscribe_with(asks).unwrap();
    let envelope = || Envelope::new("counter", 0);
    for grant in [plain(), scoped()] {
        bus.grant(grant.forwards()).unwrap();
        let threads = bus.publisher("counter", "count");
        let publisher = publisher(&bus);
        threads.publish(0).unwrap();
        threads.publish_batch([0]).unwrap();
        threads.reply(&envelope(), 0).unwrap();
        threads.forward(envelope()).unwrap();
        threads.try_publish(0).unwrap();
        threads.publish_timeout(0, PATIENCE).unwrap();
        let mut publishing = pin!(async {
            publisher.publish(0).await.unwrap();
            publisher.publish_batch([0]).await.unwrap();
            publisher.reply(&envelope(), 0).await.unwrap();
            publisher.forward(envelope()).await.unwrap();
        });
        assert!(publishing.as_mut().poll(&mut context()).is_ready());
    }
    assert_eq!(in_flight(&bus, &capability), 0);
    assert_eq!(asked.load(Ordering::Relaxed), 2 * 10);
}

#[test]
fn a_publish_by_name_is_in_flight_too_and_one_that_waits_for_room_is_not() {
    let bus = MessageBus::new();
    let capability = Capability::new("count");
    let asked = Arc::new(AtomicUsize::new(0));
    let lossless = SubscribeOptions::new()
        .capacity(2)
        .overflow(Overflow::Block);
    let lossless = lossless.predicate({
        let (bus, capability, asked) = (bus.clone(), capability.clone(), Arc::clone(&asked));
        move |_| {
            assert_eq!(in_flight(&bus, &capability), 1);
            asked.fetch_add(1, Ordering::Relaxed);
            true
        }
    });
    let mut lossless = bus.subscribe_with(lossless).unwrap();
    let ping = || Envelope::new("counter", Command::Ping.into());
    let tasks = bus.clone().into_async();
    for grant in [plain(), scoped()] {
        bus.grant(grant).unwrap();
        bus.publish_with_capability(ping(), &capability).unwrap();
        let mut publishing = pin!(tasks.publish_with_capability(ping(), &capability));
        assert!(publishing.as_mut().poll(&mut context()).is_ready());
        let mut waits = pin!(tasks.publish_with_capability(ping(), &capability));
        assert!(waits.as_mut().poll(&mut context()).is_pending());
        assert_eq!(in_flight(&bus, &capability), 0, "no foot in the door");
        assert_eq!(bus.revoke_and_drain(&capability, Duration::ZERO), Ok(()));
        assert_eq!(lossless.try_iter().count(), 2);
        let Poll::Ready(Err(error)) = waits.as_mut().poll(&mut context()) else {
            panic!("it is not refused");
        };
        assert!(error.is_denied());
        assert!(lossless.is_empty());
    }
    assert!(asked.load(Ordering::Relaxed) >= 4);
}
