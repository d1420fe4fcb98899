//! Neighbours that ask for more than their share.

use std::time::Duration;

use oxide_bus::link::Link;
use oxide_bus::link::engine::{Engine, EngineEvent, EngineReceiver, EngineSender, Frame};
use oxide_bus::link::memory::MemoryServer;
use oxide_bus::{Bus, Overflow, SubscribeOptions};

use super::{LONG, Note, exporter, importer, note, until};

fn control(subject: &str, body: String) -> Frame {
    Frame::new(subject, body)
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_that_asks_often_hears_little() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let options = SubscribeOptions::new().capacity(20_000);
    let mut notes = south.subscribe_with(options).unwrap().into_async();
    let to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    let sender = north.trusted_publisher("counter").into_async();
    for number in 0..10_000 {
        sender.publish(note("a", number)).await.unwrap();
    }
    until(&to, "north", |it| it.received == 10_000).await;
    let (mut mallory, mut heard) = server.engine().connect("mallory").await.unwrap();
    mallory.subscribe("ob.north.>", None).await.unwrap();
    let mut incarnation = None;
    let hello = |_| control("ob.mallory.=c.hello", String::new());
    for frame in (0..1_000).map(hello) {
        mallory.send(frame).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(190)).await;
    let mut marks = 0;
    while let Ok(Some(event)) = tokio::time::timeout(Duration::ZERO, heard.next()).await {
        if let EngineEvent::Frame(frame) = event {
            assert_eq!(frame.subject(), "ob.north.=c.mark");
            let mark: serde_json::Value = serde_json::from_slice(frame.body()).unwrap();
            incarnation = mark["incarnation"].as_u64();
            marks += 1;
        }
    }
    assert!((1..=4).contains(&marks), "{marks} marks within 190 ms");

    let want = format!(
        "{{\"incarnation\":{},\"gaps\":[[1,10000]]}}",
        incarnation.unwrap()
    );
    let want = control("ob.mallory.=c.want.north", want);
    for number in 10_000..10_100 {
        mallory.send(want.clone()).await.unwrap();
        north.send("counter", note("a", number)).unwrap();
    }
    until(&to, "north", |it| it.received == 10_100).await;
    let resent = from.stats().export.resent;
    assert!(resent <= 2 * 4_096, "{resent} were sent again");
    drop((notes.try_recv(), from));
}

/// Its clock runs, for the neighbour never rests.
#[tokio::test]
async fn a_neighbour_that_asks_without_end_keeps_neither_new_envelopes_nor_a_drain_back() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe().into_async();
    let _to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    from.ready(LONG).await.unwrap();
    let (mut mallory, mut heard) = server.engine().connect("mallory").await.unwrap();
    mallory.subscribe("ob.north.=c.mark", None).await.unwrap();
    mallory
        .send(control("ob.mallory.=c.hello", String::new()))
        .await
        .unwrap();
    let incarnation = loop {
        if let Some(EngineEvent::Frame(frame)) = heard.next().await {
            let mark: serde_json::Value = serde_json::from_slice(frame.body()).unwrap();
            break mark["incarnation"].as_u64().unwrap();
        }
    };
    for number in 0..2_000 {
        north.send("counter", note("a", number)).unwrap();
        notes.recv().await.unwrap();
    }
    let want = format!("{{\"incarnation\":{incarnation},\"gaps\":[[1,2000]]}}");
    let want = control("ob.mallory.=c.want.north", want);
    let asking = tokio::spawn(async move {
        loop {
            mallory.send(want.clone()).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    tokio::task::yield_now().await;
    for number in 2_000..2_010 {
        north.send("counter", note("a", number)).unwrap();
        let received = tokio::time::timeout(Duration::from_secs(10), notes.recv()).await;
        let received = received.unwrap_or_else(|_| panic!("{number}: {:?}", from.stats()));
        assert_eq!(received.unwrap().message.number, number);
    }
    from.drain(Duration::from_secs(10)).await.unwrap();
    asking.abort();
}

/// However far an importer is behind, it receives everything or is told of it, once its subscriber reads again.
#[tokio::test(start_paused = true)]
async fn an_importer_that_was_blocked_for_long_receives_or_is_told_of_everything() {
    const ALL: u64 = 40_000;
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let options = SubscribeOptions::new().overflow(Overflow::Block);
    let mut notes = south.subscribe_with(options).unwrap().into_async();
    let to = importer(&server, "south", &south).await;
    let from = Link::over(server.engine())
        .name("north")
        .export("a.>")
        .window(1_000, 1 << 20);
    let from = from.connect(&north).await.unwrap();
    let sender = north.trusted_publisher("counter").into_async();
    let reading = tokio::spawn(async move {
        let (mut read, mut gaps) = (0, to.gaps());
        let mut missed = 0;
        while read + missed < ALL {
            let note = tokio::time::timeout(LONG, notes.recv()).await;
            let note = note.unwrap_or_else(|_| panic!("{read} and {missed}: {:#?}", to.stats()));
            missed += gaps.before(&note.unwrap()).unwrap_or(0);
            read += 1;
            if read % 1_000 == 500 {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
        (read, missed)
    });
    for number in 0..ALL {
        sender.publish(note("a.b", number)).await.unwrap();
        if number % 64 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    println!("{:?}", reading.await.unwrap());
    drop(from);
}
