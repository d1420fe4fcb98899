//! What the server does not take or permit.

use std::time::Duration;

use oxide_bus::Bus;
use oxide_bus::link::{Link, NotReadyError};

use super::server::{DEADLINE, Server, soon};

#[tokio::test]
async fn what_is_larger_than_the_server_takes_is_lost_and_told_and_the_others_go_on() {
    let Some(server) = Server::with("max_payload: 2048") else {
        return;
    };
    let (north, south) = (Bus::<String>::new(), Bus::<String>::new());
    let mut texts = south.subscribe().into_async();
    let to = Link::over(server.nats())
        .name("south")
        .import_everything(south.trusted_publisher("link"))
        .connect(&south);
    let to = soon(to).await.expect("the server is there");
    to.ready(DEADLINE).await.expect("the server is there");
    let from = Link::over(server.nats())
        .name("north")
        .export_everything()
        .connect(&north);
    let from = soon(from).await.expect("the server is there");
    for length in [1, 4_000, 2] {
        let text = "x".repeat(length);
        north.send("writer", text).expect("the bus is open");
    }
    for length in [1, 2] {
        let text = soon(texts.recv()).await.expect("the bus is open");
        assert_eq!(text.message.len(), length);
    }
    from.drain(DEADLINE).await.expect("the others went");
    let export = from.stats().export;
    assert_eq!((export.confirmed, export.lost, export.resent), (2, 1, 0));
    to.drain(Duration::from_secs(5)).await.expect("it is over");
    assert_eq!(to.stats().imports[0].missed, 1);
}

#[tokio::test]
async fn a_link_is_never_ready_whose_subscription_the_server_refuses_also_after_a_reconnect() {
    let Some(mut server) = Server::with(
        r#"authorization { users: [ { user: south, password: secret, permissions: {
            publish: ["ob.south.>"], subscribe: ["ob.*.event.>", "ob.*.=c.>", "ob.south.=b.>"]
        } } ] }"#,
    ) else {
        return;
    };
    let bus = Bus::<String>::new();
    for round in 0..20 {
        let nats = server.nats().user_and_password("south", "secret");
        let link = Link::over(nats)
            .name("south")
            .import("secret", bus.trusted_publisher("link"))
            .connect(&bus);
        let link = soon(link).await.expect("it is a user");
        let refused = link.ready(DEADLINE).await;
        assert!(
            matches!(refused, Err(NotReadyError::Denied { .. })),
            "{refused:?}"
        );
        if round == 0 {
            server.kill();
            server.restart();
            while link.stats().reconnects == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let refused = link.ready(DEADLINE).await;
            assert!(
                matches!(refused, Err(NotReadyError::Denied { .. })),
                "{refused:?}"
            );
        }
        soon(link.close()).await;
    }
}
