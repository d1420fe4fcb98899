//! Requests that are answered, in time or too late.

use oxide_bus::Bus;
use oxide_bus::link::Link;
use oxide_bus::link::memory::MemoryServer;
use tokio::time::sleep;

use super::super::{LONG, Note, note, ready, until};
use super::{PATIENCE, Side, nobody_answers, time_is_up};

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_by_a_responder_on_another_bus() {
    let server = MemoryServer::new();
    let south = Side::answering(&server, "south").await;
    let north = Side::asking(&server, "north").await;
    south.square();
    let answer = north.client().request(note("command.square", 7)).await;
    let answer = answer.unwrap();
    assert_eq!(answer.message.number, 49);
    assert_eq!(
        (answer.source.as_str(), answer.header("link-origin")),
        ("square", Some("south"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_responder_is_found_as_soon_as_its_link_is_ready() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    sleep(LONG).await;
    nobody_answers(&north.client()).await;
    let south = Side::answering(&server, "south").await;
    south.square();
    let answer = north.client().request(note("command.square", 7)).await;
    assert_eq!(answer.unwrap().message.number, 49);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_too_late_is_not_published_and_counted() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let south = Side::answering(&server, "south").await;
    let mut questions = south.questions();
    sleep(LONG).await;
    server.stop();
    time_is_up(&north.client()).await;
    let client = north.client();
    let asking = tokio::spawn(async move { client.request(note("command.square", 8)).await });
    sleep(PATIENCE / 2).await;
    server.start();
    let question = questions.recv().await.unwrap();
    assert_eq!(question.message.number, 8);
    let answer = note("event.square", 64);
    (south.bus.trusted_publisher("square"))
        .reply(&question, answer)
        .unwrap();
    assert_eq!(asking.await.unwrap().unwrap().message.number, 64);
    until(&south.link, "north", |it| (it.late, it.received) == (1, 1)).await;
    assert_eq!(questions.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_too_late_is_counted_and_goes_to_subscribers_only() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let south = Side::answering(&server, "south").await;
    let mut questions = south.questions();
    let mut events = north.bus.subscribe_to("event.>").unwrap().into_async();
    sleep(LONG).await;
    time_is_up(&north.client()).await;
    let question = questions.recv().await.unwrap();
    let square = south.bus.trusted_publisher("square");
    square.reply(&question, note("event.square", 49)).unwrap();
    assert_eq!(events.recv().await.unwrap().message.number, 49);
    until(&north.link, "south", |it| {
        (it.received, it.late_answers) == (1, 1)
    })
    .await;
    // An answer to what was no request of this bus is none that is late.
    let other = note("command.square", 7);
    let other = oxide_bus::Envelope::new("client", other);
    square.reply(&other, note("event.square", 49)).unwrap();
    until(&north.link, "south", |it| {
        (it.received, it.late_answers) == (2, 1)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn several_answers_come_from_several_buses() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let south = Side::answering(&server, "south").await;
    let east = Side::answering(&server, "east").await;
    south.square();
    east.square();
    sleep(LONG).await;
    let mut answers = (north
        .client()
        .request_many(note("command.square", 7), PATIENCE)
        .await)
        .unwrap();
    assert_eq!(answers.recv().await.unwrap().message.number, 49);
    assert_eq!(answers.recv().await.unwrap().message.number, 49);
    drop(answers);
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_time_is_up_before_the_link_has_taken_it_does_not_go_out() {
    let server = MemoryServer::new();
    let south = Side::answering(&server, "south").await;
    let mut questions = south.questions();
    let bus = Bus::<Note>::new();
    let from = Link::over(server.engine())
        .name("north")
        .export("command.>")
        .window(1, 1 << 20);
    let from = ready(from, &bus).await;
    sleep(LONG).await;
    server.stop();
    bus.send("client", note("command.note", 1)).unwrap(); // it fills the window
    sleep(LONG).await;
    let client = (bus.trusted_publisher("client").into_async()).with_request_timeout(PATIENCE);
    time_is_up(&client).await;
    server.start();
    bus.send("client", note("command.note", 2)).unwrap();
    for number in [1, 2] {
        assert_eq!(questions.recv().await.unwrap().message.number, number);
    }
    from.drain(LONG).await.unwrap();
    let export = from.stats().export;
    assert_eq!((export.confirmed, export.declined), (2, 1));
}
