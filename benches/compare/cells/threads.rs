//! Cells about what threads achieve together, without loss.
//!
//! With one subscriber on a core of its own, all contestants that allocate for every envelope end up near the same
//! figure. The system's allocator then pays for memory that one core allocates and another frees: about a microsecond
//! each time with glibc. That is part of what a user gets.

use super::{Cell, Effort, Row, Unit, outcomes};
use crate::run::contestants::enter;
use crate::run::envelopes::Payload;
use crate::run::measure::{Median, interleave, run_threads};

pub(super) fn one_publisher(cell: &Cell, effort: Effort) -> Vec<Row> {
    let mut rows = Vec::new();
    for payload in [Payload::Ping, Payload::Json] {
        for subscribers in [1, 2, 4, 8] {
            rows.push(throughput(cell, payload, 1, subscribers, effort));
        }
    }
    rows
}

pub(super) fn several_publishers(cell: &Cell, effort: Effort) -> Vec<Row> {
    let publishers = [2, 4];
    let row = |publishers| throughput(cell, Payload::Ping, publishers, 4, effort);
    publishers.map(row).into()
}

fn throughput(
    cell: &Cell,
    payload: Payload,
    publishers: usize,
    subscribers: usize,
    effort: Effort,
) -> Row {
    let each_publishes = match payload {
        Payload::Json => 4_000, // more would not stay in the cache
        _ => effort.choose(24_000, 48_000) / (publishers * subscribers),
    };
    let deliveries = each_publishes * publishers * subscribers;
    let mut entrants = enter(|contestant| {
        let able = contestant.threads(publishers, subscribers);
        able.map(|_| contestant)
    });
    let rounds = effort.choose(7, 25);
    let samples = interleave(&mut entrants.present, rounds, |entrant| {
        let threads = entrant.brings.threads(publishers, subscribers);
        let took = run_threads(threads.expect("it was able"), payload, each_publishes);
        deliveries as f64 / took.as_secs_f64() / 1e6
    });
    Row {
        cell: cell.letter,
        case: None,
        publishers,
        subscribers,
        payload,
        unit: Unit::MillionDeliveriesPerSecond,
        results: outcomes(&entrants.present, |index| {
            Median::of(samples[index].iter().copied())
        }),
        absent: entrants.absent,
    }
}
