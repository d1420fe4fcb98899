//! Cells about how long an envelope takes from one thread to another.

use super::{Cell, Effort, Row, Unit, outcomes};
use crate::run::contestants::{Conversation, enter};
use crate::run::envelopes::Payload;
use crate::run::measure::{Median, interleave, ping_pong, quantile};

pub(super) fn round_trips(cell: &Cell, effort: Effort) -> Vec<Row> {
    let trips = effort.choose(500, 2_000);
    let mut entrants = enter(|contestant| contestant.latency().map(|_| contestant));
    let rounds = effort.choose(9, 40);
    let samples = interleave(&mut entrants.present, rounds, |entrant| {
        let way = || entrant.brings.latency().expect("it was able");
        let took = ping_pong(Conversation::between(way(), way()), trips);
        [quantile(&took, 50), quantile(&took, 99)]
    });
    let row = |(unit, figure): (Unit, usize)| Row {
        cell: cell.letter,
        case: None,
        publishers: 1,
        subscribers: 1,
        payload: Payload::Ping,
        unit,
        results: outcomes(&entrants.present, |index| {
            Median::of(samples[index].iter().map(|quantiles| quantiles[figure]))
        }),
        absent: entrants.absent.clone(),
    };
    [(Unit::RoundTripMedian, 0), (Unit::RoundTrip99, 1)]
        .map(row)
        .into()
}
