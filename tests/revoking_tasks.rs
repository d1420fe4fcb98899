//! A task that waits for room has no foot in the door: a revoke reaches it, and does not wait for it.
#![cfg(feature = "tokio")]

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use oxide_bus::{
    AsyncPublisher, Bus, Capability, Denial, Envelope, Grant, Overflow, SubscribeOptions,
    Subscription, TryRecvError,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A bus, one who must not lose anything and has room for so many, and the capability.
fn given(capacity: usize, grant: Grant) -> (Bus<u64>, Subscription<u64>, Capability) {
    let bus = Bus::new();
    let options = SubscribeOptions::new()
        .capacity(capacity)
        .overflow(Overflow::Block { timeout: None });
    let lossless = bus.subscribe_with(options).unwrap();
    bus.grant(grant).unwrap();
    (bus, lossless, "count".into())
}

fn plain() -> Grant {
    Grant::new("count")
}

/// Not plain, and wide enough.
fn scoped() -> Grant {
    plain().sources(["counter"])
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn publisher(bus: &Bus<u64>) -> AsyncPublisher<u64> {
    bus.publisher("counter", "count").into_async()
}

fn nothing_is_queued(subscription: &mut Subscription<u64>) -> bool {
    subscription.try_recv().unwrap_err() == TryRecvError::Empty
}

#[test]
fn what_waits_for_room_is_refused_after_a_revoke_and_nobody_who_drains_waits_for_it() {
    for grant in [plain(), scoped()] {
        let (bus, mut lossless, capability) = given(1, grant);
        let publisher = publisher(&bus);
        publisher.try_publish(0).unwrap();
        let tasks = bus.clone().into_async();
        let mut waiting: Vec<_> = (1..10).map(|n| Box::pin(publisher.publish(n))).collect();
        let presented = Envelope::new("counter", 10);
        let mut by_name = pin!(tasks.publish_with_capability(presented, &capability));
        for publishing in &mut waiting {
            assert!(publishing.as_mut().poll(&mut context()).is_pending());
        }
        assert!(by_name.as_mut().poll(&mut context()).is_pending());
        assert_eq!(bus.in_flight(&capability), 0, "no foot in the door");
        assert_eq!(bus.revoke_and_drain(&capability, Duration::ZERO), Ok(()));

        assert_eq!(lossless.recv().unwrap().message, 0);
        for (publishing, number) in waiting.iter_mut().zip(1..) {
            let Poll::Ready(Err(error)) = publishing.as_mut().poll(&mut context()) else {
                panic!("{number} is not refused");
            };
            assert_eq!(error.denial(), Some(Denial::Revoked));
            assert_eq!(error.into_envelope().message, number);
        }
        let Poll::Ready(Err(error)) = by_name.as_mut().poll(&mut context()) else {
            panic!("by name it is not refused");
        };
        assert!(error.is_denied());
        assert!(nothing_is_queued(&mut lossless));
    }
}

#[test]
fn what_waits_for_room_goes_by_the_grant_that_stands_when_there_is_some() {
    let (bus, mut lossless, _) = given(1, plain());
    let publisher = publisher(&bus);
    publisher.try_publish(0).unwrap();
    let mut waits = pin!(publisher.publish(1));
    assert!(waits.as_mut().poll(&mut context()).is_pending());
    bus.grant(plain().sources(["another"])).unwrap();
    lossless.recv().unwrap();
    let Poll::Ready(Err(error)) = waits.as_mut().poll(&mut context()) else {
        panic!("it is not refused");
    };
    assert_eq!(error.denial(), Some(Denial::Source));

    bus.grant(plain()).unwrap();
    publisher.try_publish(2).unwrap();
    let mut waits = pin!(publisher.publish(3));
    assert!(waits.as_mut().poll(&mut context()).is_pending());
    bus.revoke_capability(&"count".into());
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
        assert_eq!(error.denial(), Some(Denial::Revoked));
        assert_eq!(error.receipt().published(), 4);
        let left: Vec<_> = error.envelopes().iter().map(|it| it.message).collect();
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
