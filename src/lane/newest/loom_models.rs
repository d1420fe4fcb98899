use loom::thread;

use super::*;
use crate::envelope::Envelope;
use crate::lane::{Lane, LaneEnd, lane};
use crate::sync::explore;

/// So many parcels with one envelope each are published.
const COUNT: u64 = 4;
/// So many of the newest stay.
const CAPACITY: u64 = 1;

fn newest_lane() -> (Arc<Lane<u32>>, LaneEnd<u32>) {
    let (lane, end) = lane(1, true);
    (Arc::new(lane), end)
}

fn parcels() -> Vec<Arc<Parcel<u32>>> {
    let parcel = |base| Parcel::new(base, 1, 1, || Envelope::new("model", 0));
    (0..COUNT).map(parcel).map(Arc::new).collect()
}

/// Opens them one after the other, as every publisher does.
fn open_all(lane: &Arc<Lane<u32>>, parcels: &[Arc<Parcel<u32>>]) -> thread::JoinHandle<()> {
    let (lane, parcels) = (Arc::clone(lane), parcels.to_vec());
    thread::spawn(move || {
        for parcel in &parcels {
            let newest = lane.newest().expect("it keeps them");
            newest.keep_up_to(parcel.base(), 0, &mut Vec::new());
            lane.hand_over(parcel);
        }
    })
}

/// What a subscriber has taken.
#[derive(Default)]
struct Seen {
    next: u64,
    told: u64,
    taken: Vec<u64>,
}

impl Seen {
    /// False if there is nothing just now.
    fn take(&mut self, end: &mut LaneEnd<u32>) -> bool {
        let Ok(parcel) = end.try_recv(Some(self.next)) else {
            return false;
        };
        if parcel.base() >= self.next {
            let first = end.first(&parcel);
            assert_eq!(first, parcel.base(), "nothing of it was cut off");
            self.told += first - self.next;
            self.next = first + 1;
            self.taken.push(first);
        }
        true
    }

    /// Nothing is lost that was not counted; each gap was told; those that have to stay have stayed.
    fn is_all(&self, end: &LaneEnd<u32>) {
        assert_eq!((self.next, self.told), (COUNT, end.lost()));
        let last = COUNT - 1;
        for must in last - CAPACITY..COUNT {
            assert!(self.taken.contains(&must), "{must} of {:?}", self.taken);
        }
    }
}

#[test]
fn what_is_taken_of_the_newest_and_what_is_missed_is_all_and_in_order() {
    explore(2, || {
        let (lane, mut end) = newest_lane();
        let publisher = open_all(&lane, &parcels());
        let mut seen = Seen::default();
        while seen.next < COUNT {
            if !seen.take(&mut end) {
                thread::yield_now();
            }
        }
        seen.is_all(&end);
        publisher.join().unwrap();
    });
}

#[test]
fn parcels_that_two_publishers_hand_over_twice_are_taken_or_lost_once() {
    explore(2, || {
        let (lane, mut end) = newest_lane();
        let parcels = parcels();
        let publishers = [(); 2].map(|()| open_all(&lane, &parcels));
        let mut seen = Seen::default();
        for _ in 0..2 {
            seen.take(&mut end);
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
        while seen.take(&mut end) {}
        seen.is_all(&end);
    });
}

#[test]
fn a_cut_that_is_left_to_who_holds_the_lock_is_made() {
    explore(3, || {
        let (lane, mut end) = newest_lane();
        let publisher = open_all(&lane, &parcels());
        let mut seen = Seen::default();
        seen.take(&mut end);
        publisher.join().unwrap();
        // What was taken first was taken at any time.
        let due = COUNT - 1 - CAPACITY;
        let taken_late = seen.taken.iter().filter(|&&it| it < due).count() as u64;
        assert_eq!(end.lost(), due - taken_late);
    });
}
