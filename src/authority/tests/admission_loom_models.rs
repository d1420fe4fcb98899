//! Models of publishing under an admission that is granted and revoked. dashmap is no part of them: a publisher reads
//! the admission alone.

use std::sync::Arc;

use loom::thread;

use super::*;
use crate::authority::grant::Grant;
use crate::support::sync::explore;

fn plain() -> Scope {
    Scope::new(Grant::new("log:write"))
}

fn scoped() -> Scope {
    Scope::new(Grant::new("log:write").sources(["logger"]))
}

fn publish(admission: &Admission, queue: &AtomicU64) -> Result<(), Denial> {
    let guard = admission.enter(Stripe(0))?;
    if !guard.is_unrestricted {
        admission.check_scope(&mut CachedVerdict::default(), true, |_| Ok::<_, Denial>(()))?;
    }
    // Relaxed: the admission orders it.
    queue.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

fn model(scope: fn() -> Scope) {
    explore(3, move || {
        let admission = Arc::new(Admission::new());
        admission.grant(scope(), admission.announce(|| {}));
        let queue = Arc::new(AtomicU64::new(0));
        let publishers: Vec<_> = (0..2)
            .map(|_| {
                let (admission, queue) = (Arc::clone(&admission), Arc::clone(&queue));
                thread::spawn(move || u64::from(publish(&admission, &queue).is_ok()))
            })
            .collect();
        let revoked = admission.revoke(|| {});
        assert_eq!(admission.drained(revoked, None, || {}), Ok(()));
        let arrived = queue.load(Ordering::Relaxed);
        let admitted: u64 = publishers.into_iter().map(|p| p.join().unwrap()).sum();
        assert_eq!(arrived, admitted, "none came after it was drained");
        assert_eq!(publish(&admission, &queue), Err(Denial::Revoked));
    });
}

#[test]
fn nothing_that_was_admitted_arrives_after_a_plain_grant_is_revoked_and_drained() {
    model(plain);
}

#[test]
fn nothing_that_was_admitted_arrives_after_a_scoped_grant_is_revoked_and_drained() {
    model(scoped);
}

#[test]
fn a_publish_that_begins_after_a_revoke_is_refused_and_one_after_a_new_grant_is_not() {
    explore(3, || {
        let admission = Arc::new(Admission::new());
        admission.grant(plain(), admission.announce(|| {}));
        let revoked = Arc::new(AtomicU64::new(0));
        let publisher = {
            let (admission, revoked) = (Arc::clone(&admission), Arc::clone(&revoked));
            thread::spawn(move || {
                let is_revoked = revoked.load(Ordering::Acquire) == 1;
                let passed = publish(&admission, &AtomicU64::new(0)).is_ok();
                assert!(!(is_revoked && passed));
            })
        };
        admission.revoke(|| {});
        revoked.store(1, Ordering::Release);
        publisher.join().unwrap();
        admission.grant(plain(), admission.announce(|| {}));
        assert_eq!(publish(&admission, &AtomicU64::new(0)), Ok(()));
    });
}

#[test]
fn a_publisher_never_passes_by_what_two_grants_in_turn_allow_together() {
    explore(3, || {
        let admission = Arc::new(Admission::new());
        admission.grant(scoped(), admission.announce(|| {}));
        let publisher = {
            let admission = Arc::clone(&admission);
            thread::spawn(move || {
                let guard = admission.enter(Stripe(0)).unwrap();
                // In this model it is plain only if it was granted so and never revoked.
                guard.is_unrestricted
                    || admission
                        .check_scope(&mut CachedVerdict::default(), true, |_| Ok::<_, Denial>(()))
                        .is_ok()
            })
        };
        admission.grant(plain(), admission.announce(|| {}));
        admission.grant(scoped(), admission.announce(|| {}));
        assert!(!admission.enter(Stripe(0)).unwrap().is_unrestricted);
        assert!(publisher.join().unwrap(), "granted throughout");
    });
}

#[test]
fn a_publisher_under_a_grant_sees_what_its_granter_had_prepared() {
    explore(3, || {
        let admission = Arc::new(Admission::new());
        let prepared = Arc::new(AtomicU64::new(0));
        let granter = {
            let (admission, prepared) = (Arc::clone(&admission), Arc::clone(&prepared));
            thread::spawn(move || {
                prepared.store(1, Ordering::Relaxed);
                admission.grant(plain(), admission.announce(|| {}));
            })
        };
        if publish(&admission, &AtomicU64::new(0)).is_ok() {
            assert_eq!(prepared.load(Ordering::Relaxed), 1);
        }
        granter.join().unwrap();
    });
}

#[cfg(feature = "tokio")]
#[test]
fn a_task_that_has_revoked_is_woken_when_nobody_is_inside_any_more_or_when_it_is_granted_again() {
    use crate::support::sync::task_on_loom::Task;
    use crate::support::wait_list::{Registration, Waiter};

    for granted_again in [false, true] {
        explore(3, move || {
            let admission = Arc::new(Admission::new());
            admission.grant(plain(), admission.announce(|| {}));
            let publisher = {
                let admission = Arc::clone(&admission);
                thread::spawn(move || _ = publish(&admission, &AtomicU64::new(0)))
            };
            let revoked = admission.revoke(|| {});
            let granter = granted_again.then(|| {
                let admission = Arc::clone(&admission);
                thread::spawn(move || {
                    admission.grant(plain(), admission.announce(|| {}));
                    admission.drains().wake_all_after_fence();
                })
            });
            let mut draining = admission.draining(revoked);
            let mut registration = Registration::new(admission.drains());
            let (task, waker) = Task::new();
            loop {
                registration.register_and_fence(Waiter::Task(waker.clone()));
                match draining.check(|| {}) {
                    Err(StillInFlight::TimedOut(_)) => task.sleep(),
                    Err(StillInFlight::GrantedAgain) if granted_again => break,
                    outcome => break assert_eq!(outcome, Ok(())),
                }
            }
            publisher.join().unwrap();
            if let Some(granter) = granter {
                granter.join().unwrap();
            }
        });
    }
}
