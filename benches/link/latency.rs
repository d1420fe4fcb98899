//! How long a note takes to the other side and its answer back, at a low rate.

use std::time::{Duration, Instant};

use bytes::Bytes;
use oxide_bus::Bus;

use crate::bare::Bare;
use crate::linked::{self, Runs};
use crate::note::Note;
use crate::sides::{North, Sides, South};
use crate::table::{self, quantile};

/// How many notes a round has.
const PINGS: u32 = 250;

/// How many of them are not counted: the threads of the others ran before.
const WARM_UP: usize = 50;

/// The time between two notes.
const PAUSE: Duration = Duration::from_millis(1);

/// Sides that measure the microseconds of each there and back.
type Pings = Sides<Vec<f64>>;

pub(crate) fn compare(url: &'static str, rounds: usize) {
    let contestants = [
        ("async-nats", bare(url)),
        ("link, a task", link(url, "ping-task", Runs::AsTask)),
        ("link, a thread", link(url, "ping-thread", Runs::OnThread)),
    ];
    let samples = table::interleave(&contestants, rounds, |sides: &Pings| {
        let mut took = sides.round();
        took.sort_by(f64::total_cmp);
        took
    });
    for percent in [50, 99] {
        let lines = samples
            .iter()
            .map(|it| it.line(|took| quantile(took, percent)));
        let lines: Vec<_> = lines.collect();
        let title = format!("microseconds there and back, {percent} of 100 take at most");
        table::print(&title, &lines);
        for ours in &lines[1..] {
            table::print_ratio(ours, &lines[0]);
        }
        println!();
    }
}

/// Sends notes one by one, each answered before the next.
async fn ping(mut north: North<Vec<f64>>, mut there_and_back: impl AsyncFnMut(u32)) {
    north.hear().await; // it listens
    while north.begins().await {
        let mut took = Vec::new();
        for number in 0..PINGS {
            tokio::time::sleep(PAUSE).await;
            let start = Instant::now();
            there_and_back(number).await;
            took.push(start.elapsed().as_secs_f64() * 1e6);
        }
        north.ends(took.split_off(WARM_UP));
    }
}

fn bare(url: &'static str) -> Pings {
    let north = async move |north| {
        let mut client = Bare::connect(url, "ping.b").await;
        let body = Bytes::from(Note::new("a").json());
        ping(north, async |number| {
            client.publish("ping.a", number, body.clone()).await;
            client.next().await;
        })
        .await;
    };
    let south = async move |south: South| {
        let mut client = Bare::connect(url, "ping.a").await;
        south.tell();
        loop {
            let note = client.next().await;
            client.publish("ping.b", 0, note.payload).await;
        }
    };
    Sides::start(north, south)
}

fn link(url: &'static str, pair: &'static str, runs: Runs) -> Pings {
    let north = async move |north| {
        let bus = Bus::new();
        let mut answers = linked::subscribe(&bus, "b");
        let _link = runs.start(linked::north(url, pair, &bus), &bus).await;
        let publisher = bus.trusted_publisher("north").into_async();
        let note = Note::new("a");
        ping(north, async |_| {
            let published = publisher.publish(note.clone()).await;
            published.expect("the bus is open");
            answers.recv().await.expect("the bus is open");
        })
        .await;
    };
    let south = async move |south: South| {
        let bus = Bus::new();
        let mut notes = linked::subscribe(&bus, "a");
        let _link = runs.start(linked::south(url, pair, &bus), &bus).await;
        let publisher = bus.trusted_publisher("south").into_async();
        let answer = Note::new("b");
        south.tell();
        loop {
            notes.recv().await.expect("the bus is open");
            let published = publisher.publish(answer.clone()).await;
            published.expect("the bus is open");
        }
    };
    Sides::start(north, south)
}
