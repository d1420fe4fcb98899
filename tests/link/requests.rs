//! Requests across links: they are answered, and one that nobody will answer ends at once.

use std::time::Duration;

use oxide_bus::link::Link;
use oxide_bus::link::memory::MemoryServer;
use oxide_bus::{AsyncPublisher, AsyncSubscription, Bus, RequestError};
use tokio::time::{Instant, sleep};

use super::{LONG, Note, exporter, note, ready, until};

/// The time-out of requests.
const PATIENCE: Duration = Duration::from_secs(10);

/// A bus that asks for `command.>`, or answers by `event.>`.
struct Side {
    bus: Bus<Note>,
    link: Link,
}

impl Side {
    async fn new(server: &MemoryServer, name: &str, export: &str, import: &str) -> Self {
        let bus = Bus::new();
        let link = Link::over(server.engine())
            .name(name)
            .export(export)
            .import(import, bus.trusted_publisher("link"));
        let link = ready(link, &bus).await;
        Side { bus, link }
    }

    async fn asking(server: &MemoryServer, name: &str) -> Self {
        Side::new(server, name, "command.>", "event.>").await
    }

    async fn answering(server: &MemoryServer, name: &str) -> Self {
        Side::new(server, name, "event.>", "command.>").await
    }

    fn client(&self) -> AsyncPublisher<Note> {
        (self.bus.trusted_publisher("client").into_async()).with_request_timeout(PATIENCE)
    }

    fn questions(&self) -> AsyncSubscription<Note> {
        (self.bus.subscribe_to("command.>").expect("a pattern")).into_async()
    }

    /// Answers every question by the square of its number.
    fn square(&self) {
        let (mut questions, publisher) = (self.questions(), self.bus.trusted_publisher("square"));
        tokio::spawn(async move {
            while let Ok(question) = questions.recv().await {
                let number = question.message.number;
                let answer = publisher.reply(&question, note("event.square", number * number));
                answer.expect("the bus is open");
            }
        });
    }

    fn declined(&self) -> u64 {
        self.link.stats().export.declined
    }
}

/// Asks, and checks that it ends at once since nobody answers.
async fn nobody_answers(client: &AsyncPublisher<Note>) {
    let began = Instant::now();
    let error = client.request(note("command.square", 7)).await.unwrap_err();
    assert!(matches!(error, RequestError::NoResponders), "{error}");
    assert!(
        began.elapsed() < Duration::from_millis(100),
        "{:?}",
        began.elapsed()
    );
}

/// Asks, and checks that nobody answers until time is up.
async fn time_is_up(client: &AsyncPublisher<Note>) {
    let began = Instant::now();
    let error = client.request(note("command.square", 7)).await.unwrap_err();
    assert!(error.is_timed_out(), "{error}");
    assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
}

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
async fn a_link_that_ends_is_nobody_and_one_that_vanishes_is_so_after_a_while() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let south = Side::answering(&server, "south").await;
    let log = south.questions();
    sleep(LONG).await;
    let client = north.client();
    let asking = tokio::spawn(async move { client.request(note("command.square", 7)).await });
    sleep(Duration::from_secs(1)).await;
    south.link.close().await;
    sleep(Duration::from_millis(100)).await;
    assert!(asking.is_finished());
    let error = asking.await.unwrap().unwrap_err();
    assert!(matches!(error, RequestError::NoResponders), "{error}");
    drop(log);

    let south = Side::answering(&server, "south").await;
    let _log = south.questions();
    server.cut("south");
    time_is_up(&north.client()).await;
    sleep(Duration::from_mins(1)).await;
    nobody_answers(&north.client()).await;
    server.mend("south");
    sleep(Duration::from_secs(1)).await;
    time_is_up(&north.client()).await;
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
