//! Models of the fast path: a publisher appends by a permission that another thread takes away.

use std::sync::Arc;

use loom::thread;

use crate::support::sync::explore;
use crate::{Bus, Envelope, Grant, Publisher, Subscription};

const GUARDED: u32 = 7;

/// A bus whose current segment has a free slot, with a subscriber that has room for everything.
fn bus_with_a_place(grant: Grant) -> (Bus<u32>, Subscription<u32>, Publisher<u32>) {
    let bus = Bus::new();
    let subscription = bus.subscribe();
    bus.grant(grant).unwrap();
    let publisher = bus.publisher("model", "write");
    for message in 0..2 {
        bus.publish(Envelope::new("model", message)).unwrap();
    }
    assert!(bus.core.current().has_place());
    (bus, subscription, publisher)
}

/// Does what [`Bus::revoke_and_drain`] does, without a look-up.
fn revoke_and_drain(bus: &Bus<u32>) {
    let admission = bus.core.grants.find(&"write".into()).unwrap();
    let revoked = admission.revoke(|| {});
    bus.core.retire_head();
    admission.drained(revoked, None, || {}).unwrap();
}

fn guarded(subscription: &mut Subscription<u32>) -> usize {
    let queued = subscription.try_iter().map(Result::unwrap);
    queued.filter(|it| it.message == GUARDED).count()
}

/// One thread publishes under a grant, another without, and a third revokes and drains.
fn nothing_comes_later(preemptions: usize, grant: fn() -> Grant, unguarded: u32) {
    explore(preemptions, move || {
        let (bus, mut subscription, publisher) = bus_with_a_place(grant());
        let publisher = Arc::new(publisher);
        let publishing = {
            let publisher = Arc::clone(&publisher);
            thread::spawn(move || publisher.publish(GUARDED).is_ok())
        };
        let another = (unguarded > 0).then(|| {
            let bus = bus.clone();
            thread::spawn(move || {
                for message in 0..unguarded {
                    bus.publish(Envelope::new("another", message)).unwrap();
                }
            })
        });
        revoke_and_drain(&bus);
        let in_time = guarded(&mut subscription);
        let was_published = publishing.join().unwrap();
        if let Some(another) = another {
            another.join().unwrap();
        }
        assert_eq!(usize::from(was_published), in_time);
        assert_eq!(guarded(&mut subscription), 0, "it came late");
        assert!(publisher.publish(GUARDED).is_err());
    });
}

#[test]
fn nothing_is_appended_by_a_permission_that_was_taken_away_once_the_head_is_retired() {
    nothing_comes_later(4, || Grant::new("write"), 0);
    nothing_comes_later(4, || Grant::new("write").sources(["model"]), 0);
}

#[test]
fn nothing_is_appended_by_a_permission_that_was_taken_away_to_a_head_that_another_installs_meanwhile()
 {
    nothing_comes_later(3, || Grant::new("write"), 2);
}
