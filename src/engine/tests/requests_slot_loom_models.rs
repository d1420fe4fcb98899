//! Models of a request's slot: no answer is lost, nobody sleeps while there is something for it, and nothing leaks.

use loom::thread;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::*;
use crate::support::sync::explore;
use crate::support::sync::task_on_loom::Task;
use crate::support::wait_list::wake;

/// One shard of the register, with one request on it.
struct Register(Mutex<Option<Arc<Slot<Answer>>>>);

/// An answer that counts the handles on it.
type Answer = Arc<u8>;

impl Register {
    fn with_request(room: usize) -> (Arc<Self>, Arc<Slot<Answer>>) {
        let slot = Arc::new(Slot::new(room, None));
        let register = Register(Mutex::new(Some(Arc::clone(&slot))));
        (Arc::new(register), slot)
    }

    /// Does what `Requests::answer` does. Returns whether the request was there.
    fn answer(&self, answer: &Answer) -> bool {
        let mut registered = self.0.lock();
        let Some(slot) = registered.clone() else {
            return false;
        };
        let put = slot.put(Arc::clone(answer));
        if slot.takes_one() {
            *registered = None;
        }
        drop(registered);
        if let Ok(Some(waker)) = put {
            wake(waker);
        }
        true
    }

    /// Does what `Requests::close` does.
    fn close(&self) {
        let taken = self.0.lock().take();
        if let Some(slot) = taken {
            slot.close().into_iter().for_each(wake);
        }
    }

    /// Does what `Asked::close` does.
    fn give_up(&self, slot: &Slot<Answer>) {
        if !slot.is_over() {
            drop(self.0.lock().take());
            drop(slot.close());
        }
    }

    fn is_empty(&self) -> bool {
        self.0.lock().is_none()
    }
}

/// How the asking side waits.
type Sleep = fn(&Slot<Answer>) -> Option<Answer>;

const WAYS: [Sleep; 3] = [as_a_thread, as_an_eager_thread, as_a_task];

fn as_a_thread(slot: &Slot<Answer>) -> Option<Answer> {
    ready(slot.wait(&Arc::default()))
}

fn as_an_eager_thread(slot: &Slot<Answer>) -> Option<Answer> {
    match slot.try_take() {
        Poll::Ready(found) => found,
        Poll::Pending => as_a_thread(slot),
    }
}

/// Leaves another waker first, like a task that was polled before for another reason.
fn as_a_task(slot: &Slot<Answer>) -> Option<Answer> {
    if let Poll::Ready(found) = slot.poll(Waker::noop()) {
        return found;
    }
    let (task, waker) = Task::new();
    loop {
        match slot.poll(&waker) {
            Poll::Ready(found) => return found,
            Poll::Pending => task.sleep(),
        }
    }
}

fn ready<T>(found: Poll<T>) -> T {
    match found {
        Poll::Ready(found) => found,
        Poll::Pending => panic!("it waits as long as it takes"),
    }
}

#[test]
fn a_request_has_the_first_of_two_answers_however_the_asking_side_waits() {
    for sleep in WAYS {
        explore(6, move || {
            let (register, slot) = Register::with_request(1);
            let threads = [1, 2].map(|number| {
                let register = Arc::clone(&register);
                thread::spawn(move || register.answer(&Arc::new(number)))
            });
            let answer = sleep(&slot).expect("nobody closes");
            register.give_up(&slot);
            let found = threads.map(|thread| thread.join().unwrap());
            assert!(found[0] != found[1], "one of them finds the request");
            assert_eq!(*answer, if found[0] { 1 } else { 2 });
            assert!(register.is_empty());
            assert_eq!(Arc::strong_count(&slot), 1);
        });
    }
}

#[test]
fn a_request_has_its_answer_or_learns_that_the_bus_has_closed() {
    for sleep in WAYS {
        explore(6, move || {
            let (register, slot) = Register::with_request(1);
            let answering = {
                let register = Arc::clone(&register);
                thread::spawn(move || register.answer(&Arc::new(1)))
            };
            let closing = {
                let register = Arc::clone(&register);
                thread::spawn(move || register.close())
            };
            let answer = sleep(&slot);
            let found = answering.join().unwrap();
            closing.join().unwrap();
            assert_eq!(
                answer.is_some(),
                found,
                "an answer that was taken is not lost"
            );
            assert!(register.is_empty());
            assert_eq!(Arc::strong_count(&slot), 1);
        });
    }
}

/// Time is up, or the task is dropped: the asking side looks once more, or not at all, and gives up.
#[test]
fn a_request_that_is_given_up_leaves_nothing_behind() {
    for looks in [false, true] {
        explore(8, move || {
            let (register, slot) = Register::with_request(1);
            let answer = Arc::new(1);
            let answering = {
                let (register, answer) = (Arc::clone(&register), Arc::clone(&answer));
                thread::spawn(move || register.answer(&answer))
            };
            let (task, waker) = Task::new();
            let polled = slot.poll(&waker);
            let last = if looks {
                slot.try_take()
            } else {
                Poll::Pending
            };
            register.give_up(&slot);
            let got = polled.is_ready() || last.is_ready();
            drop((polled, last, slot, waker));
            let found = answering.join().unwrap();
            assert!(found || !got);
            assert!(register.is_empty());
            assert_eq!(Arc::strong_count(&answer), 1, "it went with the slot");
            assert_eq!(Arc::strong_count(&task), 1, "and so did the waker");
        });
    }
}

#[test]
fn several_answers_come_in_order_and_then_the_end() {
    for sleep in WAYS {
        explore(6, move || {
            let (register, slot) = Register::with_request(2);
            let answering = {
                let register = Arc::clone(&register);
                thread::spawn(move || {
                    assert!(register.answer(&Arc::new(1)));
                    assert!(register.answer(&Arc::new(2)));
                    register.close();
                    assert!(!register.answer(&Arc::new(3)));
                })
            };
            assert_eq!(sleep(&slot).as_deref(), Some(&1));
            assert_eq!(sleep(&slot).as_deref(), Some(&2));
            assert_eq!(sleep(&slot), None);
            answering.join().unwrap();
            assert_eq!(slot.dropped(), 0);
        });
    }
}

#[test]
fn each_of_several_answers_is_taken_or_counted_until_the_asking_side_ends_it() {
    explore(6, || {
        let (register, slot) = Register::with_request(2);
        let answer = Arc::new(1);
        let threads = [(); 2].map(|()| {
            let (register, answer) = (Arc::clone(&register), Arc::clone(&answer));
            thread::spawn(move || (0..2).filter(|_| register.answer(&answer)).count() as u64)
        });
        let first = slot.try_take();
        register.give_up(&slot);
        let mut taken = u64::from(first.is_ready());
        while ready(slot.try_take()).is_some() {
            taken += 1;
        }
        drop(first);
        let found: u64 = threads.map(|thread| thread.join().unwrap()).iter().sum();
        assert_eq!(taken + slot.dropped(), found);
        assert_eq!(ready(slot.try_take()), None, "nothing comes after the end");
        assert_eq!(Arc::strong_count(&answer), 1);
    });
}

#[test]
fn a_request_that_all_have_declined_is_over_however_the_asking_side_waits() {
    for sleep in WAYS {
        explore(6, move || {
            let (register, slot) = Register::with_request(1);
            let threads = [(); 2].map(|()| {
                let slot = Arc::clone(&slot);
                thread::spawn(move || slot.decline().into_iter().for_each(wake))
            });
            slot.delivered(2);
            assert_eq!(sleep(&slot), None);
            for thread in threads {
                thread.join().unwrap();
            }
            register.give_up(&slot);
            assert!(register.is_empty());
        });
    }
}
