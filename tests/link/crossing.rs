//! An envelope goes from bus to bus as it is.

use oxide_bus::kernel::{Command, MessageBus};
use oxide_bus::link::Link;
use oxide_bus::link::memory::MemoryServer;
use oxide_bus::{Bus, Envelope, Overflow, SubscribeOptions};
use uuid::Uuid;

use super::{LONG, Note, exporter, importer, note, ready, until};

#[tokio::test(start_paused = true)]
async fn an_envelope_goes_from_bus_to_bus_with_all_that_it_has() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let importer = Link::over(server.engine()).name("south");
    let importer = importer.import("a.>", south.trusted_publisher("link"));
    let importer = ready(importer, &south).await;
    let exporter = Link::over(server.engine()).name("north").export("a.>");
    let exporter = ready(exporter, &north).await;
    let mut notes = south.subscribe().into_async();

    let sent = Envelope::new("the \"thermo.meter\" =", note("a.ä b.*..", 7))
        .with_correlation_id(Uuid::from_u128(9))
        .with_header("tenant", " = north\u{2003}")
        .unwrap()
        .with_header("empty", "")
        .unwrap();
    north.publish(sent.clone()).unwrap();
    let mut received = Envelope::clone(&notes.recv().await.unwrap());
    assert_eq!(received.header("link-origin"), Some("north"));
    received.headers.remove("link-origin");
    assert_eq!(received, sent);
    exporter.drain(LONG).await.unwrap();
    until(&importer, "north", |it| it.received == 1).await;
}

#[tokio::test(start_paused = true)]
async fn commands_of_the_kernel_and_payloads_without_a_subject_cross_as_well() {
    let server = MemoryServer::new();
    let (north, south) = (MessageBus::new(), MessageBus::new());
    let importer = Link::over(server.engine()).name("south");
    let importer = importer.import_everything(south.trusted_publisher("link"));
    let importer = ready(importer, &south).await;
    let exporter = Link::over(server.engine()).name("north");
    let exporter = ready(exporter.export("command.>"), &north).await;
    let mut commands = south.subscribe().into_async();
    north.send("kernel", Command::Ping).unwrap();
    assert_eq!(commands.recv().await.unwrap().source, "kernel");
    drop((exporter, importer));

    let (north, south) = (Bus::<u32>::new(), Bus::<u32>::new());
    let importer = Link::over(server.engine()).name("south");
    let importer = importer.import_everything(south.trusted_publisher("link"));
    let _importer = ready(importer, &south).await;
    let exporter = Link::over(server.engine()).name("north");
    let _exporter = ready(exporter.export_everything(), &north).await;
    let mut numbers = south.subscribe().into_async();
    north.send("counter", 7).unwrap();
    assert_eq!(numbers.recv().await.unwrap().message, 7);
}

#[tokio::test(start_paused = true)]
async fn a_pattern_brings_nothing_without_a_subject() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe().into_async();
    let to = importer(&server, "south", &south).await;
    let exporter = Link::over(server.engine()).name("north");
    let _from = ready(exporter.export_everything(), &north).await;
    let without_subject = Note {
        subject: Vec::new(),
        number: 1,
    };
    north.send("counter", without_subject).unwrap();
    north.send("counter", note("a", 2)).unwrap();
    assert_eq!(notes.recv().await.unwrap().message.number, 2);
    until(&to, "north", |it| (it.received, it.passed_over) == (1, 1)).await;
    assert_eq!(to.stats().imports[0].denied, 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_joins_late_receives_what_is_sent_from_then_on() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe().into_async();
    let from = exporter(&server, "north", &north).await;
    from.ready(LONG).await.unwrap();
    north.send("counter", note("a", 1)).unwrap();
    tokio::time::sleep(LONG).await;
    let to = importer(&server, "south", &south).await;
    tokio::time::sleep(LONG).await;
    for number in 2..=10 {
        north.send("counter", note("a", number)).unwrap();
    }
    for number in 2..=10 {
        assert_eq!(notes.recv().await.unwrap().message.number, number);
    }
    until(&to, "north", |it| it.received == 9 && it.missed == 0).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_imports_a_part_receives_that_part_and_counts_the_other_numbers_as_untracked() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe().into_async();
    let to = Link::over(server.engine())
        .name("south")
        .import("a.>", south.trusted_publisher("link"))
        .connect(&south)
        .await
        .unwrap();
    to.ready(LONG).await.unwrap();
    let _from = exporter(&server, "north", &north).await;
    for number in 1..=10 {
        let subject = if number % 2 == 0 { "a.b" } else { "c" };
        north.send("counter", note(subject, number)).unwrap();
    }
    for number in [2, 4, 6, 8, 10] {
        assert_eq!(notes.recv().await.unwrap().message.number, number);
    }
    until(&to, "north", |it| {
        (it.received, it.untracked, it.missed) == (5, 5, 0)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_makes_an_import_wait_for_long_receives_all_in_the_end() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let options = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Block);
    let mut notes = south.subscribe_with(options).unwrap().into_async();
    let to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    let sender = north.trusted_publisher("counter").into_async();
    for number in 0..6_000 {
        sender.publish(note("a", number)).await.unwrap();
    }
    tokio::time::sleep(LONG).await;
    assert_eq!(from.stats().export.confirmed, 6_000);
    for number in 0..6_000 {
        assert_eq!(
            notes.recv().await.unwrap().message.number,
            number,
            "{:?}",
            to.stats()
        );
    }
    until(&to, "north", |it| it.received == 6_000 && it.missed == 0).await;
}
