//! Hostile neighbours: what is forged is denied, what cannot be is refused, all of it is counted, and nothing stops.

use bytes::Bytes;
use oxide_bus::link::engine::{Engine, EngineSender, Frame};
use oxide_bus::link::memory::{MemorySender, MemoryServer};
use oxide_bus::link::{Link, NotReadyError};
use oxide_bus::{Advisory, Bus, Denial, Envelope, Grant, Headers, SubscribeOptions};

use super::{LONG, Note, exporter, importer, note, until};

const ID: &str = "01a22648-0024-7f9e-b2f5-51154ec6280d";
const TIME: &str = "2026-11-29T07:49:42.564976173Z";

fn frame(subject: &str, heading: &str, body: impl Into<Bytes>) -> Frame {
    Frame::with_headers(subject, [("Ob", heading)], body)
}

fn heading(sequence: u64) -> String {
    let id = ID.replace("6280d", &format!("{sequence:05x}"));
    format!("1 00000000000000aa {sequence} {id} {TIME} mallory")
}

fn body(subject: &str) -> Vec<u8> {
    serde_json::to_vec(&note(subject, 7)).unwrap()
}

async fn mallory(server: &MemoryServer) -> MemorySender {
    server.engine().connect("mallory").await.unwrap().0
}

#[tokio::test(start_paused = true)]
async fn frames_that_no_link_sends_are_refused_and_counted_and_nothing_stops() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe().into_async();
    let to = importer(&server, "south", &south).await;
    let mut mallory = mallory(&server).await;
    let good = heading(1);
    let bad_headings = [
        String::new(),
        "1".to_owned(),
        good.replacen('1', "2", 1),
        good.replace("00000000000000aa", "aa"),
        good.replace("00000000000000aa", "000000000000000g"),
        good.replace(" 1 ", " 0 "),
        good.replace(" 1 ", " -1 "),
        good.replace(" 1 ", " 18446744073709551616 "),
        good.replace(" 1 ", " 18446744073709551615 "),
        good.replace("01a22648-", "01a22648"),
        good.replace("mallory", "=ff"),
        good.replace("mallory", "=41"),
        good.replace("mallory", "=FF"),
        good.replace("2026", "20-6"),
        format!("{good} {ID} more"),
        format!("{good} 00000000-0000-0000-0000-000000000000"),
        format!("{good}{}", "x".repeat(10_000)),
    ];
    let mut refused = 0;
    for bad in &bad_headings {
        mallory
            .send(frame("ob.mallory.a", bad, body("a")))
            .await
            .unwrap();
        refused += 1;
    }
    for subject in ["ob.mallory.=c.mark", "ob.M.a", "ob.ma_l.a", "ob.*.a"] {
        for body in ["", "{", "[]", &"[".repeat(100_000), "\"\u{0}\""] {
            mallory
                .send(frame(subject, &good, body.to_owned()))
                .await
                .unwrap();
            refused += 1;
        }
    }
    for marks in [
        "0,\"last\":1",
        "9,\"last\":1",
        "1,\"last\":18446744073709551615",
    ] {
        let mark = format!("{{\"incarnation\":170,\"first\":{marks},\"age\":0,\"exports\":[]}}");
        mallory
            .send(frame("ob.mallory.=c.mark", "", mark))
            .await
            .unwrap();
        refused += 1;
    }
    let none = Frame::new("ob.mallory.a", body("a"));
    mallory.send(none).await.unwrap();
    refused += 1;
    let wait = async {
        while to.stats().refused < refused {
            tokio::task::yield_now().await;
        }
    };
    wait.await;
    assert_eq!(to.stats().refused, refused);

    let _from = exporter(&server, "north", &north).await;
    north.send("counter", note("a", 1)).unwrap();
    assert_eq!(notes.recv().await.unwrap().message.number, 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_cut_that_has_lost_a_million_frames_no_good_one_counts_as_refused() {
    let server = MemoryServer::new();
    let south = Bus::<Note>::new();
    let mut notes = south.subscribe().into_async();
    let to = importer(&server, "south", &south).await;
    let mut far = mallory(&server).await;
    let mark = |first: u64, last: u64| {
        let exports = "\"exports\":[\">\"]";
        let mark = format!(
            "{{\"incarnation\":170,\"first\":{first},\"last\":{last},\"age\":0,{exports}}}"
        );
        frame("ob.far.=c.mark", "", mark)
    };
    let next = 1 << 21;
    let sent = || {
        let heading = heading(2).replace(" 2 ", &format!(" {next} "));
        frame("ob.far.a", &heading, body("a"))
    };
    far.send(mark(1, 0)).await.unwrap();
    far.send(frame("ob.far.a", &heading(1), body("a")))
        .await
        .unwrap();
    notes.recv().await.unwrap();
    server.cut("south");
    server.mend("south");
    to.ready(LONG).await.unwrap();
    far.send(sent()).await.unwrap();
    far.send(mark(next, next)).await.unwrap();
    far.send(sent()).await.unwrap(); // it was asked for
    until(&to, "far", |it| (it.received, it.missed) == (2, next - 2)).await;
    assert_eq!(to.stats().refused, 0);
}

#[tokio::test(start_paused = true)]
async fn envelopes_that_cannot_be_read_are_refused_and_counted_and_nothing_stops() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe().into_async();
    let to = importer(&server, "south", &south).await;
    let mut mallory = mallory(&server).await;
    let mark = "{\"incarnation\":170,\"first\":1,\"last\":0,\"age\":0,\"exports\":[\">\"]}";
    mallory
        .send(frame("ob.mallory.=c.mark", "", mark))
        .await
        .unwrap();
    let deep = "[".repeat(10_000);
    let bodies: [&[u8]; 6] = [
        b"",
        b"\xff\xfe",
        b"{}",
        b"null",
        deep.as_bytes(),
        b"{\"subject\":[\"a\"],\"number\":1e999}",
    ];
    for (sequence, body) in (1..).zip(bodies) {
        let bytes = Bytes::copy_from_slice(body);
        mallory
            .send(frame("ob.mallory.a", &heading(sequence), bytes))
            .await
            .unwrap();
    }
    let long = "n".repeat(10_000);
    let huge = [("Ob-H-a", &*long), ("Ob-H-A", "upper case")];
    let twice = [("Ob-H-a", "1"), ("Ob-H-a", "2")];
    let linked = [("Ob-H-link-origin", "north")];
    let escape = [("Ob-H-a", "=F")];
    for (sequence, own) in (7..).zip([&huge[..], &twice, &linked, &escape]) {
        let heading = heading(sequence);
        let headers = [("Ob", &*heading)].into_iter().chain(own.iter().copied());
        let bad = Frame::with_headers("ob.mallory.a", headers, body("a"));
        mallory.send(bad).await.unwrap();
    }
    until(&to, "mallory", |it| it.refused == 10 && it.received == 0).await;
    assert!(to.stats().last_error.is_some());

    let _from = exporter(&server, "north", &north).await;
    north.send("counter", note("a", 1)).unwrap();
    assert_eq!(notes.recv().await.unwrap().message.number, 1);
}

#[tokio::test(start_paused = true)]
async fn a_forged_source_subject_or_origin_is_a_counted_denial() {
    let server = MemoryServer::new();
    let south = Bus::<Note>::new();
    let mut advisories = south
        .advisories_with(SubscribeOptions::new().pattern("advisory.denied"))
        .unwrap()
        .into_async();
    let grant = Grant::new("from:north")
        .forwards()
        .sources(["counter"])
        .pattern("a.>")
        .headers([""; 0]);
    south.grant(grant).unwrap();
    let mut notes = south.subscribe().into_async();
    let to = Link::over(server.engine())
        .name("south")
        .import_from("north", "a.>", south.publisher("link", "from:north"))
        .import_from("west", "b", south.publisher("link", "from:west"))
        .connect(&south)
        .await
        .unwrap();
    to.ready(LONG).await.unwrap();

    let north = Bus::<Note>::new();
    let _from = exporter(&server, "north", &north).await;
    north.send("counter", note("a.b", 1)).unwrap();
    assert_eq!(notes.recv().await.unwrap().message.number, 1);
    north.send("kernel", note("a.b", 2)).unwrap();
    until(&to, "north", |it| it.denied == 1).await;
    let Advisory::Denied {
        claimed, denial, ..
    } = advisories.recv().await.unwrap().message.clone()
    else {
        panic!("another advisory")
    };
    assert_eq!((claimed.as_str(), denial), ("kernel", Denial::Source));

    // The body has another subject than the frame: a server that checks subjects would be deceived.
    let mut mallory = mallory(&server).await;
    let counter = |sequence| heading(sequence).replace("mallory", "counter");
    mallory
        .send(frame("ob.north.a.b", &counter(1), body("a.c")))
        .await
        .unwrap();
    until(&to, "north", |it| it.denied == 2).await;
    let told = advisories.recv().await.unwrap().message.clone();
    assert!(
        matches!(
            told,
            Advisory::Denied {
                denial: Denial::Subject,
                ..
            }
        ),
        "{told:?}"
    );

    // An origin that is not imported does not come at all; one without a grant is denied.
    mallory
        .send(frame("ob.east.a.b", &counter(1), body("a.b")))
        .await
        .unwrap();
    mallory
        .send(frame("ob.west.b", &counter(1), body("b")))
        .await
        .unwrap();
    until(&to, "west", |it| it.denied == 1).await;
    assert_eq!(to.stats().imports.len(), 2);
    assert!(notes.try_recv().is_err());
    assert_eq!(south.stats().denied, 3);
}

#[tokio::test(start_paused = true)]
async fn a_subject_that_is_too_long_does_not_go_out_and_is_counted() {
    let server = MemoryServer::new();
    let north = Bus::<Note>::new();
    let from = exporter(&server, "north", &north).await;
    let longest = 1024 - "ob.north.".len();
    for length in [longest, longest + 1, 5_000] {
        north.send("counter", note(&"x".repeat(length), 1)).unwrap();
    }
    from.drain(LONG).await.unwrap();
    let export = from.stats().export;
    assert_eq!((export.confirmed, export.unsendable), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn an_envelope_that_no_server_or_receiver_takes_does_not_go_out_and_is_counted() {
    let server = MemoryServer::new();
    let bus = Bus::<Vec<String>>::new();
    let link = Link::over(server.engine())
        .name("north")
        .export_everything();
    let link = link.connect(&bus).await.unwrap();
    // About this many bytes: with quotes and comma, 1,024 for each text but the last.
    let texts = |bytes: usize| {
        let mut texts = vec!["x".repeat(1_021); bytes / 1_024];
        texts.push("x".repeat(bytes % 1_024));
        texts
    };
    for bytes in [1 << 19, (1 << 20) - 4_096, (1 << 20) - 100] {
        bus.send("counter", texts(bytes)).unwrap();
    }
    let mut headers = Envelope::new("counter", texts(1_024));
    for number in 0..Headers::MAX_LEN {
        headers.headers.insert(&format!("h{number}"), "v").unwrap();
    }
    bus.publish(headers).unwrap();
    bus.send("counter", texts(1_024)).unwrap();
    link.drain(LONG).await.unwrap();
    let export = link.stats().export;
    assert_eq!((export.confirmed, export.unsendable), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_number_that_jumps_to_the_end_makes_nobody_wait() {
    let server = MemoryServer::new();
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    let mut notes = south.subscribe().into_async();
    let to = importer(&server, "south", &south).await;
    let from = exporter(&server, "north", &north).await;
    north.send("counter", note("a", 1)).unwrap();
    assert_eq!(notes.recv().await.unwrap().message.number, 1);
    let mut mallory = mallory(&server).await;
    for sequence in [u64::MAX, u64::MAX - 1, 1 << 63] {
        mallory
            .send(frame("ob.north.a", &heading(sequence), body("a")))
            .await
            .unwrap();
    }
    north.send("counter", note("a", 2)).unwrap();
    assert_eq!(notes.recv().await.unwrap().message.number, 2);
    from.drain(LONG).await.unwrap();
    until(&to, "north", |it| it.received == 2 && it.missed == 0).await;
    assert_eq!(to.stats().refused, 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_server_makes_a_link_not_ready_and_names_the_subject() {
    let server = MemoryServer::new();
    server.forbid("south", "ob.*.secret");
    let south = Bus::<Note>::new();
    let to = Link::over(server.engine())
        .name("south")
        .import("secret", south.trusted_publisher("link"))
        .connect(&south)
        .await
        .unwrap();
    for denials in 1..=3 {
        let refused = to.ready(LONG).await.unwrap_err();
        let NotReadyError::Denied { subject, .. } = &refused else {
            panic!("{refused}")
        };
        assert_eq!(subject.as_deref(), Some("ob.*.secret"));
        assert_eq!(to.stats().server_denials, denials);
        server.stop();
        server.start();
        while to.stats().reconnects < denials {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_denies_is_counted_although_it_seems_confirmed() {
    let server = MemoryServer::new();
    server.forbid("north", "ob.north.secret");
    let north = Bus::<Note>::new();
    let from = exporter(&server, "north", &north).await;
    from.ready(LONG).await.unwrap();
    north.send("counter", note("secret", 1)).unwrap();
    while from.stats().server_denials < 1 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    from.drain(LONG).await.unwrap();
    let stats = from.stats();
    assert_eq!((stats.export.confirmed, stats.server_denials), (1, 1));
    assert!(stats.last_error.unwrap().contains("ob.north.secret"));
}
