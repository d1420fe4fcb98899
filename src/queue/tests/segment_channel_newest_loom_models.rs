use loom::thread;

use super::*;
use crate::message::envelope::Envelope;
use crate::queue::segment_channel::{SegmentReceiver, SegmentSender, channel};
use crate::support::sync::explore;

/// This many segments with one envelope each are published.
const COUNT: u64 = 4;
/// This many of the newest envelopes stay.
const CAPACITY: u64 = 1;

fn newest_channel() -> (Arc<SegmentSender<u32>>, SegmentReceiver<u32>) {
    let (channel, end) = channel(1, true);
    (Arc::new(channel), end)
}

fn segments() -> Vec<Arc<Segment<u32>>> {
    let segment = |base| Segment::new(base, 1, 1, || Envelope::new("model", 0));
    (0..COUNT).map(segment).map(Arc::new).collect()
}

/// Opens the segments one after the other, as every publisher does.
fn open_all(
    channel: &Arc<SegmentSender<u32>>,
    segments: &[Arc<Segment<u32>>],
) -> thread::JoinHandle<()> {
    let (channel, segments) = (Arc::clone(channel), segments.to_vec());
    thread::spawn(move || {
        for segment in &segments {
            let newest = channel.newest().expect("it keeps them");
            newest.keep_up_to(segment.base(), 0, &mut Vec::new());
            channel.hand_over(segment);
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
    /// Takes the next segment. Returns false if there is none at the moment.
    fn take(&mut self, end: &mut SegmentReceiver<u32>) -> bool {
        let Ok(segment) = end.try_recv(Some(self.next)) else {
            return false;
        };
        if segment.base() >= self.next {
            let first = end.first(&segment);
            assert_eq!(first, segment.base(), "nothing of it was cut off");
            self.told += first - self.next;
            self.next = first + 1;
            self.taken.push(first);
        }
        true
    }

    /// Checks that every loss was counted, that every gap was told, and that the newest envelopes have stayed.
    fn is_all(&self, end: &SegmentReceiver<u32>) {
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
        let (channel, mut end) = newest_channel();
        let publisher = open_all(&channel, &segments());
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
fn segments_that_two_publishers_hand_over_twice_are_taken_or_lost_once() {
    explore(2, || {
        let (channel, mut end) = newest_channel();
        let segments = segments();
        let publishers = [(); 2].map(|()| open_all(&channel, &segments));
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
fn a_cut_that_is_left_to_the_thread_that_holds_the_lock_is_made() {
    explore(3, || {
        let (channel, mut end) = newest_channel();
        let publisher = open_all(&channel, &segments());
        let mut seen = Seen::default();
        seen.take(&mut end);
        publisher.join().unwrap();
        // The first take may have come at any moment.
        let due = COUNT - 1 - CAPACITY;
        let taken_late = seen.taken.iter().filter(|&&it| it < due).count() as u64;
        assert_eq!(end.lost(), due - taken_late);
    });
}
