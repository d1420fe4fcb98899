//! Models of readers that wait, against publishers that append and close; and of threads that are woken by tree.

use std::sync::Arc;
use std::task::Waker;

use loom::thread;

use super::*;
use crate::Envelope;
use crate::queue::segment::Segment;
use crate::support::sync::channel::{Receiver, bounded};
use crate::support::sync::explore;
use crate::support::sync::task_on_loom::Task;

/// A ready segment with two free slots.
fn open() -> Arc<Segment<u32>> {
    let segment = Segment::new(0, 2, 0, || unreachable!("none is wanted"));
    segment.mark_ready();
    Arc::new(segment)
}

/// What a publisher does.
fn append(segment: &Segment<u32>, list: &WaitList, message: u32) {
    match segment.claim(0, 1, segment.slots()) {
        Some(slots) => segment.write(slots.start, || Envelope::new("model", message)),
        None => segment.close(), // and opens the next
    }
    list.wake_all();
}

/// What a task does: it waits until more than `read` slots are claimed, or no more will be. Returns how many are
/// claimed.
fn wait(segment: &Segment<u32>, registration: &mut Registration, read: usize) -> usize {
    let (task, waker) = Task::new();
    loop {
        let filled = segment.filled();
        if filled.claimed > read || filled.is_final {
            registration.deregister();
            return filled.claimed;
        }
        registration.register(Waiter::Task(waker.clone()));
        if segment.await_after(read) {
            task.sleep();
        }
    }
}

/// What a thread does.
fn wait_in_thread(segment: &Segment<u32>, list: &Arc<WaitList>, read: usize) -> usize {
    let (parker, mut registration) = (Arc::<Parker>::default(), Registration::new(list));
    loop {
        let nap = parker.nap();
        registration.register(Waiter::Thread(Arc::clone(&parker)));
        if segment.await_after(read) {
            nap.sleep(None);
        }
        drop(nap);
        registration.deregister();
        let filled = segment.filled();
        if filled.claimed > read || filled.is_final {
            return filled.claimed;
        }
    }
}

#[test]
fn a_waiter_is_woken_by_each_of_two_that_append() {
    explore(4, || {
        let (segment, list) = (open(), Arc::<WaitList>::default());
        let publishers = [7, 8].map(|message| {
            let (segment, list) = (Arc::clone(&segment), Arc::clone(&list));
            thread::spawn(move || append(&segment, &list, message))
        });
        let mut registration = Registration::new(&list);
        let mut read = 0;
        while read < 2 {
            read = wait(&segment, &mut registration, read);
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
    });
}

#[test]
fn two_waiters_are_both_woken_though_a_third_gives_up() {
    explore(3, || {
        let (segment, list) = (open(), Arc::<WaitList>::default());
        let mut gives_up = Registration::new(&list);
        gives_up.register(Waiter::Task(Waker::noop().clone()));
        let publisher = {
            let (segment, list) = (Arc::clone(&segment), Arc::clone(&list));
            thread::spawn(move || append(&segment, &list, 7))
        };
        let other = {
            let (segment, mut registration) = (Arc::clone(&segment), Registration::new(&list));
            thread::spawn(move || wait(&segment, &mut registration, 0))
        };
        drop(gives_up);
        assert_eq!(wait(&segment, &mut Registration::new(&list), 0), 1);
        assert_eq!(other.join().unwrap(), 1);
        publisher.join().unwrap();
    });
}

#[test]
fn a_waiter_is_woken_by_the_one_that_opens_the_next_segment_though_another_has_closed_this_one() {
    explore(4, || {
        let (segment, list) = (open(), Arc::<WaitList>::default());
        let closer = {
            let segment = Arc::clone(&segment);
            thread::spawn(move || segment.close())
        };
        let publisher = {
            let (segment, list) = (Arc::clone(&segment), Arc::clone(&list));
            thread::spawn(move || append(&segment, &list, 7))
        };
        assert!(wait(&segment, &mut Registration::new(&list), 0) <= 1);
        closer.join().unwrap();
        publisher.join().unwrap();
    });
}

#[test]
fn a_thread_is_woken_by_one_of_two_that_append_though_the_other_is_stopped_before_it_wakes() {
    explore(3, || {
        let (segment, list) = (open(), Arc::<WaitList>::default());
        let stopped = {
            let segment = Arc::clone(&segment);
            thread::spawn(move || drop(segment.claim(0, 1, segment.slots())))
        };
        let publisher = {
            let (segment, list) = (Arc::clone(&segment), Arc::clone(&list));
            thread::spawn(move || append(&segment, &list, 7))
        };
        assert!(wait_in_thread(&segment, &list, 0) >= 1);
        stopped.join().unwrap();
        publisher.join().unwrap();
    });
}

/// What a receiver does: it looks, registers, looks again, sleeps.
fn until<T>(registration: &mut Registration, mut look: impl FnMut() -> Option<T>) -> T {
    let (task, waker) = Task::new();
    loop {
        if let Some(found) = look() {
            registration.deregister();
            return found;
        }
        registration.register_and_fence(Waiter::Task(waker.clone()));
        if let Some(found) = look() {
            registration.deregister();
            return found;
        }
        task.sleep();
    }
}

/// Like [`until`], for a thread of a group, which hands on what it has not taken.
fn take_one(list: &Arc<WaitList>, receiver: &Receiver<u32>) -> u32 {
    let (parker, mut registration) = (Arc::<Parker>::default(), Registration::new(list));
    loop {
        let nap = parker.nap();
        registration.register_and_fence(Waiter::Thread(Arc::clone(&parker)));
        if receiver.is_empty() {
            nap.sleep(None);
        }
        drop(nap);
        let was_woken = registration.deregister();
        if let Ok(number) = receiver.try_recv() {
            if was_woken && !receiver.is_empty() {
                list.wake_all_after_fence();
            }
            return number;
        }
    }
}

#[test]
fn a_waiter_is_woken_by_each_of_two_that_send() {
    explore(3, || {
        let (sender, receiver) = bounded(2);
        let (sender, list) = (Arc::new(sender), Arc::<WaitList>::default());
        let threads = [1, 2].map(|number| {
            let (sender, list) = (Arc::clone(&sender), Arc::clone(&list));
            thread::spawn(move || {
                assert!(sender.try_send(number).is_ok());
                list.wake_all_after_fence();
            })
        });
        let mut registration = Registration::new(&list);
        let mut receive = || until(&mut registration, || receiver.try_recv().ok());
        assert_eq!(receive() + receive(), 3);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_waiter_at_one_of_two_lists_is_woken_by_one_look_at_the_count_of_both() {
    explore(3, || {
        let occupied = Arc::<Occupied>::default();
        let (sender, receiver) = bounded(1);
        let list = || Arc::new(WaitList::default().counted(&occupied));
        let (waits, other) = (list(), list());
        let publisher = thread::spawn({
            let (occupied, lists) = (Arc::clone(&occupied), [&waits, &other].map(Arc::clone));
            move || {
                assert!(sender.try_send(1).is_ok());
                occupied.wake_all(lists.iter());
                sender
            }
        });
        // Another task registers at the other list and leaves. The count is of both lists.
        let mut another = Registration::new(&other);
        another.register_and_fence(Waiter::Task(Waker::noop().clone()));
        drop(another);
        let mut registration = Registration::new(&waits);
        assert_eq!(until(&mut registration, || receiver.try_recv().ok()), 1);
        publisher.join().unwrap();
        drop(registration);
        assert_eq!(occupied.0.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn two_threads_of_a_group_take_two_envelopes_of_which_each_wakes_one_thread() {
    explore(2, || {
        let (sender, receiver) = bounded(2);
        let list = Arc::new(WaitList::default().one_by_one(true));
        let publisher = thread::spawn({
            let list = Arc::clone(&list);
            move || {
                for number in 1..=2 {
                    assert!(sender.try_send(number).is_ok());
                    list.wake_all_after_fence();
                }
                sender
            }
        });
        let other = thread::spawn({
            let (list, receiver) = (Arc::clone(&list), receiver.clone());
            move || take_one(&list, &receiver)
        });
        assert_eq!(take_one(&list, &receiver) + other.join().unwrap(), 3);
        publisher.join().unwrap();
    });
}

#[test]
fn an_envelope_that_wakes_a_thread_of_a_group_that_gives_up_wakes_another() {
    explore(3, || {
        let (sender, receiver) = bounded(1);
        let list = Arc::new(WaitList::default().one_by_one(true));
        let publisher = thread::spawn({
            let list = Arc::clone(&list);
            move || {
                assert!(sender.try_send(7).is_ok());
                list.wake_all_after_fence();
                sender
            }
        });
        let gives_up = thread::spawn({
            let (list, receiver) = (Arc::clone(&list), receiver.clone());
            move || {
                let mut registration = Registration::new(&list);
                registration.register_and_fence(Waiter::Thread(Arc::default()));
                if registration.deregister() && !receiver.is_empty() {
                    list.wake_all_after_fence();
                }
            }
        });
        assert_eq!(take_one(&list, &receiver), 7);
        publisher.join().unwrap();
        gives_up.join().unwrap();
    });
}

/// Starts a thread that writes the word and wakes the list.
fn writes(word: &Arc<AtomicBool>, list: &Arc<WaitList>) -> thread::JoinHandle<()> {
    let (word, list) = (Arc::clone(word), Arc::clone(list));
    thread::spawn(move || {
        word.store(true, Ordering::Release);
        list.wake_all_after_fence();
    })
}

/// Here no lock orders the two threads, as one does in the channel of these models.
#[test]
fn a_waiter_for_a_word_is_woken_by_the_one_that_writes_it() {
    explore(5, || {
        let word = Arc::new(AtomicBool::new(false));
        let list = Arc::<WaitList>::default();
        let publisher = writes(&word, &list);
        let mut registration = Registration::new(&list);
        until(&mut registration, || {
            word.load(Ordering::Acquire).then_some(())
        });
        publisher.join().unwrap();
    });
}

/// As [`Select`](crate::Select) waits for several subscriptions.
#[test]
fn a_thread_that_waits_at_two_lists_is_woken_by_each() {
    explore(3, || {
        let words = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let lists = [(); 2].map(|()| Arc::<WaitList>::default());
        let publishers = [0, 1].map(|place| {
            let (word, list) = (Arc::clone(&words[place]), Arc::clone(&lists[place]));
            thread::spawn(move || {
                word.store(true, Ordering::Release);
                list.wake_all_after_fence();
            })
        });
        let parker = Arc::<Parker>::default();
        let mut registrations = lists.each_ref().map(Registration::new);
        let mut left = vec![0, 1];
        while !left.is_empty() {
            let nap = parker.nap();
            let found = left.iter().position(|&place| {
                registrations[place].register_and_fence(Waiter::Thread(Arc::clone(&parker)));
                words[place].load(Ordering::Acquire)
            });
            match found {
                Some(index) => _ = left.remove(index),
                None => nap.sleep(None),
            }
            drop(nap);
            for registration in &mut registrations {
                registration.deregister();
            }
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
    });
}

#[test]
fn a_channel_is_sent_a_token_unless_the_look_after_it_was_registered_has_found_something() {
    explore(5, || {
        let word = Arc::new(AtomicBool::new(false));
        let list = Arc::<WaitList>::default();
        let publisher = writes(&word, &list);
        let (sender, tokens) = crossbeam_channel::bounded(1);
        let mut registration = Registration::new(&list);
        registration.register_and_fence(Waiter::Channel(sender));
        let is_found = word.load(Ordering::Acquire);
        publisher.join().unwrap();
        assert!(is_found || tokens.try_recv().is_ok());
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
        WakeTree::wake_all(parkers.iter().cloned().collect());
        drop(second); // its time is up, perhaps
        last.sleep(None);
        drop(last);
        for thread in leaving {
            thread.join().unwrap();
        }
    });
}
