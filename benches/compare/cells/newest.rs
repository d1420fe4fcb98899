//! Cells about subscribers that lose envelopes or nearly do: one that keeps the newest, and one that is nearly full.

use super::race::{PER_PUBLISH, PER_PUBLISH_AND_RECEIVE, Race};
use super::{Cell, Effort, Row};
use crate::run::contestants::{CAPACITY, enter, newest};
use crate::run::envelopes::{Envelopes, Payload};
use crate::run::measure::{BURST, Drill};

pub(super) fn keep_the_newest(cell: &Cell, effort: Effort) -> Vec<Row> {
    const SUBSCRIBERS: usize = 8;
    let cases = [
        ("8, nobody slow", BURST),
        ("8, all at a quarter", BURST / 4),
        ("8, nobody reads", 0),
    ];
    let mut rows = Vec::new();
    for (case, takes) in cases {
        let drill = Drill {
            each_takes: takes,
            last_takes: takes,
            ..Drill::all(SUBSCRIBERS)
        };
        let race = Race {
            case: Some(case),
            left: (takes < BURST).then_some(CAPACITY - takes),
            ..Race::new(cell, Payload::Ping, drill, effort)
        };
        let figures = [PER_PUBLISH, PER_PUBLISH_AND_RECEIVE];
        rows.extend(race.run(newest(SUBSCRIBERS).into(), &figures));
    }
    rows
}

pub(super) fn nearly_full(cell: &Cell, effort: Effort) -> Vec<Row> {
    const WELL: usize = 16;
    /// With it the queue holds between 115 and 123 of 128.
    const QUEUED: usize = CAPACITY * 9 / 10;
    const AT_A_TIME: usize = 8;
    let cases = [
        ("16, all well", WELL, 0),
        ("16 and one at 90 %", WELL + 1, QUEUED),
    ];
    let mut rows = Vec::new();
    for (case, subscribers, queued) in cases {
        let mut entrants = enter(|contestant| contestant.lossy(subscribers));
        for entrant in &mut entrants.present {
            let fill = Drill {
                burst: queued / 5,
                each_takes: queued / 5,
                last_takes: 0,
                ..Drill::all(subscribers)
            };
            if queued > 0 {
                let mut envelopes = Envelopes::new(Payload::Ping);
                fill.run(&mut *entrant.brings, &mut envelopes, 4); // and one burst that is not counted
            }
        }
        let drill = Drill {
            burst: AT_A_TIME,
            each_takes: AT_A_TIME,
            last_takes: AT_A_TIME,
            ..Drill::all(subscribers)
        };
        let race = Race {
            case: Some(case),
            left: Some(queued),
            ..Race::new(cell, Payload::Ping, drill, effort)
        };
        rows.extend(race.run(entrants, &[PER_PUBLISH, PER_PUBLISH_AND_RECEIVE]));
    }
    rows
}
