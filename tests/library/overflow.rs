//! Tests of what happens when a queue has no room.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use oxide_bus::{
    Advisory, Bus, Delivery, Envelope, Eviction, Grant, Overflow, Payload, RecvError,
    RecvTimeoutError, Subject, SubscribeOptions, Subscription, TryRecvError,
};

use crate::support::numbers::{publish, publish_all, queued};

const PATIENCE: Duration = Duration::from_secs(20);

fn of_capacity<M>(capacity: usize) -> SubscribeOptions<M> {
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

    assert_eq!(subscription.try_recv().unwrap_err().missed(), Some(1));
    // Reporting the loss has made no room: 2 is still queued.
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
    let one = Some(1);

    lose_one(&mut subscription);
    assert_eq!(subscription.recv().unwrap_err().missed(), one);
    lose_one(&mut subscription);
    assert_eq!(subscription.recv_ref().unwrap_err().missed(), one);
    lose_one(&mut subscription);
    assert_eq!(subscription.try_recv().unwrap_err().missed(), one);
    lose_one(&mut subscription);
    assert_eq!(
        subscription.recv_timeout(PATIENCE).unwrap_err().missed(),
        one
    );
    lose_one(&mut subscription);
    let deadline = Instant::now() + PATIENCE;
    assert_eq!(
        subscription.recv_deadline(deadline).unwrap_err().missed(),
        one
    );
    lose_one(&mut subscription);
    let item = subscription.iter().next().unwrap();
    assert_eq!(item.unwrap_err().missed(), one);
    lose_one(&mut subscription);
    let item = subscription.try_iter().next().unwrap();
    assert_eq!(item.unwrap_err().missed(), one);
    lose_one(&mut subscription);
    let item = subscription.into_iter().next().unwrap();
    assert_eq!(item.unwrap_err().missed(), one);
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

fn newest<M>(capacity: usize) -> SubscribeOptions<M> {
    of_capacity(capacity).overflow(Overflow::DropOldest)
}

fn impatient<M>(capacity: usize) -> SubscribeOptions<M> {
    of_capacity(capacity).overflow(Overflow::Evict)
}

/// Runs `check` without a filter, and with one that every envelope passes.
fn with_and_without_filter(options: SubscribeOptions<u64>, check: impl Fn(SubscribeOptions<u64>)) {
    check(options.clone());
    check(options.source("counter"));
}

#[test]
fn of_200_envelopes_a_queue_that_drops_the_oldest_tells_of_72_and_holds_the_newest_128() {
    let bus = Bus::new();
    let options = newest(128).source("counter");
    let mut subscription = bus.subscribe_with(options).unwrap();
    for number in 0..200 {
        let receipt = publish(&bus, number);
        assert_eq!((receipt.delivered(), receipt.dropped()), (1, 0));
    }
    assert_eq!((subscription.len(), subscription.dropped()), (128, 72));
    let mut expected = vec![Err(72)];
    expected.extend((72..200).map(Ok));
    assert_eq!(queued(&mut subscription), expected);
    publish(&bus, 200);
    assert_eq!(queued(&mut subscription), [Ok(200)]);
    assert_eq!((subscription.len(), subscription.dropped()), (0, 72));
}

/// The most envelopes in a segment.
const SEGMENT: usize = 64;

/// Covers a subscriber that has read a little before the next envelopes are published, and one that has read nothing.
#[test]
fn without_a_filter_the_newest_stay_and_no_more_than_two_segments_beside_and_the_gap_is_told_where_it_lies()
 {
    for capacity in [1, 2, 63, 64, 65, 128, 300] {
        for (read, batch) in [(0, 1), (1, 1), (1, 100), (70, 1)] {
            let bus = Bus::new();
            let mut subscription = bus.subscribe_with(newest(capacity)).unwrap();
            publish_all(&bus, 0..200); // segments are long by now
            let seen = subscription.try_iter().take(read);
            let seen = seen.map(|it| it.map(|it| it.message).map_err(|it| it.missed().unwrap()));
            let seen: Vec<_> = seen.collect();
            let mut lost = subscription.dropped();
            for first in (200..2_000).step_by(batch) {
                let numbers = (first..first + batch as u64).map(|it| Envelope::new("counter", it));
                let receipt = bus.publish_batch(numbers).unwrap();
                assert_eq!((receipt.delivered(), receipt.dropped()), (batch, 0));
                let len = subscription.len();
                assert!(len <= capacity + 2 * SEGMENT, "{len} of {capacity}");
                let now = subscription.dropped();
                assert!(now >= lost && (now == lost || len >= capacity));
                lost = now;
                let of = bus.stats().subscriptions.remove(0);
                assert_eq!((of.matched, of.queued), (first + batch as u64, len as u64));
                assert_eq!(of.matched, of.received + of.queued + of.dropped);
                assert!(now == 0 || of.high_water >= capacity as u64, "{of:?}");
                assert!(of.high_water <= (capacity + 2 * SEGMENT) as u64, "{of:?}");
            }
            assert!(lost >= (2_000 - capacity - 2 * SEGMENT - read) as u64);
            let (mut next, mut told) = (0, 0);
            for item in seen.into_iter().chain(queued(&mut subscription)) {
                match item {
                    Ok(number) => assert_eq!(number, next),
                    Err(missed) => told += missed,
                }
                next += item.map_or_else(|missed| missed, |_| 1);
            }
            assert_eq!((next, told), (2_000, lost));
            assert_eq!((subscription.len(), subscription.dropped()), (0, lost));
        }
    }
}

#[test]
fn what_is_displaced_is_told_of_before_what_stays_each_time() {
    let bus = Bus::new();
    let options = newest(2).source("counter");
    let mut subscription = bus.subscribe_with(options).unwrap();
    publish_all(&bus, 0..3); // 0 is displaced
    assert_eq!(subscription.try_recv().unwrap_err().missed(), Some(1));
    publish_all(&bus, 3..5); // then 1 and 2
    assert_eq!(subscription.dropped(), 3);
    assert_eq!(queued(&mut subscription), [Err(2), Ok(3), Ok(4)]);
    publish_all(&bus, 5..7);
    assert_eq!(subscription.recv().unwrap().message, 5);
    publish_all(&bus, 7..8);
    assert_eq!(queued(&mut subscription), [Ok(6), Ok(7)]);
    assert_eq!(subscription.dropped(), 3);
}

#[test]
fn a_sleeper_that_keeps_the_newest_is_woken_by_a_publish_and_by_the_end() {
    with_and_without_filter(newest(1), |options| {
        let bus = Bus::new();
        let mut subscription = bus.subscribe_with(options).unwrap();
        let (received, is_received) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let first = subscription.recv_timeout(PATIENCE).unwrap().message;
            received.send(()).unwrap();
            (first, subscription.recv_timeout(PATIENCE).unwrap_err())
        });
        publish(&bus, 7);
        is_received.recv_timeout(PATIENCE).unwrap();
        drop(bus);
        let (first, end) = reader.join().unwrap();
        assert_eq!(first, 7);
        assert_eq!(end, RecvTimeoutError::Disconnected);
    });
}

#[test]
fn a_full_subscriber_that_asked_for_it_is_evicted_drains_and_then_learns_it() {
    with_and_without_filter(impatient(2), |options| {
        let bus = Bus::new();
        let mut advisories = bus.advisories();
        let mut slow = bus.subscribe_with(options.name("slow")).unwrap();
        let mut other = bus.subscribe();
        publish_all(&bus, 0..2);
        assert_eq!(bus.subscriber_count(), 2);
        let receipt = publish(&bus, 2);
        assert_eq!((receipt.delivered(), receipt.dropped()), (1, 1));
        assert_eq!(bus.subscriber_count(), 1);
        let receipt = publish(&bus, 3);
        assert_eq!((receipt.delivered(), receipt.dropped()), (1, 0));

        assert_eq!((slow.len(), slow.dropped()), (2, 1));
        let items: Vec<_> = (slow.try_iter())
            .map(|item| item.map(|delivery| delivery.message))
            .collect();
        let lost_one = RecvError::Lagged { missed: 1 };
        let evicted = Err(RecvError::Evicted);
        assert_eq!(items, [Ok(0), Ok(1), Err(lost_one), evicted]);
        assert_eq!(slow.recv().unwrap_err(), RecvError::Evicted);
        assert_eq!(slow.try_recv().unwrap_err(), TryRecvError::Evicted);
        assert_eq!(
            slow.recv_timeout(PATIENCE).unwrap_err(),
            RecvTimeoutError::Evicted
        );
        assert!(slow.iter().next().is_none());
        assert_eq!((slow.len(), slow.dropped()), (0, 1));
        assert_eq!(queued(&mut other), (0..4).map(Ok).collect::<Vec<_>>());

        let told: Vec<_> = (advisories.try_iter().flatten())
            .filter_map(|told| match &told.message {
                Advisory::Evicted { name, reason, .. } => Some((name.clone(), *reason)),
                _ => None,
            })
            .collect();
        assert_eq!(told, [(Some("slow".into()), Eviction::Overflow)]);
        bus.close();
        assert_eq!(slow.recv().unwrap_err(), RecvError::Evicted, "still");
    });
}

#[test]
fn an_eviction_is_the_last_item_of_each_kind_of_iterator_and_is_told_once() {
    let evicted = |options| {
        let bus = Bus::new();
        let slow = bus.subscribe_with(options).unwrap();
        publish_all(&bus, 0..2);
        (bus, slow)
    };
    with_and_without_filter(impatient(1), |options| {
        let seen = |item: Result<Delivery<u64>, RecvError>| item.map(|it| it.message);
        let lost_one = RecvError::Lagged { missed: 1 };
        let expected = [Ok(0), Err(lost_one), Err(RecvError::Evicted)];

        let (_bus, mut slow) = evicted(options.clone());
        assert_eq!(slow.iter().map(seen).collect::<Vec<_>>(), expected);
        assert!(slow.iter().next().is_none());
        assert!(slow.try_iter().next().is_none(), "whichever comes to it");
        assert!(slow.into_iter().next().is_none());

        let (_bus, mut slow) = evicted(options.clone());
        assert_eq!(slow.try_iter().map(seen).collect::<Vec<_>>(), expected);
        assert!(slow.try_iter().next().is_none());

        let (_bus, slow) = evicted(options.clone());
        let mut items = slow.into_iter();
        assert_eq!(items.by_ref().map(seen).collect::<Vec<_>>(), expected);
        assert!(items.next().is_none());

        let (_bus, slow) = evicted(options);
        let numbers = slow.into_iter().flatten().map(|it| it.message);
        assert_eq!(
            numbers.collect::<Vec<_>>(),
            [0],
            "`flatten` passes over both"
        );
    });
}

#[test]
fn an_evicted_subscriber_may_subscribe_anew() {
    with_and_without_filter(impatient(1), |options| {
        let bus = Bus::new();
        let mut first = bus.subscribe_with(options.clone()).unwrap();
        publish_all(&bus, 0..2);
        let mut second = bus.subscribe_with(options).unwrap();
        publish(&bus, 2);
        assert_eq!(queued(&mut first), [Ok(0), Err(1)]);
        assert_eq!(queued(&mut second), [Ok(2)]);
        assert_eq!(bus.subscriber_count(), 1);
        drop(first);
        assert_eq!(bus.subscriber_count(), 1);
        assert_eq!(publish(&bus, 3).delivered(), 1);
    });
}

#[test]
fn of_a_batch_that_finds_a_subscriber_full_one_envelope_is_lost_to_it_and_the_others_are_not_offered()
 {
    with_and_without_filter(impatient(1), |options| {
        let bus = Bus::new();
        let mut slow = bus.subscribe_with(options).unwrap();
        let mut other = bus.subscribe();
        publish(&bus, 0);
        let batch = (1..10).map(|number| Envelope::new("counter", number));
        let receipt = bus.publish_batch(batch).unwrap();
        assert_eq!((receipt.delivered(), receipt.dropped()), (9, 1));
        assert_eq!(queued(&mut slow), [Ok(0), Err(1)]);
        assert_eq!(queued(&mut other), (0..10).map(Ok).collect::<Vec<_>>());
    });
}

/// The evicted subscriber has received everything and sleeps, or is about to sleep.
#[test]
fn an_eviction_wakes_a_sleeping_subscriber() {
    with_and_without_filter(impatient(1), |options| {
        for _ in 0..200 {
            let bus = Bus::new();
            let mut subscription = bus.subscribe_with(options.clone()).unwrap();
            publish(&bus, 0);
            let reader = std::thread::spawn(move || {
                let mut received = 0;
                loop {
                    match subscription.recv_timeout(PATIENCE) {
                        Ok(_) => received += 1,
                        Err(error) if error.is_end() => {
                            return (received, subscription.dropped());
                        }
                        Err(error) => assert!(error.missed().is_some(), "{error}"),
                    }
                }
            });
            let mut delivered = 1;
            while publish(&bus, 1).delivered() == 1 {
                delivered += 1;
            }
            assert_eq!(reader.join().unwrap(), (delivered, 1));
            assert_eq!(bus.subscriber_count(), 0);
        }
    });
}

/// Empties the subscription, if it has one, when the bus asks it for its subject.
struct Empties(Option<Arc<Mutex<Subscription<Empties>>>>);

impl Payload for Empties {
    fn subject(&self) -> Subject<'_> {
        if let Some(queue) = &self.0 {
            while queue.lock().unwrap().try_iter().next().is_some() {}
        }
        Subject::new(["room"])
    }
}

#[test]
fn room_that_is_made_while_a_grant_asks_for_the_subject_is_taken() {
    let bus = Bus::<Empties>::new();
    let _roomy = bus.subscribe();
    let narrow = bus.subscribe_with(of_capacity(1)).unwrap();
    let narrow = Arc::new(Mutex::new(narrow));
    for _ in 0..4 {
        let fills = Envelope::new("other", Empties(None));
        bus.publish(fills).map_err(drop).unwrap();
    }
    let grant = Grant::new("empty").patterns(["room"]);
    bus.grant(grant).unwrap();
    let publisher = bus.publisher("emptier", "empty");
    let empties = Empties(Some(Arc::clone(&narrow)));
    let receipt = publisher.publish(empties).map_err(drop).unwrap();
    assert_eq!((receipt.delivered(), receipt.dropped()), (2, 0));
    assert_eq!(narrow.lock().unwrap().len(), 1);
}
