//! Tests of an admission: what is let pass, and how a drain waits for publishes in flight.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::authority::grant::Grant;

fn plain() -> Scope {
    Scope::new(Grant::new("log:write"))
}

fn scoped() -> Scope {
    Scope::new(Grant::new("log:write").sources(["logger"]))
}

fn asks(admission: &Admission, stripe: usize) -> Result<(), Denial> {
    let guard = admission.enter(Stripe(stripe))?;
    if guard.is_unrestricted {
        return Ok(());
    }
    admission.check_scope(&mut CachedVerdict::default(), true, |scope| {
        if scope.is_unrestricted() {
            Ok(())
        } else {
            Err(Denial::Source)
        }
    })
}

#[test]
fn every_stripe_follows_each_change() {
    let admission = Admission::new();
    let ask = || -> Vec<_> {
        (0..STRIPES)
            .map(|stripe| asks(&admission, stripe))
            .collect()
    };
    assert_eq!(ask(), [Err(Denial::NotGranted); STRIPES]);
    for _ in 0..2 {
        admission.grant(plain(), admission.announce(|| {}));
        assert_eq!(ask(), [Ok(()); STRIPES]);
        assert!(admission.enter(Stripe(1)).unwrap().is_unrestricted);
        admission.grant(scoped(), admission.announce(|| {}));
        assert_eq!(ask(), [Err(Denial::Source); STRIPES]);
        admission.revoke(|| {});
        assert_eq!(ask(), [Err(Denial::Revoked); STRIPES]);
    }
    assert_eq!(admission.in_flight(), 0);
}

#[test]
fn publishers_are_spread_over_the_stripes() {
    let admission = Admission::new();
    let mut given: Vec<_> = (0..STRIPES).map(|_| admission.stripe().0).collect();
    given.sort_unstable();
    assert_eq!(given, (0..STRIPES).collect::<Vec<_>>());
}

#[test]
fn a_publish_that_panics_is_no_longer_in_flight() {
    let admission = Admission::new();
    admission.grant(plain(), admission.announce(|| {}));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = admission.enter(Stripe(0)).unwrap();
        panic!("a payload's own");
    }));
    assert!(panicked.is_err());
    assert_eq!(admission.in_flight(), 0);
    assert_eq!(
        admission.drained(admission.revoke(|| {}), None, || {}),
        Ok(())
    );
}

#[test]
fn a_drain_that_waits_is_woken_by_the_last_one_out_and_by_nothing_else() {
    let admission = Admission::new();
    admission.grant(plain(), admission.announce(|| {}));
    let [first, second] = [0, 1].map(|stripe| admission.enter(Stripe(stripe)).unwrap());
    let revoked = admission.revoke(|| {});
    let soon = || Some(Instant::now() + Duration::from_millis(5));
    assert_eq!(
        admission.drained(revoked, soon(), || {}),
        Err(StillInFlight::TimedOut(2))
    );
    drop(first);
    assert_eq!(
        admission.drained(revoked, soon(), || {}),
        Err(StillInFlight::TimedOut(1))
    );
    thread::scope(|scope| {
        let waits = scope.spawn(|| admission.drained(revoked, None, || {}));
        let waits_too = scope.spawn(|| admission.drained(admission.revoke(|| {}), None, || {}));
        drop(second);
        assert_eq!(waits.join().unwrap(), Ok(()));
        assert_eq!(waits_too.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_drain_that_waits_is_told_that_it_is_granted_again() {
    let admission = Admission::new();
    admission.grant(plain(), admission.announce(|| {}));
    let guard = admission.enter(Stripe(0)).unwrap();
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let revoked = admission.revoke(|| {});
            sender.send(()).unwrap();
            admission.drained(revoked, None, || {})
        });
        receiver.recv().unwrap(); // the other thread has revoked, and waits or is about to
        admission.grant(scoped(), admission.announce(|| {}));
        admission.drains().wake_all_after_fence();
        assert_eq!(waits.join().unwrap(), Err(StillInFlight::GrantedAgain));
    });
    drop(guard);
}

#[test]
fn a_publisher_that_tries_again_and_again_after_a_revoke_is_never_in_flight() {
    let admission = Admission::new();
    for _ in 0..2 {
        for stripe in 0..STRIPES {
            assert!(admission.enter(Stripe(stripe)).is_err());
        }
        assert_eq!(admission.in_flight(), 0);
        admission.grant(scoped(), admission.announce(|| {}));
        let guard = admission.enter(Stripe(0)).unwrap();
        admission.revoke(|| {});
        let tries: Vec<_> = (0..STRIPES)
            .map(|stripe| admission.enter(Stripe(stripe)))
            .collect();
        assert!(tries.iter().all(Result::is_err));
        assert_eq!(admission.in_flight(), 1);
        drop(guard);
    }
}

/// A publish that looked just before the revoke, and is counted after it.
fn late(admission: &Admission, stripe: usize) -> InFlight<'_> {
    admission.stripes[stripe].fetch_add(1, Ordering::Acquire);
    InFlight {
        admission,
        stripe: Stripe(stripe),
        is_unrestricted: false,
    }
}

#[test]
fn a_drain_does_not_wait_for_a_publish_that_comes_later_and_is_refused() {
    let admission = &Admission::new();
    admission.grant(plain(), admission.announce(|| {}));
    let admitted = admission.enter(Stripe(0)).unwrap();
    let revoked = admission.revoke(|| {});
    thread::scope(|scope| {
        let patience = Instant::now() + Duration::from_secs(10);
        let waits = scope.spawn(move || admission.drained(revoked, Some(patience), || {}));
        while admission.stripes[0].load(Ordering::Relaxed) & AWAITED == 0 {
            thread::yield_now();
        }
        drop(admitted);
        let refused: Vec<_> = (0..STRIPES).map(|stripe| late(admission, stripe)).collect();
        let refuse = |_: &InFlight<'_>| {
            admission.check_scope(&mut CachedVerdict::default(), true, |_| Ok::<_, Denial>(()))
        };
        assert!(refused.iter().all(|guard| refuse(guard).is_err()));
        assert_eq!(waits.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_drain_that_has_waited_leaves_no_mark() {
    let admission = Admission::new();
    admission.grant(plain(), admission.announce(|| {}));
    let guard = admission.enter(Stripe(0)).unwrap();
    let revoked = admission.revoke(|| {});
    let now = Some(Instant::now());
    assert!(admission.drained(revoked, now, || {}).is_err());
    drop(guard);
    assert_eq!(admission.drained(revoked, now, || {}), Ok(()));
    for word in &admission.stripes {
        assert_eq!(word.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn a_drain_that_waits_is_told_so_when_it_is_about_to_be_granted_again() {
    let admission = Admission::new();
    admission.grant(plain(), admission.announce(|| {}));
    let revoked = admission.revoke(|| {});
    let announced = admission.announce(|| {});
    let drained = admission.drained(revoked, None, || panic!("it is not"));
    assert_eq!(drained, Err(StillInFlight::GrantedAgain));
    assert_eq!(asks(&admission, 0), Err(Denial::Revoked));
    admission.grant(plain(), announced);
    assert_eq!(asks(&admission, 0), Ok(()));
}
