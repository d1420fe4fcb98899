//! A thread stops while it evicts a subscriber.

use super::{MEANWHILE, all, ends, publish, queued, stop_publish};
use crate::bus::options::SubscribeOptions;
use crate::message::overflow::Overflow;
use crate::queue::recv_error::TryRecvError;
use crate::support::failpoints::{Step, stop};
use crate::{Advisory, Bus, Envelope, RecvError};

#[test]
fn a_publisher_that_is_stopped_before_it_takes_an_evicted_one_off_the_list_holds_up_nobody() {
    for filter in [None, Some("test")] {
        let bus = Bus::<u32>::new();
        let mut options = SubscribeOptions::new()
            .capacity(1)
            .overflow(Overflow::Evict);
        if let Some(source) = filter {
            options = options.source(source);
        }
        let mut evicted = bus.subscribe_with(options).expect("open");
        let mut other = bus.subscribe();
        publish(&bus, 0);
        let stopped = stop_publish(&bus, Step::Evicted, 1, 1);
        assert_eq!(bus.subscriber_count(), 1);
        ends({
            let bus = bus.clone();
            move || {
                for number in 2..=MEANWHILE {
                    assert_eq!(publish(&bus, number).matched(), 1);
                }
            }
        });
        assert_eq!(queued(&mut other), all(0..=MEANWHILE));
        assert_eq!(evicted.try_recv().map(|it| it.message), Ok(0));
        assert!(evicted.try_recv().unwrap_err().missed().is_some());
        assert_eq!(evicted.try_recv().unwrap_err(), TryRecvError::Evicted);
        drop(evicted);
        assert_eq!(bus.subscriber_count(), 1);
        let receipt = stopped.release();
        assert_eq!((receipt.delivered(), receipt.dropped()), (1, 1));
    }
}

#[test]
fn one_that_is_being_evicted_by_a_batch_loses_the_first_envelope_of_it_alone() {
    let bus = Bus::<u32>::new();
    let options = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Evict);
    let mut evicted = bus.subscribe_with(options).expect("open");
    let _other = bus.subscribe();
    publish(&bus, 0);
    let stopped = stop(Step::Installed, 1, {
        let bus = bus.clone();
        move || bus.publish_batch((1..=5).map(|number| Envelope::new("test", number)))
    });
    assert_eq!(evicted.try_recv().map(|it| it.message), Ok(0));
    assert_eq!(evicted.try_recv().unwrap_err(), TryRecvError::Empty);
    let receipt = stopped.release().expect("open");
    assert_eq!((receipt.delivered(), receipt.dropped()), (5, 1));
    let missed = TryRecvError::Lagged { missed: 1 };
    assert_eq!(evicted.try_recv().unwrap_err(), missed);
    assert_eq!(evicted.try_recv().unwrap_err(), TryRecvError::Evicted);
}

#[test]
fn one_that_is_evicted_and_listed_still_cannot_choose_again_and_is_told_of_once() {
    let bus = Bus::<u32>::new();
    let options = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Evict);
    for options in [options.clone().source("test"), options] {
        let evicted = bus.subscribe_with(options).expect("open");
        let mut advisories = bus.advisories();
        publish(&bus, 0);
        let stopped = stop_publish(&bus, Step::Evicted, 1, 1);
        assert!(evicted.set_patterns([""; 0]).is_err());
        drop(evicted);
        assert!(advisories.try_recv().is_err());
        stopped.release();
        let told = advisories.recv().expect("open");
        assert!(matches!(told.message, Advisory::Evicted { .. }), "{told:?}");
        assert!(advisories.try_recv().is_err());
    }
}

#[test]
fn a_thread_that_changes_the_list_during_an_eviction_takes_the_evicted_one_off_it() {
    let bus = Bus::<u32>::new();
    let options = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Evict)
        .source("test");
    let mut evicted = bus.subscribe_with(options).expect("open");
    publish(&bus, 0);
    assert_eq!(evicted.recv().map(|it| it.message), Ok(0));
    publish(&bus, 0);
    let stopped = stop_publish(&bus, Step::Evicted, 1, 1);
    drop(bus.subscribe());
    // Nobody is left that could send to it.
    assert_eq!(evicted.recv().map(|it| it.message), Ok(0));
    assert!(evicted.recv().unwrap_err().missed().is_some());
    assert_eq!(evicted.recv().unwrap_err(), RecvError::Evicted);
    stopped.release();
}
