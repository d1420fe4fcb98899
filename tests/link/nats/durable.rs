//! Durable links over a server that crashes, and links that come and go: everything arrives once, and the accounts are
//! exact.

use std::time::Duration;

use futures::StreamExt;
use oxide_bus::link::nats::NatsStream;
use oxide_bus::link::{Link, LinkBuilder, LinkStats, StreamStart};
use oxide_bus::{AsyncSubscription, Bus, Overflow, Payload, Subject, SubscribeOptions};
use serde::{Deserialize, Serialize};
use tokio::time::{interval, timeout};

use super::server::{DEADLINE, Server, soon};

/// Long enough for something to come, if it does.
const MOMENT: Duration = Duration::from_millis(200);

fn durable<M>(server: &Server, name: &str) -> LinkBuilder<NatsStream, M> {
    let limit = Duration::from_secs(2);
    let link = Link::over(server.nats()).name(name).time_limit(limit);
    link.durable("ALL")
}

async fn exporter(server: &Server, bus: &Bus<u64>) -> Link {
    let link = durable(server, "north").export_everything().connect(bus);
    soon(link).await.expect("the stream is there")
}

async fn importer(server: &Server, bus: &Bus<u64>) -> Link {
    let publisher = bus.trusted_publisher("link");
    let link = durable(server, "south").import_everything(publisher);
    let link = soon(link.connect(bus)).await.expect("the stream is there");
    link.ready(DEADLINE).await.expect("the stream is there");
    link
}

/// A server, the buses north and south, a link from the one and one to the other, and what comes at the south.
type Joined = (Server, [Bus<u64>; 2], [Link; 2], AsyncSubscription<u64>);

/// Joins two buses over a stream. The subscriber at the south makes publishers wait. `None` if there is no server.
async fn join(options: SubscribeOptions<u64>) -> Option<Joined> {
    let server = Server::with_streams()?;
    server.make_stream("ALL", "ob.>").await;
    let (north, south) = (Bus::new(), Bus::new());
    let numbers = south.subscribe_with(options.overflow(Overflow::Block));
    let numbers = numbers.expect("good options").into_async();
    let to = importer(&server, &south).await;
    let from = exporter(&server, &north).await;
    Some((server, [north, south], [from, to], numbers))
}

fn listen<M: Payload>(bus: &Bus<M>) -> AsyncSubscription<M> {
    let all = SubscribeOptions::new().overflow(Overflow::Block);
    bus.subscribe_with(all).expect("good options").into_async()
}

/// Publishes these numbers, this many each 10 ms if a number is given.
async fn publish(bus: Bus<u64>, from: u64, to: u64, at_once: Option<u64>) {
    let publisher = bus.trusted_publisher("counter").into_async();
    let mut pace = interval(Duration::from_millis(10));
    for number in from..to {
        if at_once.is_some_and(|at_once| number % at_once == 0) {
            pace.tick().await;
        }
        publisher.publish(number).await.expect("the bus is open");
    }
}

/// Receives the next numbers, each once and in order.
async fn receive(numbers: &mut AsyncSubscription<u64>, from: u64, to: u64) {
    for due in from..to {
        let number = soon(numbers.recv()).await.expect("it is open");
        assert_eq!(number.message, due);
    }
}

async fn nothing_more<M>(numbers: &mut AsyncSubscription<M>) {
    let more = timeout(MOMENT, numbers.recv()).await;
    assert!(more.is_err(), "no more comes");
}

/// Checks that all was stored.
async fn check_sent(from: &Link, count: u64) -> LinkStats {
    let drained = from.drain(DEADLINE).await;
    let sent = from.stats();
    drained.unwrap_or_else(|error| panic!("{error}: {sent:?}"));
    let export = sent.export;
    assert_eq!(
        (export.exported, export.confirmed),
        (count, count),
        "{sent:?}"
    );
    assert_eq!((export.lost, export.pending), (0, 0), "{sent:?}");
    sent
}

/// Checks that this many were published, each once.
fn check_came(to: &Link, count: u64) -> LinkStats {
    let came = to.stats();
    assert_eq!(came.imports.len(), 1, "{came:?}");
    let import = &came.imports[0];
    assert_eq!(
        (&*import.origin, import.received),
        ("north", count),
        "{came:?}"
    );
    let others = (
        import.refused,
        import.denied,
        import.missed,
        import.repeated,
    );
    assert_eq!(others, (0, 0, 0, 0), "{came:?}");
    assert_eq!(came.refused, 0, "{came:?}");
    came
}

#[tokio::test]
async fn what_is_sent_while_nobody_listens_comes_later_and_once() {
    let Some((server, [north, south], [from, to], mut numbers)) =
        join(SubscribeOptions::new()).await
    else {
        return;
    };
    publish(north.clone(), 0, 1_000, None).await;
    receive(&mut numbers, 0, 1_000).await;
    to.drain(DEADLINE).await.expect("the server is there");
    check_came(&to, 1_000);
    publish(north.clone(), 1_000, 5_000, None).await;
    check_sent(&from, 5_000).await;
    drop(north);
    nothing_more(&mut numbers).await;
    let to = importer(&server, &south).await;
    receive(&mut numbers, 1_000, 5_000).await;
    nothing_more(&mut numbers).await;
    check_came(&to, 4_000);
}

async fn with_kills(count: u64, at_once: Option<u64>) {
    const KILLS: u64 = 4;
    let Some((mut server, [north, _south], [from, to], mut numbers)) =
        join(SubscribeOptions::new()).await
    else {
        return;
    };
    let publishing = tokio::spawn(publish(north.clone(), 0, count, at_once));
    let part = count / (KILLS + 1);
    for kill in 0..KILLS {
        receive(&mut numbers, kill * part, (kill + 1) * part).await;
        server.kill();
        server.restart();
    }
    receive(&mut numbers, KILLS * part, count).await;
    publishing.await.expect("it does not panic");
    let sent = check_sent(&from, count).await;
    nothing_more(&mut numbers).await;
    let came = check_came(&to, count);
    println!("{sent:?}\n{came:?}");
    assert!(
        sent.reconnects >= KILLS && came.reconnects >= KILLS,
        "{sent:?} {came:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_loses_and_doubles_nothing_of_5000_a_second() {
    with_kills(10_000, Some(50)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_loses_and_doubles_nothing_of_what_is_published_flat_out() {
    with_kills(60_000, None).await;
}

/// As after an outage of the exporter that is longer than the server remembers ids.
#[tokio::test]
async fn what_the_server_stores_twice_is_published_once() {
    let Some((server, [north, _south], [from, to], mut numbers)) =
        join(SubscribeOptions::new()).await
    else {
        return;
    };
    let client = soon(async_nats::connect(server.url())).await;
    let client = client.expect("the server is there");
    let mut stored = client.subscribe("ob.>").await.expect("a good subject");
    client.flush().await.expect("the server is there");
    publish(north.clone(), 0, 100, None).await;
    receive(&mut numbers, 0, 100).await;
    for _ in 0..100 {
        let message = soon(stored.next()).await.expect("it listens");
        let heading = message.headers.as_ref().and_then(|it| it.get("Ob"));
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Ob", heading.expect("a link has sent it").clone());
        let again = client.publish_with_headers(message.subject, headers, message.payload);
        again.await.expect("the server is there");
    }
    publish(north.clone(), 100, 101, None).await;
    receive(&mut numbers, 100, 101).await;
    check_sent(&from, 101).await;
    let all_came = async {
        while to.stats().imports[0].duplicates < 100 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon(all_came).await;
    nothing_more(&mut numbers).await;
    check_came(&to, 101);
}

/// What had come out of the store is there, and what is not stored yet is stored in the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_begins_with_an_empty_store_takes_what_is_not_confirmed() {
    let Some((mut server, [north, _south], [from, to], mut numbers)) =
        join(SubscribeOptions::new()).await
    else {
        return;
    };
    publish(north.clone(), 0, 2_000, None).await;
    receive(&mut numbers, 0, 2_000).await;
    server.kill();
    server.empty_store();
    server.restart();
    publish(north.clone(), 2_000, 5_000, None).await;
    nothing_more(&mut numbers).await;
    assert_eq!(from.stats().export.confirmed, 2_000);
    let said = from.stats().last_error.expect("it says why");
    assert!(said.contains("there is no stream ALL"), "{said}");
    server.make_stream("ALL", "ob.>").await;
    receive(&mut numbers, 2_000, 5_000).await;
    nothing_more(&mut numbers).await;
    check_sent(&from, 5_000).await;
    check_came(&to, 5_000);
}

/// What was published and not acknowledged comes again, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_importer_that_crashes_misses_nothing_and_receives_little_twice() {
    const COUNT: u64 = 30_000;
    let Some(server) = Server::with_streams() else {
        return;
    };
    server.make_stream("ALL", "ob.>").await;
    let north = Bus::new();
    let from = exporter(&server, &north).await;
    let mut due = 0;
    let mut twice = 0;
    for life in 0..5 {
        let is_last = life == 4;
        let south = Bus::<u64>::new();
        let mut numbers = listen(&south);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let link = durable(&server, "south")
            .import_everything(south.trusted_publisher("link"))
            .start(StreamStart::First);
        let bus = south.clone();
        let link = runtime.spawn(async move { link.connect(&bus).await });
        let link = soon(link)
            .await
            .expect("no panic")
            .expect("the stream is there");
        if life == 0 {
            tokio::spawn(publish(north.clone(), 0, COUNT, None));
        }
        let until = if is_last {
            COUNT
        } else {
            (life + 1) * COUNT / 5
        };
        while due < until {
            let number = soon(numbers.recv()).await.expect("it is open").message;
            assert!(number <= due, "{number} is after {due}");
            (twice, due) = if number < due {
                (twice + 1, due)
            } else {
                (twice, due + 1)
            };
        }
        runtime.shutdown_background(); // as a crash: nothing is said to the server
        drop(link);
        // What got onto the bus before the crash.
        while let Ok(Ok(number)) = timeout(MOMENT, numbers.recv()).await {
            due = due.max(number.message + 1);
        }
    }
    println!("{twice} of {COUNT} came twice");
    assert!(twice <= 4 * 1_024, "{twice}");
    check_sent(&from, COUNT).await;
}

#[tokio::test]
async fn a_consumer_or_a_stream_that_somebody_deletes_is_made_good() {
    let Some((server, [north, _south], [from, to], mut numbers)) =
        join(SubscribeOptions::new()).await
    else {
        return;
    };
    publish(north.clone(), 0, 100, None).await;
    receive(&mut numbers, 0, 100).await;
    for consumer in ["south_1", "south_2"] {
        server
            .ask(&format!("CONSUMER.DELETE.ALL.{consumer}"), String::new())
            .await;
    }
    publish(north.clone(), 100, 200, None).await;
    receive(&mut numbers, 100, 200).await;
    server.ask("STREAM.DELETE.ALL", String::new()).await;
    publish(north.clone(), 200, 300, None).await;
    nothing_more(&mut numbers).await;
    server.make_stream("ALL", "ob.>").await;
    receive(&mut numbers, 200, 300).await;
    nothing_more(&mut numbers).await;
    check_sent(&from, 300).await;
    check_came(&to, 300);
}

/// As the documents say. The permissions that a link needs keep others from it.
#[tokio::test]
async fn without_permissions_whoever_receives_a_frame_can_answer_in_the_place_of_the_stream() {
    let Some((server, [north, _south], [from, _to], _numbers)) =
        join(SubscribeOptions::new()).await
    else {
        return;
    };
    let client = soon(async_nats::connect(server.url())).await;
    let client = client.expect("the server is there");
    let mut heard = client.subscribe("ob.>").await.expect("a good subject");
    client.flush().await.expect("the server is there");
    server.ask("STREAM.DELETE.ALL", String::new()).await;
    publish(north.clone(), 0, 10, None).await;
    for _ in 0..10 {
        let frame = soon(heard.next()).await.expect("it listens");
        let answer = frame.reply.expect("the stream is to answer");
        let forged = client.publish(answer, "{}".into()).await;
        forged.expect("the server is there");
    }
    check_sent(&from, 10).await;
}

/// A reading of a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    room: String,
    number: u64,
}

impl Payload for Reading {
    fn subject(&self) -> Subject<'_> {
        Subject::new(["reading", &self.room])
    }
}

/// Receives everything that is there, as rooms and numbers.
async fn readings(readings: &mut AsyncSubscription<Reading>) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    while let Ok(Ok(reading)) = timeout(MOMENT, readings.recv()).await {
        all.push((reading.message.room.clone(), reading.message.number));
    }
    all
}

#[tokio::test]
async fn a_link_that_joins_late_begins_where_it_says() {
    let Some(server) = Server::with_streams() else {
        return;
    };
    server.make_stream("ALL", "ob.*.reading.>").await;
    let north = Bus::new();
    let from = durable(&server, "north")
        .export("reading.>")
        .connect(&north);
    let from = soon(from).await.expect("the stream is there");
    let rooms = ["attic", "cellar", "attic", "hall"];
    let all = rooms
        .iter()
        .zip(1..)
        .map(|(room, number)| ((*room).to_owned(), number));
    let all: Vec<_> = all.collect();
    let publish = async |readings: &[(String, u64)]| {
        for (room, number) in readings.iter().cloned() {
            north
                .send("thermometer", Reading { room, number })
                .expect("it is open");
        }
    };
    publish(&all).await;
    for (start, due) in [
        (StreamStart::New, &all[..0]),
        (StreamStart::LastPerSubject, &all[1..]),
        (StreamStart::First, &all[..]),
    ] {
        let south = Bus::new();
        let mut came = listen(&south);
        let name = format!("{start:?}").to_lowercase();
        let link = durable(&server, &name)
            .import("reading.*", south.trusted_publisher("link"))
            .start(start)
            .connect(&south);
        let link = soon(link).await.expect("the stream is there");
        assert_eq!(readings(&mut came).await, due, "{start:?}");
        publish(&all).await;
        assert_eq!(readings(&mut came).await, all, "{start:?}");
        link.drain(DEADLINE).await.expect("the server is there");
        // It is known now, so it goes on where it was.
        publish(&all).await;
        let link = durable(&server, &name)
            .import("reading.*", south.trusted_publisher("link"))
            .start(start)
            .connect(&south);
        let _link = soon(link).await.expect("the stream is there");
        assert_eq!(readings(&mut came).await, all, "{start:?}");
        server.ask("STREAM.PURGE.ALL", String::new()).await;
        publish(&all).await;
    }
    from.drain(DEADLINE).await.expect("the server is there");
}

#[tokio::test]
async fn only_what_is_imported_comes_and_all_of_it() {
    let Some(server) = Server::with_streams() else {
        return;
    };
    server.make_stream("ALL", "ob.>").await;
    let (north, south) = (Bus::new(), Bus::new());
    let mut came = listen(&south);
    let publisher = south.trusted_publisher("link");
    let to = durable(&server, "south")
        .import_from("north", "reading.attic", publisher.clone())
        .import_from("north", "reading.hall", publisher)
        .connect(&south);
    let to = soon(to).await.expect("the stream is there");
    let from = durable(&server, "north")
        .export("reading.>")
        .connect(&north);
    let from = soon(from).await.expect("the stream is there");
    let east = Bus::new();
    let other = durable(&server, "east").export("reading.>").connect(&east);
    let other = soon(other).await.expect("the stream is there");
    for (room, number) in ["attic", "cellar", "hall"].iter().cycle().zip(0..300) {
        for bus in [&north, &east] {
            let room = (*room).to_owned();
            bus.send("thermometer", Reading { room, number })
                .expect("it is open");
        }
    }
    let came: Vec<_> = readings(&mut came)
        .await
        .into_iter()
        .map(|it| it.1)
        .collect();
    let due: Vec<_> = (0..300).filter(|it| it % 3 != 1).collect();
    assert_eq!(came, due);
    assert_eq!(to.stats().imports.len(), 1);
    assert_eq!(to.stats().imports[0].denied, 0);
    drop((from, other));
}

#[tokio::test]
async fn a_bus_that_has_no_room_delays_what_comes_and_loses_nothing() {
    let few = SubscribeOptions::new().capacity(8);
    let Some((_server, [north, _south], [from, to], mut numbers)) = join(few).await else {
        return;
    };
    publish(north.clone(), 0, 10_000, None).await;
    check_sent(&from, 10_000).await;
    drop(north);
    receive(&mut numbers, 0, 10_000).await;
    nothing_more(&mut numbers).await;
    check_came(&to, 10_000);
}
