//! How many notes a second get into a stream, and out of it on the other side: a durable link, and the bare client with
//! as many on their way at once.

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use async_nats::{Client, HeaderMap, Subscriber};
use bytes::Bytes;
use futures::StreamExt;
use oxide_bus::Bus;
use oxide_bus::link::Link;

use crate::bare;
use crate::linked::{self, LIMIT, Runs};
use crate::note::Note;
use crate::server::Server;
use crate::sides::{North, Sides, South};
use crate::table::{self, Samples};
use crate::throughput::receive;

/// How many notes a round has, and how many come before the clock starts.
const NOTES: u32 = 20_000;
const WARM_UP: u32 = 2_000;

/// How many are on their way to the stream at once, and how many of those from it wait: as with a link.
const IN_FLIGHT: u32 = 1_024;

/// After this many the bare client acknowledges, as a link does.
const ACKNOWLEDGE: u32 = 128;

/// The notes a second of a round.
struct Rates {
    stored: f64,
    received: f64,
}

pub(crate) fn compare(server: &Server, rounds: usize) {
    let url = server.url().leak(); // for threads that end with the process
    let streams = [
        ("bare", "bare.>"),
        ("stored-task", "ob.stored-task-north.>"),
        ("stored-thread", "ob.stored-thread-north.>"),
    ];
    make(server, &streams);
    let contestants = [
        ("async-nats, acknowledged", bare(url)),
        (
            "durable link, a task",
            link(url, "stored-task", Runs::AsTask),
        ),
        (
            "durable link, a thread",
            link(url, "stored-thread", Runs::OnThread),
        ),
    ];
    let samples = table::interleave(&contestants, rounds, Sides::round);
    show(
        "notes of 200 bytes a second, until they are stored",
        &samples,
        |it| it.stored,
    );
    show(
        "notes of 200 bytes a second, through a stream",
        &samples,
        |it| it.received,
    );
}

fn show(title: &str, samples: &[Samples<Rates>], rate: fn(&Rates) -> f64) {
    let lines: Vec<_> = samples.iter().map(|it| it.line(rate)).collect();
    table::print(title, &lines);
    for ours in &lines[1..] {
        table::print_ratio(ours, &lines[0]);
    }
    println!();
}

/// Makes streams in which old notes give way to new ones.
fn make(server: &Server, streams: &[(&str, &str)]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        for (name, subjects) in streams {
            let body =
                format!(r#"{{"name":"{name}","subjects":["{subjects}"],"max_msgs":100000}}"#);
            let made = server.ask(&format!("STREAM.CREATE.{name}"), body).await;
            assert!(!made.contains("error"), "{made}");
        }
    });
}

/// Sends rounds of notes by `publish`, which is given how many, and waits by `stored` until all are stored.
async fn measure(
    mut north: North<Rates>,
    mut publish: impl AsyncFnMut(u32),
    mut stored: impl AsyncFnMut(),
) {
    north.hear().await; // it listens
    while north.begins().await {
        publish(WARM_UP).await;
        stored().await;
        north.hear().await; // it has these
        let start = Instant::now();
        publish(NOTES).await;
        stored().await;
        let all_stored = Instant::now();
        let all_received = north.hear().await;
        let rate = |end: Instant| f64::from(NOTES) / (end - start).as_secs_f64();
        north.ends(Rates {
            stored: rate(all_stored),
            received: rate(all_received),
        });
    }
}

/// The bare client, and the answers of the stream.
struct Acknowledged {
    client: Client,
    inbox: String,
    answers: Subscriber,
    on_the_way: u32,
    sent: u64,
}

impl Acknowledged {
    /// Publishes with an id, and one more header as long as that of a link.
    async fn publish(&mut self, body: Bytes) {
        while self.on_the_way == IN_FLIGHT {
            self.answer().await;
        }
        let mut headers = HeaderMap::new();
        headers.insert("Id", format!("{:0110}", self.sent));
        headers.insert("Nats-Msg-Id", format!("bare-{:016x}", self.sent));
        let (subject, inbox) = ("bare.a", self.inbox.clone());
        let published = (self.client)
            .publish_with_reply_and_headers(subject, inbox, headers, body)
            .await;
        published.expect("the server is there");
        self.on_the_way += 1;
        self.sent += 1;
    }

    async fn answer(&mut self) {
        let answer = self.answers.next().await.expect("the server is there");
        assert!(!answer.payload.windows(5).any(|it| it == b"error"));
        self.on_the_way -= 1;
    }
}

fn bare(url: &'static str) -> Sides<Rates> {
    let north = async move |north| {
        let client = async_nats::connect(url).await.expect("the server is there");
        let inbox = client.new_inbox();
        let answers = bare::subscribe(&client, &inbox).await;
        let sender = tokio::sync::Mutex::new(Acknowledged {
            client,
            inbox,
            answers,
            on_the_way: 0,
            sent: 0,
        });
        let note = Note::new("a");
        measure(
            north,
            async |count| {
                let mut sender = sender.lock().await;
                for _ in 0..count {
                    sender.publish(note.json().into()).await;
                }
            },
            async || {
                let mut sender = sender.lock().await;
                while sender.on_the_way > 0 {
                    sender.answer().await;
                }
            },
        )
        .await;
    };
    let south = async move |south: South| {
        let client = async_nats::connect(url).await.expect("the server is there");
        let config = r#"{"stream_name":"bare","config":{"durable_name":"south","deliver_policy":"all","ack_policy":"all","max_ack_pending":65536}}"#;
        let made = client.request("$JS.API.CONSUMER.DURABLE.CREATE.bare.south", config.into());
        made.await.expect("the stream is there");
        let inbox = client.new_inbox();
        let mut notes = bare::subscribe(&client, &inbox).await;
        let (mut asked_for, mut taken) = (0, 0);
        receive(south, [WARM_UP, NOTES], async || {
            if asked_for <= IN_FLIGHT / 2 {
                let batch = IN_FLIGHT - asked_for;
                let next = "$JS.API.CONSUMER.MSG.NEXT.bare.south";
                let asked =
                    client.publish_with_reply(next, inbox.clone(), batch.to_string().into());
                asked.await.expect("the server is there");
                asked_for = IN_FLIGHT;
            }
            let note = notes.next().await.expect("the server is there");
            black_box(Note::read(&note.payload));
            (asked_for, taken) = (asked_for - 1, taken + 1);
            if taken % ACKNOWLEDGE == 0 {
                let at = note.reply.expect("it is of a stream");
                let acknowledged = client.publish(at, "+ACK".into());
                acknowledged.await.expect("the server is there");
            }
        })
        .await;
    };
    Sides::start(north, south)
}

fn link(url: &'static str, pair: &'static str, runs: Runs) -> Sides<Rates> {
    let north = async move |north| {
        let bus = Bus::new();
        let link = Link::nats(url).name(format!("{pair}-north"));
        let link = link.export("note.a").durable(pair);
        let link = runs.start(link, &bus).await;
        let publisher = bus.trusted_publisher("counter").into_async();
        let (note, sent) = (Note::new("a"), Cell::new(0));
        measure(
            north,
            async |count| {
                sent.set(sent.get() + u64::from(count));
                for _ in 0..count {
                    let published = publisher.publish(note.clone()).await;
                    black_box(published.expect("the bus is open"));
                }
            },
            async || {
                let all_stored = async {
                    while link.stats().export.confirmed < sent.get() {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                };
                let all_stored = tokio::time::timeout(LIMIT, all_stored).await;
                all_stored.expect("the server is there");
            },
        )
        .await;
    };
    let south = async move |south| {
        let bus = Bus::new();
        let mut notes = linked::subscribe(&bus, "a");
        let link = Link::nats(url).name(format!("{pair}-south"));
        let publisher = bus.trusted_publisher("link");
        let link = link.import_from(format!("{pair}-north"), "note.a", publisher);
        let _link = runs.start(link.durable(pair), &bus).await;
        receive(south, [WARM_UP, NOTES], async || {
            black_box(notes.recv().await.expect("the bus is open"));
        })
        .await;
    };
    Sides::start(north, south)
}
