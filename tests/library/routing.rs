//! Tests of routing: subscribing to other patterns, also in vain, many that subscribe at once, and many that match
//! nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use oxide_bus::kernel::{Command, Message};
use oxide_bus::limits::MAX_PATTERNS_BYTES;
use oxide_bus::{
    Advisory, Bus, Envelope, Eviction, Overflow, Payload, RecvError, SetPatternsError, Subject,
    SubscribeError, SubscribeOptions, Subscription, TryRecvError,
};

/// The addressee and a number.
#[derive(Debug)]
struct Note(&'static str, u64);

impl Payload for Note {
    fn subject(&self) -> Subject<'_> {
        Subject::new(["note", self.0])
    }
}

fn to(who: &str) -> SubscribeOptions<Note> {
    SubscribeOptions::new().pattern(format!("note.{who}"))
}

/// Publishes a note. Returns how many subscribers matched.
fn write(bus: &Bus<Note>, who: &'static str, number: u64) -> usize {
    let receipt = bus.publish(Envelope::new("writer", Note(who, number)));
    receipt.unwrap_or_else(|error| panic!("{error}")).matched()
}

fn numbers(subscription: &mut Subscription<Note>) -> Vec<u64> {
    (subscription
        .try_iter()
        .map(|note| note.expect("no loss").message.1))
    .collect()
}

#[test]
fn patterns_can_be_changed_and_what_is_queued_stays() {
    let bus = Bus::new();
    let mut subscription = bus.subscribe_with(to("ada")).unwrap();
    assert_eq!(write(&bus, "ada", 1), 1);
    subscription.set_patterns(["note.bob", "note.eve"]).unwrap();
    assert_eq!(write(&bus, "ada", 2), 0);
    assert_eq!(write(&bus, "bob", 3), 1);
    assert_eq!(write(&bus, "eve", 4), 1);
    assert_eq!(bus.stats().subscriptions[0].patterns.len(), 2);
    subscription.set_patterns([""; 0]).unwrap();
    assert_eq!(write(&bus, "ada", 5), 1);
    assert_eq!(numbers(&mut subscription), [1, 3, 4, 5]);
    drop(subscription);
    assert_eq!(write(&bus, "bob", 6), 0);
    assert_eq!(bus.subscriber_count(), 0);
}

#[test]
fn sources_and_predicates_stay_when_patterns_change() {
    let bus = Bus::new();
    let options = to("ada")
        .source("writer")
        .predicate(|note: &Envelope<Note>| note.message.1 > 10);
    let subscription = bus.subscribe_with(options).unwrap();
    subscription.set_patterns(["note.bob"]).unwrap();
    assert_eq!(write(&bus, "bob", 1), 0);
    assert_eq!(write(&bus, "bob", 11), 1);
    let other = bus.publish(Envelope::new("other", Note("bob", 11)));
    assert_eq!(other.unwrap().matched(), 0);
}

#[test]
fn a_subscription_that_cannot_change_its_patterns_learns_why() {
    let bus = Bus::<Note>::new();
    let new = || ["note.>"];
    let unfiltered = bus.subscribe();
    assert_eq!(
        unfiltered.set_patterns(new()),
        Err(SetPatternsError::Unfiltered)
    );
    let member = bus.subscribe_with(to("ada").group("readers")).unwrap();
    assert_eq!(member.set_patterns(new()), Err(SetPatternsError::Grouped));
    let evicted = to("ada").capacity(1).overflow(Overflow::Evict);
    let evicted = bus.subscribe_with(evicted).unwrap();
    write(&bus, "ada", 1);
    write(&bus, "ada", 2);
    assert_eq!(evicted.set_patterns(new()), Err(SetPatternsError::Ended));
    let last = bus.subscribe_with(to("ada")).unwrap();
    bus.close();
    assert_eq!(last.set_patterns(new()), Err(SetPatternsError::Ended));
}

/// One thread publishes without a pause while the patterns change as fast as possible.
#[test]
fn what_both_old_and_new_patterns_match_comes_once_and_in_order() {
    const NOTES: u64 = 5_000;
    let bus = Bus::new();
    let blocking = to("ada").overflow(Overflow::Block);
    let mut subscription = bus.subscribe_with(blocking).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..NOTES {
                write(&bus, "ada", number);
            }
        });
        let mut expected = 0;
        let mut changes = 0_u64;
        while expected < NOTES {
            let texts = [["note.ada", "note.*"], ["note.ada", "note.bob"]];
            let patterns = texts[usize::from(changes.is_multiple_of(2))];
            subscription.set_patterns(patterns).unwrap();
            changes += 1;
            for number in numbers(&mut subscription) {
                assert_eq!(number, expected);
                expected += 1;
            }
        }
        println!("{changes} changes");
    });
    assert_eq!(subscription.try_recv().unwrap_err(), TryRecvError::Empty);
}

/// As for subscribing, another thread publishes all the time, so that segments are open.
#[test]
fn a_publish_after_the_change_goes_by_the_new_patterns() {
    let bus = Bus::new();
    let mut subscription = bus.subscribe_with(to("ada")).unwrap();
    let others = bus.subscribe();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                write(&bus, "nobody", 0);
            }
        });
        for number in (0..1_000).step_by(2) {
            subscription.set_patterns(["note.bob"]).unwrap();
            write(&bus, "ada", number);
            write(&bus, "bob", number);
            subscription.set_patterns(["note.ada"]).unwrap();
            write(&bus, "bob", number + 1);
            write(&bus, "ada", number + 1);
            assert_eq!(numbers(&mut subscription), [number, number + 1]);
        }
        done.store(true, Ordering::Relaxed);
    });
    drop(others);
}

#[test]
fn what_is_listened_to_has_its_limits_also_where_it_changes() {
    let bus = Bus::<Note>::new();
    let long = |count: u64| (0..count).map(|it| format!("{it}.{}", "x".repeat(1_020)));
    let bytes = |count| long(count).map(|it| it.len() + 1).sum();
    let with = |count| SubscribeOptions::new().patterns(long(count));
    assert!(bytes(257) > MAX_PATTERNS_BYTES && bytes(255) <= MAX_PATTERNS_BYTES);
    let error = bus.subscribe_with(with(257)).unwrap_err();
    assert_eq!(error, SubscribeError::PatternsTooLong { bytes: bytes(257) });
    let subscription = bus.subscribe_with(with(255)).unwrap();
    let too_long = SetPatternsError::PatternsTooLong { bytes: bytes(257) };
    assert_eq!(subscription.set_patterns(long(257)), Err(too_long));
    subscription.set_patterns(long(255)).unwrap();

    let source = |bytes| SubscribeOptions::new().source("x".repeat(bytes));
    let error = bus.subscribe_with(source(257)).unwrap_err();
    assert_eq!(error, SubscribeError::NameTooLong { limit: 256 });
    assert!(bus.subscribe_with(source(256)).is_ok());
}

#[test]
fn many_subscribe_at_once_all_or_none() {
    let bus = Bus::new();
    let mut many = bus
        .subscribe_many([to("ada"), to("bob"), SubscribeOptions::new()])
        .unwrap();
    assert_eq!((many.len(), bus.subscriber_count()), (3, 3));
    assert_eq!(write(&bus, "ada", 1), 2);
    assert_eq!(write(&bus, "bob", 2), 2);
    let received: Vec<_> = many.iter_mut().map(numbers).collect();
    assert_eq!(received, [vec![1], vec![2], vec![1, 2]]);

    let none = bus.subscribe_many([to("ada"), to("ada").capacity(0)]);
    assert_eq!(none.unwrap_err(), SubscribeError::CapacityOutOfRange(0));
    let member = || to("ada").group("readers");
    let none = bus.subscribe_many([member(), to("ada"), member().capacity(7)]);
    let term = "capacity";
    assert_eq!(none.unwrap_err(), SubscribeError::GroupMismatch { term });
    assert_eq!(bus.subscriber_count(), 3);
    assert_eq!(write(&bus, "ada", 3), 2);

    assert!(bus.subscribe_many([]).unwrap().is_empty());
    bus.close();
    assert_eq!(
        bus.subscribe_many([to("ada")]).unwrap_err(),
        SubscribeError::Closed
    );
}

#[test]
fn members_of_one_group_may_subscribe_at_once_and_join_one_that_is_there() {
    let bus = Bus::new();
    let member = || to("ada").group("readers");
    let first = bus.subscribe_with(member()).unwrap();
    let mut more = bus.subscribe_many([member(), member()]).unwrap();
    let others = bus.subscribe_many([member().group("others"), member().group("others")]);
    let mut others = others.unwrap();
    assert_eq!(bus.subscriber_count(), 5);
    assert_eq!(write(&bus, "ada", 1), 2);
    drop(first);
    assert_eq!(numbers(&mut more[1]), [1]);
    assert_eq!(numbers(&mut others[0]), [1]);
    drop(more);
    assert_eq!(write(&bus, "ada", 2), 1);
}

/// If each publish tried every filter, this would take many times as long.
#[test]
fn ten_thousand_subscribers_to_something_else_are_not_noticed() {
    let bus = Bus::new();
    let others = (0..10_000).map(|number| to(&format!("other-{number}")).capacity(1));
    let others = bus.subscribe_many(others).unwrap();
    let mut ada = bus.subscribe_with(to("ada")).unwrap();
    for number in 0..5_000 {
        assert_eq!(write(&bus, "ada", number), 1);
        ada.recv().unwrap();
    }
    assert!(others.iter().all(Subscription::is_empty));
    drop(others);
    assert_eq!(bus.subscriber_count(), 1);
    assert_eq!(write(&bus, "other", 0), 0);
}

/// Has a subject, unless it is empty.
#[derive(Debug)]
struct Text(String);

impl Payload for Text {
    fn subject(&self) -> Subject<'_> {
        Subject::new(Some(&*self.0).filter(|text| !text.is_empty()))
    }
}

/// A payload with an empty `impl`, as most have.
#[derive(Debug)]
struct Bare;

impl Payload for Bare {}

/// Publishes one envelope to a subscriber by pattern and to one by source. Returns how the wait of the first ends.
fn wait_in_vain<M: Payload + std::fmt::Debug>(message: M) -> RecvError {
    let bus = Bus::<M>::new();
    let mut advisories = bus.advisories();
    let options = || SubscribeOptions::new().source("writer");
    let mut everything = bus.subscribe_with(options()).unwrap();
    let mut by_pattern = bus.subscribe_with(options().pattern("*.*.>")).unwrap();
    let receipt = bus.publish(Envelope::new("writer", message)).unwrap();
    assert_eq!(receipt.matched(), 1);
    everything.recv().unwrap();
    bus.close();
    let end = by_pattern.recv().unwrap_err();
    let told = (advisories.try_iter().flatten()).any(|told| match &told.message {
        Advisory::Evicted { id, reason, .. } => {
            *id == by_pattern.id() && *reason == Eviction::NoSubject
        }
        _ => false,
    });
    assert_eq!(told, end == RecvError::Evicted);
    end
}

#[test]
fn a_subscriber_by_pattern_is_evicted_where_payloads_never_have_a_subject() {
    let evicted = RecvError::Evicted;
    assert_eq!(wait_in_vain(Bare), evicted);
    assert_eq!(wait_in_vain(7_u64), evicted);
    assert_eq!(wait_in_vain("text".to_owned()), evicted);
    assert_eq!(wait_in_vain(vec![Bare]), evicted);
    assert_eq!(wait_in_vain(Box::new(Bare)), evicted);
    assert_eq!(wait_in_vain(Some(Arc::new(Bare))), evicted);
}

/// Returns the subject of what it holds. One variant never has a subject.
#[derive(Debug)]
enum Either {
    Bare(Bare),
    Text(Text),
}

impl Payload for Either {
    fn subject(&self) -> Subject<'_> {
        match self {
            Either::Bare(bare) => bare.subject(),
            Either::Text(text) => text.subject(),
        }
    }
}

#[test]
fn a_subscriber_by_pattern_stays_where_some_payloads_have_a_subject() {
    let goes_on = RecvError::Disconnected;
    assert_eq!(wait_in_vain(Text(String::new())), goes_on);
    assert_eq!(wait_in_vain(Either::Bare(Bare)), goes_on);
    assert_eq!(wait_in_vain(Either::Text(Text("b".into()))), goes_on);
    assert_eq!(wait_in_vain(None::<Arc<Bare>>), goes_on);
    assert_eq!(wait_in_vain(Message::from(Command::Ping)), goes_on);
}
