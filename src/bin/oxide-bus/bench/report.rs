//! The report of a run: a table for people, JSON for programs.

use comfy_table::presets::ASCII_BORDERS_ONLY_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use oxide_bus::Pattern;
use serde::Serialize;

use super::super::overflow::OverflowName;
use super::BenchOptions;
use super::figures::{Unit, grouped, rate, whole};
use super::load::new_histogram;
use super::measure::Counts;

#[derive(Debug, Serialize)]
pub(super) struct BenchReport {
    publishers: u16,
    subscribers: u16,
    groups: Option<u16>,
    subjects: Vec<String>,
    workers: Option<u16>,
    capacity: usize,
    overflow: OverflowName,
    payload_bytes: u32,
    published: u64,
    delivered: u64,
    dropped: u64,
    received: u64,
    lost: u64,
    evicted: usize,
    elapsed_s: f64,
    publishes_per_s: f64,
    deliveries_per_s: f64,
    latency_ns: Latency,
}

/// The number of samples, and percentiles in nanoseconds; those are `None` if there are no samples.
#[derive(Debug, Serialize)]
struct Latency {
    samples: u64,
    p50: Option<u64>,
    p90: Option<u64>,
    p99: Option<u64>,
    p999: Option<u64>,
    max: Option<u64>,
}

impl BenchReport {
    pub(super) fn new(options: &BenchOptions, counts: &Counts) -> Self {
        let elapsed = counts.elapsed();
        BenchReport {
            publishers: options.publishers,
            subscribers: options.subscribers,
            groups: options.groups,
            subjects: options.subject.iter().map(Pattern::to_string).collect(),
            workers: options.workers(),
            capacity: options.capacity,
            overflow: options.overflow,
            payload_bytes: options.payload,
            published: counts.published(),
            delivered: counts.delivered(),
            dropped: counts.dropped(),
            received: counts.received(),
            lost: counts.lost(),
            evicted: counts.evicted(),
            elapsed_s: elapsed.as_secs_f64(),
            publishes_per_s: rate(counts.published(), elapsed),
            deliveries_per_s: rate(counts.received(), elapsed),
            latency_ns: Latency::new(counts),
        }
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts can be written")
    }

    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(ASCII_BORDERS_ONLY_CONDENSED);
        for (name, value) in self.rows().into_iter().chain(self.latency_ns.rows()) {
            table.add_row([
                Cell::new(name),
                Cell::new(value).set_alignment(CellAlignment::Right),
            ]);
        }
        table.to_string()
    }

    fn rows(&self) -> Vec<(String, String)> {
        let groups = self.groups.map(|groups| groups.to_string());
        let runtime = self
            .workers
            .map(|workers| format!("a runtime of {workers}"));
        let subjects = match self.subjects.as_slice() {
            [] => "all".to_owned(),
            subjects => subjects.join(", "),
        };
        [
            ("deliveries a second", whole(self.deliveries_per_s)),
            ("publishes a second", whole(self.publishes_per_s)),
            ("elapsed", format!("{:.3} s", self.elapsed_s)),
            ("publishers", self.publishers.to_string()),
            ("subscribers", self.subscribers.to_string()),
            ("groups", groups.unwrap_or("none".to_owned())),
            ("subjects", subjects),
            ("run by", runtime.unwrap_or("a thread each".to_owned())),
            ("capacity", grouped(self.capacity as u64)),
            ("overflow", self.overflow.to_string()),
            (
                "payload",
                format!("{} bytes", grouped(self.payload_bytes.into())),
            ),
            ("published", grouped(self.published)),
            ("delivered", grouped(self.delivered)),
            ("dropped", grouped(self.dropped)),
            ("received", grouped(self.received)),
            ("lost", grouped(self.lost)),
            ("evicted subscribers", self.evicted.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

impl Latency {
    fn new(counts: &Counts) -> Self {
        let mut all = new_histogram();
        for intake in &counts.intakes {
            all.add(&intake.latency)
                .expect("a histogram of the same kind that grows");
        }
        let figure = |value: u64| (!all.is_empty()).then_some(value);
        Latency {
            samples: all.len(),
            p50: figure(all.value_at_quantile(0.5)),
            p90: figure(all.value_at_quantile(0.9)),
            p99: figure(all.value_at_quantile(0.99)),
            p999: figure(all.value_at_quantile(0.999)),
            max: figure(all.max()),
        }
    }

    /// Returns the rows of the table, all in the unit that fits the median.
    fn rows(&self) -> Vec<(String, String)> {
        let unit = self.p50.map(Unit::of);
        let heading = unit.map_or("latency".to_owned(), |unit| {
            format!("latency ({})", unit.name)
        });
        let samples = ("latency samples".to_owned(), grouped(self.samples));
        let mut rows = vec![samples, (heading, String::new())];
        rows.extend(
            [
                ("median", self.p50),
                ("90th percentile", self.p90),
                ("99th percentile", self.p99),
                ("99.9th percentile", self.p999),
                ("maximum", self.max),
            ]
            .map(|(name, value)| {
                let figure = unit.zip(value).map(|(unit, value)| unit.figure(value));
                (format!("  {name}"), figure.unwrap_or("-".to_owned()))
            }),
        );
        rows
    }
}
