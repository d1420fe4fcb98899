use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;

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

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        std::panic::resume_unwind(Box::new("by a waker"));
    }
}

#[test]
fn each_who_has_set_it_is_woken_once() {
    let (ringer, alarm) = alarm(&Arc::default());
    let tasks = [(); 3].map(|()| {
        let (counter, waker) = Counter::new();
        let mut sleeper = Sleeper::new(&alarm);
        sleeper.set(&waker);
        sleeper.set(&waker); // polled again
        (counter, sleeper)
    });
    ringer.ring();
    ringer.ring();
    assert!(tasks.iter().all(|(counter, _)| counter.woken() == 1));
}

#[test]
fn who_does_not_wait_any_more_is_not_woken_and_his_waker_is_let_go() {
    let (ringer, alarm) = alarm(&Arc::default());
    let (one, other) = (Counter::new(), Counter::new());
    let (mut awake, mut gone) = (Sleeper::new(&alarm), Sleeper::new(&alarm));
    awake.set(&one.1);
    gone.set(&other.1);
    awake.awake();
    drop(gone);
    ringer.ring();
    for (counter, waker) in [one, other] {
        drop(waker);
        assert_eq!((counter.woken(), Arc::strong_count(&counter)), (0, 1));
    }
    assert!(!alarm.is_set.load(Ordering::Relaxed), "it costs nothing");
}

#[test]
fn the_last_waker_that_was_left_is_the_one() {
    let (ringer, alarm) = alarm(&Arc::default());
    let (old, new) = (Counter::new(), Counter::new());
    let mut sleeper = Sleeper::new(&alarm);
    sleeper.set(&old.1);
    sleeper.set(&new.1);
    ringer.ring();
    assert_eq!((old.0.woken(), new.0.woken()), (0, 1));
}

#[test]
fn it_rings_when_the_publishers_go() {
    let (ringer, alarm) = alarm(&Arc::default());
    let (counter, waker) = Counter::new();
    let mut sleeper = Sleeper::new(&alarm);
    sleeper.set(&waker);
    drop(ringer);
    assert_eq!(counter.woken(), 1);
}

#[test]
fn a_waker_that_panics_keeps_nobody_from_being_woken() {
    let (ringer, alarm) = alarm(&Arc::default());
    let (counter, waker) = Counter::new();
    let (mut first, mut second) = (Sleeper::new(&alarm), Sleeper::new(&alarm));
    first.set(&Waker::from(Arc::new(Panics)));
    second.set(&waker);
    ringer.ring();
    assert_eq!(counter.woken(), 1);
}

#[test]
fn a_waker_that_panics_when_it_is_dropped_takes_none_with_it_that_is_left_behind() {
    struct PanicsAtItsEnd;

    impl Wake for PanicsAtItsEnd {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for PanicsAtItsEnd {
        fn drop(&mut self) {
            Arc::new(Panics).wake();
        }
    }

    let (_ringer, alarm) = alarm(&Arc::default());
    let (counter, waker) = Counter::new();
    let mut sleeper = Sleeper::new(&alarm);
    sleeper.set(&Waker::from(Arc::new(PanicsAtItsEnd)));
    let set = catch_unwind(AssertUnwindSafe(|| sleeper.set(&waker)));
    assert!(set.is_err());
    drop((sleeper, waker));
    assert_eq!(Arc::strong_count(&counter), 1);
}
