//! Bodies about publishing where the publisher must wait.

use oxide_bus::{Bus, Overflow};

use crate::support::task::Task;
use crate::twins::sides::Side;
use crate::twins::{lossless, open, publish_all};

on_sides! {
    Threads as threads Tokio as tasks Another as tasks_elsewhere: {
        a_publisher_waits_until_there_is_room
        a_batch_waits_until_there_is_room
        a_publisher_that_waits_goes_on_when_the_subscriber_goes
        a_publisher_that_waits_learns_that_the_bus_closes
        a_closed_bus_gives_everything_back
    }
}

fn a_publisher_waits_until_there_is_room<S: Side>(side: S) {
    for options in lossless(2) {
        let bus = Bus::new();
        let mut subscription = side.subscribe_with(&bus, options);
        publish_all(side, &bus, 0..2);
        let publisher = {
            let bus = bus.clone();
            Task::start(move || publish_all(side, &bus, 2..20))
        };
        publisher.assert_waits();
        for number in 0..20 {
            assert_eq!(side.recv(&mut subscription).unwrap().message, number);
        }
        publisher.end();
        assert_eq!(side.queued(&subscription), (0, 0));
    }
}

fn a_batch_waits_until_there_is_room<S: Side>(side: S) {
    for options in lossless(4) {
        let bus = Bus::new();
        let mut subscription = side.subscribe_with(&bus, options);
        let publisher = {
            let bus = bus.clone();
            Task::start(move || side.publish_batch(&bus, 0..200).unwrap())
        };
        publisher.assert_waits();
        for number in 0..200 {
            assert_eq!(side.recv(&mut subscription).unwrap().message, number);
        }
        let receipt = publisher.end();
        assert_eq!((receipt.published(), receipt.delivered()), (200, 200));
    }
}

fn a_publisher_that_waits_goes_on_when_the_subscriber_goes<S: Side>(side: S) {
    for options in lossless(1) {
        let bus = Bus::new();
        let subscription = side.subscribe_with(&bus, options);
        publish_all(side, &bus, 0..1);
        let publisher = {
            let bus = bus.clone();
            Task::start(move || side.publish(&bus, 1).map(|receipt| receipt.delivered()))
        };
        publisher.assert_waits();
        drop(subscription);
        assert_eq!(publisher.end().unwrap(), 0);
    }
}

/// The outcome is a receipt that counts the envelope as dropped, or the error of a closed bus.
fn a_publisher_that_waits_learns_that_the_bus_closes<S: Side>(side: S) {
    for options in lossless(1) {
        let bus = Bus::new();
        let mut subscription = side.subscribe_with(&bus, options);
        publish_all(side, &bus, 0..1);
        let publisher = {
            let bus = bus.clone();
            Task::start(move || match side.publish(&bus, 1) {
                Ok(receipt) => receipt.dropped() == 1,
                Err(error) => error.is_closed(),
            })
        };
        publisher.assert_waits();
        bus.close();
        assert!(publisher.end());
        assert_eq!(side.recv(&mut subscription).unwrap().message, 0);
    }
}

fn a_closed_bus_gives_everything_back<S: Side>(side: S) {
    let (bus, _subscription) = open(side, 4, Overflow::DropNewest);
    bus.close();
    let error = side.publish(&bus, 7).unwrap_err();
    assert!(error.is_closed());
    assert_eq!(error.into_envelope().message, 7);
    let error = side.publish_batch(&bus, 0..3).unwrap_err();
    assert_eq!(error.into_envelopes().len(), 3);
}
