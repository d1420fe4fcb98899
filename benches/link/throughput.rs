//! How many notes a second get from one side to the other.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use oxide_bus::Bus;

use crate::bare::Bare;
use crate::linked::{self, Runs};
use crate::note::Note;
use crate::sides::{North, Sides, South};
use crate::table::{self, Line};

/// How many notes a round has: fewer than the client's queue takes, for the bare one loses the others.
const NOTES: u32 = 50_000;

/// How many come before the clock starts.
const WARM_UP: u32 = 2_000;

/// Returns sides that measure the notes a second.
type Start = fn(&'static str) -> Sides<f64>;

const CONTESTANTS: [(&str, Start); 4] = [
    ("async-nats", |url| bare(url, false)),
    ("async-nats, JSON written and read", |url| bare(url, true)),
    ("link, a task", |url| link(url, "task", Runs::AsTask)),
    ("link, a thread", |url| link(url, "thread", Runs::OnThread)),
];

pub(crate) fn compare(url: &'static str, rounds: usize) {
    let contestants = CONTESTANTS.map(|(name, start)| (name, start(url)));
    let samples = table::interleave(&contestants, rounds, |sides| {
        let before = processor_time();
        (sides.round(), processor_time() - before)
    });
    let notes = f64::from(WARM_UP + NOTES);
    let rates = samples.iter().map(|it| it.line(|(rate, _)| *rate));
    show("notes of 200 bytes a second, to the other side", rates);
    let times = samples.iter().map(|it| it.line(|(_, time)| time / notes));
    show("microseconds of processor a note, both sides", times);
}

fn show(title: &str, lines: impl Iterator<Item = Line>) {
    let lines: Vec<_> = lines.collect();
    table::print(title, &lines);
    let (bare, links) = lines.split_at(2);
    for ours in links {
        for other in bare {
            table::print_ratio(ours, other);
        }
    }
    println!();
}

/// Returns the microseconds of processor that all threads of this process have used. So a machine that does other work
/// as well disturbs less. Without `/proc` it is zero.
fn processor_time() -> f64 {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten();
    let used = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    used.sum::<f64>() / 1e3
}

/// Runs one contestant alone.
pub(crate) fn run_alone(url: &'static str, rounds: usize, name: &str) {
    for (_, start) in CONTESTANTS.iter().filter(|(known, _)| *known == name) {
        let sides = start(url);
        let rates = (0..rounds).map(|_| sides.round()).collect();
        table::print("notes of 200 bytes a second", &[Line::new(name, rates)]);
    }
}

async fn measure(mut north: North<f64>, mut publish: impl AsyncFnMut(u32)) {
    north.hear().await; // it listens
    while north.begins().await {
        for number in 0..WARM_UP {
            publish(number).await;
        }
        north.hear().await; // it has these
        let start = Instant::now();
        for number in 0..NOTES {
            publish(number).await;
        }
        let took = north.hear().await - start;
        north.ends(f64::from(NOTES) / took.as_secs_f64());
    }
}

/// Receives rounds of notes, and tells the other side after each round of this many.
pub(crate) async fn receive(south: South, counts: [u32; 2], mut receive: impl AsyncFnMut()) {
    south.tell();
    loop {
        for count in counts {
            for _ in 0..count {
                receive().await;
            }
            south.tell();
        }
    }
}

fn bare(url: &'static str, as_json: bool) -> Sides<f64> {
    let [subject, unused] = if as_json {
        ["json.a", "json.b"]
    } else {
        ["bytes.a", "bytes.b"]
    };
    let north = async move |north| {
        let client = Bare::connect(url, unused).await;
        let note = Note::new("a");
        let ready_made = Bytes::from(note.json());
        measure(north, async |number| {
            let body = if as_json {
                note.json().into()
            } else {
                ready_made.clone()
            };
            client.publish(subject, number, body).await;
        })
        .await;
    };
    let south = async move |south| {
        let mut client = Bare::connect(url, subject).await;
        receive(south, [WARM_UP, NOTES], async || {
            let message = client.next().await;
            if as_json {
                black_box(Note::read(&message.payload));
            }
        })
        .await;
    };
    Sides::start(north, south)
}

fn link(url: &'static str, pair: &'static str, runs: Runs) -> Sides<f64> {
    let north = async move |north| {
        let bus = Bus::new();
        let _link = runs.start(linked::north(url, pair, &bus), &bus).await;
        let publisher = bus.trusted_publisher("counter").into_async();
        let note = Note::new("a");
        measure(north, async |_| {
            let published = publisher.publish(note.clone()).await;
            black_box(published.expect("the bus is open"));
        })
        .await;
    };
    let south = async move |south| {
        let bus = Bus::new();
        let mut notes = linked::subscribe(&bus, "a");
        let _link = runs.start(linked::south(url, pair, &bus), &bus).await;
        receive(south, [WARM_UP, NOTES], async || {
            black_box(notes.recv().await.expect("the bus is open"));
        })
        .await;
    };
    Sides::start(north, south)
}
