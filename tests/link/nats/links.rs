//! Links over a server, and what it refuses them.

use std::time::Duration;

use oxide_bus::kernel::{Command, Event, Message, MessageBus};
use oxide_bus::link::{Link, NotReadyError};
use oxide_bus::{Bus, SubscribeOptions};
use tokio::time::{sleep, timeout};

use super::pair::{Pair, publish};
use super::server::{DEADLINE, Server, soon, two_users};

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
        publish(north.clone(), 0..1_000, Some(100)),
        publish(south.clone(), 0..1_000, Some(100))
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

/// What is published meanwhile is refused, and counts as confirmed all the same. It is asked for again.
#[tokio::test]
async fn permissions_that_are_taken_away_for_a_while_are_told_and_lose_nothing() {
    let Some(server) = Server::with(&two_users()) else {
        return;
    };
    let nats = |name| server.nats().user_and_password(name, "secret");
    let limit = Duration::from_secs(2);
    let mut pair = Pair::join(nats("north"), nats("south"), limit).await;
    publish(pair.north.clone(), 0..100, None).await;
    pair.receive(0, 100).await;
    let silenced = two_users().replace(
        r#"publish: ["ob.north.>"]"#,
        r#"publish: ["ob.north.=b.>"]"#,
    );
    server.reload(&silenced);
    let mut number = 100;
    let refused = async {
        while pair.from.stats().server_denials == 0 {
            publish(pair.north.clone(), number..number + 1, None).await;
            number += 1;
            sleep(Duration::from_millis(1)).await;
        }
    };
    soon(refused).await;
    publish(pair.north.clone(), number..number + 100, None).await;
    server.reload(&two_users());
    publish(pair.north.clone(), number + 100..number + 200, None).await;
    pair.receive(100, number + 200).await;
    pair.check(number + 200).await;
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
