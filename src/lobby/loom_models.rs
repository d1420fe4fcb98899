//! Who waits at an open parcel, against those who append, and who closes.

use std::sync::Arc;
use std::task::Waker;

use loom::thread;

use super::*;
use crate::Envelope;
use crate::parcel::Parcel;
use crate::sync::explore;
use crate::sync::task_on_loom::Task;

/// A parcel with two free slots, which is ready.
fn open() -> Arc<Parcel<u32>> {
    let parcel = Parcel::new(0, 2, 0, || unreachable!("none is wanted"));
    parcel.mark_ready();
    Arc::new(parcel)
}

/// What a publisher does.
fn append(parcel: &Parcel<u32>, lobby: &Lobby, message: u32) {
    match parcel.claim(0, 1, || true) {
        Some(claim) => {
            parcel.write(claim.slots.start, || Envelope::new("model", message));
            if claim.is_awaited {
                lobby.ring();
            }
        }
        None => {
            parcel.close(); // and opens the next
            lobby.ring();
        }
    }
}

/// What a task does: waits until more than `read` are claimed, or there will be no more. Returns how many
/// are.
fn wait(parcel: &Parcel<u32>, spot: &mut Spot, read: usize) -> usize {
    let (task, waker) = Task::new();
    loop {
        let filled = parcel.filled();
        if filled.claimed > read || filled.is_final {
            spot.leave();
            return filled.claimed;
        }
        spot.wait(&waker);
        if parcel.await_after(read) {
            task.sleep();
        }
    }
}

#[test]
fn who_waits_is_woken_by_each_of_two_who_append() {
    explore(4, || {
        let (parcel, lobby) = (open(), Arc::<Lobby>::default());
        let publishers = [7, 8].map(|message| {
            let (parcel, lobby) = (Arc::clone(&parcel), Arc::clone(&lobby));
            thread::spawn(move || append(&parcel, &lobby, message))
        });
        let mut spot = Spot::new(&lobby);
        let mut read = 0;
        while read < 2 {
            read = wait(&parcel, &mut spot, read);
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
    });
}

#[test]
fn two_who_wait_are_both_woken_though_a_third_gives_up() {
    explore(3, || {
        let (parcel, lobby) = (open(), Arc::<Lobby>::default());
        let mut gives_up = Spot::new(&lobby);
        gives_up.wait(Waker::noop());
        let publisher = {
            let (parcel, lobby) = (Arc::clone(&parcel), Arc::clone(&lobby));
            thread::spawn(move || append(&parcel, &lobby, 7))
        };
        let other = {
            let (parcel, mut spot) = (Arc::clone(&parcel), Spot::new(&lobby));
            thread::spawn(move || wait(&parcel, &mut spot, 0))
        };
        drop(gives_up);
        assert_eq!(wait(&parcel, &mut Spot::new(&lobby), 0), 1);
        assert_eq!(other.join().unwrap(), 1);
        publisher.join().unwrap();
    });
}

#[test]
fn who_waits_is_woken_by_who_opens_the_next_though_another_thread_has_closed_this_one() {
    explore(4, || {
        let (parcel, lobby) = (open(), Arc::<Lobby>::default());
        let sleeper = {
            let parcel = Arc::clone(&parcel);
            thread::spawn(move || {
                parcel.close_after(0);
            })
        };
        let publisher = {
            let (parcel, lobby) = (Arc::clone(&parcel), Arc::clone(&lobby));
            thread::spawn(move || append(&parcel, &lobby, 7))
        };
        assert!(wait(&parcel, &mut Spot::new(&lobby), 0) <= 1);
        sleeper.join().unwrap();
        publisher.join().unwrap();
    });
}
