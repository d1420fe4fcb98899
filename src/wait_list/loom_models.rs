//! Readers that wait, against those that append and those that close; and threads that are woken by tree.

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
fn append(parcel: &Parcel<u32>, list: &WaitList, message: u32) {
    match parcel.claim(0, 1) {
        Some(slots) => parcel.write(slots.start, || Envelope::new("model", message)),
        None => parcel.close(), // and opens the next
    }
    list.wake_all();
}

/// What a task does: waits until more than `read` are claimed, or there will be no more. Returns how many
/// are.
fn wait(parcel: &Parcel<u32>, registration: &mut Registration, read: usize) -> usize {
    let (task, waker) = Task::new();
    loop {
        let filled = parcel.filled();
        if filled.claimed > read || filled.is_final {
            registration.leave();
            return filled.claimed;
        }
        registration.register(Waiter::Task(waker.clone()));
        if parcel.await_after(read) {
            task.sleep();
        }
    }
}

/// What a thread does.
fn wait_in_thread(parcel: &Parcel<u32>, list: &Arc<WaitList>, read: usize) -> usize {
    let (parker, mut registration) = (Arc::<Parker>::default(), Registration::new(list));
    loop {
        let nap = parker.nap();
        registration.register(Waiter::Thread(Arc::clone(&parker)));
        if parcel.await_after(read) {
            nap.sleep(None);
        }
        drop(nap);
        registration.leave();
        let filled = parcel.filled();
        if filled.claimed > read || filled.is_final {
            return filled.claimed;
        }
    }
}

#[test]
fn a_waiter_is_woken_by_each_of_two_that_append() {
    explore(4, || {
        let (parcel, list) = (open(), Arc::<WaitList>::default());
        let publishers = [7, 8].map(|message| {
            let (parcel, list) = (Arc::clone(&parcel), Arc::clone(&list));
            thread::spawn(move || append(&parcel, &list, message))
        });
        let mut registration = Registration::new(&list);
        let mut read = 0;
        while read < 2 {
            read = wait(&parcel, &mut registration, read);
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
    });
}

#[test]
fn two_waiters_are_both_woken_though_a_third_gives_up() {
    explore(3, || {
        let (parcel, list) = (open(), Arc::<WaitList>::default());
        let mut gives_up = Registration::new(&list);
        gives_up.register(Waiter::Task(Waker::noop().clone()));
        let publisher = {
            let (parcel, list) = (Arc::clone(&parcel), Arc::clone(&list));
            thread::spawn(move || append(&parcel, &list, 7))
        };
        let other = {
            let (parcel, mut registration) = (Arc::clone(&parcel), Registration::new(&list));
            thread::spawn(move || wait(&parcel, &mut registration, 0))
        };
        drop(gives_up);
        assert_eq!(wait(&parcel, &mut Registration::new(&list), 0), 1);
        assert_eq!(other.join().unwrap(), 1);
        publisher.join().unwrap();
    });
}

#[test]
fn a_waiter_is_woken_by_the_one_that_opens_the_next_parcel_though_another_has_closed_this_one() {
    explore(4, || {
        let (parcel, list) = (open(), Arc::<WaitList>::default());
        let closer = {
            let parcel = Arc::clone(&parcel);
            thread::spawn(move || parcel.close())
        };
        let publisher = {
            let (parcel, list) = (Arc::clone(&parcel), Arc::clone(&list));
            thread::spawn(move || append(&parcel, &list, 7))
        };
        assert!(wait(&parcel, &mut Registration::new(&list), 0) <= 1);
        closer.join().unwrap();
        publisher.join().unwrap();
    });
}

#[test]
fn a_thread_is_woken_by_one_of_two_that_append_though_the_other_is_stopped_before_it_wakes() {
    explore(3, || {
        let (parcel, list) = (open(), Arc::<WaitList>::default());
        let stopped = {
            let parcel = Arc::clone(&parcel);
            thread::spawn(move || drop(parcel.claim(0, 1)))
        };
        let publisher = {
            let (parcel, list) = (Arc::clone(&parcel), Arc::clone(&list));
            thread::spawn(move || append(&parcel, &list, 7))
        };
        assert!(wait_in_thread(&parcel, &list, 0) >= 1);
        stopped.join().unwrap();
        publisher.join().unwrap();
    });
}

#[test]
fn the_last_of_a_batch_is_woken_though_others_leave_just_then() {
    explore(3, || {
        let parkers = [(); 4].map(|()| Arc::<Parker>::default());
        let leaving = [0, 2].map(|number| {
            let parker = Arc::clone(&parkers[number]);
            thread::spawn(move || drop(parker.nap()))
        });
        let (second, last) = (parkers[1].nap(), parkers[3].nap());
        Batch::wake_all(parkers.to_vec());
        drop(second); // its time is up, perhaps
        last.sleep(None);
        drop(last);
        for thread in leaving {
            thread.join().unwrap();
        }
    });
}
