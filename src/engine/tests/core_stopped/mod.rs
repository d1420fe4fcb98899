//! Progress: with a publisher stopped at any step, the others go on.

mod changing;
mod closing;
mod evicting;
mod losing;
mod revoking;
#[cfg(feature = "tokio")]
mod waking;

use std::sync::mpsc::{self, channel};
use std::thread;
use std::time::Duration;

use crate::bus::options::SubscribeOptions;
use crate::message::overflow::Overflow;
use crate::queue::recv_error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::support::failpoints::{Step, Stopped, stop};
use crate::{Bus, Envelope, Receipt, Subscription};

/// How long a test that fails waits before it does.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// How many envelopes the others publish meanwhile: more than a segment holds, so that they open segments too, and
/// fewer than a queue holds.
const MEANWHILE: u32 = 100;

fn publish(bus: &Bus<u32>, number: u32) -> Receipt {
    bus.publish(Envelope::new("test", number)).expect("open")
}

/// Publishes `number` and stops it when it comes to a step for the `nth` time.
fn stop_publish(bus: &Bus<u32>, step: Step, nth: usize, number: u32) -> Stopped<Receipt> {
    let bus = bus.clone();
    stop(step, nth, move || publish(&bus, number))
}

/// A subscriber that has room for one envelope, and that publishers wait for.
fn lossless(bus: &Bus<u32>) -> Subscription<u32> {
    let overflow = Overflow::Block;
    let options = SubscribeOptions::new().capacity(1).overflow(overflow);
    bus.subscribe_with(options).expect("open")
}

/// What is queued now, in order.
fn queued(subscription: &mut Subscription<u32>) -> Vec<u32> {
    (subscription.try_iter())
        .map(|item| item.expect("nothing was lost").message)
        .collect()
}

/// The numbers that should be there.
fn all(numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    numbers.collect()
}

/// Does some work on a thread of its own, and fails if that does not end.
fn ends(work: impl FnOnce() + Send + 'static) {
    let (done, is_done) = channel();
    let worker = thread::spawn(move || {
        work();
        done.send(()).expect("the test waits for it");
    });
    if is_done.recv_timeout(TEST_TIMEOUT).is_err() {
        assert!(worker.is_finished(), "it waits for the one that is stopped");
    }
    worker.join().expect("it ends well");
}

/// Stops the publisher of 0 at a step, and lets two others publish 1 to [`MEANWHILE`] and three subscribers receive.
/// Then lets it go on, and compares the accounts.
fn the_others_go_on(step: Step, nth: usize) {
    let bus = Bus::<u32>::new();
    let mut subscriptions = [bus.subscribe(), bus.subscribe(), bus.subscribe()];
    let stopped = stop_publish(&bus, step, nth, 0);
    let others = [1..=MEANWHILE / 2, MEANWHILE / 2 + 1..=MEANWHILE];
    for numbers in others {
        let bus = bus.clone();
        ends(move || {
            for number in numbers {
                assert_eq!(publish(&bus, number).delivered(), 3);
            }
        });
    }
    // Before the swap there is no 0 yet. After it, the first other publisher has handed it over.
    let begin = u32::from(step == Step::Installing);
    for subscription in &mut subscriptions {
        assert_eq!(queued(subscription), all(begin..=MEANWHILE));
    }
    assert_eq!(stopped.release().delivered(), 3);
    for subscription in &mut subscriptions {
        let late = queued(subscription);
        assert_eq!(late, all(0..begin), "no segment twice");
        assert_eq!((subscription.len(), subscription.dropped()), (0, 0));
    }
    assert_eq!(publish(&bus, 7).delivered(), 3);
    for subscription in &mut subscriptions {
        assert_eq!(queued(subscription), [7]);
    }
}

#[test]
fn a_publisher_that_is_stopped_before_the_swap_holds_up_nobody() {
    the_others_go_on(Step::Installing, 1);
}

#[test]
fn a_publisher_that_is_stopped_after_the_swap_holds_up_nobody() {
    the_others_go_on(Step::Installed, 1);
}

#[test]
fn a_publisher_that_is_stopped_in_the_middle_of_handing_over_holds_up_nobody() {
    for nth in 1..=3 {
        the_others_go_on(Step::HandingOver, nth);
    }
}

#[test]
fn a_publisher_that_is_stopped_before_it_says_that_all_have_the_segment_holds_up_nobody() {
    the_others_go_on(Step::HandedOver, 1);
}

#[test]
fn a_publisher_that_is_stopped_between_claim_and_write_holds_up_readers_and_no_publisher() {
    let bus = Bus::<u32>::new();
    let mut subscription = bus.subscribe();
    for number in 0..2 {
        publish(&bus, number); // the second segment has a slot to spare
    }
    let stopped = stop_publish(&bus, Step::Claimed, 1, 2);
    ends({
        let bus = bus.clone();
        move || {
            for number in 3..=MEANWHILE {
                assert_eq!(publish(&bus, number).delivered(), 1);
            }
        }
    });
    assert_eq!(subscription.len(), MEANWHILE as usize + 1);
    for number in 0..2 {
        assert_eq!(subscription.try_recv().map(|it| it.message), Ok(number));
    }
    let (received, is_received) = channel();
    let reader = thread::spawn(move || {
        let third = subscription.recv().expect("open").message;
        received.send(third).expect("the test waits for it");
        subscription
    });
    assert!(is_received.try_recv().is_err(), "it waits for the slot");
    assert_eq!(stopped.release().delivered(), 1);
    assert_eq!(is_received.recv_timeout(TEST_TIMEOUT), Ok(2));
    let mut subscription = reader.join().expect("it has received");
    assert_eq!(queued(&mut subscription), all(3..=MEANWHILE));
    assert_eq!((subscription.len(), subscription.dropped()), (0, 0));
}

#[test]
fn segments_that_were_handed_over_twice_hold_up_no_publisher_where_nobody_receives() {
    const ROUNDS: u32 = 50;
    let bus = Bus::<u32>::new();
    let options = SubscribeOptions::new().capacity(2 * ROUNDS as usize);
    let mut stuck = bus.subscribe_with(options).expect("open");
    // It has one place, so every segment holds one envelope.
    let mut narrow = (bus.subscribe_with(SubscribeOptions::new().capacity(1))).expect("open");
    for round in 0..ROUNDS {
        let stopped = stop(Step::HandingOver, 1, {
            let bus = bus.clone();
            move || publish(&bus, 2 * round)
        });
        ends({
            let bus = bus.clone();
            move || {
                publish(&bus, 2 * round + 1);
            }
        });
        ends(move || {
            stopped.release();
        });
        assert_eq!(narrow.try_recv().map(|it| it.message), Ok(2 * round));
        let _lost = narrow.try_recv();
    }
    assert_eq!(stuck.len(), 2 * ROUNDS as usize);
    assert_eq!(queued(&mut stuck), all(0..2 * ROUNDS));
    assert_eq!(stuck.try_recv().unwrap_err(), TryRecvError::Empty);
    assert_eq!(stuck.dropped(), 0);
}

#[test]
fn a_place_that_is_held_for_a_publish_that_may_be_refused_is_in_no_account() {
    let bus = Bus::<u32>::new();
    let options = || {
        SubscribeOptions::new()
            .capacity(3)
            .source("test")
            .overflow(Overflow::Block)
    };
    let subscription = bus.subscribe_with(options()).expect("open");
    for number in 0..2 {
        publish(&bus, number); // so that the segment has room
    }
    let stopped = stop(Step::Claimed, 1, {
        let bus = bus.clone();
        move || bus.try_publish(Envelope::new("test", 2)).expect("room")
    });
    let accounts = || {
        let of = bus.stats().subscriptions.remove(0);
        (of.matched, of.queued, of.high_water)
    };
    assert_eq!(accounts(), (2, 2, 2));
    let late = bus.try_publish(Envelope::new("test", 3)).unwrap_err();
    assert!(late.is_full(), "the last place is taken");
    assert_eq!(stopped.release().delivered(), 1);
    assert_eq!(accounts(), (3, 3, 3));
    assert_eq!(subscription.len(), 3);
}

#[test]
fn one_that_goes_to_sleep_while_it_loses_an_envelope_is_told() {
    // The queue was seen to have no room: for the next segment, or for what is appended to the open one.
    for (before, step) in [(1, Step::Installing), (2, Step::Admitted)] {
        goes_to_sleep_while_it_loses(before, step);
    }
}

fn goes_to_sleep_while_it_loses(before: u32, step: Step) {
    let bus = Bus::<u32>::new();
    let options = SubscribeOptions::new().capacity(1);
    let mut slow = bus.subscribe_with(options).expect("open");
    let _roomy = bus.subscribe();
    (0..before).for_each(|number| _ = publish(&bus, number));
    let stopped = stop(step, 1, {
        let bus = bus.clone();
        move || publish(&bus, before)
    });
    assert_eq!(slow.recv().expect("queued").message, 0);
    if before > 1 {
        let told = slow.recv().map(drop);
        assert_eq!(told, Err(RecvError::Lagged { missed: 1 }));
    }
    let (started, has_started) = channel();
    let sleeper = thread::spawn(move || {
        started.send(()).expect("the test waits for it");
        slow.recv_timeout(TEST_TIMEOUT)
    });
    has_started.recv().expect("it starts");
    assert_eq!(stopped.release().dropped(), 1);
    let received = sleeper.join().expect("it ends well");
    assert_eq!(
        received.unwrap_err(),
        RecvTimeoutError::Lagged { missed: 1 }
    );
}

#[test]
fn a_publisher_that_waits_for_room_does_not_wait_for_one_that_is_stopped_before_it() {
    let bus = Bus::<u32>::new();
    let mut audit = lossless(&bus);
    let stopped = stop_publish(&bus, Step::Installed, 1, 1);
    let other = thread::spawn({
        let bus = bus.clone();
        move || publish(&bus, 2)
    });
    for number in 1..3 {
        let received = audit.recv_timeout(TEST_TIMEOUT).map(|it| it.message);
        assert_eq!(received, Ok(number));
    }
    assert_eq!(other.join().expect("it ends well").delivered(), 1);
    assert_eq!(stopped.release().delivered(), 1);
}

#[test]
fn a_batch_that_is_overtaken_keeps_its_order() {
    let bus = Bus::<u32>::new();
    let options = SubscribeOptions::new().capacity(1_000);
    let mut all_of_it = bus.subscribe_with(options).expect("open");
    let stopped = stop(Step::Installing, 1, {
        let bus = bus.clone();
        move || {
            let batch = (1..=200).map(|number| Envelope::new("batch", number));
            bus.publish_batch(batch).expect("open").delivered()
        }
    });
    publish(&bus, 0);
    assert_eq!(stopped.release(), 200);
    assert_eq!(queued(&mut all_of_it), all(0..=200));
}

#[test]
fn nobody_appends_to_a_segment_before_it_is_in_every_queue() {
    let bus = Bus::<u32>::new();
    let mut subscription = bus.subscribe();
    for number in 0..3 {
        publish(&bus, number); // so that the next segment has several slots
    }
    assert_eq!(queued(&mut subscription), all(0..3));
    let stopped = stop_publish(&bus, Step::Installed, 1, 3);
    publish(&bus, 4);
    assert_eq!(queued(&mut subscription), [3, 4]);
    stopped.release();
}

/// Without a total order the second would be there before the first, which has the lower number.
#[test]
fn in_one_order_nobody_goes_before_a_publisher_that_is_stopped_with_a_lower_number() {
    let bus = Bus::<u32>::builder().total_order().build();
    let sources = || SubscribeOptions::new().source("test");
    let newest = || sources().overflow(Overflow::DropOldest);
    let of_a_group = || SubscribeOptions::new().group("workers");
    let mut subscriptions = [sources(), newest(), of_a_group()]
        .map(|options| bus.subscribe_with(options).expect("open"));
    for number in 0..2 {
        publish(&bus, number); // so that the segment has room for both
    }
    let stopped = stop_publish(&bus, Step::Claimed, 1, 2);
    let (done, is_done) = channel();
    let second = thread::spawn({
        let bus = bus.clone();
        move || {
            let receipt = publish(&bus, 3);
            done.send(()).expect("the test waits for it");
            receipt
        }
    });
    // A change of the list does not need the order lock, so it goes on.
    ends({
        let bus = bus.clone();
        move || drop(bus.subscribe())
    });
    let ended = is_done.recv_timeout(Duration::from_millis(15));
    assert_eq!(
        ended,
        Err(mpsc::RecvTimeoutError::Timeout),
        "it should take its turn"
    );
    assert_eq!(stopped.release().delivered(), 3);
    assert_eq!(second.join().expect("it ends well").delivered(), 3);
    for subscription in &mut subscriptions {
        assert_eq!(queued(subscription), [0, 1, 2, 3]);
    }
}
