//! Links over a server that crashes, stands still, or refuses something: everything arrives once, and the accounts are
//! exact.

use std::time::Duration;

use oxide_bus::kernel::{Command, Event, Message, MessageBus};
use oxide_bus::link::{Link, LinkStats, NotReadyError};
use oxide_bus::{AsyncSubscription, Bus, Overflow, SubscribeOptions};
use tokio::time::{interval, timeout};

use super::server::{DEADLINE, Server, soon, two_users};

/// A bus that sends numbers to another.
struct Pair {
    north: Bus<u64>,
    south: Bus<u64>,
    from: Link,
    to: Link,
    numbers: AsyncSubscription<u64>,
}

/// Joins two buses. A call of the engine may take so long.
async fn join(server: &Server, limit: Duration) -> Pair {
    let (north, south) = (Bus::new(), Bus::new());
    let all = SubscribeOptions::new().overflow(Overflow::Block);
    let numbers = south
        .subscribe_with(all)
        .expect("good options")
        .into_async();
    let to = Link::over(server.nats())
        .name("south")
        .import_everything(south.trusted_publisher("link"))
        .time_limit(limit)
        .connect(&south);
    let to = soon(to).await.expect("the server is there");
    to.ready(DEADLINE).await.expect("the server is there");
    let from = Link::over(server.nats())
        .name("north")
        .export_everything()
        .time_limit(limit)
        .connect(&north);
    let from = soon(from).await.expect("the server is there");
    Pair {
        north,
        south,
        from,
        to,
        numbers,
    }
}

/// Publishes so many numbers, so many each 10 ms if that is said.
async fn publish(bus: Bus<u64>, count: u64, at_once: Option<u64>) {
    let publisher = bus.trusted_publisher("counter").into_async();
    let mut pace = interval(Duration::from_millis(10));
    for number in 0..count {
        if at_once.is_some_and(|at_once| number % at_once == 0) {
            pace.tick().await;
        }
        publisher.publish(number).await.expect("the bus is open");
    }
}

/// Receives the next numbers, each once and in order.
async fn receive(numbers: &mut AsyncSubscription<u64>, from: u64, to: u64) {
    for due in from..to {
        let number = soon(numbers.recv()).await.expect("it is open");
        assert_eq!(number.message, due);
    }
}

/// Checks that so many were sent and received, and nothing else.
async fn check(mut pair: Pair, count: u64) -> (LinkStats, LinkStats) {
    pair.from
        .drain(DEADLINE)
        .await
        .expect("the server is there");
    let sent = pair.from.stats();
    assert_eq!(sent.export.exported, count, "{sent:?}");
    assert_eq!(sent.export.confirmed, count, "{sent:?}");
    assert_eq!((sent.export.lost, sent.export.pending), (0, 0), "{sent:?}");
    assert!(
        timeout(Duration::from_millis(100), pair.numbers.recv())
            .await
            .is_err(),
        "no more comes"
    );
    let came = pair.to.stats();
    assert_eq!(came.imports.len(), 1, "{came:?}");
    let import = &came.imports[0];
    assert_eq!(&*import.origin, "north");
    assert_eq!(
        (import.received, import.missed, import.held),
        (count, 0, 0),
        "{came:?}"
    );
    assert_eq!((import.refused, import.denied), (0, 0), "{came:?}");
    drop(pair.south);
    (sent, came)
}

async fn with_kills(count: u64, at_once: Option<u64>) {
    const KILLS: u64 = 4;
    let Some(mut server) = Server::start() else {
        return;
    };
    let mut pair = join(&server, Duration::from_secs(2)).await;
    let publishing = tokio::spawn(publish(pair.north.clone(), count, at_once));
    let part = count / (KILLS + 1);
    for kill in 0..KILLS {
        receive(&mut pair.numbers, kill * part, (kill + 1) * part).await;
        server.kill();
        server.restart();
    }
    receive(&mut pair.numbers, KILLS * part, count).await;
    publishing.await.expect("it does not panic");
    let (sent, came) = check(pair, count).await;
    println!("{sent:?}\n{came:?}");
    assert!(sent.reconnects >= 1, "{sent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_loses_and_doubles_nothing_of_5000_a_second() {
    with_kills(15_000, Some(50)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_loses_and_doubles_nothing_of_what_is_published_flat_out() {
    with_kills(60_000, None).await;
}

#[tokio::test]
async fn links_that_share_one_thread_survive_a_crash_too() {
    with_kills(20_000, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_delays_everything_and_loses_and_doubles_nothing() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut pair = join(&server, Duration::from_millis(200)).await;
    publish(pair.north.clone(), 1_000, None).await;
    receive(&mut pair.numbers, 0, 1_000).await;
    server.pause();
    let bus = pair.north.clone();
    let publishing = tokio::spawn(async move {
        let publisher = bus.trusted_publisher("counter").into_async();
        for number in 1_000..20_000 {
            publisher.publish(number).await.expect("the bus is open");
        }
    });
    // Several calls of the engine exceed their limit meanwhile. Not every thread of the server stops at once.
    let mut due = 1_000;
    let stopped = timeout(Duration::from_secs(1), async {
        loop {
            receive(&mut pair.numbers, due, due + 1).await;
            due += 1;
        }
    });
    assert!(stopped.await.is_err(), "it ends by the time-out");
    let pending = pair.from.stats().export;
    assert_eq!(pending.lost, 0);
    assert!(pending.pending > 0, "{pending:?}");
    server.go_on();
    receive(&mut pair.numbers, due, 20_000).await;
    publishing.await.expect("it does not panic");
    check(pair, 20_000).await;
}

#[tokio::test]
async fn what_is_published_while_there_is_no_server_arrives_when_there_is_one() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let mut pair = join(&server, Duration::from_secs(2)).await;
    server.kill();
    publish(pair.north.clone(), 5_000, None).await;
    assert_eq!(pair.from.stats().export.confirmed, 0);
    server.restart();
    receive(&mut pair.numbers, 0, 5_000).await;
    check(pair, 5_000).await;
}

#[tokio::test]
async fn closing_while_there_is_no_server_says_what_is_lost() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let pair = join(&server, Duration::from_millis(200)).await;
    server.kill();
    publish(pair.north.clone(), 500, None).await;
    let stats = soon(pair.from.close()).await;
    assert_eq!(
        (stats.export.exported, stats.export.lost),
        (500, 500),
        "{stats:?}"
    );
}

#[tokio::test]
async fn a_name_that_the_server_does_not_permit_is_told_with_the_subject() {
    let Some(server) = Server::with(&two_users()) else {
        return;
    };
    let bus = Bus::<u64>::new();
    let nats = server.nats().user_and_password("south", "secret");
    let forger = Link::over(nats).name("north").export_everything();
    let forger = soon(forger.connect(&bus)).await.expect("it is a user");
    match forger.ready(DEADLINE).await {
        Err(NotReadyError::Denied { subject, reason }) => {
            assert!(subject.is_some_and(|subject| subject.starts_with("ob.north.")));
            assert!(
                reason.contains("Permissions Violation for Publish"),
                "{reason}"
            );
        }
        other => panic!("no refusal: {other:?}"),
    }
    assert!(forger.stats().server_denials > 0);
}

#[tokio::test]
async fn links_with_their_permissions_reach_each_other_and_everything_arrives_once() {
    let Some(server) = Server::with(&two_users()) else {
        return;
    };
    let join = async |name: &'static str, bus: &Bus<u64>| {
        let nats = server.nats().user_and_password(name, "secret");
        let link = Link::over(nats)
            .name(name)
            .export_everything()
            .import_everything(bus.trusted_publisher("link"))
            .connect(bus);
        let link = soon(link).await.expect("it is a user");
        link.ready(DEADLINE).await.expect("it is permitted");
        link
    };
    let (north, south) = (Bus::<u64>::new(), Bus::<u64>::new());
    let links = [join("north", &north).await, join("south", &south).await];
    let all = || SubscribeOptions::new().capacity(2_000);
    let mut heard = [&north, &south].map(|bus| {
        bus.subscribe_with(all())
            .expect("good options")
            .into_async()
    });
    tokio::join!(
        publish(north.clone(), 1_000, Some(100)),
        publish(south.clone(), 1_000, Some(100))
    );
    for heard in &mut heard {
        let (mut own, mut brought) = (0, 0);
        for _ in 0..2_000 {
            let number = soon(heard.recv()).await.expect("it is open");
            let next = match number.header("link-origin") {
                Some(_) => &mut brought,
                None => &mut own,
            };
            assert_eq!(number.message, *next);
            *next += 1;
        }
        assert_eq!((own, brought), (1_000, 1_000));
        let more = timeout(Duration::from_millis(100), heard.recv()).await;
        assert!(more.is_err(), "nothing goes in a circle");
    }
    for link in links {
        let stats = link.stats();
        assert_eq!(
            (stats.export.exported, stats.server_denials),
            (1_000, 0),
            "{stats:?}"
        );
    }
}

/// The client has a queue for each pattern, so frames overtake each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_by_several_patterns_is_put_into_order() {
    let Some(server) = Server::start() else {
        return;
    };
    let (north, south) = (MessageBus::new(), MessageBus::new());
    let all = SubscribeOptions::new().capacity(10_000);
    let mut heard = (south.subscribe_with(all).expect("good options")).into_async();
    let publisher = south.trusted_publisher("link");
    let to = Link::nats(server.url())
        .name("south")
        .import("command.>", publisher.clone())
        .import("event.>", publisher)
        .connect(&south);
    let to = soon(to).await.expect("the server is there");
    to.ready(DEADLINE).await.expect("the server is there");
    let from = Link::nats(server.url())
        .name("north")
        .export("command.>")
        .export("event.>")
        .connect(&north);
    let from = soon(from).await.expect("the server is there");
    let publisher = north.trusted_publisher("kernel").into_async();
    let mut ids = Vec::new();
    for number in 0..10_000 {
        let message = match number % 2 {
            0 => Message::Command(Command::Ping),
            _ => Message::Event(Event::Pong {
                from: number.to_string(),
            }),
        };
        let published = publisher.publish(message).await;
        ids.push(published.expect("the bus is open").id());
    }
    for id in ids {
        assert_eq!(soon(heard.recv()).await.expect("it is open").id, id);
    }
    from.drain(DEADLINE).await.expect("the server is there");
    println!("{:?}\n{:?}", from.stats(), to.stats());
    assert_eq!(to.stats().imports[0].missed, 0);
}

#[tokio::test]
async fn a_link_can_be_made_from_an_address() {
    let Some(server) = Server::start() else {
        return;
    };
    let bus = Bus::<u64>::new();
    let link = Link::nats(server.url()).name("north").export_everything();
    let link = soon(link.connect(&bus)).await.expect("the server is there");
    link.ready(DEADLINE).await.expect("the server is there");
}
