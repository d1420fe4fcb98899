//! Durable links over a stream in memory, with faults.

use std::time::Duration;

use oxide_bus::link::engine::{Engine, EngineSender, Frame, StreamEngine};
use oxide_bus::link::memory::{Faults, MemoryServer, MemoryStream};
use oxide_bus::link::{Link, LinkBuilder, LinkDrainError, LinkError, StreamError, StreamStart};
use oxide_bus::{Bus, Overflow, SubscribeOptions};

use super::{LONG, Note, note};

fn to_stream(server: &MemoryServer) -> LinkBuilder<MemoryStream, Note> {
    Link::over(server.engine()).durable("ALL")
}

/// An importer comes and goes, the server stops and starts, and every connection is cut again and again. Returns how
/// often a frame was sent again.
async fn with_faults(seed: u64, count: u64) -> u64 {
    println!("seed {seed}");
    let faults = Faults {
        cuts: 0.01,
        delay: Duration::from_millis(20),
        outage: Duration::from_secs(3),
        ..Faults::default()
    };
    let mut random = fastrand::Rng::with_seed(seed);
    let server = MemoryServer::with_faults(seed, faults);
    server.make_stream("ALL", "ob.>");
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let all = SubscribeOptions::new()
        .capacity(16)
        .overflow(Overflow::Block);
    let mut came = south.subscribe_with(all).unwrap().into_async();
    let from = to_stream(&server)
        .name("north")
        .export(">")
        .window(64, 1 << 20);
    let from = from.connect(&north).await.unwrap();
    let publishing = tokio::spawn({
        let publisher = north.trusted_publisher("writer").into_async();
        async move {
            for number in 0..count {
                publisher.publish(note("a.b", number)).await.unwrap();
            }
        }
    });
    let mut due = 0;
    let mut received = 0;
    while due < count {
        let link = to_stream(&server).name("south").start(StreamStart::First);
        let link = link.import(">", south.trusted_publisher("link"));
        let link = link.connect(&south).await.unwrap();
        let until = (due + 1 + random.u64(..count / 2)).min(count);
        while due < until {
            let number = tokio::time::timeout(LONG, came.recv()).await;
            let number = number.unwrap_or_else(|_| panic!("{:?}", link.stats()));
            assert_eq!(number.unwrap().message.number, due);
            due += 1;
            if random.u64(..500) == 0 {
                server.stop();
                tokio::time::sleep(Duration::from_millis(random.u64(..5_000))).await;
                server.start();
            }
        }
        // What has come is published before the link ends, so it does not come again.
        let (drained, more) = tokio::join!(link.drain(LONG), async {
            let mut more = 0;
            while let Ok(Ok(number)) = tokio::time::timeout(LONG / 4, came.recv()).await {
                assert_eq!(number.message.number, due + more);
                more += 1;
            }
            more
        });
        drained.unwrap();
        due += more;
        let stats = link.stats();
        let import = &stats.imports[0];
        received += import.received;
        assert_eq!(
            (import.refused, import.denied, import.repeated),
            (0, 0, 0),
            "{stats:?}"
        );
    }
    publishing.await.unwrap();
    from.drain(LONG).await.unwrap();
    let export = from.stats().export;
    assert_eq!(
        (export.exported, export.confirmed),
        (count, count),
        "{export:?}"
    );
    assert_eq!((due, received), (count, count));
    export.resent
}

#[tokio::test(start_paused = true)]
async fn whatever_is_cut_each_envelope_comes_once_and_in_order() {
    let mut resent = 0;
    for seed in 0..20 {
        resent += with_faults(seed, 1_000).await;
    }
    assert!(resent > 100, "{resent}: the faults are none");
}

#[tokio::test(start_paused = true)]
async fn a_stream_in_memory_hands_over_the_last_of_each_subject_to_a_late_joiner() {
    let server = MemoryServer::new();
    server.make_stream("ALL", "ob.>");
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let from = to_stream(&server).name("north").export(">");
    let from = from.connect(&north).await.unwrap();
    for (subject, number) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
        north.send("writer", note(subject, number)).unwrap();
    }
    from.drain(LONG).await.unwrap();
    let mut came = south.subscribe().into_async();
    let to = to_stream(&server)
        .name("south")
        .start(StreamStart::LastPerSubject);
    let to = to.import(">", south.trusted_publisher("link"));
    let _to = to.connect(&south).await.unwrap();
    for due in [2, 3, 4] {
        assert_eq!(came.recv().await.unwrap().message.number, due);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_stream_in_memory_is_told_too() {
    let server = MemoryServer::new();
    let bus = Bus::<Note>::new();
    let missing = to_stream(&server)
        .name("north")
        .export(">")
        .connect(&bus)
        .await;
    let error = StreamError::Missing("ALL".to_owned());
    assert!(matches!(missing, Err(LinkError::Stream(it)) if it == error));
    server.make_stream("ALL", "ob.*.a.>");
    let not_kept = to_stream(&server)
        .name("north")
        .export("b.>")
        .connect(&bus)
        .await;
    let (stream, subject) = ("ALL".to_owned(), "ob.north.b.>".to_owned());
    let error = StreamError::NotKept { stream, subject };
    assert!(matches!(not_kept, Err(LinkError::Stream(it)) if it == error));
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_takes_too_long_says_what_came_from_the_stream_and_is_not_published() {
    let server = MemoryServer::new();
    server.make_stream("ALL", "ob.>");
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let from = to_stream(&server).name("north").export(">");
    let from = from.connect(&north).await.unwrap();
    for number in 0..10 {
        north.send("writer", note("a", number)).unwrap();
    }
    from.drain(LONG).await.unwrap();
    let options = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Block);
    let _full = south.subscribe_with(options).unwrap();
    let to = to_stream(&server).name("south").start(StreamStart::First);
    let to = to.import(">", south.trusted_publisher("link"));
    let to = to.connect(&south).await.unwrap();
    let drained = to.drain(Duration::from_secs(1)).await;
    let published = to.stats().imports[0].received;
    assert!(published < 10, "{published}");
    let error = LinkDrainError::TimedOut {
        lost: 0,
        unpublished: 10 - published,
    };
    assert_eq!(drained, Err(error));
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_until_the_server_knows_how_far_the_link_is() {
    let server = MemoryServer::new();
    server.make_stream("ALL", "ob.>");
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let from = to_stream(&server).name("north").export(">");
    let from = from.connect(&north).await.unwrap();
    north.send("writer", note("a", 7)).unwrap();
    from.drain(LONG).await.unwrap();
    for is_back in [false, true] {
        let mut came = south.subscribe().into_async();
        let name = format!("south-{is_back}");
        let to = to_stream(&server).name(name).start(StreamStart::First);
        let to = to.import(">", south.trusted_publisher("link"));
        let to = to.connect(&south).await.unwrap();
        assert_eq!(came.recv().await.unwrap().message.number, 7);
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.stop();
        let limit = Duration::from_mins(1);
        let (drained, ()) = tokio::join!(to.drain(limit), async {
            if is_back {
                tokio::time::sleep(limit / 2).await;
                server.start();
            }
        });
        assert_eq!(drained.is_ok(), is_back, "{drained:?}");
        server.start();
    }
}

#[tokio::test(start_paused = true)]
async fn what_many_origins_have_stored_is_published_though_not_all_of_them_are_known_at_once() {
    let server = MemoryServer::new();
    server.make_stream("ALL", "ob.>");
    let stream = server.engine().stream("ALL".to_owned());
    let (mut sender, _receiver) = stream.connect("many").await.unwrap();
    let body = serde_json::to_vec(&note("a", 7)).unwrap();
    for origin in 1..=1_500 {
        let heading = format!(
            "1 00000000000000aa 1 01a22648-0024-7f9e-b2f5-51154ec6{origin:04x} 2026-11-29T07:49:42Z x"
        );
        let subject = format!("ob.origin-{origin}.a");
        let frame = Frame::with_headers(&subject, [("Ob", heading)], body.clone());
        sender
            .store(frame, origin, &origin.to_string())
            .await
            .unwrap();
    }
    let south = Bus::<Note>::new();
    let options = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::Block);
    let mut notes = south.subscribe_with(options).unwrap().into_async();
    let to = to_stream(&server).name("south").start(StreamStart::First);
    let to = to.import(">", south.trusted_publisher("link"));
    let to = to.connect(&south).await.unwrap();
    for _ in 0..1_500 {
        let note = tokio::time::timeout(LONG, notes.recv()).await;
        note.unwrap_or_else(|_| panic!("{:?}", to.stats())).unwrap();
    }
    to.drain(LONG).await.unwrap();
    let stats = to.stats();
    assert_eq!((stats.refused, stats.imports.len()), (0, 1_024));
    let received: u64 = stats.imports.iter().map(|it| it.received).sum();
    assert!(
        received >= 1_024 && stats.forgotten >= 476,
        "{received} {}",
        stats.forgotten
    );
}
