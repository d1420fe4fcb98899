//! Requests across links: they are answered, and one that nobody will answer ends at once.

mod answered;
mod nobody;
mod trouble;

use std::time::Duration;

use oxide_bus::link::Link;
use oxide_bus::link::memory::MemoryServer;
use oxide_bus::{Advisory, AsyncPublisher, AsyncSubscription, Bus, RequestError, SubscribeOptions};
use tokio::time::Instant;

use super::{Note, note, ready};

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
        let options = SubscribeOptions::new().pattern("command.>").capacity(4096);
        let questions = self.bus.subscribe_with(options).expect("good options");
        questions.into_async()
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

    /// What the bus says of other links with the name of its own.
    fn namesakes(&self) -> AsyncSubscription<Advisory> {
        let options = SubscribeOptions::new().pattern("advisory.link_namesake");
        let namesakes = self.bus.advisories_with(options).expect("good options");
        namesakes.into_async()
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
