//! Requests and groups over a NATS server.

use std::time::{Duration, Instant};

use oxide_bus::kernel::{Command, Event, MessageBus};
use oxide_bus::link::Link;
use oxide_bus::{AsyncPublisher, RequestError};
use tokio::time::sleep;

use super::server::{DEADLINE, Server, soon};

/// Links a bus in both directions.
async fn join(server: &Server, name: &str, bus: &MessageBus, export: &str, import: &str) -> Link {
    let link = Link::over(server.nats())
        .name(name)
        .export(export)
        .import(import, bus.trusted_publisher("link"))
        .connect(bus);
    let link = soon(link).await.expect("the server is there");
    link.ready(DEADLINE).await.expect("the server is there");
    link
}

/// Asks until nobody answers, as soon as that is known.
async fn nobody_answers(client: &AsyncPublisher) {
    let began = Instant::now();
    while began.elapsed() < DEADLINE {
        let asked = Instant::now();
        let error = client.request(Command::Ping).await.unwrap_err();
        if matches!(error, RequestError::NoResponders) {
            println!("nobody, after {:?}", asked.elapsed());
            return;
        }
    }
    panic!("it is not said that nobody answers");
}

#[tokio::test]
async fn a_request_is_answered_elsewhere_or_ends_at_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let (north, south) = (MessageBus::new(), MessageBus::new());
    let _north = join(&server, "north", &north, "command.>", "event.>").await;
    let client = north.trusted_publisher("client").into_async();
    nobody_answers(&client.clone().with_request_timeout(Duration::from_secs(2))).await;

    let link = join(&server, "south", &south, "event.>", "command.>").await;
    nobody_answers(&client.clone().with_request_timeout(Duration::from_secs(2))).await;

    let mut commands = south.subscribe_to("command.>").unwrap().into_async();
    let pong = south.trusted_publisher("pong");
    tokio::spawn(async move {
        while let Ok(command) = commands.recv().await {
            let event = Event::Pong {
                from: "pong".into(),
            };
            pong.reply(&command, event).expect("the bus is open");
        }
    });
    let mut took = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        let answer = soon(client.request(Command::Ping)).await.unwrap();
        took.push(began.elapsed());
        assert_eq!(answer.source, "pong");
    }
    took.sort_unstable();
    println!("an answer, after {:?}", took[50]);
    link.close().await;
    nobody_answers(&client.with_request_timeout(Duration::from_secs(2))).await;
}

#[tokio::test]
async fn each_envelope_goes_to_one_of_a_group() {
    let Some(server) = Server::start() else {
        return;
    };
    let workers = [(); 3].map(|()| MessageBus::new());
    let mut links = Vec::new();
    for (number, worker) in workers.iter().enumerate() {
        let link = Link::over(server.nats())
            .name(format!("worker-{number}"))
            .import_shared("workers", "command.>", worker.trusted_publisher("link"))
            .connect(worker);
        let link = soon(link).await.expect("the server is there");
        link.ready(DEADLINE).await.expect("the server is there");
        links.push(link);
    }
    let desk = MessageBus::new();
    let from = Link::over(server.nats())
        .name("desk")
        .export("command.>")
        .connect(&desk);
    let from = soon(from).await.expect("the server is there");
    let publisher = desk.trusted_publisher("desk").into_async();
    for _ in 0..3_000 {
        publisher.publish(Command::Ping).await.unwrap();
    }
    from.drain(DEADLINE).await.expect("the server is there");
    let received = || {
        let stats = links.iter().map(Link::stats);
        let imports = stats.map(|it| it.imports.first().map_or(0, |it| it.received));
        imports.collect::<Vec<_>>()
    };
    let all = async {
        while received().iter().sum::<u64>() < 3_000 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    soon(all).await;
    sleep(Duration::from_millis(100)).await;
    let parts = received();
    assert_eq!(parts.iter().sum::<u64>(), 3_000);
    assert!(parts.iter().all(|part| *part > 500), "{parts:?}");
}
