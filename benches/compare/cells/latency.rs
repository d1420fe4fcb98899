//! How long an envelope takes from one thread to another.

use super::{Cell, Effort, Outcome, Row, Unit};
use crate::contestants;
use crate::envelopes::Payload;
use crate::measure::{Median, interleave, ping_pong, quantile};

pub(super) fn round_trips(cell: &Cell, effort: Effort) -> Vec<Row> {
    let trips = effort.choose(500, 2_000);
    let mut absent = Vec::new();
    let mut present = contestants::all();
    present.retain(|contestant| {
        let able = contestant.latency();
        able.map_err(|why| absent.push((contestant.name(), why)))
            .is_ok()
    });
    let samples = interleave(&mut present, effort.choose(9, 40), |contestant| {
        let way = || contestant.latency().expect("it was able");
        let took = ping_pong(way(), way(), trips);
        (quantile(&took, 50), quantile(&took, 99))
    });
    let row = |unit, figure: fn(&(f64, f64)) -> f64| Row {
        cell: cell.letter,
        case: None,
        publishers: 1,
        subscribers: 1,
        payload: Payload::Ping,
        unit,
        results: (present.iter().zip(&samples))
            .map(|(contestant, samples)| Outcome {
                name: contestant.name(),
                role: contestant.role(),
                median: Median::of(samples.iter().map(figure)),
            })
            .collect(),
        absent: absent.clone(),
    };
    vec![
        row(Unit::RoundTripMedian, |(p50, _)| *p50),
        row(Unit::RoundTrip99, |(_, p99)| *p99),
    ]
}
