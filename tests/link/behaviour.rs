//! What holds on one bus holds over a link too, with the publisher on one bus and the subscriber on the other.

use std::fs;

use chrono::{DateTime, TimeDelta};
use oxide_bus::codec::Codec;
use oxide_bus::kernel::Message;
use oxide_bus::link::Link;
use oxide_bus::link::memory::MemoryServer;
use oxide_bus::{AsyncSubscription, Bus, Envelope, Overflow, RecvError, SubscribeOptions};

use super::{LONG, Note, exporter, importer, note, ready, until};

/// A log of some hundred lines with awkward names, times, numbers and forms.
const AWKWARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/awkward.jsonl");

/// Two buses, and a link from the one to the other.
struct Linked {
    north: Bus<Note>,
    south: Bus<Note>,
    from: Link,
    to: Link,
}

impl Linked {
    async fn new() -> Self {
        let server = MemoryServer::new();
        let (north, south) = (Bus::builder().total_order().build(), Bus::new());
        let to = importer(&server, "south", &south).await;
        let from = exporter(&server, "north", &north).await;
        from.ready(LONG).await.unwrap();
        Linked {
            north,
            south,
            from,
            to,
        }
    }

    fn subscribe(&self, options: SubscribeOptions<Note>) -> AsyncSubscription<Note> {
        self.south.subscribe_with(options).unwrap().into_async()
    }

    /// Publishes these numbers on the north bus.
    fn send(&self, source: &str, subject: &str, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.north.send(source, note(subject, number)).unwrap();
        }
    }

    /// Waits until this many envelopes are on the south bus.
    async fn crossed(&self, count: u64) {
        until(&self.to, "north", |it| it.received == count).await;
    }
}

/// Returns the numbers that are there.
fn numbers(notes: &mut AsyncSubscription<Note>) -> Vec<u64> {
    let all = notes.try_iter();
    all.map(|it| it.unwrap().message.number).collect()
}

fn all() -> SubscribeOptions<Note> {
    SubscribeOptions::new().capacity(10_000)
}

#[tokio::test(start_paused = true)]
async fn awkward_envelopes_cross_byte_for_byte() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Message>::new(), Bus::<Message>::new());
    let every = SubscribeOptions::new().capacity(10_000);
    let mut heard = south.subscribe_with(every).unwrap().into_async();
    let to = Link::over(server.engine()).name("south");
    let to = to.import_everything(south.trusted_publisher("link"));
    let _to = ready(to, &south).await;
    let from = Link::over(server.engine())
        .name("north")
        .export_everything();
    let from = ready(from, &north).await;
    let (codec, lenient) = (Codec::new(), Codec::new().lenient(true));
    let text = fs::read_to_string(AWKWARD).unwrap();
    let mut sent = 0;
    for line in text.lines() {
        let Ok(envelope) = lenient.decode::<Message>(line) else {
            continue;
        };
        let Ok(written) = codec.encode(&envelope) else {
            continue;
        };
        if envelope.header("link-origin").is_some() || north.publish(envelope).is_err() {
            continue;
        }
        sent += 1;
        let mut came = Envelope::clone(&heard.recv().await.unwrap());
        assert_eq!(came.header("link-origin"), Some("north"));
        came.headers.remove("link-origin");
        assert_eq!(codec.encode(&came).unwrap(), written);
    }
    println!("{sent} of {}", text.lines().count());
    assert!(sent > 300, "{sent}");
    from.drain(LONG).await.unwrap();
    let export = from.stats().export;
    assert_eq!((export.confirmed, export.unsendable), (sent, 0));
}

#[tokio::test(start_paused = true)]
async fn all_subscribers_on_both_sides_receive_in_one_order() {
    let linked = Linked::new().await;
    let mut here = linked.north.subscribe_with(all()).unwrap().into_async();
    let (mut there, mut also_there) = (linked.subscribe(all()), linked.subscribe(all()));
    let publishing = (0..4).map(|publisher| {
        let bus = linked.north.clone();
        tokio::task::spawn_blocking(move || {
            for number in 0..250 {
                let number = publisher * 1_000 + number;
                bus.send("counter", note("a", number)).unwrap();
            }
        })
    });
    for publisher in publishing.collect::<Vec<_>>() {
        publisher.await.unwrap();
    }
    linked.crossed(1_000).await;
    let order = numbers(&mut here);
    assert_eq!(order.len(), 1_000);
    assert_eq!(numbers(&mut there), order);
    assert_eq!(numbers(&mut also_there), order);
    for publisher in 0..4 {
        let of_one = order.iter().filter(|it| **it / 1_000 == publisher);
        assert!(of_one.is_sorted());
    }
}

#[tokio::test(start_paused = true)]
async fn patterns_sources_and_predicates_select_from_what_a_link_brings() {
    let linked = Linked::new().await;
    let mut by_pattern = linked.subscribe(all().pattern("a.*"));
    let mut by_source = linked.subscribe(all().source("other"));
    let is_even = |it: &Envelope<Note>| it.message.number.is_multiple_of(2);
    let mut by_predicate = linked.subscribe(all().predicate(is_even));
    linked.send("counter", "a.b", 0..3);
    linked.send("other", "a", 3..6);
    linked.send("other", "a.b.c", 6..7);
    linked.crossed(7).await;
    assert_eq!(numbers(&mut by_pattern), [0, 1, 2]);
    assert_eq!(numbers(&mut by_source), [3, 4, 5, 6]);
    assert_eq!(numbers(&mut by_predicate), [0, 2, 4, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_loses_by_its_policy_is_told_how_many_and_the_others_lose_nothing() {
    let linked = Linked::new().await;
    let policy = |overflow| all().capacity(4).overflow(overflow).pattern(">");
    let mut newest = linked.subscribe(policy(Overflow::DropOldest));
    let mut oldest = linked.subscribe(policy(Overflow::DropNewest));
    let mut every = linked.subscribe(all());
    linked.send("counter", "a", 0..100);
    linked.crossed(100).await;
    let lost = Some(RecvError::Lagged { missed: 96 });
    assert_eq!(newest.recv().await.err(), lost);
    assert_eq!(numbers(&mut newest), [96, 97, 98, 99]);
    let first: Vec<_> = (oldest.try_iter().take(4))
        .map(|it| it.unwrap().message.number)
        .collect();
    assert_eq!(first, [0, 1, 2, 3]);
    assert_eq!(oldest.recv().await.err(), lost);
    assert_eq!(numbers(&mut every), (0..100).collect::<Vec<_>>());
    assert_eq!(
        linked.to.stats().imports[0].missed,
        0,
        "nothing by the link"
    );
}

#[tokio::test(start_paused = true)]
async fn members_of_a_group_share_what_a_link_brings() {
    let linked = Linked::new().await;
    let mut members = [(); 3].map(|()| linked.subscribe(all().group("workers")));
    linked.send("counter", "a", 0..300);
    linked.crossed(300).await;
    let mut came = Vec::new();
    for turn in 0..300 {
        let note = members[turn % 3].recv().await.unwrap();
        came.push(note.message.number);
    }
    assert_eq!(came, (0..300).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn the_bus_retains_what_a_link_brings_for_those_who_come_late() {
    let linked = Linked::new().await;
    linked.south.retain("a.>", 2).unwrap();
    linked.send("counter", "a.b", 0..5);
    linked.send("counter", "c", 5..7);
    linked.crossed(7).await;
    assert_eq!(numbers(&mut linked.subscribe(all())), [3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_crosses_whole_and_in_order_and_what_was_queued_at_the_end_too() {
    let linked = Linked::new().await;
    let mut every = linked.subscribe(all());
    let batch = (0..500).map(|number| Envelope::new("counter", note("a", number)));
    linked.north.publish_batch(batch).unwrap();
    let Linked {
        north,
        south,
        from,
        to,
    } = linked;
    drop(north);
    from.ended().await;
    assert_eq!(from.stats().export.confirmed, 500);
    until(&to, "north", |it| it.received == 500).await;
    drop(south);
    assert_eq!(numbers(&mut every), (0..500).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_years_off_on_the_other_side_changes_nothing() {
    let linked = Linked::new().await;
    let mut every = linked.subscribe(all());
    let mut times = Vec::new();
    for (number, seconds) in (0..).zip([4_102_444_800, 0, -2_000_000_000, 1_700_000_000]) {
        let mut envelope = Envelope::new("counter", note("a", number));
        let second = DateTime::from_timestamp(seconds, 0).unwrap();
        envelope.timestamp = second + TimeDelta::nanoseconds(7);
        times.push(envelope.timestamp);
        linked.north.publish(envelope).unwrap();
    }
    for (number, time) in (0..).zip(times) {
        let came = every.recv().await.unwrap();
        assert_eq!((came.message.number, came.timestamp), (number, time));
    }
    linked.from.drain(LONG).await.unwrap();
    linked.crossed(4).await;
}
