//! Models of changes of the subscriber list that keep the open segment, while others publish.

use loom::thread::{self, JoinHandle};

use super::loom_models::{envelope, publish, queued, settled, subscribe};
use crate::support::sync::explore;
use crate::{Bus, Overflow, Receipt, Subscription};

/// A bus whose current segment has a free slot, and lies in the queue of a subscriber that has read the rest of it.
fn bus_with_a_place() -> (Bus<u32>, Subscription<u32>) {
    let bus = Bus::new();
    let mut subscription = subscribe(&bus, 8, Overflow::DropNewest);
    for message in 0..2 {
        publish(&bus, message);
    }
    queued(&mut subscription);
    assert!(bus.core.current().has_place());
    (bus, subscription)
}

fn publisher(bus: &Bus<u32>, message: u32) -> JoinHandle<Receipt> {
    let bus = bus.clone();
    thread::spawn(move || publish(&bus, message))
}

/// Whether the segment after a change is the same, under another head. So no model passes only because a change has
/// closed the segment.
fn keeps_its_segment(bus: &Bus<u32>, change: impl FnOnce()) -> bool {
    let before = bus.core.current();
    change();
    std::sync::Arc::ptr_eq(&before.segment, &bus.core.current().segment)
}

#[test]
fn one_that_comes_among_publishers_receives_what_their_receipts_count() {
    explore(2, || {
        let (bus, mut first) = bus_with_a_place();
        let publishers = [1, 2].map(|message| publisher(&bus, message));
        let mut newcomer = subscribe(&bus, 8, Overflow::DropNewest);
        let receipts = publishers.map(|publisher| publisher.join().unwrap());
        let (received, missed) = queued(&mut newcomer);
        let counted: usize = receipts.iter().map(|it| it.delivered() - 1).sum();
        assert_eq!((received.len(), missed), (counted, 0));
        let (all, _) = queued(&mut first);
        assert!(all.ends_with(&received), "{all:?} {received:?}");
        assert_eq!((all.len(), settled(&newcomer)), (2, (0, 0)));
    });
}

#[test]
fn of_two_subscribers_that_come_at_once_each_receives_what_is_published_after_it_has_come() {
    explore(2, || {
        let (bus, mut first) = bus_with_a_place();
        let other = {
            let bus = bus.clone();
            thread::spawn(move || {
                let mut newcomer = subscribe(&bus, 8, Overflow::DropNewest);
                let receipt = bus.publish(envelope(2)).unwrap();
                (receipt.delivered(), queued(&mut newcomer).0.contains(&2))
            })
        };
        let mut newcomer = subscribe(&bus, 8, Overflow::DropNewest);
        assert_eq!(publish(&bus, 3).dropped(), 0);
        assert!(queued(&mut newcomer).0.contains(&3));
        let (delivered, received) = other.join().unwrap();
        assert!(delivered >= 2 && received);
        let mut all = queued(&mut first).0;
        all.sort_unstable();
        assert_eq!(all, [2, 3]);
    });
}

#[test]
fn one_that_leaves_is_counted_by_no_publish_that_begins_later_and_the_others_keep_the_segment() {
    explore(4, || {
        let (bus, mut first) = bus_with_a_place();
        let leaving = subscribe(&bus, 8, Overflow::DropNewest);
        let publisher = publisher(&bus, 1);
        drop(leaving);
        assert_eq!(publish(&bus, 2).matched(), 1);
        assert!((1..=2).contains(&publisher.join().unwrap().delivered()));
        let mut all = queued(&mut first).0;
        all.sort_unstable();
        assert_eq!(all, [1, 2]);
    });
}

#[test]
fn a_segment_whose_last_reader_leaves_takes_no_more() {
    explore(4, || {
        let (bus, only) = bus_with_a_place();
        let publisher = publisher(&bus, 1);
        drop(only);
        assert_eq!(publish(&bus, 2).matched(), 0);
        assert!(bus.core.current().segment.is_blind());
        publisher.join().unwrap();
    });
}

#[test]
fn one_that_was_left_out_stays_so_though_others_come_and_leave() {
    explore(2, || {
        let bus = Bus::new();
        let mut full = subscribe(&bus, 1, Overflow::DropNewest);
        let _roomy = subscribe(&bus, 8, Overflow::DropNewest);
        for message in 0..3 {
            publish(&bus, message);
        }
        let publisher = publisher(&bus, 3);
        let comer = {
            let bus = bus.clone();
            thread::spawn(move || drop(subscribe(&bus, 8, Overflow::DropNewest)))
        };
        let receipt = publisher.join().unwrap();
        comer.join().unwrap();
        assert_eq!(receipt.dropped(), 1);
        assert_eq!(settled(&full), (1, 3));
        assert_eq!(queued(&mut full), (vec![0], 3));
    });
}

#[test]
fn a_change_keeps_the_segment() {
    explore(0, || {
        let (bus, _first) = bus_with_a_place();
        let mut newcomer = None;
        assert!(keeps_its_segment(&bus, || {
            newcomer = Some(subscribe(&bus, 8, Overflow::DropNewest));
        }));
        assert!(keeps_its_segment(&bus, || drop(newcomer)));
        assert!(keeps_its_segment(&bus, || bus.core.retire_head()));
        assert_eq!(publish(&bus, 1).delivered(), 1);
    });
}
