//! Cells that one thread measures: it publishes a burst, then receives it.

use std::time::Instant;

use super::race::{Figure, PER_DELIVERY, PER_PUBLISH, PER_PUBLISH_AND_RECEIVE, Race, expect_left};
use super::{Cell, Effort, Row, Unit};
use crate::run::contestants::{self, CAPACITY, enter};
use crate::run::envelopes::{Envelopes, Payload};
use crate::run::measure::{BURST, Drill, Median, interleave, nanoseconds};

const SHARE_OF_SEVEN: Figure = (Unit::ShareReceived, |bursts| {
    let seven = bursts.received.iter().take(7);
    seven.sum::<usize>() as f64 / (7 * bursts.published) as f64
});

pub(super) fn publish_and_drain(cell: &Cell, effort: Effort) -> Vec<Row> {
    let mut rows = Vec::new();
    for payload in [Payload::Ping, Payload::Json] {
        for subscribers in [1, 4, 16, 64, 256] {
            let entrants = enter(|contestant| contestant.burst(subscribers));
            let race = Race::new(cell, payload, Drill::all(subscribers), effort);
            rows.extend(race.run(entrants, &[PER_DELIVERY]));
        }
    }
    rows
}

pub(super) fn batches(cell: &Cell, effort: Effort) -> Vec<Row> {
    let mut rows = Vec::new();
    for subscribers in [1, 4, 16, 64] {
        let drill = Drill {
            whole: true,
            ..Drill::all(subscribers)
        };
        let entrants = enter(|contestant| contestant.batches(subscribers));
        let race = Race::new(cell, Payload::Ping, drill, effort);
        rows.extend(race.run(entrants, &[PER_DELIVERY]));
    }
    rows
}

pub(super) fn one_is_slow(cell: &Cell, effort: Effort) -> Vec<Row> {
    let cases = [
        ("seven, all well", 7, BURST),
        ("eight, all well", 8, BURST),
        ("one of 8 stuck", 8, 0),
        ("one of 8 at half", 8, BURST / 2),
    ];
    let mut rows = Vec::new();
    for (case, subscribers, last_takes) in cases {
        let drill = Drill {
            last_takes,
            ..Drill::all(subscribers)
        };
        let entrants = enter(|contestant| contestant.lossy(subscribers));
        let race = Race {
            case: Some(case),
            deliveries: None,
            ..Race::new(cell, Payload::Ping, drill, effort)
        };
        let figures = [PER_PUBLISH, PER_PUBLISH_AND_RECEIVE, SHARE_OF_SEVEN];
        rows.extend(race.run(entrants, &figures));
    }
    rows
}

/// Nobody receives, so each publish finds only full queues.
pub(super) fn full_queues(cell: &Cell, effort: Effort) -> Vec<Row> {
    let row = |subscribers| {
        let mut entrants = enter(|contestant| contestant.lossy(subscribers));
        let mut envelopes = Envelopes::new(Payload::Ping);
        for entrant in &mut entrants.present {
            entrant.brings.publish(&mut envelopes, CAPACITY); // now all are full
        }
        let rounds = effort.choose(5, 21);
        let samples = interleave(&mut entrants.present, rounds, |entrant| {
            let start = Instant::now();
            entrant.brings.publish(&mut envelopes, BURST);
            nanoseconds(start.elapsed()) / BURST as f64
        });
        for entrant in &mut entrants.present {
            for subscriber in 0..subscribers {
                expect_left(entrant, subscriber, CAPACITY);
            }
        }
        Row {
            subscribers,
            ..Row::of(cell, &entrants, Unit::NanosecondsPerPublish, |index| {
                Median::of(samples[index].iter().copied())
            })
        }
    };
    [10, 1_000, 10_000].map(row).into()
}

pub(super) fn targeted(cell: &Cell, effort: Effort) -> Vec<Row> {
    const MODULES: usize = 1_000;
    let payload = Payload::ToModule(MODULES);
    let entrants = contestants::targeted(MODULES).into();
    let race = Race {
        deliveries: Some(BURST),
        ..Race::new(cell, payload, Drill::all(MODULES), effort)
    };
    race.run(entrants, &[PER_PUBLISH, PER_PUBLISH_AND_RECEIVE])
}

pub(super) fn guarded(cell: &Cell, effort: Effort) -> Vec<Row> {
    let mut rows = Vec::new();
    for subscribers in [1, 4] {
        let entrants = contestants::guarded(subscribers).into();
        let race = Race::new(cell, Payload::Ping, Drill::all(subscribers), effort);
        rows.extend(race.run(entrants, &[PER_PUBLISH]));
    }
    rows
}
