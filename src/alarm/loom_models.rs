//! Nobody sleeps though there is something for him.

use loom::thread;
use std::sync::Arc;
use std::task::Waker;

use super::*;
use crate::sync::channel::bounded;
use crate::sync::explore;
use crate::sync::task_on_loom::Task;

/// What a receiver does: look, set the alarm, look again, sleep.
fn until<T>(sleeper: &mut Sleeper, mut look: impl FnMut() -> Option<T>) -> T {
    let (task, waker) = Task::new();
    loop {
        if let Some(found) = look() {
            sleeper.awake();
            return found;
        }
        sleeper.set(&waker);
        if let Some(found) = look() {
            sleeper.awake();
            return found;
        }
        task.sleep();
    }
}

#[test]
fn who_waits_is_woken_by_each_of_two_who_send() {
    explore(3, || {
        let (sender, receiver) = bounded(2);
        let (ringer, alarm) = alarm(&Arc::default());
        let publishers = Arc::new((sender, ringer));
        let threads = [1, 2].map(|number| {
            let publishers = Arc::clone(&publishers);
            thread::spawn(move || {
                assert!(publishers.0.try_send(number).is_ok());
                publishers.1.ring();
            })
        });
        let mut sleeper = Sleeper::new(&alarm);
        let mut receive = || until(&mut sleeper, || receiver.try_recv().ok());
        assert_eq!(receive() + receive(), 3);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn who_waits_at_one_of_two_queues_is_woken_by_one_look_at_the_count_of_both() {
    explore(3, || {
        let alarms = Arc::<Alarms>::default();
        let (sender, receiver) = bounded(1);
        let queues = [(); 2].map(|()| alarm(&alarms));
        let [waits, other] = [&queues[0].1, &queues[1].1].map(Arc::clone);
        let publisher = thread::spawn({
            let alarms = Arc::clone(&alarms);
            move || {
                assert!(sender.try_send(1).is_ok());
                alarms.ring(queues.iter().map(|(ringer, _)| &**ringer));
                (sender, queues)
            }
        });
        // Another task sets the other's, and goes: the count is of both.
        let mut another = Sleeper::new(&other);
        another.set(&Task::new().1);
        drop(another);
        let mut sleeper = Sleeper::new(&waits);
        assert_eq!(until(&mut sleeper, || receiver.try_recv().ok()), 1);
        publisher.join().unwrap();
        drop(sleeper);
        assert_eq!(alarms.0.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn who_waits_is_woken_when_the_publishers_go() {
    explore(5, || {
        let (sender, receiver) = bounded::<u8>(1);
        let (ringer, alarm) = alarm(&Arc::default());
        let publisher = thread::spawn(move || {
            drop(sender);
            drop(ringer);
        });
        let mut sleeper = Sleeper::new(&alarm);
        let end = until(&mut sleeper, || {
            (receiver.try_recv().err()).filter(|end| end.is_disconnected())
        });
        assert!(end.is_disconnected());
        publisher.join().unwrap();
    });
}

#[test]
fn who_waits_is_woken_though_another_who_was_woken_too_has_gone() {
    explore(3, || {
        let (sender, receiver) = bounded(1);
        let (ringer, alarm) = alarm(&Arc::default());
        let mut cancelled = Sleeper::new(&alarm);
        cancelled.set(Waker::noop());
        let publisher = thread::spawn(move || {
            assert!(sender.try_send(7).is_ok());
            ringer.ring();
        });
        let other = thread::spawn(move || drop(cancelled));
        let mut sleeper = Sleeper::new(&alarm);
        assert_eq!(until(&mut sleeper, || receiver.try_recv().ok()), 7);
        publisher.join().unwrap();
        other.join().unwrap();
    });
}

/// No lock stands between the two here, as one does in the channel of these models.
#[test]
fn who_waits_for_a_word_is_woken_by_who_writes_it() {
    explore(5, || {
        let word = Arc::new(AtomicBool::new(false));
        let (_ringer, alarm) = alarm(&Arc::default());
        let publisher = {
            let (word, alarm) = (Arc::clone(&word), Arc::clone(&alarm));
            thread::spawn(move || {
                word.store(true, Ordering::Release);
                alarm.ring();
            })
        };
        let mut sleeper = Sleeper::new(&alarm);
        until(&mut sleeper, || word.load(Ordering::Acquire).then_some(()));
        publisher.join().unwrap();
    });
}
