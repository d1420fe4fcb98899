//! What the server refuses is told, with the subject. With permissions nobody can publish for another origin.

use oxide_bus::link::engine::{Engine, EngineEvent, EngineReceiver, EngineSender};
use oxide_bus::link::nats::{Nats, NatsReceiver, NatsSender, Permissions};

use super::server::{Server, body, event, frame, soon, subscribe, two_users};

async fn connect(server: &Server, name: &str) -> (NatsSender, NatsReceiver) {
    let nats = server.nats().user_and_password(name, "secret");
    soon(nats.connect(name)).await.expect("it is a user")
}

fn refused(event: EngineEvent) -> (Option<String>, String) {
    match event {
        EngineEvent::Denied { subject, reason } => (subject, reason),
        other => panic!("no refusal: {other:?}"),
    }
}

#[tokio::test]
async fn the_permissions_of_a_link_are_enough_for_it_and_not_for_another_origin() {
    let Some(server) = Server::with(&two_users()) else {
        return;
    };
    let (mut north, mut heard) = connect(&server, "north").await;
    let (mut south, mut told) = connect(&server, "south").await;
    subscribe(&mut north, "ob.*.event.>").await;
    south
        .send(frame("ob.north.event.x", "forged"))
        .await
        .expect("the client takes it");
    south
        .send(frame("ob.south.event.x", "own"))
        .await
        .expect("sent");
    soon(south.round_trip())
        .await
        .expect("markers are permitted");
    let (subject, reason) = refused(event(&mut told).await);
    assert_eq!(subject.as_deref(), Some("ob.north.event.x"));
    assert!(
        reason.contains("Permissions Violation for Publish"),
        "{reason}"
    );
    assert_eq!(body(&mut heard).await, "own");
}

#[tokio::test]
async fn with_permissions_no_link_can_answer_another_in_the_place_of_the_stream() {
    let permissions = Permissions::new("south").expect("a good name");
    for permissions in [permissions.clone(), permissions.durable("ALL")] {
        let user = format!("{{ user: south, password: secret\n{permissions} }}");
        let Some(server) = Server::with(&format!("authorization {{ users: [\n{user}\n] }}\n"))
        else {
            return;
        };
        let (mut south, mut told) = connect(&server, "south").await;
        let forged = "_INBOX.north.abc.1.a.1";
        (south.send(frame(forged, "{}")).await).expect("the client takes it");
        loop {
            let (subject, reason) = refused(event(&mut told).await);
            assert!(reason.contains("Permissions Violation"), "{reason}");
            if subject.as_deref() == Some(forged) {
                break; // a link that is durable may not listen below `ob.` either
            }
        }
    }
}

#[tokio::test]
async fn a_refused_subscription_is_told() {
    let Some(server) = Server::with(&two_users()) else {
        return;
    };
    let (mut north, mut told) = connect(&server, "north").await;
    for subject in ["secret.>", "other"] {
        north
            .subscribe(subject, None)
            .await
            .expect("the client takes it");
        let (named, reason) = refused(event(&mut told).await);
        assert_eq!(named.as_deref(), Some(subject));
        assert!(
            reason.contains("Permissions Violation for Subscription"),
            "{reason}"
        );
    }
    soon(north.round_trip())
        .await
        .expect("the connection was not cut");
}

#[tokio::test]
async fn a_stranger_is_not_let_in() {
    let Some(server) = Server::with(&two_users()) else {
        return;
    };
    let nats = server.nats().user_and_password("north", "guess");
    let refused = soon(nats.connect("north"))
        .await
        .expect_err("the password is wrong");
    let source = std::error::Error::source(&refused)
        .expect("a reason")
        .to_string();
    assert!(source.contains("authorization violation"), "{source}");
    assert!(
        soon(server.nats().connect("north")).await.is_err(),
        "no user"
    );
}

#[tokio::test]
async fn a_user_or_a_token_may_stand_in_the_address() {
    let Some(server) = Server::with(&two_users()) else {
        return;
    };
    let url = server.url().replace("//", "//north:secret@");
    let (mut north, _) = soon(Nats::new(url).connect("north"))
        .await
        .expect("it is a user");
    soon(north.round_trip()).await.expect("it is permitted");
    let Some(server) = Server::with("authorization { token: abc }") else {
        return;
    };
    let url = server.url().replace("//", "//abc@");
    for nats in [Nats::new(url), server.nats().token("abc")] {
        soon(nats.connect("north")).await.expect("it is the token");
    }
}

#[tokio::test]
async fn a_permission_that_is_taken_away_is_told_from_then_on() {
    let Some(server) = Server::with(&two_users()) else {
        return;
    };
    let (mut north, mut told) = connect(&server, "north").await;
    soon(north.round_trip()).await.expect("it is there");
    let silenced = two_users().replace(
        r#"publish: ["ob.north.>"]"#,
        r#"publish: ["ob.north.=b.>"]"#,
    );
    server.reload(&silenced);
    // The server cuts the clients whose permissions have changed; until then it takes what they publish.
    loop {
        soon(north.send(frame("ob.north.event", "")))
            .await
            .expect("the client takes it");
        let _ = soon(north.round_trip()).await; // it fails around the cut
        if let Ok(happened) =
            tokio::time::timeout(std::time::Duration::from_millis(1), told.next()).await
            && let Some(EngineEvent::Denied { subject, .. }) = happened
        {
            assert_eq!(subject.as_deref(), Some("ob.north.event"));
            break;
        }
    }
}
