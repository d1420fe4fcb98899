//! The result as a table for people: the figures of one point, or one line for each of several.

use comfy_table::presets::ASCII_BORDERS_ONLY_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use oxide_bus::Pattern;

use super::figures::{Unit, grouped, time, whole};
use super::histogram;
use super::point::swept;
use super::result::{Latency, LatencyShape, PointResult};

/// Returns the table of all results, with the latencies drawn.
pub(super) fn table(results: &[PointResult]) -> String {
    let blocks = histogram::may_draw();
    match results {
        [] => String::new(),
        [only] => {
            let bars = only.median().shape.bars(blocks);
            format!("{}\n{bars}", of_one(only)).trim_end().to_owned()
        }
        several => of_several(several, blocks),
    }
}

fn of_one(result: &PointResult) -> Table {
    let mut table = new_table();
    for (name, value) in rows(result)
        .into_iter()
        .chain(result.median().latency_ns.rows())
    {
        table.add_row([Cell::new(name), right(value)]);
    }
    table
}

fn rows(result: &PointResult) -> Vec<(String, String)> {
    let (point, round) = (&result.point, result.median());
    let groups = point.groups.map(|groups| groups.to_string());
    let runtime = point
        .workers
        .map(|workers| format!("a runtime of {workers}"));
    let subjects: Vec<_> = point.subjects.iter().map(Pattern::to_string).collect();
    let mut rows = vec![
        ("deliveries a second", whole(round.deliveries_per_s)),
        ("publishes a second", whole(round.publishes_per_s)),
        ("elapsed", format!("{:.3} s", round.elapsed_s)),
        ("scenario", point.scenario.to_string()),
        ("publishers", point.publishers.to_string()),
        ("subscribers", point.subscribers.to_string()),
        ("groups", groups.unwrap_or("none".to_owned())),
        (
            "subjects",
            if subjects.is_empty() {
                "all".to_owned()
            } else {
                subjects.join(", ")
            },
        ),
        ("run by", runtime.unwrap_or("a thread each".to_owned())),
        ("capacity", grouped(point.capacity as u64)),
        ("overflow", point.overflow.to_string()),
        (
            "payload",
            format!("{} bytes", grouped(point.payload_bytes.into())),
        ),
        ("published", grouped(round.published)),
        ("delivered", grouped(round.delivered)),
        ("dropped", grouped(round.dropped)),
        ("received", grouped(round.received)),
        ("lost", grouped(round.lost)),
        ("evicted subscribers", round.evicted.to_string()),
    ];
    if result.rounds.len() > 1 {
        // The spread stands below its rate.
        let at = if round.received > 0 { 1 } else { 2 };
        rows.insert(at, ("  spread of rounds", result.spread_in_percent()));
        rows.insert(at + 1, ("  rounds", result.rounds.len().to_string()));
    }
    (rows.into_iter())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Returns a line for each result. Values that all share are not repeated.
fn of_several(results: &[PointResult], blocks: bool) -> String {
    let points: Vec<_> = results.iter().map(|result| &result.point).collect();
    let swept = swept(&points);
    let shapes = || results.iter().map(|result| &result.median().shape);
    let powers = shapes().filter_map(LatencyShape::ends);
    let range = powers.reduce(|(first, last), (a, b)| (first.min(a), last.max(b)));

    let mut table = new_table();
    let names = points[0].coordinates();
    let figures = ["deliveries/s", "spread", "median", "99 %", "99.9 %", "lost"];
    let headings = (swept.iter().map(|&at| names[at].0)).chain(figures);
    table.set_header(headings.chain(["latencies"]).map(right_of));
    for (result, shape) in results.iter().zip(shapes()) {
        let round = result.median();
        let coordinates = result.point.coordinates();
        let mut row: Vec<_> = (swept.iter())
            .map(|&at| right(coordinates[at].1.clone()))
            .collect();
        row.extend([
            right(whole(round.rate())),
            right(result.spread_in_percent()),
            right(time(round.latency_ns.p50)),
            right(time(round.latency_ns.p99)),
            right(time(round.latency_ns.p999)),
            right(grouped(round.lost)),
        ]);
        row.extend(range.map(|range| Cell::new(shape.spark(range, blocks))));
        table.add_row(row);
    }
    let scale = range.map(|(first, last)| {
        let [first, last] = [first, last].map(|power| time(Some(1 << power)));
        format!(
            "\nlatencies: from {first} on to {last} and more, a character for each power of two"
        )
    });
    let note = PointResult::rate_note(results).map(|note| format!("\n{note}"));
    format!(
        "{table}{}{}",
        note.unwrap_or_default(),
        scale.unwrap_or_default()
    )
}

impl Latency {
    /// Returns the rows of the table, all in the unit that fits the median.
    fn rows(&self) -> Vec<(String, String)> {
        let unit = self.p50.map(Unit::of);
        let heading = unit.map_or("latency".to_owned(), |unit| {
            format!("latency ({})", unit.name)
        });
        let samples = ("latency samples".to_owned(), grouped(self.samples));
        let mut rows = vec![samples, (heading, String::new())];
        rows.extend(self.percentiles().map(|(name, value)| {
            let figure = unit.zip(value).map(|(unit, value)| unit.figure(value));
            (format!("  {name}"), figure.unwrap_or("-".to_owned()))
        }));
        rows
    }
}

fn new_table() -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_BORDERS_ONLY_CONDENSED);
    table
}

fn right(value: String) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}

fn right_of(heading: &str) -> Cell {
    right(heading.to_owned())
}
