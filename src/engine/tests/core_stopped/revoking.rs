//! A publish stops on its way, and its permission is revoked meanwhile.

use super::*;
use crate::{Denial, Draft, Grant, PublishError, Publisher, RevokeError};

type Published = Result<Receipt, PublishError<u32>>;

/// A bus whose current segment has a free slot, what is queued already, and a publisher.
fn bus_with_a_place(grant: Grant) -> (Bus<u32>, Subscription<u32>, Publisher<u32>) {
    let bus = Bus::new();
    let mut subscription = bus.subscribe();
    bus.grant(grant).unwrap();
    let publisher = bus.publisher("test", "write");
    (0..2).for_each(|number| _ = publish(&bus, number));
    assert!(bus.core.current().has_place());
    assert_eq!(queued(&mut subscription), [0, 1]);
    (bus, subscription, publisher)
}

fn grants() -> [Grant; 3] {
    let grant = || Grant::new("write");
    [grant(), grant().sources(["test"]), grant().rate(1_000, 9)]
}

fn stop_guarded(
    step: Step,
    publish: impl FnOnce() -> Published + Send + 'static,
) -> Stopped<Published> {
    stop(step, 1, publish)
}

/// Checks a publish by a publisher, and one by the capability's name.
fn stopped_everywhere(step: Step, check: fn(&Bus<u32>, Subscription<u32>, Stopped<Published>)) {
    for grant in grants() {
        let (bus, subscription, publisher) = bus_with_a_place(grant);
        let stopped = stop_guarded(step, move || publisher.publish(7));
        check(&bus, subscription, stopped);
    }
    let (bus, subscription, _publisher) = bus_with_a_place(Grant::new("write"));
    let by_name = bus.clone();
    let stopped = stop_guarded(step, move || {
        by_name.publish_by_name(Envelope::new("test", 7), &"write".into())
    });
    check(&bus, subscription, stopped);
}

fn drain(bus: &Bus<u32>) {
    let bus = bus.clone();
    ends(move || bus.revoke_and_drain("write", TEST_TIMEOUT).unwrap());
}

#[test]
fn a_publish_that_was_let_pass_and_is_stopped_before_it_appends_is_not_waited_for_and_is_refused() {
    stopped_everywhere(Step::Admitted, |bus, mut subscription, stopped| {
        drain(bus);
        publish(bus, 8); // opens another segment, with a free slot
        publish(bus, 9);
        let error = stopped.release().unwrap_err();
        assert_eq!(error.denial(), Some(Denial::Revoked));
        assert_eq!(queued(&mut subscription), [8, 9]);
    });
}

#[test]
fn a_publish_that_was_let_pass_and_is_stopped_until_it_is_granted_again_publishes_by_the_new_grant()
{
    stopped_everywhere(Step::Admitted, |bus, mut subscription, stopped| {
        drain(bus);
        bus.grant("write").unwrap();
        publish(bus, 8);
        assert!(stopped.release().is_ok());
        assert_eq!(queued(&mut subscription), [8, 7]);
    });
}

#[test]
fn a_publish_that_was_let_pass_by_a_revoke_without_a_wait_may_come_after_it() {
    stopped_everywhere(Step::Admitted, |bus, mut subscription, stopped| {
        bus.revoke("write");
        assert!(stopped.release().is_ok());
        assert_eq!(queued(&mut subscription), [7]);
    });
}

#[test]
fn what_is_appended_is_in_the_queues_when_it_is_drained_though_its_publisher_is_stopped() {
    stopped_everywhere(Step::Claimed, |bus, mut subscription, stopped| {
        drain(bus);
        assert_eq!(subscription.len(), 1);
        publish(bus, 8);
        assert!(stopped.release().is_ok());
        assert_eq!(queued(&mut subscription), [7, 8]);
    });
}

#[test]
fn an_answer_is_on_its_way_until_the_asking_thread_has_it() {
    let (bus, subscription, publisher) = bus_with_a_place(Grant::new("write"));
    let asks = bus.clone();
    let mut questions = bus.subscribe();
    let asking = thread::spawn(move || asks.request("test", 1));
    let question = questions.recv().unwrap().id;
    publish(&bus, 2); // opens a segment with a free slot
    let answer = move || publisher.publish(Draft::new(7).with_correlation_id(question));
    let stopped = stop_guarded(Step::Claimed, answer);
    let drained = bus.revoke_and_drain("write", Duration::from_millis(1));
    assert_eq!(drained, Err(RevokeError::TimedOut { in_flight: 1 }));
    assert!(stopped.release().is_ok());
    drain(&bus);
    assert_eq!(asking.join().unwrap().unwrap().message, 7);
    drop(subscription);
}

#[test]
fn a_publish_that_has_to_try_again_takes_one_out_of_its_allowance() {
    let (bus, mut subscription, publisher) = bus_with_a_place(Grant::new("write").rate(1, 2));
    let publishes = publisher.clone();
    let stopped = stop_guarded(Step::Admitted, move || publishes.publish(7));
    (0..100).for_each(|number| _ = publish(&bus, number)); // that segment is full
    assert!(stopped.release().is_ok());
    assert!(publisher.publish(8).is_ok());
    let refused = publisher.publish(9).unwrap_err();
    assert_eq!(refused.denial(), Some(Denial::RateLimited));
    assert_eq!(queued(&mut subscription)[100..], [7, 8]);
}

#[test]
fn a_request_that_is_asked_again_gets_no_answer_after_its_capability_is_drained() {
    let (bus, _subscription, publisher) = bus_with_a_place(Grant::new("write"));
    // Nobody asks now. This answers a request with the same id that is made meanwhile.
    let id = Envelope::new("test", 1).id;
    let answer = move || publisher.publish(Draft::new(7).with_correlation_id(id));
    let stopped = stop_guarded(Step::Claimed, answer);
    let drained = bus.revoke_and_drain("write", Duration::from_millis(1));
    assert_eq!(drained, Err(RevokeError::TimedOut { in_flight: 1 }));
    assert!(stopped.release().is_ok());
    drain(&bus);
}
