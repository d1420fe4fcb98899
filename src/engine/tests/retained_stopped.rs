//! Retaining, with a publisher stopped between its claim and its write.

use std::iter;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::kernel::{Event, Message};
use crate::support::failpoints::{Step, stop};
use crate::{MessageBus, Subscription};

fn publish(bus: &MessageBus, number: u32) {
    let from = number.to_string();
    bus.emit_event("test", Event::Pong { from }).expect("open");
}

fn queued(subscription: &mut Subscription) -> Vec<u32> {
    iter::from_fn(|| subscription.try_recv().ok())
        .map(|delivery| match &delivery.message {
            Message::Event(Event::Pong { from }) => from.parse().expect("a number"),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Others publish, which opens segments. A subscriber waits for the envelope whose slot was claimed, and finds it in
/// its place.
#[test]
fn what_was_claimed_and_is_written_late_is_retained_in_its_place_and_no_publisher_waits_for_it() {
    let bus = MessageBus::new();
    bus.retain("event.>", 5).expect("open");
    // After these the segment has one place left.
    (1..=2).for_each(|number| publish(&bus, number));
    let stopped = stop(Step::Claimed, 1, {
        let bus = bus.clone();
        move || publish(&bus, 3)
    });
    (4..=5).for_each(|number| publish(&bus, number));

    let (subscribed, subscription) = channel();
    let subscriber = {
        let bus = bus.clone();
        thread::spawn(move || subscribed.send(bus.subscribe()).expect("it is awaited"))
    };
    let early = subscription.recv_timeout(Duration::from_millis(15));
    assert_eq!(
        early.err(),
        Some(RecvTimeoutError::Timeout),
        "3 is not there yet"
    );
    publish(&bus, 6);
    stopped.release();
    let mut first = subscription.recv().expect("it ends well");
    subscriber.join().expect("it ends well");
    publish(&bus, 7);
    let first = queued(&mut first);
    // The last five when it looked, and everything that came after.
    let all = [1, 2, 3, 4, 5, 6, 7];
    assert!(first == all || first == all[1..], "{first:?}");
    // It was examined meanwhile: nobody waits for it, and it is in its place.
    assert_eq!(queued(&mut bus.subscribe()), [3, 4, 5, 6, 7]);
}
