//! Models of narrow queues: queues in reach with room for a part of the segment only.
//!
//! In a model a segment has two slots at most. So a queue of capacity 1 is narrow in the second segment.

use std::sync::Arc;

use loom::thread;

use super::loom_models::{publish, publisher, queued, settled, subscribe};
use crate::message::overflow::Overflow;
use crate::queue::recv_error::{RecvError, TryRecvError};
use crate::support::sync::{AtomicBool, Ordering, explore};
use crate::{Bus, Receipt, Subscription};

/// A bus whose next segment has two slots, a subscriber with room for them, and one of capacity 1. Both have received
/// everything.
fn bus(overflow: Overflow) -> (Bus<u32>, Subscription<u32>, Subscription<u32>) {
    let bus = Bus::new();
    let mut wide = subscribe(&bus, 4, Overflow::DropNewest);
    let mut narrow = subscribe(&bus, 1, overflow);
    publish(&bus, 0);
    assert_eq!(queued(&mut wide), (vec![0], 0));
    assert_eq!(queued(&mut narrow), (vec![0], 0));
    (bus, wide, narrow)
}

#[test]
fn two_publishers_put_no_more_into_a_narrow_queue_than_it_holds() {
    explore(3, || {
        let (bus, mut wide, mut narrow) = bus(Overflow::DropNewest);
        let other = publisher(&bus, &[1]);
        let mine = publish(&bus, 2);
        let receipts = [mine, other.join().unwrap()[0]];
        let lost = receipts.map(|it| it.dropped());
        assert!(lost == [0, 1] || lost == [1, 0], "{lost:?}");
        assert_eq!(bus.core.current().subscribers.shared.len(), 2);
        assert_eq!(narrow.len(), 1);
        assert_eq!(queued(&mut wide).0.len(), 2);
        let (received, missed) = queued(&mut narrow);
        assert_eq!((received.len(), missed), (1, 1));
        assert_eq!(received[0], if lost[0] == 0 { 2 } else { 1 });
    });
}

#[test]
fn a_narrow_queue_that_makes_room_in_time_loses_nothing_and_the_accounts_are_exact() {
    explore(4, || {
        let (bus, mut wide, mut narrow) = bus(Overflow::DropNewest);
        publish(&bus, 1);
        assert_eq!(bus.core.current().segment.slots(), 2);
        let made_room = Arc::new(AtomicBool::new(false));
        let publisher = {
            let (bus, made_room) = (bus.clone(), Arc::clone(&made_room));
            thread::spawn(move || {
                let must_fit = made_room.load(Ordering::Acquire);
                let receipts = [publish(&bus, 2), publish(&bus, 3)];
                assert!(!must_fit || receipts[0].delivered() == 2);
                receipts
            })
        };
        let (mut received, mut missed) = (Vec::new(), 0);
        for _ in 0..2 {
            match narrow.try_recv() {
                Ok(delivery) => received.push(delivery.message),
                Err(TryRecvError::Lagged { missed: lost }) => missed += lost,
                Err(_) => {}
            }
            made_room.store(true, Ordering::Release);
        }
        let receipts = publisher.join().unwrap();
        assert!(narrow.len() <= 1, "more than the capacity");
        let (late, late_missed) = queued(&mut narrow);
        received.extend(late);
        missed += late_missed;
        assert!(received.is_sorted_by(|a, b| a < b));
        let delivered: usize = receipts.iter().map(|it| it.delivered() - 1).sum();
        let dropped: usize = receipts.iter().map(Receipt::dropped).sum();
        assert_eq!((received.len(), missed), (1 + delivered, dropped as u64));
        assert_eq!(settled(&narrow), (0, missed));
        assert_eq!(queued(&mut wide), (vec![1, 2, 3], 0));
    });
}

#[test]
fn a_subscriber_with_a_narrow_queue_that_sleeps_is_woken_for_what_comes_and_for_what_it_loses() {
    explore(3, || {
        let (bus, _wide, mut narrow) = bus(Overflow::DropNewest);
        let publisher = publisher(&bus, &[1, 2, 3]);
        let mut known = 0;
        while known < 3 {
            known += match narrow.recv() {
                Ok(_) => 1,
                Err(RecvError::Lagged { missed }) => missed,
                Err(other) => panic!("{other}"),
            };
        }
        publisher.join().unwrap();
        assert_eq!(narrow.len(), 0);
    });
}

#[test]
fn a_narrow_queue_is_evicted_by_the_envelope_that_finds_no_room() {
    explore(3, || {
        let (bus, mut wide, mut narrow) = bus(Overflow::Evict);
        let publisher = publisher(&bus, &[1, 2]);
        let first = narrow.try_recv().map(|it| it.message);
        let receipts = publisher.join().unwrap();
        let dropped: usize = receipts.iter().map(Receipt::dropped).sum();
        assert_eq!(narrow.dropped(), dropped as u64);
        assert!(dropped == 0 || first != Ok(1) || receipts[0].delivered() == 2);
        assert_eq!(queued(&mut wide), (vec![1, 2], 0));
    });
}
