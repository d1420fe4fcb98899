//! Requests that nobody answers: they end at once where that can be known, else when time is up.

use std::time::Duration;

use oxide_bus::link::Link;
use oxide_bus::link::memory::MemoryServer;
use oxide_bus::{Bus, RequestError};
use tokio::time::sleep;

use super::super::{LONG, Note, exporter, note, ready, until};
use super::{Side, nobody_answers, time_is_up};

#[tokio::test(start_paused = true)]
async fn a_request_that_no_link_imports_ends_at_once_and_does_not_go_out() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let _west = Side::asking(&server, "west").await;
    // As soon as the link knows its importers.
    let error = (north.client().request(note("command.square", 7)).await).unwrap_err();
    assert!(matches!(error, RequestError::NoResponders), "{error}");
    assert_eq!(
        (north.declined(), north.link.stats().export.exported),
        (0, 1)
    );
    nobody_answers(&north.client()).await;
    assert_eq!(
        (north.declined(), north.link.stats().export.exported),
        (1, 1)
    );
    // What is no request goes out all the same.
    (north.client().publish(note("command.square", 7)).await).unwrap();
    north.link.drain(LONG).await.unwrap();
    assert_eq!(north.link.stats().export.confirmed, 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_listens_to_on_any_bus_ends_at_once() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let south = Side::answering(&server, "south").await;
    let east = Side::answering(&server, "east").await;
    sleep(Duration::from_secs(2)).await;
    nobody_answers(&north.client()).await;

    east.square();
    let answer = north.client().request(note("command.square", 7)).await;
    assert_eq!(answer.unwrap().message.number, 49);
    assert_eq!(north.declined(), 0);
    until(&south.link, "north", |it| it.received == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_here_that_does_not_answer_is_waited_for_though_no_link_answers() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let log = north.questions();
    sleep(LONG).await;
    time_is_up(&north.client()).await;
    drop(log);
    nobody_answers(&north.client()).await;
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_elsewhere_that_does_not_answer_is_waited_for() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let south = Side::answering(&server, "south").await;
    let log = south.questions();
    sleep(LONG).await;
    time_is_up(&north.client()).await;
    drop(log);
    nobody_answers(&north.client()).await;
}

#[tokio::test(start_paused = true)]
async fn links_that_pass_a_request_over_are_nobody_either() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let south = Side::new(&server, "south", ">", "command.>").await;
    let _more = exporter(&server, "more", &south.bus).await;
    sleep(LONG).await;
    nobody_answers(&north.client()).await;
    south.square();
    let answer = north.client().request(note("command.square", 7)).await;
    assert_eq!(answer.unwrap().message.number, 49);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_other_side_may_not_publish_ends_at_once() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let south = Bus::<Note>::new();
    let link = Link::over(server.engine())
        .name("south")
        .import("command.>", south.publisher("link", "no such grant"));
    let link = ready(link, &south).await;
    let _log = south.subscribe();
    sleep(LONG).await;
    nobody_answers(&north.client()).await;
    until(&link, "north", |it| it.denied == 1).await;
}

#[tokio::test(start_paused = true)]
async fn two_links_between_the_same_buses_decline_as_one() {
    let (one, other) = (MemoryServer::new(), MemoryServer::new());
    for second in [&one, &other] {
        let north = Side::asking(&one, "north").await;
        let south = Side::answering(&one, "south").await;
        let from = Link::over(second.engine()).name("north-2");
        let from = from
            .export("command.>")
            .import("event.>", north.bus.trusted_publisher("link"));
        let _from = ready(from, &north.bus).await;
        let to = Link::over(second.engine()).name("south-2");
        let to = to
            .export("event.>")
            .import("command.>", south.bus.trusted_publisher("link"));
        let _to = ready(to, &south.bus).await;
        sleep(LONG).await;
        nobody_answers(&north.client()).await;
        south.square();
        let answer = north.client().request(note("command.square", 7)).await;
        assert_eq!(answer.unwrap().message.number, 49);
    }
}
