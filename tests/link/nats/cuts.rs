//! What a link relies on in the engine where the server crashes, starts again, or stands still.

use std::time::Duration;

use oxide_bus::link::engine::{EngineEvent, EngineReceiver, EngineSender};
use tokio::time::timeout;

use super::server::{Server, body, event, frame, soon, subscribe};

/// Long enough for a round trip, and for nothing else.
const MOMENT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_cut_and_a_reconnect_are_told_and_subscriptions_are_in_force_again() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let (mut north, mut heard) = server.connect("north").await;
    subscribe(&mut north, "ob.south.>").await;
    for round in 0..3 {
        server.kill();
        assert_eq!(
            event(&mut heard).await,
            EngineEvent::Disconnected,
            "round {round}"
        );
        assert!(soon(north.round_trip()).await.is_err(), "it fails at once");
        server.restart();
        assert_eq!(
            event(&mut heard).await,
            EngineEvent::Connected,
            "round {round}"
        );
        soon(north.round_trip()).await.expect("it is there again");
        let (mut south, _) = server.connect("south").await;
        south
            .send(frame("ob.south.x", round.to_string()))
            .await
            .expect("sent");
        assert_eq!(body(&mut heard).await, round.to_string());
    }
}

/// What was written to the old connection is lost, and only the receiving end's `Connected` makes the link send it
/// again.
#[tokio::test]
async fn no_round_trip_confirms_what_went_over_a_connection_that_was_cut() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let (mut north, mut told) = server.connect("north").await;
    soon(north.round_trip()).await.expect("it is there");
    for _ in 0..1_000 {
        north.send(frame("ob.north.x", "")).await.expect("sent");
    }
    server.kill();
    server.restart();
    // Nobody has taken the events. However long it takes until the client is connected again, each round trip fails.
    let mut failed = 0;
    let until = tokio::time::Instant::now() + MOMENT;
    while tokio::time::Instant::now() < until {
        assert!(soon(north.round_trip()).await.is_err());
        failed += 1;
        tokio::task::yield_now().await;
    }
    assert!(failed > 0);
    assert_eq!(event(&mut told).await, EngineEvent::Disconnected);
    assert_eq!(event(&mut told).await, EngineEvent::Connected);
    soon(north.round_trip()).await.expect("it is there again");
}

#[tokio::test]
async fn sending_waits_while_the_server_is_away_and_can_be_given_up() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let (mut north, mut told) = server.connect("north").await;
    server.kill();
    assert_eq!(event(&mut told).await, EngineEvent::Disconnected);
    for number in 0..3 {
        let sent = timeout(MOMENT, north.send(frame("ob.north.x", number.to_string()))).await;
        assert!(sent.is_err(), "it waits");
    }
    server.restart();
    let (mut south, mut heard) = server.connect("south").await;
    subscribe(&mut south, "ob.>").await;
    assert_eq!(event(&mut told).await, EngineEvent::Connected);
    soon(north.send(frame("ob.north.x", "after")))
        .await
        .expect("sent");
    soon(north.round_trip()).await.expect("it is there again");
    assert_eq!(
        body(&mut heard).await,
        "after",
        "what was given up is not sent later"
    );
}

#[tokio::test]
async fn a_round_trip_lasts_as_long_as_the_server_stands_still() {
    let Some(server) = Server::start() else {
        return;
    };
    let (mut north, mut told) = server.connect("north").await;
    soon(north.round_trip()).await.expect("it is there");
    server.pause();
    north
        .send(frame("ob.north.x", ""))
        .await
        .expect("the client takes it");
    // Not every thread of the server stops at once.
    while let Ok(ended) = timeout(MOMENT, north.round_trip()).await {
        ended.expect("the connection is not cut");
    }
    server.go_on();
    soon(north.round_trip()).await.expect("it goes on");
    drop(north);
    assert_eq!(soon(told.next()).await, None, "the connection was not cut");
}
