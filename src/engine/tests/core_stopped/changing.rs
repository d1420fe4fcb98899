//! Publishers and changes of the list, with one of them stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::support::failpoints::count;

/// A bus whose current segment has a free slot, and a subscriber that has received what is in it.
fn bus_with_a_place() -> (Bus<u32>, Subscription<u32>) {
    let bus = Bus::new();
    let mut subscription = bus.subscribe();
    (0..9).for_each(|number| _ = publish(&bus, number)); // segments of 1, 2, 4 and 8 slots
    assert_eq!(queued(&mut subscription), all(0..9));
    assert!(bus.core.current().has_place());
    (bus, subscription)
}

#[test]
fn a_publisher_that_is_stopped_before_its_claim_goes_by_the_list_of_the_claim() {
    let (bus, mut first) = bus_with_a_place();
    let leaving = bus.subscribe();
    let segment = Arc::clone(&bus.core.current().segment);
    let stopped = stop_publish(&bus, Step::Admitted, 1, 10);
    let mut newcomers = [(); 2].map(|()| bus.subscribe());
    drop(leaving);
    assert_eq!(publish(&bus, 11).delivered(), 3);
    assert_eq!(stopped.release().delivered(), 3);
    for subscription in newcomers.iter_mut().chain([&mut first]) {
        assert_eq!(queued(subscription), [11, 10]);
    }
    // And everything went into the segment that was open.
    assert!(Arc::ptr_eq(&segment, &bus.core.current().segment));
}

#[test]
fn a_newcomer_with_less_room_than_the_segment_has_gets_the_next_one() {
    let bus = Bus::new();
    let mut first = bus.subscribe();
    (0..9).for_each(|number| _ = publish(&bus, number)); // six of eight slots are free
    let mut narrow = (bus.subscribe_with(SubscribeOptions::new().capacity(1))).expect("open");
    let receipts = [9, 10].map(|number| publish(&bus, number));
    assert_eq!(
        receipts.map(|it| (it.delivered(), it.dropped())),
        [(2, 0), (1, 1)]
    );
    assert_eq!(queued(&mut first), all(0..11));
    assert_eq!(narrow.try_recv().map(|it| it.message), Ok(9));
    assert_eq!(
        narrow.try_recv().map(|it| it.message),
        Err(TryRecvError::Lagged { missed: 1 })
    );
}

#[test]
fn threads_that_only_subscribe_and_leave_starve_no_publisher() {
    const PUBLISHES: u32 = 300;
    // Each publish opens a segment, and hands it over to many queues.
    let bus = Bus::<u32>::builder().max_segment(1).build();
    let many: Vec<_> = (0..1000)
        .map(|_| {
            bus.subscribe_with(SubscribeOptions::new().capacity(512))
                .expect("open")
        })
        .collect();
    let ends = Arc::new(AtomicBool::new(false));
    let changing: Vec<_> = (0..3)
        .map(|_| {
            let (bus, ends) = (bus.clone(), Arc::clone(&ends));
            thread::spawn(move || {
                while !ends.load(Ordering::Relaxed) {
                    drop(bus.subscribe());
                }
            })
        })
        .collect();
    let attempts =
        (0..PUBLISHES).map(|number| count(Step::Installing, || _ = publish(&bus, number)));
    let attempts = attempts.max().expect("there are some");
    ends.store(true, Ordering::Relaxed);
    for thread in changing {
        thread.join().expect("it ends well");
    }
    // It loses once to each change that had begun before it was in a hurry, unless it is preempted for too long.
    assert!(attempts <= 8, "{attempts}");
    assert!(many.iter().all(|it| it.len() == PUBLISHES as usize));
}
