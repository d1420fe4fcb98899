//! Tests of retained envelopes: a later subscriber receives them first, without gap or duplicate.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use oxide_bus::limits::{MAX_RETAINED, MAX_RETAINED_PATTERNS};
use oxide_bus::{
    Bus, Envelope, Overflow, Pattern, Payload, RecvError, RetainError, Subject, SubscribeOptions,
    Subscription,
};

/// Its subject is `number.even` or `number.odd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number(u64);

impl Payload for Number {
    fn subject(&self) -> Subject<'_> {
        Subject::new([
            "number",
            if self.0.is_multiple_of(2) {
                "even"
            } else {
                "odd"
            },
        ])
    }
}

const NONE: [u64; 0] = [];

fn retaining(text: &str, count: usize) -> Bus<Number> {
    let bus = Bus::new();
    bus.retain(text, count).unwrap();
    bus
}

fn publish(bus: &Bus<Number>, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        bus.publish(Envelope::new("counter", Number(number)))
            .unwrap();
    }
}

fn queued(subscription: &mut Subscription<Number>) -> Vec<u64> {
    (subscription.try_iter())
        .map(|item| item.expect("nothing is lost").message.0)
        .collect()
}

#[test]
fn the_last_ones_come_first_and_then_what_is_published() {
    let bus = retaining("number.*", 3);
    publish(&bus, 0..10);
    for options in [
        SubscribeOptions::new(),
        SubscribeOptions::new().source("counter"),
        SubscribeOptions::new().overflow(Overflow::DropOldest),
        SubscribeOptions::new().overflow(Overflow::Block),
    ] {
        let mut late = bus.subscribe_with(options.capacity(4)).unwrap();
        assert_eq!(late.len(), 3);
        publish(&bus, 10..14); // as many as fit beside the retained ones
        assert_eq!((late.len(), late.dropped()), (7, 0));
        assert_eq!(queued(&mut late), [7, 8, 9, 10, 11, 12, 13]);
        assert!(late.is_empty());
        publish(&bus, [7, 8, 9]); // as before: retained for the next
        assert_eq!(queued(&mut late), [7, 8, 9]);
    }
    let mut plain = bus.subscribe();
    let first = plain.recv().unwrap();
    assert_eq!(queued(&mut plain), [8, 9]);
    assert_eq!(first.sequence(), bus.stats().published - 3);
}

#[test]
fn every_way_to_receive_gets_what_is_retained() {
    let bus = retaining("number.*", 4);
    publish(&bus, 0..4);
    let mut late = bus.subscribe();
    assert_eq!(late.recv_ref().unwrap().message, Number(0));
    let mut shown = Vec::new();
    publish(&bus, [4]);
    late.try_recv_each(|envelope| shown.push(envelope.message.0))
        .unwrap();
    assert_eq!(shown, [1, 2, 3, 4]);

    let mut late = bus.subscribe();
    let mut batch = Vec::new();
    assert_eq!(late.recv_batch(&mut batch, 3).unwrap(), 3);
    assert_eq!(batch[2].message, Number(3));
    drop(bus);
    let rest: Vec<_> = late.into_iter().map(|it| it.unwrap().message.0).collect();
    assert_eq!(rest, [4]);
}

#[test]
fn only_what_matches_is_retained_and_only_what_the_subscriber_listens_to_comes() {
    let bus = retaining("number.even", 2);
    bus.retain("number.>", 3).unwrap();
    publish(&bus, 0..10);
    // The first rule keeps 6 and 8, the second 7, 8 and 9. Each comes once.
    assert_eq!(queued(&mut bus.subscribe()), [6, 7, 8, 9]);
    let by = |options: SubscribeOptions<Number>| queued(&mut bus.subscribe_with(options).unwrap());
    let even = SubscribeOptions::new().pattern("number.even");
    assert_eq!(by(even), [6, 8]);
    let nine = SubscribeOptions::new().predicate(|it: &Envelope<Number>| it.message.0 == 9);
    assert_eq!(by(nine), [9]);
    assert_eq!(by(SubscribeOptions::new().source("nobody")), NONE);
    let member = SubscribeOptions::new().group("workers");
    assert_eq!(by(member), NONE);
}

#[test]
fn it_begins_with_the_call_and_ends_with_a_count_of_zero() {
    let bus = Bus::<Number>::new();
    publish(&bus, [0]);
    bus.retain("number.*", 5).unwrap();
    publish(&bus, [1, 2, 3]);
    assert_eq!(queued(&mut bus.subscribe()), [1, 2, 3]);
    bus.retain("number.*", 2).unwrap();
    publish(&bus, [4]);
    assert_eq!(queued(&mut bus.subscribe()), [3, 4]);
    bus.retain("number.*", 0).unwrap();
    publish(&bus, [5]);
    assert_eq!(queued(&mut bus.subscribe()), NONE);
    bus.retain("number.*", 0).unwrap(); // nothing to drop
    bus.retain("number.*", 2).unwrap();
    assert_eq!(queued(&mut bus.subscribe()), NONE);
}

#[test]
fn there_are_limits_and_a_closed_bus_retains_nothing() {
    let bus = Bus::<Number>::new();
    let too_many = |limit| Err(RetainError::TooManyEnvelopes { limit });
    let outcome = bus.retain("number.*", MAX_RETAINED + 1);
    assert_eq!(outcome, too_many(MAX_RETAINED));
    let error = RetainError::Pattern("number.".parse::<Pattern>().unwrap_err());
    assert_eq!(bus.retain("number.", 1), Err(error));
    for index in 0..MAX_RETAINED_PATTERNS {
        bus.retain(format!("number.{index}"), MAX_RETAINED).unwrap();
    }
    let error = bus.retain("number.*", 1).unwrap_err();
    let limit = MAX_RETAINED_PATTERNS;
    assert_eq!(error, RetainError::TooManyPatterns { limit });
    bus.retain("number.*", 0).unwrap(); // takes no place
    bus.retain("number.0", 1).unwrap(); // the rule exists already
    bus.retain("number.0", 0).unwrap();
    bus.retain("number.*", 1).unwrap(); // in the place that was given back
    bus.close();
    for count in [0, 1] {
        let error = bus.retain("number.0", count).unwrap_err();
        assert_eq!(error, RetainError::Closed);
    }
    assert_eq!(bus.subscribe().recv().unwrap_err(), RecvError::Disconnected);
}

#[test]
fn a_batch_and_a_full_queue_are_retained_as_well() {
    let bus = retaining("number.*", 5);
    let full = bus
        .subscribe_with(SubscribeOptions::new().capacity(1))
        .unwrap();
    let batch = (0..200).map(|number| Envelope::new("counter", Number(number)));
    bus.publish_batch(batch).unwrap();
    assert_eq!(queued(&mut bus.subscribe()), [195, 196, 197, 198, 199]);
    assert_eq!(full.dropped(), 199);
}

/// Subscribers of both kinds come all the time while publishers are active. Each receives every publisher's numbers one
/// after the other, from some number on.
#[test]
fn a_subscriber_that_comes_amid_publishing_has_no_gap_and_no_duplicate() {
    let bus = retaining("number.*", 8);
    let done = AtomicBool::new(false);
    let begin = Barrier::new(3);
    thread::scope(|scope| {
        for publisher in ["0", "1"] {
            let (bus, done, begin) = (&bus, &done, &begin);
            scope.spawn(move || {
                begin.wait();
                for number in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let envelope = Envelope::new(publisher, Number(number));
                    bus.publish(envelope).unwrap();
                }
            });
        }
        begin.wait();
        for round in 0..150 {
            let options = SubscribeOptions::new().capacity(1 << 12);
            let options = if round % 2 == 0 {
                options
            } else {
                options.pattern("number.*")
            };
            let mut late = bus.subscribe_with(options).unwrap();
            let mut last = [None; 2];
            let (mut sequence, mut seen) = (None, 0);
            while seen < 12 {
                let delivery = late.recv().expect("nothing is lost");
                let publisher: usize = delivery.source.parse().unwrap();
                let number = delivery.message.0;
                if let Some(last) = last[publisher].replace(number) {
                    assert_eq!(number, last + 1, "round {round}");
                }
                if round % 2 == 0
                    && let Some(last) = sequence.replace(delivery.sequence())
                {
                    assert_eq!(delivery.sequence(), last + 1, "round {round}");
                }
                seen += 1;
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// The subjects publish and panic while the bus looks at them.
#[test]
fn a_subject_that_panics_or_publishes_is_nobodys_trouble_but_its_own() {
    struct Odd {
        bus: Option<Bus<Odd>>,
        asked: Arc<AtomicU64>,
    }
    impl Payload for Odd {
        fn subject(&self) -> Subject<'_> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            match &self.bus {
                None => std::panic::resume_unwind(Box::new("no subject")),
                Some(bus) => {
                    let asked = Arc::clone(&self.asked);
                    let odd = Odd { bus: None, asked };
                    bus.publish(Envelope::new("odd", odd))
                        .map_err(drop)
                        .unwrap();
                }
            }
            Subject::new(["odd"])
        }
    }
    let asked = Arc::new(AtomicU64::new(0));
    let bus = Bus::<Odd>::new();
    bus.retain("odd", 3).unwrap();
    for bus_of in [None, Some(bus.clone()), None] {
        let asked = Arc::clone(&asked);
        let odd = Odd { bus: bus_of, asked };
        bus.publish(Envelope::new("odd", odd))
            .map_err(drop)
            .unwrap();
    }
    let mut late = bus.subscribe();
    let retained = late.try_recv().unwrap();
    assert!(retained.message.bus.is_some());
    assert!(asked.load(Ordering::Relaxed) > 0);
    bus.retain("odd", 0).unwrap();
}

#[test]
fn a_list_that_changes_very_often_while_nothing_is_published_leaves_nothing_behind() {
    let bus = Bus::<u32>::new();
    let all: Pattern = ">".parse().expect("good");
    bus.retain(&all, 1).expect("within limits");
    let options = SubscribeOptions::new().pattern(&all);
    let subscription = bus.subscribe_with(options).expect("open");
    for _ in 0..50_000 {
        subscription.set_patterns([&all]).expect("listed");
    }
    drop(subscription);
    drop(bus); // a drop chain of that length would overflow the stack here
}

#[test]
fn a_payload_is_asked_for_its_subject_once_however_many_rules_there_are() {
    struct Counts(Arc<AtomicU64>);
    impl Payload for Counts {
        fn subject(&self) -> Subject<'_> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Subject::new(["counts"])
        }
    }
    let asked = Arc::new(AtomicU64::new(0));
    let bus = Bus::<Counts>::builder().max_segment(2).build();
    for pattern in ["*", ">", "counts", "other", "counts.>"] {
        bus.retain(pattern, 9).expect("within limits");
    }
    let mut reader = bus.subscribe();
    for published in 1..=8 {
        bus.send("test", Counts(Arc::clone(&asked))).expect("open");
        assert!(reader.try_recv().is_ok());
        assert!(asked.load(Ordering::Relaxed) < published);
    }
    assert_eq!(bus.subscribe().len(), 8);
    assert_eq!(asked.load(Ordering::Relaxed), 8);
}
