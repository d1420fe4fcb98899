//! Limits of the server that are set lower than usual.

use std::time::Duration;

use oxide_bus::Bus;
use oxide_bus::link::Link;

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
