//! Tests of revoking: after a capability is revoked and drained, nothing published under it arrives any more.
//!
//! `OXIDE_BUS_RACES` sets how many races each test runs. 10⁶ races take some minutes in a release build with
//! `--test-threads=1`: two threads alternate, and tests that run at the same time delay them.

use std::env;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use oxide_bus::kernel::Command;
use oxide_bus::{
    BatchError, Bus, Capability, Denial, Envelope, Grant, MessageBus, Overflow, Payload,
    PublishError, Publisher, Receipt, RevokeError, Subject, SubscribeOptions, Subscription,
    TryRecvError, WeakBus,
};

fn races() -> u64 {
    env::var("OXIDE_BUS_RACES").map_or(300, |races| races.parse().expect("a number"))
}

const PATIENCE: Duration = Duration::from_secs(20);

struct Count;

impl Payload for Count {
    fn subject(&self) -> Subject<'_> {
        Subject::new(["count"])
    }
}

/// Receives everything. Returns how many envelopes there were, lost ones included.
fn received<M: Payload>(subscription: &mut Subscription<M>) -> u64 {
    let mut received = 0;
    loop {
        match subscription.try_recv_ref() {
            Ok(_) => received += 1,
            Err(TryRecvError::Lagged { missed: lost }) => received += lost,
            Err(_) => return received,
        }
    }
}

/// How many unguarded publishes precede each race, so that the open segment has a free place.
const UNGUARDED: u64 = 2;

/// One thread publishes without a pause while another grants and revokes. Returns in how many rounds an envelope
/// arrived after `revoke` had returned.
fn stragglers<M: Payload>(
    bus: &Bus<M>,
    mut subscription: Subscription<M>,
    grant: &Grant,
    message: impl Fn() -> M + Sync,
    publish: impl Fn(M) -> Result<Receipt, PublishError<M>> + Sync,
    revoke: impl Fn(&Capability),
) -> u64 {
    let capability = Capability::new("count");
    let (stop, refused) = (AtomicBool::new(false), AtomicU64::new(0));
    let (mut late, mut in_time) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                if publish(message()).is_err() {
                    refused.fetch_add(1, Ordering::Release);
                }
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for race in 0..races() {
            for _ in 0..UNGUARDED {
                _ = bus.publish(Envelope::new("another", message())).unwrap();
            }
            bus.grant(grant.clone()).unwrap();
            for _ in 0..race % 128 {
                std::hint::spin_loop();
            }
            revoke(&capability);
            in_time += received(&mut subscription) - UNGUARDED;
            // A publish that was in flight has ended before a later one is refused.
            let before = refused.load(Ordering::Acquire);
            while refused.load(Ordering::Acquire) < before + 2 {
                thread::yield_now();
            }
            late += u64::from(received(&mut subscription) > 0);
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!("{late} of {} came late, {in_time} in time", races());
    late
}

fn drain<M: Payload>(bus: &Bus<M>) -> impl Fn(&Capability) {
    |capability| bus.revoke_and_drain(capability, PATIENCE).unwrap()
}

#[test]
fn nothing_comes_from_a_publisher_after_its_plain_grant_is_revoked_and_drained() {
    let bus = Bus::new();
    let publisher = bus.publisher("counter", "count");
    let publish = |count| publisher.publish(count);
    let grant = Grant::new("count");
    assert_eq!(
        stragglers(
            &bus,
            bus.subscribe(),
            &grant,
            || Count,
            publish,
            drain(&bus)
        ),
        0
    );
    // The reason for draining: the barrier alone lets some through.
    let late = stragglers(
        &bus,
        bus.subscribe(),
        &grant,
        || Count,
        publish,
        |capability| {
            bus.revoke(capability);
        },
    );
    println!("and {late} without draining");
}

#[test]
fn nothing_comes_to_a_filter_after_a_scoped_grant_is_revoked_and_drained() {
    let bus = Bus::new();
    let publisher = bus.publisher("counter", "count");
    let subscription = bus
        .subscribe_with(SubscribeOptions::new().pattern("count"))
        .unwrap();
    let grant = Grant::new("count").pattern("count");
    let publish = |count| publisher.publish(count);
    let late = stragglers(&bus, subscription, &grant, || Count, publish, drain(&bus));
    assert_eq!(late, 0);
}

#[test]
fn nothing_reaches_an_unfiltered_subscriber_after_a_grant_with_a_condition_is_revoked_and_drained()
{
    let grants = [
        Grant::new("count").patterns(["count"]),
        Grant::new("count").rate(1_000_000_000, u32::MAX),
    ];
    for grant in grants {
        let bus = Bus::new();
        let publisher = bus.publisher("counter", "count");
        let publish = |count| publisher.publish(count);
        let late = stragglers(
            &bus,
            bus.subscribe(),
            &grant,
            || Count,
            publish,
            drain(&bus),
        );
        assert_eq!(late, 0);
    }
}

#[test]
fn nothing_comes_by_name_after_a_capability_is_revoked_and_drained() {
    let bus = MessageBus::new();
    let capability = Capability::new("count");
    let publish = |ping| bus.publish_with_capability(Envelope::new("counter", ping), &capability);
    let grant = Grant::new("count");
    let ping = || Command::Ping.into();
    let late = stragglers(&bus, bus.subscribe(), &grant, ping, publish, drain(&bus));
    assert_eq!(late, 0);
    assert!(!bus.is_granted(&capability));
}

#[test]
fn nothing_arrives_after_a_capability_is_revoked_and_drained_under_any_policy() {
    let options = SubscribeOptions::new;
    for (total_order, terms) in [
        (false, options().overflow(Overflow::DropOldest)),
        (false, options().group("team")),
        (true, options().group("team").overflow(Overflow::DropOldest)),
        (true, options().pattern("count").capacity(2)),
    ] {
        let bus = if total_order {
            Bus::builder().total_order().build()
        } else {
            Bus::new()
        };
        let subscription = bus.subscribe_with(terms).unwrap();
        let publisher = bus.publisher("counter", "count");
        let publish = |count| publisher.publish(count);
        let grant = Grant::new("count").sources(["counter"]);
        let late = stragglers(&bus, subscription, &grant, || Count, publish, drain(&bus));
        assert_eq!(late, 0);
    }
}

/// Subscribes with a queue that blocks the second publish.
fn full_and_blocking(bus: &Bus<Count>) -> Subscription<Count> {
    let options = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Block);
    bus.subscribe_with(options).unwrap()
}

fn in_flight<M>(bus: &Bus<M>, capability: &Capability) -> u64 {
    let grants = bus.grants();
    let known = grants.iter().find(|it| it.capability == *capability);
    known.map_or(0, |it| it.in_flight)
}

fn await_in_flight(bus: &Bus<Count>, capability: &Capability) {
    let deadline = Instant::now() + PATIENCE;
    while in_flight(bus, capability) == 0 {
        assert!(Instant::now() < deadline, "nobody publishes");
        thread::yield_now();
    }
}

#[test]
fn a_publisher_that_waits_for_room_is_on_its_way_until_it_has_it() {
    let bus = Bus::new();
    let mut slow = full_and_blocking(&bus);
    let capability = Capability::new("count");
    bus.grant(&capability).unwrap();
    let publisher = bus.publisher("counter", &capability);
    publisher.publish(Count).unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| publisher.publish(Count));
        await_in_flight(&bus, &capability);
        let timed_out = RevokeError::TimedOut { in_flight: 1 };
        let drained = bus.revoke_and_drain(&capability, Duration::from_millis(5));
        assert_eq!(drained, Err(timed_out));
        assert_eq!(timed_out.to_string(), "1 publishes are still on their way");
        let error = publisher.publish(Count).unwrap_err();
        assert_eq!(
            error.denial(),
            Some(Denial::Revoked),
            "a barrier all the same"
        );
        slow.recv().unwrap();
        assert!(waits.join().unwrap().is_ok(), "it was admitted before");
    });
    assert_eq!(bus.revoke_and_drain(&capability, PATIENCE), Ok(()));
    assert_eq!(slow.try_iter().count(), 1);
}

#[test]
fn a_publisher_that_is_refused_and_tries_again_and_again_delays_no_drain() {
    let bus = Bus::new();
    let capability = Capability::new("count");
    bus.grant(&capability).unwrap();
    let publisher = bus.publisher("counter", &capability);
    let stop = AtomicBool::new(false);
    let drained = thread::scope(|scope| {
        // Many more threads than cores: the system interrupts some of them at any place.
        let tries = || {
            while !stop.load(Ordering::Relaxed) {
                drop(publisher.publish(Count));
            }
        };
        (0..50).for_each(|_| drop(scope.spawn(tries)));
        await_in_flight(&bus, &capability);
        let drained = bus.revoke_and_drain(&capability, PATIENCE);
        stop.store(true, Ordering::Relaxed);
        drained
    });
    assert_eq!(drained, Ok(()));
}

#[test]
fn a_drain_learns_that_the_capability_is_granted_again() {
    let bus = Bus::new();
    let mut slow = full_and_blocking(&bus);
    let capability = Capability::new("count");
    bus.grant(&capability).unwrap();
    let publisher = bus.publisher("counter", &capability);
    publisher.publish(Count).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| publisher.publish(Count));
        await_in_flight(&bus, &capability);
        let drains = scope.spawn(|| bus.revoke_and_drain(&capability, PATIENCE));
        let deadline = Instant::now() + PATIENCE;
        while bus.is_granted(&capability) {
            assert!(Instant::now() < deadline, "it is never revoked");
            thread::yield_now();
        }
        bus.grant(&capability).unwrap();
        assert_eq!(drains.join().unwrap(), Err(RevokeError::GrantedAgain));
        slow.recv().unwrap();
    });
}

#[test]
fn what_nobody_knows_is_drained_at_once() {
    let bus = Bus::<u64>::new();
    assert_eq!(bus.revoke_and_drain("count", PATIENCE), Ok(()));
    let publisher = bus.publisher("counter", "count");
    assert_eq!(bus.revoke_and_drain("count", PATIENCE), Ok(()));
    let error = publisher.publish(1).unwrap_err();
    assert_eq!(
        error.denial(),
        Some(Denial::NotGranted),
        "it never was granted"
    );
    assert_eq!(in_flight(&bus, &"count".into()), 0);
}

struct Panics;

impl Payload for Panics {
    fn subject(&self) -> Subject<'_> {
        panic!("a payload's own");
    }
}

#[test]
fn a_publish_that_panics_is_not_on_its_way_any_more() {
    let bus = Bus::<Panics>::new();
    let capability = Capability::new("panic");
    let by_pattern = SubscribeOptions::new().pattern(">");
    let _subscription = bus.subscribe_with(by_pattern).unwrap();
    bus.grant(&capability).unwrap();
    let publisher = Arc::new(bus.publisher("clown", &capability));
    let panics = |publish: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(publish)).is_err());
    panics(&|| drop(publisher.publish(Panics)));
    panics(&|| drop(publisher.publish_batch([Panics])));
    // It also panics while the scope asks for the subject.
    let scoped = Grant::new(&capability).patterns([">"]);
    bus.grant(scoped.forwards()).unwrap();
    panics(&|| drop(publisher.forward(Envelope::new("clown", Panics))));
    assert_eq!(in_flight(&bus, &capability), 0);
    assert_eq!(bus.revoke_and_drain(&capability, PATIENCE), Ok(()));
}

struct DropPanics;

impl Payload for DropPanics {}

impl Drop for DropPanics {
    fn drop(&mut self) {
        assert!(thread::panicking(), "a payload's own");
    }
}

#[test]
fn a_drain_drops_no_payload_that_is_still_to_be_looked_at() {
    let bus = Bus::<DropPanics>::new();
    bus.retain("what.is.retained", 1).unwrap(); // otherwise nobody would keep the envelope
    let capability = Capability::new("panic");
    bus.grant(&capability).unwrap();
    let publisher = bus.publisher("clown", &capability);
    publisher.publish(DropPanics).map_err(mem::forget).unwrap();
    assert_eq!(bus.revoke_and_drain(&capability, PATIENCE), Ok(()));
    let refused = publisher.publish(DropPanics).unwrap_err();
    assert_eq!(refused.denial(), Some(Denial::Revoked));
    mem::forget((refused, bus, publisher)); // dropping them would drop the payload
}

#[test]
fn a_drain_that_drops_a_payload_that_panics_has_revoked() {
    let bus = Bus::<DropPanics>::new();
    let not_for_it = SubscribeOptions::new().source("somebody else");
    let _subscription = bus.subscribe_with(not_for_it).unwrap();
    let capability = Capability::new("panic");
    bus.grant(&capability).unwrap();
    let publisher = bus.publisher("clown", &capability);
    publisher.publish(DropPanics).map_err(mem::forget).unwrap();
    let drain = || bus.revoke_and_drain(&capability, PATIENCE);
    assert!(catch_unwind(AssertUnwindSafe(drain)).is_err());
    let refused = publisher.publish(DropPanics).map_err(|error| {
        let denial = error.denial();
        mem::forget(error);
        denial
    });
    assert_eq!(refused.unwrap_err(), Some(Denial::Revoked));
    assert_eq!(drain(), Ok(()));
}

/// Publishes another of its type when the bus asks for its subject, if it holds a bus.
struct Restless(Option<WeakBus<Restless>>);

impl Payload for Restless {
    fn subject(&self) -> Subject<'_> {
        if let Some(bus) = self.0.as_ref().and_then(WeakBus::upgrade) {
            _ = bus.publish(Envelope::new("restless", Restless(None)));
        }
        Subject::new(["restless"])
    }
}

#[test]
fn a_drain_asks_no_retained_payload_for_its_subject() {
    let bus = Bus::<Restless>::new();
    bus.retain("restless", 1).unwrap();
    let restless = Restless(Some(bus.downgrade()));
    _ = bus
        .publish(Envelope::new("restless", restless))
        .map_err(drop);
    let (drained, is_drained) = mpsc::channel();
    let drains = bus.clone();
    thread::spawn(move || {
        let outcome = drains.revoke_and_drain("count", PATIENCE);
        drained.send(outcome).expect("the test waits for it");
    });
    assert_eq!(is_drained.recv_timeout(PATIENCE), Ok(Ok(())));
}

/// Revokes the capability while it is published, if it holds a bus.
#[derive(Debug)]
struct Revokes(Option<WeakBus<Revokes>>);

impl Payload for Revokes {
    fn subject(&self) -> Subject<'_> {
        if let Some(bus) = &self.0 {
            assert!(bus.upgrade().unwrap().revoke("count"));
        }
        Subject::new(["count"])
    }
}

#[test]
fn a_batch_that_is_on_its_way_when_its_capability_is_revoked_goes_one_step_further() {
    type PublishBatch = fn(&Publisher<Revokes>, Vec<Revokes>) -> BatchError<Revokes>;
    let ways: &[PublishBatch] = &[
        |publisher, batch| publisher.publish_batch(batch).unwrap_err(),
        #[cfg(feature = "tokio")]
        |publisher, batch| {
            let publisher = publisher.clone().into_async();
            futures::executor::block_on(publisher.publish_batch(batch)).unwrap_err()
        },
    ];
    for publish_batch in ways {
        let bus = Bus::<Revokes>::new();
        let options = SubscribeOptions::new().capacity(1_000);
        let queue = bus.subscribe_with(options.pattern("count")).unwrap();
        bus.grant("count").unwrap();
        let publisher = bus.publisher("counter", "count");
        let revokes = |number| Revokes((number == 100).then(|| bus.downgrade()));
        let error = publish_batch(&publisher, (0..1_000).map(revokes).collect());
        assert_eq!(error.cause().denial(), Some(Denial::Revoked));
        let published = queue.len();
        assert!((101..=101 + 64).contains(&published), "{published}");
        assert_eq!(error.receipt().delivered(), published);
        assert_eq!(error.into_envelopes().len(), 1_000 - published);
        assert_eq!(in_flight(&bus, &"count".into()), 0);
    }
}
