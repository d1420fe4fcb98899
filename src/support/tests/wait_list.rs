use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Instant;

use super::*;
use crate::support::parker::Nap;

/// Counts how often it is woken.
#[derive(Default)]
pub(crate) struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counter {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let counter = Arc::new(Counter::default());
        (Arc::clone(&counter), Waker::from(counter))
    }

    pub(crate) fn woken(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A task on the list, and how often it was woken.
struct Task {
    registration: Registration,
    counter: Arc<Counter>,
}

impl Task {
    fn new(list: &Arc<WaitList>) -> Self {
        Task {
            registration: Registration::new(list),
            counter: Arc::default(),
        }
    }

    fn register(&mut self) {
        let waker = Waker::from(Arc::clone(&self.counter));
        self.registration.register(Waiter::Task(waker));
    }

    fn woken(&self) -> usize {
        self.counter.woken()
    }
}

fn tasks<const N: usize>() -> (Arc<WaitList>, [Task; N]) {
    let list = Arc::default();
    let tasks = [(); N].map(|()| Task::new(&list));
    (list, tasks)
}

#[test]
fn everybody_is_woken_once_each_time_that_it_waits() {
    let (list, mut tasks) = tasks::<5>();
    for round in 1..=3 {
        for task in &mut tasks {
            task.register();
            task.register(); // polled again
        }
        list.wake_all();
        list.wake_all();
        assert!(tasks.iter().all(|task| task.woken() == round));
    }
}

#[test]
fn a_task_that_leaves_is_not_woken_and_its_waker_is_dropped() {
    let (list, mut tasks) = tasks::<4>();
    for leaves in 0..4 {
        tasks.iter_mut().for_each(Task::register);
        assert!(!tasks[leaves].registration.deregister());
        assert_eq!(Arc::strong_count(&tasks[leaves].counter), 1);
        list.wake_all();
    }
    assert!(tasks.iter().all(|task| task.woken() == 3));
    let [first, ..] = &mut tasks;
    first.register();
    let counter = Arc::clone(&first.counter);
    drop(tasks);
    assert_eq!(Arc::strong_count(&counter), 1);
    assert!(!list.is_occupied());
}

#[test]
fn a_task_that_leaves_after_all_were_woken_takes_no_other_waker() {
    let (list, [mut one, mut other]) = tasks();
    one.register();
    list.wake_all();
    other.register();
    assert!(one.registration.deregister());
    list.wake_all();
    assert_eq!((one.woken(), other.woken()), (1, 1));
}

#[test]
fn the_last_waker_that_was_registered_counts() {
    let (list, [mut task]) = tasks();
    let old = Arc::clone(&task.counter);
    task.register();
    task.counter = Arc::default();
    task.register();
    list.wake_all();
    assert_eq!((old.woken(), task.woken()), (0, 1));
}

#[test]
fn those_that_come_and_leave_by_turns_take_no_more_room_than_they_need() {
    let (list, mut tasks) = tasks::<4>();
    tasks.iter_mut().for_each(Task::register);
    for turn in 0..1_000 {
        let task = &mut tasks[turn % 4];
        task.registration.deregister();
        task.register();
    }
    assert_eq!(list.entries.lock().as_ref().unwrap().waiting.len(), 4);
}

#[test]
fn a_waker_that_panics_keeps_nobody_from_being_woken() {
    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("by a waker"));
        }
    }

    let (list, [mut panics, mut task]) = tasks();
    let waker = Waker::from(Arc::new(Panics));
    panics.registration.register(Waiter::Task(waker));
    task.register();
    list.wake_all();
    assert_eq!(task.woken(), 1);
}

/// Registers, and sleeps until it is woken or the deadline has passed. Calls `registered` in between.
fn sleep(list: &Arc<WaitList>, deadline: Option<Instant>, registered: impl FnOnce()) {
    let (parker, mut registration) = (Arc::<Parker>::default(), Registration::new(list));
    let nap = parker.nap();
    registration.register_and_fence(Waiter::Thread(Arc::clone(&parker)));
    registered();
    nap.sleep(deadline);
}

#[test]
fn a_thousand_threads_are_all_woken_though_every_third_leaves_just_then() {
    let (list, there) = (
        Arc::<WaitList>::default(),
        crossbeam_utils::sync::WaitGroup::new(),
    );
    let now = Instant::now();
    let sleepers = (0..1_000).map(|number| {
        let (list, there) = (Arc::clone(&list), there.clone());
        let deadline = (number % 3 == 0).then_some(now);
        thread::Builder::new()
            .stack_size(64 * 1024)
            .spawn(move || sleep(&list, deadline, || drop(there)))
            .unwrap()
    });
    let sleepers = sleepers.collect::<Vec<_>>();
    there.wait();
    list.wake_all_after_fence();
    for sleeper in sleepers {
        sleeper.join().unwrap();
    }
}

#[test]
fn where_threads_are_woken_directly_one_wakes_all() {
    let list = Arc::new(WaitList::waking(Waking::Directly));
    let parkers = (0..9).map(|_| Arc::<Parker>::default()).collect::<Vec<_>>();
    let naps = parkers
        .iter()
        .map(|parker| parker.nap())
        .collect::<Vec<_>>();
    let _registered = (parkers.iter())
        .map(|parker| {
            let mut registration = Registration::new(&list);
            registration.register(Waiter::Thread(Arc::clone(parker)));
            registration
        })
        .collect::<Vec<_>>();
    list.wake_all();
    assert!(naps.iter().all(Nap::was_woken));
}

#[test]
fn where_one_thread_is_woken_it_is_the_first_and_every_task_with_it() {
    let list = Arc::new(WaitList::default().one_by_one(true));
    let parkers = [(); 3].map(|()| Arc::<Parker>::default());
    let naps = parkers.each_ref().map(|parker| parker.nap());
    let mut registrations = [(); 3].map(|()| Registration::new(&list));
    for (registration, parker) in registrations.iter_mut().zip(&parkers) {
        registration.register(Waiter::Thread(Arc::clone(parker)));
    }
    let mut task = Task::new(&list);
    for round in 1..=3 {
        task.register();
        list.wake_all();
        let woken = naps.each_ref().map(Nap::was_woken);
        assert_eq!(woken.iter().filter(|woken| **woken).count(), round);
        assert_eq!(task.woken(), round);
    }
    assert!(!list.is_occupied());
    assert!(registrations.iter_mut().all(Registration::deregister));
}

#[test]
fn every_thread_is_woken_where_that_is_asked_for() {
    let list = Arc::new(WaitList::default().one_by_one(true));
    let parkers = [(); 2].map(|()| Arc::<Parker>::default());
    let naps = parkers.each_ref().map(|parker| parker.nap());
    let mut registrations = [(); 2].map(|()| Registration::new(&list));
    for (registration, parker) in registrations.iter_mut().zip(&parkers) {
        registration.register(Waiter::Thread(Arc::clone(parker)));
    }
    list.wake_every_thread();
    assert!(naps.iter().all(Nap::was_woken));
}

#[test]
fn lists_are_counted_while_they_are_occupied() {
    let occupied = Arc::<Occupied>::default();
    let lists = [(); 2].map(|()| Arc::new(WaitList::default().counted(&occupied)));
    let [mut one, mut other] = lists.each_ref().map(Task::new);
    let count = || occupied.0.load(Ordering::Relaxed);
    one.register();
    one.register();
    other.register();
    assert_eq!(count(), 2);
    one.registration.deregister();
    assert_eq!(count(), 1);
    occupied.wake_all(lists.iter());
    assert_eq!((count(), one.woken(), other.woken()), (0, 0, 1));
}

#[test]
fn a_publisher_wakes_two_threads_and_each_of_them_two_more() {
    let parkers = (0..7).map(|_| Arc::<Parker>::default()).collect::<Vec<_>>();
    let naps = parkers.iter().map(|parker| Some(parker.nap()));
    let mut naps = naps.collect::<Vec<_>>();
    WakeTree::wake_all(parkers.iter().cloned().collect());
    let awake = |naps: &[Option<Nap<'_>>]| {
        let was_woken = |nap: &Option<Nap<'_>>| nap.as_ref().is_some_and(Nap::was_woken);
        naps.iter().map(was_woken).collect::<Vec<_>>()
    };
    assert_eq!(
        awake(&naps),
        [true, true, false, false, false, false, false]
    );
    // The second thread is stopped. The first hands on its share, though it did not sleep.
    naps[0] = None;
    assert_eq!(awake(&naps), [false, true, true, true, false, false, false]);
    naps[4] = None; // leaves by itself
    naps[3] = None;
    assert_eq!(awake(&naps), [false, true, true, false, false, true, true]);
}
