//! What a link relies on in the engine, while the server is there.

use std::thread;

use oxide_bus::link::engine::{Engine, EngineEvent, EngineReceiver, EngineSender, Frame};
use oxide_bus::link::nats::Nats;

use super::server::{Server, body, event, frame, soon, subscribe};

#[tokio::test]
async fn a_frame_arrives_with_its_subject_its_headers_and_its_body() {
    let Some(server) = Server::start() else {
        return;
    };
    let (mut north, _) = server.connect("north").await;
    let (mut south, mut heard) = server.connect("south").await;
    subscribe(&mut south, "ob.*.event.>").await;
    let headers = [("Ob", "1 ab 7"), ("Ob", "again")];
    let sent = Frame::with_headers("ob.north.event.a=2Eb.=", headers, vec![0, 10, 13, 255]);
    north.send(sent.clone()).await.expect("it is a good one");
    assert_eq!(event(&mut heard).await, EngineEvent::Frame(sent));
}

#[tokio::test]
async fn a_wildcard_brings_what_matches_and_nothing_of_ones_own() {
    let Some(server) = Server::start() else {
        return;
    };
    let (mut north, mut heard) = server.connect("north").await;
    let (mut south, _) = server.connect("south").await;
    subscribe(&mut north, "ob.*.event.>").await;
    north
        .send(frame("ob.north.event.x", "own"))
        .await
        .expect("sent");
    soon(north.round_trip()).await.expect("it is there");
    for subject in [
        "ob.south.event",
        "ob.south.eventful.x",
        "ob.south.event.x.y",
    ] {
        south.send(frame(subject, subject)).await.expect("sent");
    }
    assert_eq!(body(&mut heard).await, "ob.south.event.x.y");
}

/// With the client's `flush` in place of the round trip, one subscription in ten misses everything.
#[tokio::test]
async fn a_subscription_is_in_force_after_a_round_trip() {
    let Some(server) = Server::start() else {
        return;
    };
    let (mut north, mut heard) = server.connect("north").await;
    let (mut south, _) = server.connect("south").await;
    for round in 0..40 {
        subscribe(&mut north, &format!("ob.south.{round}")).await;
        for number in 0..500 {
            let sent = south.send(frame(format!("ob.south.{round}"), number.to_string()));
            sent.await.expect("it is a good one");
        }
        for number in 0..500 {
            assert_eq!(body(&mut heard).await, number.to_string(), "round {round}");
        }
    }
}

/// The server tells a client that nobody listens, but only if nobody does.
#[tokio::test]
async fn a_round_trip_ends_though_somebody_listens_to_everything() {
    let Some(server) = Server::start() else {
        return;
    };
    let (mut nosy, mut heard) = server.connect("nosy").await;
    subscribe(&mut nosy, ">").await;
    let (mut north, _) = server.connect("north").await;
    for number in 0..100 {
        north
            .send(frame("ob.north.event", number.to_string()))
            .await
            .expect("sent");
        soon(north.round_trip()).await.expect("it is there");
    }
    for number in 0..100 {
        assert_eq!(
            body(&mut heard).await,
            number.to_string(),
            "markers are no frames"
        );
    }
}

/// The client alone would lose what it has not written yet.
#[tokio::test]
async fn what_was_sent_before_a_round_trip_arrives_though_the_sender_is_gone() {
    let Some(server) = Server::start() else {
        return;
    };
    let (mut south, mut heard) = server.connect("south").await;
    subscribe(&mut south, "ob.>").await;
    let sender = async |server: &Server| {
        let (mut north, _) = server.connect("north").await;
        for number in 0..20_000 {
            let sent = north.send(frame("ob.north.event", number.to_string()));
            sent.await.expect("it is a good one");
        }
        soon(north.round_trip()).await.expect("it is there");
    };
    thread::scope(|scope| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        scope.spawn(|| runtime.expect("a runtime").block_on(sender(&server)));
    });
    for number in 0..20_000 {
        assert_eq!(body(&mut heard).await, number.to_string());
    }
}

/// Otherwise a link that has just joined would take these frames for older ones.
#[tokio::test]
async fn a_mark_does_not_overtake_the_frames_that_were_sent_before_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let (mut north, _) = server.connect("north").await;
    let (mut south, mut heard) = server.connect("south").await;
    for subject in ["ob.*.a", "ob.*.b", "ob.*.=c.mark"] {
        subscribe(&mut south, subject).await;
    }
    for _ in 0..20 {
        for number in 0..500 {
            let subject = ["ob.north.a", "ob.north.b"][number % 2];
            let sent = north.send(frame(subject, number.to_string()));
            sent.await.expect("it is a good one");
        }
        let mark = north.send(frame("ob.north.=c.mark", "mark"));
        mark.await.expect("it is a good one");
        let mut before = 0;
        while body(&mut heard).await != "mark" {
            before += 1;
        }
        assert_eq!(before, 500);
    }
}

#[tokio::test]
async fn a_frame_that_would_cut_the_connection_is_refused() {
    let Some(server) = Server::start() else {
        return;
    };
    let (mut south, mut heard) = server.connect("south").await;
    subscribe(&mut south, "ob.>").await;
    let (mut north, mut told) = server.connect("north").await;
    let long = format!("ob.north.{}", "x".repeat(5_000));
    let header = |name, value| Frame::with_headers("ob.north.x", [(name, value)], "");
    for (bad, reason) in [
        (frame(&long, ""), "its subject is longer than 4,000 bytes"),
        (frame("", ""), "its subject has an empty token"),
        (frame("ob..x", ""), "its subject has an empty token"),
        (frame("ob.north.", ""), "its subject has an empty token"),
        (frame("ob.*.x", ""), "its subject has a wildcard"),
        (frame("ob.north.>", ""), "its subject has a wildcard"),
        (
            frame("ob.north.a b", ""),
            "its subject has other characters than visible ASCII",
        ),
        (
            frame("ob.north.é", ""),
            "its subject has other characters than visible ASCII",
        ),
        (header("a:b", ""), "name"),
        (header("a", "b\r\nc"), "value"),
        (frame("ob.north.x", "x".repeat(1_100_000)), "max payload"),
    ] {
        let refused = north.send(bad).await.expect_err("it is a bad one");
        assert_eq!(refused.to_string(), "the engine could not send a frame");
        let source = std::error::Error::source(&refused)
            .expect("a reason")
            .to_string();
        assert!(source.contains(reason), "{source}");
    }
    assert!(north.subscribe(&long, None).await.is_err());
    assert!(north.subscribe("ob..x", None).await.is_err());
    north
        .send(frame("ob.north.good", "good"))
        .await
        .expect("sent");
    soon(north.round_trip())
        .await
        .expect("the connection was not cut");
    assert_eq!(body(&mut heard).await, "good");
    drop(north);
    assert_eq!(soon(told.next()).await, None, "nothing has happened");
}

#[tokio::test]
async fn frames_that_are_not_taken_are_dropped_and_that_is_told() {
    let Some(server) = Server::start() else {
        return;
    };
    let slow = server.nats().capacity(100).connect("slow").await;
    let (mut slow, mut heard) = slow.expect("it is there");
    subscribe(&mut slow, "ob.>").await;
    let (mut north, _) = server.connect("north").await;
    for _ in 0..1_000 {
        north.send(frame("ob.north.event", "")).await.expect("sent");
    }
    soon(north.round_trip()).await.expect("it is there");
    soon(slow.round_trip()).await.expect("it is there");
    assert_eq!(event(&mut heard).await, EngineEvent::Lagged);
    // One place has the marker that came behind the subscription.
    for _ in 0..99 {
        assert_eq!(body(&mut heard).await, "");
    }
}

#[tokio::test]
async fn closing_or_dropping_the_sending_end_ends_the_receiving_end() {
    let Some(server) = Server::start() else {
        return;
    };
    let (mut sender, mut receiver) = server.connect("north").await;
    soon(sender.close()).await;
    assert_eq!(soon(receiver.next()).await, None);
    let refused = soon(sender.send(frame("ob.north.x", ""))).await;
    assert!(refused.is_err());
    let (sender, mut receiver) = server.connect("north").await;
    drop(sender);
    assert_eq!(soon(receiver.next()).await, None);
}

#[tokio::test]
async fn a_server_that_is_not_there_or_has_no_address_is_an_error() {
    for url in ["nats://127.0.0.1:1", "http://127.0.0.1", "nats://[", ""] {
        let refused = soon(Nats::new(url).connect("north")).await;
        let refused = refused.expect_err("there is none");
        assert_eq!(
            refused.to_string(),
            "the engine could not connect to the server"
        );
    }
}
