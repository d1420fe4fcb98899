//! What threads reach together, without loss.

use super::{Cell, Effort, Outcome, Row, Unit};
use crate::contestants;
use crate::envelopes::Payload;
use crate::measure::{Median, interleave, run_threads};

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
        Payload::Json => 4_000, // more than that would not stay in the cache
        _ => effort.choose(24_000, 48_000) / (publishers * subscribers),
    };
    let mut absent = Vec::new();
    let mut present = contestants::all();
    present.retain(|contestant| {
        let able = contestant.threads(publishers, subscribers);
        able.map_err(|why| absent.push((contestant.name(), why)))
            .is_ok()
    });
    let samples = interleave(&mut present, effort.choose(7, 40), |contestant| {
        let threads = contestant.threads(publishers, subscribers);
        let took = run_threads(threads.expect("it was able"), payload, each_publishes);
        let deliveries = each_publishes * publishers * subscribers;
        deliveries as f64 / took.as_secs_f64() / 1e6
    });
    Row {
        cell: cell.letter,
        case: None,
        publishers,
        subscribers,
        payload,
        unit: Unit::MillionDeliveriesPerSecond,
        results: (present.iter().zip(samples))
            .map(|(contestant, samples)| Outcome {
                name: contestant.name(),
                role: contestant.role(),
                median: Median::of(samples),
            })
            .collect(),
        absent,
    }
}
