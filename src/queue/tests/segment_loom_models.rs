use loom::sync::Arc;
use loom::thread;

use super::*;
use crate::support::sync::{AtomicBool, explore};

fn envelope(message: u32) -> Envelope<u32> {
    Envelope::new("model", message)
}

fn empty(slots: usize) -> Segment<u32> {
    Segment::new(0, slots, 0, || unreachable!("none is wanted"))
}

/// An open segment with this many free slots.
fn open(slots: usize) -> Arc<Segment<u32>> {
    let segment = empty(slots);
    segment.mark_ready();
    Arc::new(segment)
}

/// Claims a slot and writes it.
fn append(segment: &Segment<u32>, message: u32) -> Option<usize> {
    let slot = segment.claim(0, 1, segment.slots())?.start;
    segment.write(slot, || envelope(message));
    Some(slot)
}

#[test]
fn two_publishers_that_append_get_different_slots_and_a_reader_sees_what_was_written() {
    explore(4, || {
        let segment = open(2);
        let writers = [7, 8].map(|message| {
            let segment = Arc::clone(&segment);
            thread::spawn(move || append(&segment, message).expect("there is a slot for each"))
        });
        for slot in 0..segment.filled().claimed {
            assert!((7..=8).contains(&segment.get(slot).message));
        }
        for (writer, message) in writers.into_iter().zip([7, 8]) {
            let slot = writer.join().unwrap();
            assert_eq!(segment.get(slot).message, message);
        }
        assert!(segment.filled().is_final);
    });
}

#[test]
fn the_count_that_an_opener_reads_after_closing_is_final() {
    explore(4, || {
        let segment = open(2);
        let writers = [7, 8].map(|message| {
            let segment = Arc::clone(&segment);
            thread::spawn(move || append(&segment, message).is_some())
        });
        segment.close();
        let claimed = segment.filled().claimed;
        let appended = (writers.into_iter())
            .map(|writer| usize::from(writer.join().unwrap()))
            .sum::<usize>();
        assert_eq!(appended, claimed);
    });
}

#[test]
fn two_openers_that_close_at_once_agree_on_the_count() {
    explore(4, || {
        let segment = open(2);
        let writer = {
            let segment = Arc::clone(&segment);
            thread::spawn(move || append(&segment, 7).is_some())
        };
        let close = |segment: &Segment<u32>| {
            segment.close();
            segment.filled().claimed
        };
        let opener = {
            let segment = Arc::clone(&segment);
            thread::spawn(move || close(&segment))
        };
        let claimed = close(&segment);
        assert_eq!(opener.join().unwrap(), claimed);
        assert_eq!(usize::from(writer.join().unwrap()), claimed);
    });
}

#[test]
fn a_publisher_that_appends_knows_what_was_done_before_the_segment_was_ready() {
    explore(4, || {
        let segment = Arc::new(empty(1));
        let sent = Arc::new(AtomicBool::new(false));
        let opener = {
            let (segment, sent) = (Arc::clone(&segment), Arc::clone(&sent));
            thread::spawn(move || {
                sent.store(true, Ordering::Relaxed);
                segment.mark_ready();
            })
        };
        if append(&segment, 7).is_some() {
            assert!(sent.load(Ordering::Relaxed));
        }
        opener.join().unwrap();
    });
}

#[test]
fn a_reader_of_a_claim_knows_what_its_publisher_knew_and_one_of_a_closed_segment_what_the_closer_knew()
 {
    explore(4, || {
        let segment = open(2);
        let before = Arc::new(AtomicBool::new(false));
        let other = {
            let (segment, before) = (Arc::clone(&segment), Arc::clone(&before));
            thread::spawn(move || {
                before.store(true, Ordering::Relaxed);
                if append(&segment, 7).is_none() {
                    segment.is_ready(); // the acquire that pairs with the release in `close`
                }
            })
        };
        let consumed = Arc::new(AtomicBool::new(false));
        let closer = {
            let (segment, consumed) = (Arc::clone(&segment), Arc::clone(&consumed));
            thread::spawn(move || {
                consumed.store(true, Ordering::Relaxed);
                segment.close();
            })
        };
        if segment.filled().claimed == 1 {
            assert!(before.load(Ordering::Relaxed));
        }
        if segment.filled().is_final {
            assert!(consumed.load(Ordering::Relaxed));
        }
        other.join().unwrap();
        closer.join().unwrap();
    });
}
