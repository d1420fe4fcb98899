//! What came by one link leaves by another, if that one is a transit.

use std::time::Duration;

use oxide_bus::link::memory::{Faults, MemoryServer};
use oxide_bus::link::{Link, StreamStart};
use oxide_bus::{AsyncSubscription, Bus, Draft, RequestError, SubscribeOptions};
use tokio::time::{Instant, sleep};

use super::{LONG, Note, exporter, importer, note, ready, until};

/// Links a bus in both directions, and lets through what others bring.
async fn transit(server: &MemoryServer, name: &str, bus: &Bus<Note>) -> Link {
    let link = Link::over(server.engine())
        .name(name)
        .export(">")
        .import(">", bus.trusted_publisher("link"))
        .transit();
    ready(link, bus).await
}

/// This many buses in a row, with a server between each and the next; in a ring, also between the last and the first.
struct Row {
    buses: Vec<Bus<Note>>,
    notes: Vec<AsyncSubscription<Note>>,
    links: Vec<Link>,
}

impl Row {
    async fn new(count: usize, is_ring: bool) -> Self {
        let buses: Vec<_> = (0..count).map(|_| Bus::new()).collect();
        let options = || SubscribeOptions::new().capacity(1 << 14);
        let notes = (buses.iter()).map(|bus| bus.subscribe_with(options()).unwrap().into_async());
        let notes = notes.collect();
        let mut links = Vec::new();
        for left in 0..count {
            let right = (left + 1) % count;
            if right > 0 || is_ring {
                let server = MemoryServer::new();
                links.push(transit(&server, &format!("right-{left}"), &buses[left]).await);
                links.push(transit(&server, &format!("left-{right}"), &buses[right]).await);
            }
        }
        Row {
            buses,
            notes,
            links,
        }
    }

    fn numbers(&mut self, bus: usize) -> Vec<u64> {
        let notes = self.notes[bus].try_iter();
        let mut numbers: Vec<_> = notes.map(|note| note.unwrap().message.number).collect();
        numbers.sort_unstable();
        numbers
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_link_brings_goes_out_by_another_that_is_a_transit_and_says_so() {
    let [near, far] = [(); 2].map(|()| MemoryServer::new());
    let [north, middle, south] = [(); 3].map(|()| Bus::<Note>::new());
    let _south = importer(&far, "south", &south).await;
    let _near = importer(&near, "near", &middle).await;
    let plain = exporter(&far, "plain", &middle).await;
    let _north = exporter(&near, "north", &north).await;
    let mut notes = south.subscribe().into_async();
    north.send("counter", note("a", 1)).unwrap();
    sleep(LONG).await;
    assert_eq!(notes.len(), 0);
    assert_eq!(plain.stats().export.passed_over, 1);
    plain.close().await;

    let through = transit(&far, "far", &middle).await;
    let draft = Draft::new(note("a", 2));
    let draft = draft.with_header("tenant", "north").unwrap();
    let sent = north.send("counter", draft).unwrap().id();
    let received = notes.recv().await.unwrap();
    assert_eq!((received.id, received.source.as_str()), (sent, "counter"));
    assert_eq!(received.header("tenant"), Some("north"));
    assert_eq!(received.header("link-origin"), Some("far"));
    through.drain(LONG).await.unwrap();
    let export = through.stats().export;
    assert_eq!((export.confirmed, export.passed_over), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_only_claims_to_be_brought_does_not_go_out() {
    let server = MemoryServer::new();
    let north = Bus::<Note>::new();
    let link = transit(&server, "north", &north).await;
    let _other = importer(&MemoryServer::new(), "other", &north).await;
    let draft = Draft::new(note("a", 1));
    let draft = draft.with_header("link-origin", "other").unwrap();
    north.send("counter", draft).unwrap();
    link.drain(LONG).await.unwrap();
    let export = link.stats().export;
    assert_eq!((export.exported, export.passed_over), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn in_a_ring_of_transits_each_envelope_comes_once() {
    for count in [2, 3, 5] {
        let mut ring = Row::new(count, true).await;
        for (number, bus) in (0..).zip(&ring.buses) {
            for more in 0..10 {
                bus.send("counter", note("a", 10 * number + more)).unwrap();
            }
        }
        sleep(LONG).await;
        for bus in 0..count {
            let all = 0..10 * count as u64;
            assert!(ring.numbers(bus).into_iter().eq(all), "{count} {bus}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn transits_between_the_same_buses_over_one_server_bring_each_envelope_once() {
    let server = MemoryServer::new();
    let buses = [(); 3].map(|()| Bus::<Note>::new());
    let options = || SubscribeOptions::new().capacity(1_024);
    let notes = (buses.each_ref()).map(|bus| bus.subscribe_with(options()).unwrap().into_async());
    let mut links = Vec::new();
    for (number, bus) in buses.iter().enumerate() {
        for link in ["one", "other"] {
            links.push(transit(&server, &format!("{link}-{number}"), bus).await);
        }
    }
    for (number, bus) in (0..).zip(&buses) {
        bus.send("counter", note("a", number)).unwrap();
    }
    sleep(LONG).await;
    for mut notes in notes {
        let numbers = notes.try_iter().map(|note| note.unwrap().message.number);
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1, 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_envelope_is_passed_on_by_eight_links_at_most() {
    let mut row = Row::new(12, false).await;
    row.buses[0].send("counter", note("a", 7)).unwrap();
    sleep(LONG).await;
    for bus in 0..12 {
        let comes = bus <= 9; // sent by one link, and passed on by eight
        assert_eq!(row.numbers(bus), [7].repeat(usize::from(comes)), "{bus}");
    }
    let right = row.links.iter().find(|it| it.name() == "right-9").unwrap();
    assert_eq!(right.stats().export.passed_over, 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_through_a_transit_or_ends_at_once() {
    let row = Row::new(4, false).await;
    sleep(LONG).await;
    let Row {
        buses,
        notes,
        links: _links,
    } = row;
    drop(notes);
    let client = buses[0].trusted_publisher("client").into_async();
    let began = Instant::now();
    let error = client.request(note("a", 7)).await.unwrap_err();
    assert!(matches!(error, RequestError::NoResponders), "{error}");
    assert!(began.elapsed() < Duration::from_millis(100));

    let mut questions = buses[3].subscribe_to("a").unwrap().into_async();
    let square = buses[3].trusted_publisher("square");
    tokio::spawn(async move {
        while let Ok(question) = questions.recv().await {
            let number = question.message.number;
            square.reply(&question, note("b", number * number)).unwrap();
        }
    });
    let answer = client.request(note("a", 7)).await.unwrap();
    assert_eq!(answer.message.number, 49);
}

#[tokio::test(start_paused = true)]
async fn a_transit_between_two_streams_brings_each_envelope_once_though_it_comes_and_goes() {
    let faults = Faults {
        cuts: 0.01,
        outage: Duration::from_secs(1),
        ..Faults::default()
    };
    let [near, far] = [1, 2].map(|seed| MemoryServer::with_faults(seed, faults));
    for server in [&near, &far] {
        server.make_stream("ALL", "ob.>");
    }
    let (north, south) = (Bus::<Note>::new(), Bus::<Note>::new());
    for life in 0..3 {
        let middle = Bus::<Note>::new();
        let out = Link::over(far.engine())
            .name("middle")
            .export(">")
            .transit()
            .durable("ALL");
        let out = out.connect(&middle).await.unwrap();
        let through = Link::over(near.engine())
            .name("middle")
            .import(">", middle.trusted_publisher("link"))
            .start(StreamStart::First)
            .durable("ALL");
        let through = through.connect(&middle).await.unwrap();
        let from = Link::over(near.engine()).name("north").export(">");
        let from = from.durable("ALL").connect(&north).await.unwrap();
        let publisher = north.trusted_publisher("counter").into_async();
        for number in 0..500 {
            (publisher.publish(note("a", 500 * life + number)).await).unwrap();
        }
        from.drain(LONG).await.unwrap();
        until(&through, "north", |it| it.received == 500).await;
        through.drain(LONG).await.unwrap();
        out.drain(LONG).await.unwrap();
        let export = out.stats().export;
        assert_eq!((export.confirmed, export.passed_over), (500, 0));
    }
    let options = SubscribeOptions::new().capacity(1 << 11);
    let mut notes = south.subscribe_with(options).unwrap().into_async();
    let to = Link::over(far.engine())
        .name("south")
        .import(">", south.trusted_publisher("link"))
        .start(StreamStart::First)
        .durable("ALL");
    let to = to.connect(&south).await.unwrap();
    for number in 0..1_500 {
        let note = notes.recv().await.unwrap();
        assert_eq!(note.message.number, number);
        assert_eq!(note.header("link-origin"), Some("middle"));
    }
    to.drain(LONG).await.unwrap();
    assert_eq!(notes.len(), 0);
}
