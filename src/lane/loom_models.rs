use loom::thread;

use super::*;
use crate::sync::explore;

fn parcels(count: u64) -> Vec<Arc<Parcel<u32>>> {
    (0..count)
        .map(|base| Arc::new(Parcel::new(base, 1, 0, || unreachable!("none is wanted"))))
        .collect()
}

/// Hands them over in order, as every publisher does.
fn hand_over(lane: &Arc<Lane<u32>>, parcels: &[Arc<Parcel<u32>>]) -> thread::JoinHandle<()> {
    let (lane, parcels) = (Arc::clone(lane), parcels.to_vec());
    thread::spawn(move || {
        for parcel in &parcels {
            lane.hand_over(parcel);
        }
    })
}

/// Takes parcels until all are there, each once and in order; gives way where there is none.
fn take_all(mut end: LaneEnd<u32>, count: u64) {
    let mut next = 0;
    while next < count {
        let parcel = match end.try_recv(Some(next)) {
            Ok(parcel) => parcel,
            Err(TryRecvError::Empty) => {
                thread::yield_now();
                continue;
            }
            Err(TryRecvError::Disconnected) => panic!("{next} is missing"),
        };
        assert!(parcel.base() <= next, "overtaken by {}", parcel.base());
        next = next.max(parcel.base() + 1);
    }
}

#[test]
fn parcels_that_two_publishers_hand_over_twice_come_in_order_though_the_channel_is_too_small() {
    explore(2, || {
        let parcels = parcels(3);
        let (lane, end) = lane(2, false);
        let lane = Arc::new(lane);
        let publishers = [(); 2].map(|()| hand_over(&lane, &parcels));
        take_all(end, 3);
        for publisher in publishers {
            publisher.join().unwrap();
        }
    });
}

#[test]
fn a_parcel_that_was_spilled_is_found() {
    explore(4, || {
        let parcels = parcels(3);
        let (lane, end) = lane(1, false);
        let lane = Arc::new(lane);
        let publisher = hand_over(&lane, &parcels);
        take_all(end, 3);
        publisher.join().unwrap();
    });
}
