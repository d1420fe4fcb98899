//! The points of a sweep: what is measured, with which sizes.

use std::fmt::Write;

use oxide_bus::Pattern;
use serde::Serialize;

use super::super::overflow::OverflowName;
use super::contestant::Contestant;
use super::figures::grouped;
use super::options::BenchOptions;
use super::progress::Length;
use super::scenario::Scenario;

/// One point of a sweep. Its keys are those of the JSON object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct BenchPoint {
    pub(super) scenario: Scenario,
    pub(super) by: Contestant,
    pub(super) publishers: u16,
    pub(super) subscribers: u16,
    pub(super) groups: Option<u16>,
    pub(super) subjects: Vec<Pattern>,
    pub(super) workers: Option<u16>,
    pub(super) capacity: usize,
    pub(super) overflow: OverflowName,
    pub(super) payload_bytes: u32,
    /// How many envelopes a round publishes, or else how long it takes.
    pub(super) messages: Option<u64>,
    pub(super) duration_s: Option<f64>,
}

impl BenchPoint {
    /// Returns the points of all sweeps together: each size with each other, by each contestant.
    pub(super) fn all(options: &BenchOptions) -> Vec<Self> {
        let (messages, duration_s) = match options.length() {
            Length::Envelopes(messages) => (Some(messages), None),
            Length::Time(duration) => (None, Some(duration.as_secs_f64())),
        };
        let mut points: Vec<Self> = Vec::new();
        for &publishers in &options.publishers {
            for &subscribers in &options.subscribers {
                for &capacity in &options.capacity {
                    for &payload_bytes in &options.payload {
                        for (&overflow, &by) in (options.overflow.iter())
                            .flat_map(|it| options.contestants().map(move |by| (it, by)))
                        {
                            let point = BenchPoint {
                                scenario: options.scenario,
                                by,
                                publishers,
                                subscribers,
                                groups: options.groups,
                                subjects: options.subject.clone(),
                                workers: options.workers(),
                                capacity,
                                overflow: by.overflow(overflow),
                                payload_bytes,
                                messages,
                                duration_s,
                            };
                            if !points.contains(&point) {
                                points.push(point);
                            }
                        }
                    }
                }
            }
        }
        points
    }

    /// Returns the sizes that may be swept, and the contestant: names and values.
    pub(super) fn coordinates(&self) -> [(&'static str, String); 6] {
        [
            ("publishers", self.publishers.to_string()),
            ("subscribers", self.subscribers.to_string()),
            ("capacity", grouped(self.capacity as u64)),
            ("payload", grouped(self.payload_bytes.into())),
            ("overflow", self.overflow.to_string()),
            ("by", self.by.to_string()),
        ]
    }

    /// Returns the number of queues: one for each group, or else for each subscriber.
    pub(super) fn queues(&self) -> u16 {
        self.groups.unwrap_or(self.subscribers)
    }
}

/// Returns the indices of the coordinates that differ between points.
pub(super) fn swept(points: &[&BenchPoint]) -> Vec<usize> {
    let all: Vec<_> = points.iter().map(|point| point.coordinates()).collect();
    let differs = |&at: &usize| all.iter().any(|point| point[at] != all[0][at]);
    (0..6).filter(differs).collect()
}

/// Returns the name of a point among others: the sizes that it does not share with all of them.
pub(super) fn name_of(point: &BenchPoint, swept: &[usize]) -> String {
    let mut name = String::new();
    for &at in swept {
        let (what, value) = &point.coordinates()[at];
        let comma = if name.is_empty() { "" } else { ", " };
        // A policy or a contestant is clear by itself; a number is not.
        let what = if at < 4 {
            format!("{what} ")
        } else {
            String::new()
        };
        let _ = write!(name, "{comma}{what}{value}"); // writing to a string does not fail
    }
    name
}
