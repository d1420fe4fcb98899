//! Compares a result with an earlier one: what has changed beyond the noise?

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::failure::Failure;
use super::figures::{time, whole};
use super::options::LEAST_TO_COMPARE;
use super::point::{BenchPoint, name_of, swept};
use super::result::{PointResult, RoundFigures};

/// An earlier result, as `--json` printed it.
pub(super) struct OldResult {
    path: PathBuf,
    points: Vec<OldPoint>,
}

/// A point of an earlier result. Its sizes are those of the keys that a [`BenchPoint`] has.
#[derive(Deserialize)]
struct OldPoint {
    rounds: Vec<RoundFigures>,
    #[serde(flatten)]
    keys: Map<String, Value>,
}

/// A figure that is compared.
struct ComparedFigure {
    name: &'static str,
    more_is_better: bool,
    /// Whether it is in percent already, and may be zero: then the change is a difference, and not a ratio.
    is_share: bool,
    of: fn(&RoundFigures) -> Option<f64>,
    text: fn(f64) -> String,
}

/// A figure that has changed beyond the noise.
struct ChangedFigure {
    line: String,
    /// By how much it is worse, in percent or percentage points; negative if it is better.
    worse: f64,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a figure is not exact to the last of 53 bits anyway"
)]
const FIGURES: [ComparedFigure; 4] = [
    ComparedFigure {
        name: "rate",
        more_is_better: true,
        is_share: false,
        of: |round| Some(round.rate()),
        text: |rate| format!("{} a second", whole(rate)),
    },
    ComparedFigure {
        name: "median latency",
        more_is_better: false,
        is_share: false,
        of: |round| round.latency_ns.p50.map(|it| it as f64),
        text: nanoseconds,
    },
    ComparedFigure {
        name: "99th percentile of latency",
        more_is_better: false,
        is_share: false,
        of: |round| round.latency_ns.p99.map(|it| it as f64),
        text: nanoseconds,
    },
    ComparedFigure {
        name: "share of lost envelopes",
        more_is_better: false,
        is_share: true,
        of: |round| {
            let (received, lost) = (round.received as f64, round.lost as f64);
            (received + lost > 0.0).then(|| lost / (received + lost) * 100.0)
        },
        text: percent,
    },
];

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was an unsigned integer before"
)]
fn nanoseconds(figure: f64) -> String {
    time(Some(figure as u64))
}

fn percent(share: f64) -> String {
    if share > 0.0 {
        format!("{share:.3} %")
    } else {
        "none".to_owned()
    }
}

impl OldResult {
    /// Reads an earlier result, and checks that it has all of these points.
    pub(super) fn read(path: &Path, points: &[BenchPoint]) -> Result<Self, Failure> {
        let wrong = |what: String| Failure::usage(format_args!("{}: {what}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let mut old = OldResult {
            path: path.to_owned(),
            points: Vec::new(),
        };
        for (number, line) in (1..).zip(text.trim_end().lines()) {
            let point: OldPoint = serde_json::from_str(line).map_err(|error| {
                wrong(format!(
                    "line {number} is no result of `bench --json`: {error}"
                ))
            })?;
            if point.rounds.len() < LEAST_TO_COMPARE.into() {
                let rounds = point.rounds.len();
                return Err(wrong(format!(
                    "line {number} has {rounds} of the {LEAST_TO_COMPARE} rounds that a comparison needs"
                )));
            }
            old.points.push(point);
        }
        for point in points {
            old.rounds(point).map_err(wrong)?;
        }
        Ok(old)
    }

    /// Returns the earlier rounds of a point, or says how the most similar earlier point differs.
    fn rounds(&self, point: &BenchPoint) -> Result<&[RoundFigures], String> {
        let Ok(Value::Object(sizes)) = serde_json::to_value(point) else {
            unreachable!("it is a structure of numbers and texts")
        };
        let different = |old: &OldPoint| {
            let found = sizes.iter().filter_map(|(key, size)| {
                let old = old.keys.get(key).unwrap_or(&Value::Null);
                (old != size).then(|| format!("it has the {key} {old}, and this run has {size}"))
            });
            found.collect::<Vec<_>>()
        };
        let nearest = self.points.iter().map(|old| (different(old), old));
        match nearest.min_by_key(|(different, _)| different.len()) {
            None => Err("it has no result".to_owned()),
            Some((different, old)) => match different.into_iter().next() {
                None => Ok(&old.rounds),
                Some(difference) => Err(difference),
            },
        }
    }

    /// Returns what has changed, in words; a failure if a figure is worse by more than `most` percent.
    pub(super) fn compare(
        &self,
        results: &[PointResult],
        most: Option<f64>,
    ) -> (String, Result<(), Failure>) {
        let points: Vec<_> = results.iter().map(|result| &result.point).collect();
        let swept = swept(&points);
        let changes = results.iter().flat_map(|result| {
            let old = self.rounds(&result.point).unwrap_or_default();
            let name = name_of(&result.point, &swept);
            let change = move |figure| changed(figure, old, &result.rounds, &name);
            // If publishers sleep, the rate only shows the sleeps.
            let first = usize::from(result.point.scenario.is_paced());
            FIGURES[first..].iter().filter_map(change)
        });
        let changes: Vec<ChangedFigure> = changes.collect();
        let path = self.path.display();
        let text = if changes.is_empty() {
            format!("Nothing has changed beyond the noise since {path}.\n")
        } else {
            let lines: String = changes.iter().map(|it| it.line.as_str()).collect();
            format!("Changed beyond the noise since {path}:\n{lines}")
        };
        let most = most.unwrap_or(f64::INFINITY);
        let worst = changes.iter().max_by(|a, b| a.worse.total_cmp(&b.worse));
        let outcome = match worst.filter(|it| it.worse > most) {
            None => Ok(()),
            Some(worst) => Err(Failure::new(format_args!(
                "worse than {path} by more than {most} %: {}",
                worst.line.trim()
            ))),
        };
        (text, outcome)
    }
}

/// Returns how a figure has changed, if all rounds of one side are above all rounds of the other.
fn changed(
    figure: &ComparedFigure,
    old: &[RoundFigures],
    new: &[RoundFigures],
    name: &str,
) -> Option<ChangedFigure> {
    let sorted = |rounds: &[RoundFigures]| {
        let mut values: Vec<_> = rounds.iter().filter_map(figure.of).collect();
        values.sort_by(f64::total_cmp);
        (figure.is_share || *values.first()? > 0.0).then_some(values)
    };
    let (old, new) = (sorted(old)?, sorted(new)?);
    let is_apart = old.last()? < new.first()? || new.last()? < old.first()?;
    let [old, new] = [old, new].map(|values| values[(values.len() - 1) / 2]);
    let more = if figure.is_share {
        new - old
    } else {
        (new / old - 1.0) * 100.0
    };
    let worse = if figure.more_is_better { -more } else { more };
    let by = if figure.is_share {
        format!("{:.3} percentage points", more.abs())
    } else {
        format!("{:.1} %", more.abs())
    };
    let verdict = if worse > 0.0 { "worse" } else { "better" };
    let name = if name.is_empty() {
        String::new()
    } else {
        format!("{name}: ")
    };
    let [old, new] = [old, new].map(figure.text);
    is_apart.then(|| ChangedFigure {
        line: format!(
            "  {name}{} {verdict} by {by}: {new}, was {old}\n",
            figure.name
        ),
        worse,
    })
}
