use std::sync::Arc;
use std::task::{Wake, Waker};

use super::*;
use crate::alarm::tests::Counter;

/// Somebody in the lobby, and how often he was woken.
struct Task {
    spot: Spot,
    counter: Arc<Counter>,
}

impl Task {
    fn new(lobby: &Arc<Lobby>) -> Self {
        Task {
            spot: Spot::new(lobby),
            counter: Arc::default(),
        }
    }

    fn wait(&mut self) {
        self.spot.wait(&Waker::from(Arc::clone(&self.counter)));
    }

    fn woken(&self) -> usize {
        self.counter.woken()
    }
}

fn tasks<const N: usize>() -> (Arc<Lobby>, [Task; N]) {
    let lobby = Arc::default();
    let tasks = [(); N].map(|()| Task::new(&lobby));
    (lobby, tasks)
}

#[test]
fn everybody_is_woken_once_each_time_that_he_waits() {
    let (lobby, mut tasks) = tasks::<5>();
    for round in 1..=3 {
        for task in &mut tasks {
            task.wait();
            task.wait(); // polled again
        }
        lobby.ring();
        lobby.ring();
        assert!(tasks.iter().all(|task| task.woken() == round));
    }
}

#[test]
fn who_leaves_is_not_woken_and_his_waker_is_let_go() {
    let (lobby, mut tasks) = tasks::<4>();
    for leaves in 0..4 {
        tasks.iter_mut().for_each(Task::wait);
        tasks[leaves].spot.leave();
        assert_eq!(Arc::strong_count(&tasks[leaves].counter), 1);
        lobby.ring();
    }
    assert!(tasks.iter().all(|task| task.woken() == 3));
    let [first, ..] = &mut tasks;
    first.wait();
    let counter = Arc::clone(&first.counter);
    drop(tasks);
    assert_eq!(Arc::strong_count(&counter), 1);
}

#[test]
fn who_leaves_after_all_were_woken_takes_nobody_elses_waker() {
    let (lobby, [mut one, mut other]) = tasks();
    one.wait();
    lobby.ring();
    other.wait();
    one.spot.leave();
    lobby.ring();
    assert_eq!((one.woken(), other.woken()), (1, 1));
}

#[test]
fn the_last_waker_that_was_left_is_the_one() {
    let (lobby, [mut task]) = tasks();
    let old = Arc::clone(&task.counter);
    task.wait();
    task.counter = Arc::default();
    task.wait();
    lobby.ring();
    assert_eq!((old.woken(), task.woken()), (0, 1));
}

#[test]
fn those_who_come_and_leave_by_turns_take_no_more_room_than_they_need() {
    let (lobby, mut tasks) = tasks::<4>();
    tasks.iter_mut().for_each(Task::wait);
    for turn in 0..1_000 {
        let task = &mut tasks[turn % 4];
        task.spot.leave();
        task.wait();
    }
    assert!(lobby.waiting.lock().others.len() < 4);
}

#[test]
fn a_waker_that_panics_keeps_nobody_from_being_woken() {
    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("by a waker"));
        }
    }

    let (lobby, [mut panics, mut task]) = tasks();
    panics.spot.wait(&Waker::from(Arc::new(Panics)));
    task.wait();
    lobby.ring();
    assert_eq!(task.woken(), 1);
}
