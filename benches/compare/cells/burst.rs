//! What one thread measures: publishing a burst, then receiving it.

use std::time::Instant;

use super::{Cell, Effort, Row, Unit, outcomes};
use crate::run::contestants::{self, Burst, CAPACITY, Entrants, enter};
use crate::run::envelopes::{Envelopes, Payload};
use crate::run::measure::{BURST, Bursts, Drill, Median, interleave};

/// One figure of some bursts.
type Figure = (Unit, fn(&Bursts) -> f64);

const PER_DELIVERY: Figure = (Unit::NanosecondsPerDelivery, Bursts::per_delivery);
const PER_PUBLISH: Figure = (Unit::NanosecondsPerPublish, |bursts| {
    bursts.per_publish(bursts.publishing)
});
const PER_PUBLISH_AND_RECEIVE: Figure = (Unit::NanosecondsPerPublishAndReceive, |bursts| {
    bursts.per_publish(bursts.publishing + bursts.receiving)
});
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

/// Nobody receives, so each publish meets nothing but full queues.
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
            start.elapsed().as_secs_f64() * 1e9 / BURST as f64
        });
        Row {
            cell: cell.letter,
            case: None,
            publishers: 1,
            subscribers,
            payload: Payload::Ping,
            unit: Unit::NanosecondsPerPublish,
            results: outcomes(&entrants.present, |index| {
                Median::of(samples[index].iter().copied())
            }),
            absent: entrants.absent,
        }
    };
    [10, 1_000, 10_000].map(row).into()
}

pub(super) fn targeted(cell: &Cell, effort: Effort) -> Vec<Row> {
    const MODULES: usize = 1_000;
    let payload = Payload::ToModule(MODULES);
    let entrants = Entrants {
        present: contestants::targeted(MODULES),
        absent: Vec::new(),
    };
    let race = Race {
        deliveries: Some(BURST),
        ..Race::new(cell, payload, Drill::all(MODULES), effort)
    };
    race.run(entrants, &[PER_PUBLISH, PER_PUBLISH_AND_RECEIVE])
}

pub(super) fn guarded(cell: &Cell, effort: Effort) -> Vec<Row> {
    let mut rows = Vec::new();
    for subscribers in [1, 4] {
        let entrants = Entrants {
            present: contestants::guarded(subscribers),
            absent: Vec::new(),
        };
        let race = Race::new(cell, Payload::Ping, Drill::all(subscribers), effort);
        rows.extend(race.run(entrants, &[PER_PUBLISH]));
    }
    rows
}

/// The same job for all entrants.
struct Race<'a> {
    cell: &'a Cell,
    case: Option<&'static str>,
    payload: Payload,
    drill: Drill,
    /// How many deliveries each burst must make, where nothing may be lost.
    deliveries: Option<usize>,
    rounds: usize,
}

impl<'a> Race<'a> {
    fn new(cell: &'a Cell, payload: Payload, drill: Drill, effort: Effort) -> Self {
        Race {
            cell,
            case: None,
            payload,
            drill,
            deliveries: Some(drill.subscribers * BURST),
            rounds: effort.choose(15, 120),
        }
    }

    /// A row for each figure.
    fn run(&self, mut entrants: Entrants<Box<dyn Burst>>, figures: &[Figure]) -> Vec<Row> {
        // About as many deliveries in each turn, whatever the number of subscribers.
        let bursts = (128 / self.drill.subscribers).clamp(4, 64);
        let mut envelopes = Envelopes::new(self.payload);
        let samples = interleave(&mut entrants.present, self.rounds, |entrant| {
            let ran = (self.drill).run(&mut *entrant.brings, &mut envelopes, bursts);
            if let Some(deliveries) = self.deliveries {
                let delivered: usize = ran.received.iter().sum();
                assert_eq!(delivered, deliveries * bursts, "{} loses", entrant.name);
            }
            ran
        });
        let row = |&(unit, figure): &Figure| Row {
            cell: self.cell.letter,
            case: self.case,
            publishers: 1,
            subscribers: self.drill.subscribers,
            payload: self.payload,
            unit,
            results: outcomes(&entrants.present, |index| {
                Median::of(samples[index].iter().map(figure))
            }),
            absent: entrants.absent.clone(),
        };
        figures.iter().map(row).collect()
    }
}
