use loom::thread;

use super::*;
use crate::support::sync::explore;

fn segments(count: u64) -> Vec<Arc<Segment<u32>>> {
    (0..count)
        .map(|base| Arc::new(Segment::new(base, 1, 0, || unreachable!("none is wanted"))))
        .collect()
}

/// Hands the segments over in order, as every publisher does.
fn hand_over(
    channel: &Arc<SegmentSender<u32>>,
    segments: &[Arc<Segment<u32>>],
) -> thread::JoinHandle<()> {
    let (channel, segments) = (Arc::clone(channel), segments.to_vec());
    thread::spawn(move || {
        for segment in &segments {
            channel.hand_over(segment);
        }
    })
}

/// Takes segments until all have come, each once and in order. Yields while there is none.
fn take_all(mut end: SegmentReceiver<u32>, count: u64) {
    let mut next = 0;
    while next < count {
        let segment = match end.try_recv(Some(next)) {
            Ok(segment) => segment,
            Err(TryRecvError::Empty) => {
                thread::yield_now();
                continue;
            }
            Err(TryRecvError::Disconnected) => panic!("{next} is missing"),
        };
        assert!(segment.base() <= next, "overtaken by {}", segment.base());
        next = next.max(segment.base() + 1);
    }
}

#[test]
fn segments_that_two_publishers_hand_over_twice_come_in_order_though_the_channel_is_too_small() {
    explore(2, || {
        let segments = segments(3);
        let (channel, end) = channel(2, false);
        let channel = Arc::new(channel);
        let publishers = [(); 2].map(|()| hand_over(&channel, &segments));
        take_all(end, 3);
        for publisher in publishers {
            publisher.join().unwrap();
        }
    });
}

#[test]
fn a_segment_that_was_spilled_is_found() {
    explore(4, || {
        let segments = segments(3);
        let (channel, end) = channel(1, false);
        let channel = Arc::new(channel);
        let publisher = hand_over(&channel, &segments);
        take_all(end, 3);
        publisher.join().unwrap();
    });
}
