//! Cells about asking each subscriber whether an envelope is for it.

use super::race::{PER_DELIVERY, PER_PUBLISH, Race};
use super::{Cell, Effort, Row};
use crate::run::contestants::{Question, filtered};
use crate::run::envelopes::Payload;
use crate::run::measure::Drill;

/// The question, how many subscribers match, and how many do not.
const CASES: [(&str, Question, usize, usize); 8] = [
    ("16 by pattern", Question::Pattern, 16, 0),
    ("16 by source", Question::Source, 16, 0),
    ("16 by predicate", Question::Predicate, 16, 0),
    ("16 groups of one", Question::Group, 16, 0),
    ("1000 by pattern", Question::Pattern, 1_000, 0),
    ("1000 by source", Question::Source, 1_000, 0),
    ("1000 by predicate", Question::Predicate, 1_000, 0),
    ("1 of 1000, pattern", Question::Pattern, 1, 999),
];

pub(super) fn by_each_question(cell: &Cell, effort: Effort) -> Vec<Row> {
    let mut rows = Vec::new();
    for (case, question, matching, others) in CASES {
        let rounds = match matching {
            1_000 => effort.choose(5, 21),
            _ => effort.choose(15, 60),
        };
        let race = Race {
            case: Some(case),
            rounds,
            ..Race::new(cell, Payload::Ping, Drill::all(matching), effort)
        };
        let entrants = filtered(question, matching, others).into();
        rows.extend(race.run(entrants, &[PER_PUBLISH, PER_DELIVERY]));
    }
    rows
}
