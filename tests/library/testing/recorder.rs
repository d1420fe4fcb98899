//! The recorder: what it takes, and what it says where something else came.

use std::time::Duration;

use oxide_bus::testing::{ManualClock, Recorder, Scheduler};
use oxide_bus::{Bus, SubscribeOptions};

use super::{Order, panic_of, send_all};
use crate::support::task::Task;

const PATIENCE: Duration = Duration::from_secs(10);

fn shop(orders: impl IntoIterator<Item = Order>) -> (Bus<Order>, Recorder<Order>) {
    let bus = Bus::new();
    let recorder = Recorder::new(&bus, "order.>");
    for order in orders {
        bus.send("shop", order).unwrap();
    }
    (bus, recorder)
}

#[test]
fn it_takes_what_is_expected_in_any_order_and_keeps_the_order_in_which_all_came() {
    let orders = [Order::Placed(1), Order::Placed(2), Order::Paid(1)];
    let (_bus, mut recorder) = shop(orders.clone());
    let mut take = |pattern: &str| {
        recorder
            .expect(pattern)
            .within(Duration::ZERO)
            .message
            .clone()
    };
    assert_eq!(take("order.paid"), Order::Paid(1));
    assert_eq!(take("order.*"), Order::Placed(1));
    assert_eq!(take("order.placed"), Order::Placed(2));
    recorder.expect_nothing();
    let received = recorder.received().iter().map(|it| it.message.clone());
    assert_eq!(received.collect::<Vec<_>>(), orders);
}

#[test]
fn it_waits_for_another_thread_by_the_systems_clock() {
    let (bus, mut recorder) = shop([]);
    let clock = ManualClock::new();
    let _entered = clock.enter();
    let publishing = Task::start(move || bus.send("shop", Order::Placed(1)).map(drop));
    let placed = recorder.expect("order.placed").within(PATIENCE);
    assert_eq!(placed.source, "shop");
    publishing.end().unwrap();
    let message = panic_of(|| {
        recorder
            .expect("order.paid")
            .within(Duration::from_millis(1))
    });
    assert!(message.starts_with("`order.paid` "), "{message}");
}

#[test]
fn a_failure_says_what_came_instead_each_in_one_line() {
    let bus = Bus::<String>::new();
    let mut recorder = Recorder::from(bus.subscribe());
    bus.send("one\u{202e}", "two\nlines".to_owned()).unwrap();
    bus.send("two", "x".repeat(1_000)).unwrap();
    bus.send("three", "taken".to_owned()).unwrap();
    (recorder.expect_that("taken", |it| it.message == "taken")).within(Duration::ZERO);
    let message =
        panic_of(|| (recorder.expect_that("a dog", |_| false)).within(Duration::from_millis(1)));
    let lines: Vec<_> = message.lines().collect();
    assert_eq!(
        lines[0],
        "a dog did not come (within 1ms); there came 2 envelopes:"
    );
    assert_eq!(lines[1], r#"  #0 from one\u{202e}: "two\nlines""#);
    assert!(lines[2].starts_with("  #1 from two: \"xxx") && lines[2].len() < 300);
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_failure_says_if_nothing_came_or_can_come() {
    let (bus, mut recorder) = shop([]);
    let mut expect = || panic_of(|| recorder.expect("order.paid").within(Duration::ZERO));
    assert_eq!(
        expect(),
        "`order.paid` did not come (within 0ns); there came nothing else"
    );
    bus.close();
    assert_eq!(
        expect(),
        "`order.paid` can no longer come: the bus has closed (within 0ns); there came nothing else"
    );
}

#[test]
fn what_is_not_expected_is_told() {
    let (bus, mut recorder) = shop([]);
    recorder.expect_nothing();
    for number in 0..60 {
        bus.send("shop", Order::Placed(number)).unwrap();
    }
    let message = panic_of(|| recorder.expect_nothing());
    let lines: Vec<_> = message.lines().collect();
    assert_eq!(
        lines[0],
        "nothing was expected, but there came 60 envelopes:"
    );
    assert_eq!(lines[1], "  #0 order.placed from shop: Placed(0)");
    assert_eq!(lines[50], "  #49 order.placed from shop: Placed(49)");
    assert_eq!(lines[51..], ["  and 10 more"]);
}

#[test]
fn a_recorder_that_has_lost_something_says_so_whatever_it_is_asked() {
    let bus = Bus::<u32>::new();
    let small = || {
        bus.subscribe_with(SubscribeOptions::new().capacity(1))
            .unwrap()
    };
    let mut recorders = [(); 3].map(|()| Recorder::from(small()));
    send_all(&bus, "counter", 0..3);
    let [first, second, third] = &mut recorders;
    let messages = [
        panic_of(|| first.received().len()),
        panic_of(|| second.expect_nothing()),
        panic_of(|| {
            third
                .expect_that("it", |it| it.message == 2)
                .within(PATIENCE)
        }),
    ];
    for message in messages {
        assert!(
            message.starts_with("the recorder's queue was too small: "),
            "{message}"
        );
        assert!(message.contains('2'), "{message}");
    }
}

#[test]
fn it_loses_nothing_of_sixteen_thousand() {
    let (bus, mut recorder) = shop([]);
    for number in 0..16_384 {
        bus.send("shop", Order::Placed(number)).unwrap();
    }
    assert_eq!(recorder.received().len(), 16_384);
}

#[test]
fn a_text_that_is_no_pattern_is_told() {
    let bus = Bus::<Order>::new();
    let message = panic_of(|| Recorder::new(&bus, "a..b"));
    assert!(
        message.starts_with("the recorder cannot subscribe: "),
        "{message}"
    );
    let mut recorder = Recorder::new(&bus, ">");
    assert!(!panic_of(|| recorder.expect("a.>.b")).is_empty());
}

#[test]
fn it_records_beside_a_scheduler() {
    let bus = Bus::<Order>::new();
    let mut recorder = Recorder::new(&bus, "order.paid");
    let out = bus.trusted_publisher("billing");
    let mut scheduler = Scheduler::new(1);
    scheduler.handle(
        "billing",
        bus.subscribe_to("order.placed").unwrap(),
        |item| {
            out.reply(&item.unwrap(), Order::Paid(1)).unwrap();
        },
    );
    bus.send("shop", Order::Placed(1)).unwrap();
    recorder.expect_nothing();
    scheduler.run();
    recorder.expect("order.paid").within(Duration::ZERO);
}
