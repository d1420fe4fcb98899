//! A drain says what it could not do, and a link that ends in any other way says so too.

use std::sync::OnceLock;
use std::time::Duration;

use oxide_bus::link::engine::{Engine, EngineReceiver};
use oxide_bus::link::memory::{Faults, MemoryServer};
use oxide_bus::link::{Link, LinkDrainError, LinkThread};
use oxide_bus::{Bus, Overflow, Payload, Subject, SubscribeOptions};
use serde::{Deserialize, Serialize, Serializer};
use tokio::time::Instant;

use super::{LONG, Note, exporter, importer, loses_all, note, until};

#[tokio::test(start_paused = true)]
async fn a_drain_that_could_not_publish_all_that_came_says_how_much() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let options = SubscribeOptions::new()
        .capacity(4)
        .overflow(Overflow::Block);
    let _asleep = south.subscribe_with(options).unwrap();
    let to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    for number in 0..100 {
        north.send("counter", note("a", number)).unwrap();
    }
    from.drain(LONG).await.unwrap();
    until(&to, "north", |it| (it.received, it.queued) == (4, 96)).await;
    let error = to.drain(LONG).await.unwrap_err();
    let expected = LinkDrainError::TimedOut {
        lost: 0,
        unpublished: 96,
    };
    assert_eq!(error, expected);
    assert_eq!(to.stats().imports[0].queued, 96);
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_when_the_bus_closes_and_says_what_was_not_published() {
    let server = MemoryServer::new();
    server.make_stream("ALL", "ob.>");
    for is_durable in [false, true] {
        let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
        let options = SubscribeOptions::new()
            .capacity(4)
            .overflow(Overflow::Block);
        let _asleep = south.subscribe_with(options).unwrap();
        let to = Link::over(server.engine())
            .name("south")
            .export(">")
            .import(">", south.trusted_publisher("link"));
        let from = Link::over(server.engine()).name("north").export(">");
        let (to, from) = if is_durable {
            let to = to.durable("ALL").connect(&south).await.unwrap();
            (to, from.durable("ALL").connect(&north).await.unwrap())
        } else {
            let to = to.connect(&south).await.unwrap();
            (to, from.connect(&north).await.unwrap())
        };
        to.ready(LONG).await.unwrap();
        for number in 0..100 {
            north.send("counter", note("a", number)).unwrap();
        }
        from.drain(LONG).await.unwrap();
        until(&to, "north", |it| (it.received, it.queued) == (4, 96)).await;
        let began = Instant::now();
        let closing = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            south.close();
        };
        let (drained, ()) = tokio::join!(to.drain(LONG), closing);
        let expected = LinkDrainError::BusClosed {
            lost: 0,
            unpublished: 96,
        };
        assert_eq!(drained, Err(expected));
        assert_eq!(began.elapsed().as_secs(), 1);
        assert!(to.has_ended());
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_what_is_missing_before_that_which_came() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe().into_async();
    let to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    from.ready(LONG).await.unwrap();
    server.set_faults(loses_all());
    north.send("counter", note("a", 1)).unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    let takes_time = Faults {
        delay: Duration::from_millis(100),
        ..Faults::default()
    };
    server.set_faults(takes_time);
    north.send("counter", note("a", 2)).unwrap();
    until(&to, "north", |it| it.held == 1).await;
    to.drain(LONG).await.unwrap();
    assert_eq!(to.stats().imports[0].received, 2);
    for number in [1, 2] {
        assert_eq!(notes.recv().await.unwrap().message.number, number);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_for_what_others_send_meanwhile() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let options = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Block);
    let mut notes = south.subscribe_with(options).unwrap().into_async();
    let to = importer(&server, "south", &south).await;
    let _from = exporter(&server, "north", &north).await;
    let sending = tokio::spawn(async move {
        let sender = north.trusted_publisher("counter").into_async();
        for number in 0.. {
            sender.publish(note("a", number)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let slow = tokio::spawn(async move {
        while notes.recv().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    until(&to, "north", |it| it.queued > 100).await;
    to.drain(LONG).await.unwrap();
    assert_eq!(to.stats().imports[0].queued, 0);
    sending.abort();
    slow.abort();
}

#[tokio::test(start_paused = true)]
async fn what_the_queue_of_the_export_lost_is_counted_when_the_link_ends() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    let link = Link::over(server.engine())
        .name("north")
        .export(">")
        .window(1, 1 << 20)
        .capacity(2)
        .overflow(Overflow::DropNewest)
        .connect(&bus)
        .await
        .unwrap();
    link.ready(LONG).await.unwrap();
    server.stop();
    for number in 0..10 {
        bus.send("counter", note("a", number)).unwrap();
    }
    let export = link.close().await.export;
    assert_eq!(export.exported + export.lagged, 10, "{export:?}");
    assert_eq!(export.exported, export.lost);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_the_bus_has_evicted_says_so() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    let link = Link::over(server.engine())
        .name("north")
        .export(">")
        .capacity(2)
        .overflow(Overflow::Evict)
        .connect(&bus)
        .await
        .unwrap();
    link.ready(LONG).await.unwrap();
    for number in 0..10 {
        bus.send("counter", note("a", number)).unwrap();
    }
    link.ended().await;
    let error = link.stats().last_error.unwrap();
    assert!(error.contains("evicted"), "{error}");
}

#[test]
fn a_link_whose_runtime_is_dropped_says_that_it_has_ended_and_what_is_lost() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let link = runtime.block_on(async {
        let link = exporter(&server, "north", &bus).await;
        link.ready(LONG).await.unwrap();
        link
    });
    for number in 0..3 {
        bus.send("counter", note("a", number)).unwrap();
    }
    drop(runtime);
    let stats = link.stats();
    assert!(link.has_ended() && !stats.connected && !stats.ready);
    assert_eq!((stats.export.pending, stats.export.lost), (0, 3));
}

#[tokio::test]
async fn a_connection_in_memory_ends_with_its_sender() {
    let (sender, mut receiver) = MemoryServer::new().engine().connect("a").await.unwrap();
    drop(sender);
    assert_eq!(receiver.next().await, None);
}

/// A payload that looks at the link's figures while it is written.
#[derive(Deserialize)]
struct Curious;

static LINK: OnceLock<LinkThread> = OnceLock::new();

impl Serialize for Curious {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let exported = LINK.get().map_or(0, |link| link.stats().export.exported);
        serializer.serialize_u64(exported)
    }
}

impl Payload for Curious {
    fn subject(&self) -> Subject<'_> {
        Subject::new(["curious"])
    }
}

#[test]
fn a_payload_that_asks_the_link_for_its_figures_does_not_stop_it() {
    let server = MemoryServer::new();
    let bus = Bus::<Curious>::new();
    let link = Link::over(server.engine()).name("north").export(">");
    let link = LINK.get_or_init(|| link.spawn(&bus).unwrap());
    bus.send("cat", Curious).unwrap();
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(link.drain(LONG)));
    let drained = is_done.recv_timeout(Duration::from_secs(20));
    drained.expect("the link stands still").unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_last_envelopes_of_a_link_that_has_ended_are_told_as_missed_if_they_do_not_come() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    from.ready(LONG).await.unwrap();
    north.send("counter", note("a", 0)).unwrap();
    until(&to, "north", |it| it.received == 1).await;
    server.set_faults(loses_all());
    north.send("counter", note("a", 1)).unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await; // before the next mark
    assert_eq!(from.stats().export.confirmed, 2);
    server.set_faults(Faults::default());
    from.drain(LONG).await.unwrap();
    until(&to, "north", |it| it.missed == 1).await;
}
