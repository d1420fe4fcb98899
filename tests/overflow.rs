//! What happens when a queue has no room.

mod support;

use std::time::{Duration, Instant};

use oxide_bus::{Bus, Lagged, SubscribeOptions, Subscription};

use support::numbers::{publish, publish_all, queued};

const PATIENCE: Duration = Duration::from_secs(20);

fn of_capacity(capacity: usize) -> SubscribeOptions {
    SubscribeOptions::new().capacity(capacity)
}

#[test]
fn of_200_envelopes_a_queue_of_128_holds_the_first_128_and_tells_of_72_after_them() {
    let bus = Bus::new();
    let mut subscription = bus.subscribe();
    publish_all(&bus, 0..200);
    assert_eq!(subscription.len(), 128);
    assert_eq!(subscription.dropped(), 72);

    let mut expected: Vec<_> = (0..128).map(Ok).collect();
    expected.push(Err(72));
    assert_eq!(queued(&mut subscription), expected);
    assert_eq!(queued(&mut subscription), []);

    publish(&bus, 200);
    assert_eq!(queued(&mut subscription), [Ok(200)]);
    assert_eq!(subscription.dropped(), 72);
}

#[test]
fn each_gap_is_told_where_it_lies() {
    let bus = Bus::new();
    let mut subscription = bus.subscribe_with(of_capacity(3)).unwrap();
    publish_all(&bus, 0..5); // 3 and 4 are lost
    assert_eq!(subscription.recv().unwrap().message, 0);
    publish_all(&bus, 5..7); // 6 is lost
    assert_eq!(subscription.recv().unwrap().message, 1);
    assert_eq!(subscription.recv().unwrap().message, 2);
    publish_all(&bus, 7..12); // 9, 10 and 11 are lost
    assert_eq!(
        queued(&mut subscription),
        [Err(2), Ok(5), Err(1), Ok(7), Ok(8), Err(3)]
    );
    assert_eq!(subscription.dropped(), 6);
}

#[test]
fn losses_on_both_sides_of_a_receive_that_makes_no_room_are_one_gap() {
    let bus = Bus::new();
    let mut subscription = bus.subscribe_with(of_capacity(1)).unwrap();
    publish_all(&bus, 0..2); // 1 is lost
    assert_eq!(subscription.recv().unwrap().message, 0);
    publish_all(&bus, 2..4); // 3 is lost

    assert_eq!(
        subscription.try_recv().unwrap_err().lagged(),
        Some(Lagged { missed: 1 })
    );
    // Telling has made no room: 2 is still queued.
    assert_eq!(subscription.len(), 1);
    assert_eq!(publish(&bus, 4).dropped(), 1);
    assert_eq!(queued(&mut subscription), [Ok(2), Err(2)]);
}

#[test]
fn a_queue_of_one_place_holds_one_envelope() {
    let bus = Bus::new();
    let mut subscription = bus.subscribe_with(of_capacity(1)).unwrap();
    for round in 0..10 {
        let first = 3 * round;
        assert_eq!(publish(&bus, first).delivered(), 1);
        assert_eq!(publish(&bus, first + 1).dropped(), 1);
        assert_eq!(publish(&bus, first + 2).dropped(), 1);
        assert_eq!(queued(&mut subscription), [Ok(first), Err(2)]);
    }
}

#[test]
fn a_gap_is_told_by_every_way_to_receive() {
    let bus = Bus::new();
    let mut subscription = bus.subscribe_with(of_capacity(1)).unwrap();
    let lose_one = |subscription: &mut Subscription<u64>| {
        publish_all(&bus, 0..2);
        subscription.recv().unwrap();
    };
    let one = Some(Lagged { missed: 1 });

    lose_one(&mut subscription);
    assert_eq!(subscription.recv().unwrap_err().lagged(), one);
    lose_one(&mut subscription);
    assert_eq!(subscription.recv_ref().unwrap_err().lagged(), one);
    lose_one(&mut subscription);
    assert_eq!(subscription.try_recv().unwrap_err().lagged(), one);
    lose_one(&mut subscription);
    assert_eq!(
        subscription.recv_timeout(PATIENCE).unwrap_err().lagged(),
        one
    );
    lose_one(&mut subscription);
    let deadline = Instant::now() + PATIENCE;
    assert_eq!(
        subscription.recv_deadline(deadline).unwrap_err().lagged(),
        one
    );
    lose_one(&mut subscription);
    assert_eq!(subscription.iter().next().unwrap().err(), one);
    lose_one(&mut subscription);
    assert_eq!(subscription.try_iter().next().unwrap().err(), one);
    lose_one(&mut subscription);
    assert_eq!(subscription.into_iter().next().unwrap().err(), one);
}

#[test]
fn one_subscriber_s_full_queue_costs_the_others_nothing() {
    let bus = Bus::new();
    let mut before = bus.subscribe_with(of_capacity(1_000)).unwrap();
    let mut stuck = bus.subscribe_with(of_capacity(2)).unwrap();
    let mut after = bus.subscribe_with(of_capacity(1_000)).unwrap();
    for number in 0..1_000 {
        let receipt = publish(&bus, number);
        let dropped = usize::from(number >= 2);
        assert_eq!(
            (receipt.delivered(), receipt.dropped()),
            (3 - dropped, dropped)
        );
    }
    let all: Vec<_> = (0..1_000).map(Ok).collect();
    assert_eq!(queued(&mut before), all);
    assert_eq!(queued(&mut after), all);
    assert_eq!(queued(&mut stuck), [Ok(0), Ok(1), Err(998)]);
}
