//! What a run comes to, for people and for programs.

use std::time::Duration;

use comfy_table::presets::ASCII_BORDERS_ONLY_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use oxide_bus::Pattern;
use serde::Serialize;

use super::Options;
use super::load::new_histogram;
use super::measure::Counts;
use crate::overflow::OverflowName;

#[derive(Debug, Serialize)]
pub(super) struct Report {
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

/// Nanoseconds, but for the number of samples.
#[derive(Debug, Serialize)]
struct Latency {
    samples: u64,
    p50: u64,
    p90: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

impl Report {
    pub(super) fn new(options: &Options, counts: &Counts) -> Self {
        let elapsed = counts.elapsed();
        Report {
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
        let latency = &self.latency_ns;
        let rows = [
            ("publishers", self.publishers.to_string()),
            ("subscribers", self.subscribers.to_string()),
            (
                "groups",
                self.groups
                    .map_or("none".to_owned(), |groups| groups.to_string()),
            ),
            (
                "subjects",
                if self.subjects.is_empty() {
                    "all".to_owned()
                } else {
                    self.subjects.join(", ")
                },
            ),
            (
                "run by",
                (self.workers).map_or("a thread each".to_owned(), |workers| {
                    format!("a runtime of {workers}")
                }),
            ),
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
            ("elapsed", format!("{:.3} s", self.elapsed_s)),
            ("publishes a second", whole(self.publishes_per_s)),
            ("deliveries a second", whole(self.deliveries_per_s)),
            ("latency samples", grouped(latency.samples)),
            ("latency, median", time(latency.p50)),
            ("latency, 90th percentile", time(latency.p90)),
            ("latency, 99th percentile", time(latency.p99)),
            ("latency, 99.9th percentile", time(latency.p999)),
            ("latency, maximum", time(latency.max)),
        ];
        let mut table = Table::new();
        table.load_style(ASCII_BORDERS_ONLY_CONDENSED);
        for (name, value) in rows {
            table.add_row([
                Cell::new(name),
                Cell::new(value).set_alignment(CellAlignment::Right),
            ]);
        }
        table.to_string()
    }
}

impl Latency {
    fn new(counts: &Counts) -> Self {
        let mut all = new_histogram();
        for intake in &counts.intakes {
            all.add(&intake.latency)
                .expect("a histogram of the same kind that grows");
        }
        Latency {
            samples: all.len(),
            p50: all.value_at_quantile(0.5),
            p90: all.value_at_quantile(0.9),
            p99: all.value_at_quantile(0.99),
            p999: all.value_at_quantile(0.999),
            max: all.max(),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate is not exact to the last of 53 bits anyway"
)]
fn rate(count: u64, elapsed: Duration) -> f64 {
    if elapsed.is_zero() {
        0.0
    } else {
        count as f64 / elapsed.as_secs_f64()
    }
}

/// Digits in groups of three, as people read them.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are not negative, and far from the greatest u64"
)]
fn whole(rate: f64) -> String {
    grouped(rate.round() as u64)
}

/// With the unit that fits: 1.234µs.
fn time(nanoseconds: u64) -> String {
    format!("{:?}", Duration::from_nanos(nanoseconds))
}
