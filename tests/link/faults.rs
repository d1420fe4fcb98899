//! What is lost, repeated, reordered or cut on the way.

use std::time::Duration;

use oxide_bus::link::Link;
use oxide_bus::link::memory::{Faults, MemoryServer};
use oxide_bus::{Advisory, Bus, Overflow, SubscribeOptions};

use super::{LONG, Note, exporter, importer, loses_all, note, until};

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number")),
    )
}

pub(super) fn seed() -> u64 {
    let seed = number("OXIDE_LINK_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().1);
    println!("OXIDE_LINK_SEED={seed}");
    seed
}

/// Sends this many notes over a server with these faults, and checks that each comes once and in order.
async fn all_come(server: MemoryServer, messages: u64) {
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let options = SubscribeOptions::new()
        .capacity(256)
        .overflow(Overflow::Block);
    let mut notes = south.subscribe_with(options).unwrap().into_async();
    let to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    from.ready(LONG).await.unwrap();
    let sending = tokio::spawn(async move {
        let sender = north.trusted_publisher("counter").into_async();
        for number in 1..=messages {
            sender.publish(note("a.b", number)).await.unwrap();
            if number % 32 == 0 {
                // Otherwise all would be sent at one moment of the clock, between two cuts.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        (north, from) // they stay, to send again what is missing
    });
    for number in 1..=messages {
        let received = tokio::time::timeout(LONG, notes.recv()).await;
        let received = received.unwrap_or_else(|_| panic!("{number}: {:#?}", to.stats()));
        assert_eq!(
            received.unwrap().message.number,
            number,
            "{:#?}",
            to.stats()
        );
    }
    let (_north, from) = sending.await.unwrap();
    from.drain(LONG).await.unwrap();
    let export = from.stats().export;
    assert_eq!((export.exported, export.confirmed), (messages, messages));
    assert_eq!((export.pending, export.lost, export.lagged), (0, 0, 0));
    until(&to, "north", |it| it.received == messages).await;
    let imports = to.stats().imports;
    assert_eq!(
        (imports[0].missed, imports[0].refused, imports[0].denied),
        (0, 0, 0)
    );
    println!("{export:?}\n{:?}", imports[0]);
}

#[tokio::test(start_paused = true)]
async fn through_random_faults_each_envelope_comes_once_and_in_order() {
    let faults = Faults {
        loss: 0.005,
        duplicates: 0.005,
        reordering: 0.005,
        cuts: 0.0002,
        delay: Duration::from_millis(2),
        outage: Duration::from_millis(50),
    };
    let messages = number("OXIDE_LINK_MESSAGES").unwrap_or(100_000);
    all_come(MemoryServer::with_faults(seed(), faults), messages).await;
}

#[tokio::test(start_paused = true)]
async fn without_faults_nothing_is_sent_twice() {
    all_come(MemoryServer::new(), 1_000).await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_and_a_restart_lose_nothing_while_the_window_is_not_full() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south
        .subscribe_with(SubscribeOptions::new().capacity(4_096))
        .unwrap()
        .into_async();
    let to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    let send = |numbers: std::ops::Range<u64>| {
        for number in numbers {
            north.send("counter", note("a", number)).unwrap();
        }
    };
    send(0..100);
    from.ready(LONG).await.unwrap();
    server.cut("north");
    send(100..200);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(!from.stats().connected && !from.stats().ready);
    server.mend("north");
    send(200..300);
    server.cut("south");
    tokio::time::sleep(Duration::from_secs(1)).await;
    send(300..400);
    server.mend("south");
    server.stop();
    send(400..500);
    tokio::time::sleep(Duration::from_mins(1)).await;
    server.start();
    send(500..600);
    for number in 0..600 {
        let received = tokio::time::timeout(LONG, notes.recv()).await;
        let received = received.unwrap_or_else(|_| panic!("{number}: {:#?}", to.stats()));
        assert_eq!(received.unwrap().message.number, number);
    }
    from.drain(LONG).await.unwrap();
    let export = from.stats().export;
    assert_eq!(
        (export.exported, export.confirmed, export.lost),
        (600, 600, 0)
    );
    assert_eq!(from.stats().reconnects, 2);
    assert_eq!(to.stats().imports[0].missed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_window_holds_back_the_bus_by_the_policy_of_the_export() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    let link = |name| {
        Link::over(server.engine())
            .name(name)
            .export(">")
            .window(8, 1 << 20)
            .capacity(4)
    };
    let blocks = link("blocks").connect(&bus).await.unwrap();
    let drops = link("drops")
        .overflow(Overflow::DropNewest)
        .connect(&bus)
        .await
        .unwrap();
    blocks.ready(LONG).await.unwrap();
    drops.ready(LONG).await.unwrap();
    server.stop();
    let sender = bus.trusted_publisher("counter").into_async();
    let mut sent = 0;
    while tokio::time::timeout(Duration::from_secs(1), sender.publish(note("a", sent)))
        .await
        .is_ok()
    {
        sent += 1;
    }
    assert_eq!(sent, 12, "8 in the window, and 4 in the queue");
    drop(blocks);
    for number in sent..100 {
        sender.publish(note("a", number)).await.unwrap();
    }
    server.start();
    drops.drain(LONG).await.unwrap();
    let export = drops.stats().export;
    assert_eq!(
        (
            export.exported,
            export.confirmed,
            export.exported + export.lagged
        ),
        (12, 12, 100)
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_window_is_confirmed_at_once() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    let link = Link::over(server.engine())
        .name("north")
        .export(">")
        .window(8, 1 << 20)
        .connect(&bus)
        .await
        .unwrap();
    link.ready(LONG).await.unwrap();
    let sender = bus.trusted_publisher("counter").into_async();
    let start = tokio::time::Instant::now();
    for number in 0..10_000 {
        sender.publish(note("a", number)).await.unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(1)); // by a clock that goes on only where all wait
    link.drain(LONG).await.unwrap();
    assert_eq!(link.stats().export.confirmed, 10_000);
}

#[tokio::test(start_paused = true)]
async fn what_is_missed_is_told_once_and_where_it_lies() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe().into_async();
    let mut advisories = south
        .advisories_with(SubscribeOptions::new().pattern("advisory.link_lagged"))
        .unwrap()
        .into_async();
    let to = importer(&server, "south", &south).await;
    let mut gaps = to.gaps();
    let from = Link::over(server.engine())
        .name("north")
        .export("a.>")
        .window(8, 1 << 20)
        .connect(&north)
        .await
        .unwrap();
    let sender = north.trusted_publisher("counter").into_async();
    sender.publish(note("a.b", 0)).await.unwrap();
    let first = notes.recv().await.unwrap();
    assert_eq!((first.message.number, gaps.before(&first)), (0, None));
    server.cut("south");
    for number in 1..=100 {
        sender.publish(note("a.b", number)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await; // so that it is confirmed
    }
    server.mend("south");
    for number in 93..=100 {
        let note = notes.recv().await.unwrap();
        let missed = (number == 93).then_some(92);
        assert_eq!((note.message.number, gaps.before(&note)), (number, missed));
    }
    let told = advisories.recv().await.unwrap().message.clone();
    assert_eq!(
        told,
        Advisory::LinkLagged {
            link: "south".into(),
            missed: 92
        }
    );
    assert!(advisories.try_recv().is_err());
    until(&to, "north", |it| it.received == 9 && it.missed == 92).await;
    drop(from);
}

#[tokio::test(start_paused = true)]
async fn the_last_frame_is_asked_for_when_a_mark_tells_of_it() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe().into_async();
    let _to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    from.ready(LONG).await.unwrap();
    server.set_faults(loses_all());
    north.send("counter", note("a", 7)).unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.set_faults(Faults::default());
    assert_eq!(notes.recv().await.unwrap().message.number, 7);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_refuses_for_its_size_is_lost_and_told_in_its_place_and_the_others_go_on() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe().into_async();
    let to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    server.set_max_body(200);
    let long = "x".repeat(200);
    for (number, subject) in (0..).zip(["a", &long, "a", &long, "a"]) {
        north.send("counter", note(subject, number)).unwrap();
    }
    for number in [0, 2, 4] {
        assert_eq!(notes.recv().await.unwrap().message.number, number);
    }
    until(&to, "north", |it| (it.received, it.missed) == (3, 2)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let export = from.stats().export;
    assert_eq!((export.exported, export.confirmed), (5, 3));
    assert_eq!((export.pending, export.lost, export.unsendable), (0, 2, 2));
    assert_eq!(export.resent, 0);
    assert!(from.stats().last_error.unwrap().contains("too large"));

    // Not even what says that something is lost has room: then importers find out by themselves.
    server.set_max_body(40);
    north.send("counter", note(&long, 5)).unwrap();
    north.send("counter", note("a", 6)).unwrap();
    assert_eq!(notes.recv().await.unwrap().message.number, 6);
    until(&to, "north", |it| (it.received, it.missed) == (4, 3)).await;
    from.drain(LONG).await.unwrap();
    let export = from.stats().export;
    assert_eq!((export.exported, export.confirmed, export.lost), (7, 4, 3));
}

/// North sends three notes. South lacks the second one, and north is cut off before it hears that.
async fn a_gap_whose_exporter_is_cut_off(server: &MemoryServer, north: &Bus<Note>, to: &Link) {
    let slow = |loss| Faults {
        loss,
        delay: Duration::from_millis(100),
        ..Faults::default()
    };
    server.set_faults(slow(0.0));
    north.send("counter", note("a", 1)).unwrap();
    until(to, "north", |it| it.received == 1).await;
    server.set_faults(slow(1.0));
    north.send("counter", note("a", 2)).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.set_faults(slow(0.0));
    north.send("counter", note("a", 3)).unwrap();
    until(to, "north", |it| it.held == 1).await;
    server.cut("north");
}

#[tokio::test(start_paused = true)]
async fn a_gap_outlasts_the_patience_while_the_exporter_is_cut_off() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe().into_async();
    let to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    from.ready(LONG).await.unwrap();
    a_gap_whose_exporter_is_cut_off(&server, &north, &to).await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(
        (to.stats().imports[0].missed, to.stats().imports[0].held),
        (0, 1)
    );
    server.mend("north");
    for number in [1, 2, 3] {
        assert_eq!(notes.recv().await.unwrap().message.number, number);
    }
    assert_eq!(to.stats().imports[0].missed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_gap_whose_exporter_does_not_come_back_is_told_after_a_while() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    from.ready(LONG).await.unwrap();
    a_gap_whose_exporter_is_cut_off(&server, &north, &to).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    until(&to, "north", |it| (it.received, it.missed) == (2, 1)).await;
    drop(from);

    // Another life of the exporter shows sooner that the one before is over.
    server.mend("north");
    let west = Bus::<Note>::new();
    let from = exporter(&server, "west", &west).await;
    from.ready(LONG).await.unwrap();
    server.set_faults(loses_all());
    west.send("counter", note("a", 1)).unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    server.set_faults(Faults {
        delay: Duration::from_millis(100),
        ..Faults::default()
    });
    west.send("counter", note("a", 2)).unwrap();
    until(&to, "west", |it| it.held == 1).await;
    server.cut("west");
    let other = exporter(&server, "west", &north).await;
    other.ready(LONG).await.unwrap();
    north.send("counter", note("a", 3)).unwrap();
    until(&to, "west", |it| it.received == 1).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    until(&to, "west", |it| (it.received, it.missed) == (2, 1)).await;
}
