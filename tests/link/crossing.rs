//! An envelope goes from bus to bus as it is.

use oxide_bus::kernel::{Command, MessageBus};
use oxide_bus::link::Link;
use oxide_bus::link::memory::MemoryServer;
use oxide_bus::{Bus, Envelope};
use uuid::Uuid;

use super::{LONG, Note, note, until};

#[tokio::test(start_paused = true)]
async fn an_envelope_goes_from_bus_to_bus_with_all_that_it_has() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let importer = Link::over(server.engine())
        .name("south")
        .import("a.>", south.trusted_publisher("link"))
        .connect(&south)
        .await
        .unwrap();
    importer.ready(LONG).await.unwrap();
    let exporter = Link::over(server.engine())
        .name("north")
        .export("a.>")
        .connect(&north)
        .await
        .unwrap();
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
    let importer = Link::over(server.engine())
        .name("south")
        .import_everything(south.trusted_publisher("link"))
        .connect(&south)
        .await
        .unwrap();
    importer.ready(LONG).await.unwrap();
    let exporter = Link::over(server.engine())
        .name("north")
        .export("command.>")
        .connect(&north)
        .await
        .unwrap();
    let mut commands = south.subscribe().into_async();
    north.send("kernel", Command::Ping).unwrap();
    assert_eq!(commands.recv().await.unwrap().source, "kernel");
    drop((exporter, importer));

    let (north, south) = (Bus::<u32>::new(), Bus::<u32>::new());
    let importer = Link::over(server.engine())
        .name("south")
        .import_everything(south.trusted_publisher("link"))
        .connect(&south)
        .await
        .unwrap();
    importer.ready(LONG).await.unwrap();
    let _exporter = Link::over(server.engine())
        .name("north")
        .export_everything()
        .connect(&north)
        .await
        .unwrap();
    let mut numbers = south.subscribe().into_async();
    north.send("counter", 7).unwrap();
    assert_eq!(numbers.recv().await.unwrap().message, 7);
}
