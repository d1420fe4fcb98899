//! How a link begins and ends.

use std::error::Error;
use std::time::{Duration, Instant};

use oxide_bus::link::memory::MemoryServer;
use oxide_bus::link::{Link, LinkDrainError, LinkError, NotReadyError};
use oxide_bus::{Advisory, Bus, Overflow, SubscribeOptions};

use super::{LONG, Note, exporter, importer, note};

#[tokio::test(start_paused = true)]
async fn drain_confirms_what_the_bus_gave_and_publishes_what_came() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let options = SubscribeOptions::new()
        .capacity(4)
        .overflow(Overflow::Block);
    let mut notes = south.subscribe_with(options).unwrap().into_async();
    let to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    for number in 0..100 {
        north.send("counter", note("a", number)).unwrap();
    }
    from.drain(LONG).await.unwrap();
    assert!(from.has_ended());
    assert_eq!(from.stats().export.confirmed, 100);
    assert_eq!(from.drain(LONG).await, Err(LinkDrainError::Ended));
    assert_eq!(from.ready(LONG).await, Err(NotReadyError::Ended));

    let reading = tokio::spawn(async move {
        for number in 0..100 {
            assert_eq!(notes.recv().await.unwrap().message.number, number);
        }
    });
    to.drain(LONG).await.unwrap();
    assert_eq!(to.stats().imports[0].received, 100);
    reading.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_an_idle_hour_a_drain_still_has_all_its_time_and_so_has_another_beside_it() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    let link = exporter(&server, "north", &bus).await;
    link.ready(LONG).await.unwrap();
    tokio::time::sleep(Duration::from_hours(1)).await; // the clock stands still: it takes no time
    bus.send("counter", note("a", 1)).unwrap();
    let (first, second) = tokio::join!(link.drain(LONG), link.drain(LONG));
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(link.stats().export.confirmed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_takes_too_long_and_a_close_say_what_is_not_confirmed() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    let links = [
        exporter(&server, "a", &bus).await,
        exporter(&server, "b", &bus).await,
    ];
    links[0].ready(LONG).await.unwrap();
    server.stop();
    for number in 0..10 {
        bus.send("counter", note("a", number)).unwrap();
    }
    let [a, b] = links;
    let error = a.drain(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(
        error,
        LinkDrainError::TimedOut {
            lost: 10,
            unpublished: 0
        }
    );
    let stats = b.close().await;
    assert_eq!(
        (
            stats.export.exported,
            stats.export.lost,
            stats.export.pending
        ),
        (10, 10, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_link_ends_with_its_bus_and_sends_what_the_bus_gave() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let from = exporter(&server, "north", &north).await;
    let to = importer(&server, "south", &south).await;
    north.send("counter", note("a", 1)).unwrap();
    drop(north);
    from.ended().await;
    assert_eq!(from.stats().export.confirmed, 1);
    drop(south);
    to.ended().await;
}

#[tokio::test(start_paused = true)]
async fn a_link_whose_server_is_away_ends_with_its_bus_as_well() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    let link = exporter(&server, "north", &bus).await;
    link.ready(LONG).await.unwrap();
    server.stop();
    bus.send("counter", note("a", 1)).unwrap();
    drop(bus);
    tokio::time::timeout(LONG, link.ended()).await.unwrap();
    assert_eq!(link.stats().export.lost, 1);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_dropped_lets_its_bus_go_and_receives_no_more() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    drop(exporter(&server, "north", &bus).await);
    while bus.subscriber_count() > 0 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_link_on_a_thread_of_its_own_needs_no_runtime() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe();
    let to = Link::over(server.engine())
        .name("south")
        .import("a", south.trusted_publisher("link"))
        .spawn(&south)
        .unwrap();
    to.ready(LONG).unwrap();
    let from = Link::over(server.engine())
        .name("north")
        .export("a")
        .spawn(&north)
        .unwrap();
    north.send("counter", note("a", 7)).unwrap();
    assert_eq!(notes.recv().unwrap().message.number, 7);
    from.drain(LONG).unwrap();
    assert_eq!((from.name(), from.stats().export.confirmed), ("north", 1));
    assert_eq!(to.close().imports[0].received, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_link_is_said_before_it_is_made() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    let link = || Link::over(server.engine()).name("north").export(">");
    let too_long = "n".repeat(65);
    for name in ["", "North", "a b", "ä", "a.b", "*", &too_long] {
        let error = link().name(name).connect(&bus).await.unwrap_err();
        assert!(
            matches!(&error, LinkError::Name(it) if it == name),
            "{error}"
        );
        let error = link().import_from(name, ">", bus.trusted_publisher("link"));
        let error = error.connect(&bus).await.unwrap_err();
        assert!(
            matches!(&error, LinkError::Origin(it) if it == name),
            "{error}"
        );
    }
    let error = link().export("a..b").connect(&bus).await.unwrap_err();
    assert!(matches!(error, LinkError::Pattern(_)), "{error}");
    let error = Link::over(server.engine())
        .name("north")
        .connect(&bus)
        .await
        .unwrap_err();
    assert!(matches!(error, LinkError::Idle), "{error}");
    let error = link().capacity(0).connect(&bus).await.unwrap_err();
    assert!(matches!(error, LinkError::Subscribe(_)), "{error}");
    server.stop();
    let error = link().connect(&bus).await.unwrap_err();
    assert!(
        error
            .source()
            .is_some_and(|it| it.to_string() == "the engine could not connect to the server")
    );
    server.start();
    bus.close();
    let error = link().connect(&bus).await.unwrap_err();
    assert!(matches!(error, LinkError::Closed), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_link_is_ready_again_after_each_reconnect() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    let link = importer(&server, "south", &bus).await;
    assert!(link.stats().ready);
    server.stop();
    let limit = Duration::from_secs(1);
    while link.stats().connected {
        tokio::task::yield_now().await;
    }
    assert_eq!(link.ready(limit).await, Err(NotReadyError::TimedOut(limit)));
    server.start();
    link.ready(LONG).await.unwrap();
    assert_eq!(link.stats().reconnects, 1);
}

#[test]
fn threads_wait_for_a_drain_no_longer_than_they_ask() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    let link = Link::over(server.engine())
        .name("north")
        .export("a")
        .spawn(&bus)
        .unwrap();
    link.ready(LONG).unwrap();
    server.stop();
    bus.send("counter", note("a", 7)).unwrap();
    let begin = Instant::now();
    let error = link.drain(Duration::from_millis(10)).unwrap_err();
    assert_eq!(
        error,
        LinkDrainError::TimedOut {
            lost: 1,
            unpublished: 0
        }
    );
    assert!(begin.elapsed() < LONG);
}

#[tokio::test(start_paused = true)]
async fn a_bus_is_told_when_its_link_has_lost_the_server_and_when_that_is_back() {
    let server = MemoryServer::new();
    server.make_stream("ALL", "ob.>");
    for is_durable in [false, true] {
        let bus = Bus::<Note>::new();
        let options = SubscribeOptions::new()
            .pattern("advisory.link_cut")
            .pattern("advisory.link_restored");
        let mut told = bus.advisories_with(options).unwrap().into_async();
        let link = Link::over(server.engine()).name("north").export(">");
        let link = if is_durable {
            link.durable("ALL").connect(&bus).await.unwrap()
        } else {
            link.connect(&bus).await.unwrap()
        };
        link.ready(LONG).await.unwrap();
        for _ in 0..3 {
            let link = || "north".into();
            server.stop();
            let cut = Advisory::LinkCut { link: link() };
            assert_eq!(told.recv().await.unwrap().message, cut);
            tokio::time::sleep(LONG).await;
            server.start();
            let restored = Advisory::LinkRestored { link: link() };
            assert_eq!(told.recv().await.unwrap().message, restored);
        }
        link.drain(LONG).await.unwrap();
        assert!(told.try_recv().is_err(), "an end is no cut");
    }
}
