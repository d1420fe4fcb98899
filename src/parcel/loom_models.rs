use loom::sync::Arc;
use loom::thread;

use super::*;
use crate::sync::{AtomicBool, explore};

fn envelope(message: u32) -> Envelope<u32> {
    Envelope::new("model", message)
}

fn empty(slots: usize) -> Parcel<u32> {
    Parcel::new(0, slots, 0, || unreachable!("none is wanted"))
}

/// An open parcel with so many free slots.
fn open(slots: usize) -> Arc<Parcel<u32>> {
    let parcel = empty(slots);
    parcel.mark_ready();
    Arc::new(parcel)
}

/// Claims a slot and writes it.
fn append(parcel: &Parcel<u32>, message: u32) -> Option<usize> {
    let slot = parcel.claim(0, 1)?.start;
    parcel.write(slot, || envelope(message));
    Some(slot)
}

#[test]
fn two_who_append_get_different_slots_and_a_reader_sees_what_was_written() {
    explore(4, || {
        let parcel = open(2);
        let writers = [7, 8].map(|message| {
            let parcel = Arc::clone(&parcel);
            thread::spawn(move || append(&parcel, message).expect("there is a slot for each"))
        });
        for slot in 0..parcel.filled().claimed {
            assert!((7..=8).contains(&parcel.get(slot).message));
        }
        for (writer, message) in writers.into_iter().zip([7, 8]) {
            let slot = writer.join().unwrap();
            assert_eq!(parcel.get(slot).message, message);
        }
        assert!(parcel.filled().is_final);
    });
}

#[test]
fn the_count_that_an_opener_reads_after_closing_is_final() {
    explore(4, || {
        let parcel = open(2);
        let writers = [7, 8].map(|message| {
            let parcel = Arc::clone(&parcel);
            thread::spawn(move || append(&parcel, message).is_some())
        });
        parcel.close();
        let claimed = parcel.filled().claimed;
        let appended = (writers.into_iter())
            .map(|writer| usize::from(writer.join().unwrap()))
            .sum::<usize>();
        assert_eq!(appended, claimed);
    });
}

#[test]
fn two_openers_that_close_at_once_agree_on_the_count() {
    explore(4, || {
        let parcel = open(2);
        let writer = {
            let parcel = Arc::clone(&parcel);
            thread::spawn(move || append(&parcel, 7).is_some())
        };
        let close = |parcel: &Parcel<u32>| {
            parcel.close();
            parcel.filled().claimed
        };
        let opener = {
            let parcel = Arc::clone(&parcel);
            thread::spawn(move || close(&parcel))
        };
        let claimed = close(&parcel);
        assert_eq!(opener.join().unwrap(), claimed);
        assert_eq!(usize::from(writer.join().unwrap()), claimed);
    });
}

#[test]
fn who_appends_knows_what_was_done_before_the_parcel_was_ready() {
    explore(4, || {
        let parcel = Arc::new(empty(1));
        let sent = Arc::new(AtomicBool::new(false));
        let opener = {
            let (parcel, sent) = (Arc::clone(&parcel), Arc::clone(&sent));
            thread::spawn(move || {
                sent.store(true, Ordering::Relaxed);
                parcel.mark_ready();
            })
        };
        if append(&parcel, 7).is_some() {
            assert!(sent.load(Ordering::Relaxed));
        }
        opener.join().unwrap();
    });
}

#[test]
fn a_reader_of_a_claim_knows_what_its_publisher_knew_and_one_of_a_closed_parcel_what_the_closer_knew()
 {
    explore(4, || {
        let parcel = open(2);
        let before = Arc::new(AtomicBool::new(false));
        let other = {
            let (parcel, before) = (Arc::clone(&parcel), Arc::clone(&before));
            thread::spawn(move || {
                before.store(true, Ordering::Relaxed);
                if append(&parcel, 7).is_none() {
                    parcel.is_ready(); // the acquire that tells of who closed it
                }
            })
        };
        let consumed = Arc::new(AtomicBool::new(false));
        let closer = {
            let (parcel, consumed) = (Arc::clone(&parcel), Arc::clone(&consumed));
            thread::spawn(move || {
                consumed.store(true, Ordering::Relaxed);
                parcel.close();
            })
        };
        if parcel.filled().claimed == 1 {
            assert!(before.load(Ordering::Relaxed));
        }
        if parcel.filled().is_final {
            assert!(consumed.load(Ordering::Relaxed));
        }
        other.join().unwrap();
        closer.join().unwrap();
    });
}
