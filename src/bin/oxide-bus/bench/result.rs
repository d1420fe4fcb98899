//! The result of a point: the figures of each round.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::figures::rate;
use super::point::BenchPoint;
use super::sent::new_histogram;
use super::timeline::Timeline;

/// The result of one point.
#[derive(Debug, Clone)]
pub(super) struct PointResult {
    pub(super) point: BenchPoint,
    /// In the order in which they were run.
    pub(super) rounds: Vec<RoundFigures>,
}

/// The figures of one round. Its keys are those of the JSON object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RoundFigures {
    pub(super) published: u64,
    pub(super) delivered: u64,
    pub(super) dropped: u64,
    pub(super) received: u64,
    pub(super) lost: u64,
    pub(super) evicted: usize,
    pub(super) elapsed_s: f64,
    pub(super) publishes_per_s: f64,
    pub(super) deliveries_per_s: f64,
    pub(super) latency_ns: Latency,
    #[serde(skip)]
    pub(super) shape: LatencyShape,
    #[serde(skip)]
    pub(super) timeline: Option<Timeline>,
}

/// The number of samples, and percentiles in nanoseconds; those are `None` if there are no samples.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Latency {
    pub(super) samples: u64,
    pub(super) p50: Option<u64>,
    pub(super) p90: Option<u64>,
    pub(super) p99: Option<u64>,
    pub(super) p999: Option<u64>,
    pub(super) max: Option<u64>,
}

/// The distribution of the latencies, for drawing.
#[derive(Debug, Clone, Default)]
pub(super) struct LatencyShape {
    /// How many samples there are from each power of two up to the next, in nanoseconds; the first is that of 1.
    pub(super) powers: Vec<u64>,
    /// For each tenth of a power of ten, the latency that only one in that many samples exceeds.
    pub(super) tail: Vec<(f64, u64)>,
}

/// A figure of several rounds: the least, the one in the middle, and the most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) least: f64,
    pub(super) middle: f64,
    pub(super) most: f64,
}

impl PointResult {
    /// Returns the figure that the scenario is about: the rate, or the median latency if the scenario fixes the rate.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a time is not exact to the last of 53 bits anyway"
    )]
    fn figure(&self, round: &RoundFigures) -> f64 {
        if self.point.scenario.is_paced() {
            round.latency_ns.p50.unwrap_or(0) as f64
        } else {
            round.rate()
        }
    }

    fn sorted(&self) -> Vec<&RoundFigures> {
        let mut rounds: Vec<_> = self.rounds.iter().collect();
        rounds.sort_by(|a, b| self.figure(a).total_cmp(&self.figure(b)));
        rounds
    }

    /// Returns the median round by its figure. Of an even number of rounds it is the lower one.
    pub(super) fn median(&self) -> &RoundFigures {
        self.sorted()[(self.rounds.len() - 1) / 2]
    }

    /// Returns the spread of the figure that the scenario is about.
    pub(super) fn spread(&self) -> Spread {
        let sorted = self.sorted();
        Spread {
            least: self.figure(sorted[0]),
            middle: self.figure(self.median()),
            most: self.figure(sorted[sorted.len() - 1]),
        }
    }

    /// Returns how far the rounds are from the one in the middle, in percent of it; nothing for one round.
    pub(super) fn spread_in_percent(&self) -> String {
        let Spread {
            least,
            middle,
            most,
        } = self.spread();
        if self.rounds.len() < 2 || middle <= 0.0 {
            return "-".to_owned();
        }
        let [below, above] = [middle - least, most - middle].map(|it| it / middle * 100.0);
        format!("-{below:.0} +{above:.0} %")
    }

    /// Returns a note about the rates of these results, if some are not deliveries.
    pub(super) fn rate_note(results: &[Self]) -> Option<&'static str> {
        let is_other = |result: &PointResult| result.median().received == 0;
        let note = "Where nothing is received, the rate is that of the publishes.";
        results.iter().any(is_other).then_some(note)
    }
}

impl RoundFigures {
    pub(super) fn new(counts: Counts) -> Self {
        let elapsed = counts.elapsed();
        let mut latencies = new_histogram();
        for latency in (counts.intakes.iter().map(|intake| &intake.latency))
            .chain(counts.sent.iter().map(|sent| &sent.latency))
        {
            (latencies.add(latency)).expect("a histogram of the same kind that grows");
        }
        RoundFigures {
            published: counts.published(),
            delivered: counts.delivered(),
            dropped: counts.dropped(),
            received: counts.received(),
            lost: counts.lost(),
            evicted: counts.evicted(),
            elapsed_s: elapsed.as_secs_f64(),
            publishes_per_s: rate(counts.published(), elapsed),
            deliveries_per_s: rate(counts.received(), elapsed),
            latency_ns: Latency::new(&latencies),
            shape: LatencyShape::new(&latencies),
            timeline: Some(counts.timeline),
        }
    }

    /// Returns the deliveries a second, or the publishes if nobody listens.
    pub(super) fn rate(&self) -> f64 {
        if self.received > 0 {
            self.deliveries_per_s
        } else {
            self.publishes_per_s
        }
    }
}

impl Latency {
    fn new(all: &Histogram<u64>) -> Self {
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

    /// Returns the percentiles with their names.
    pub(super) fn percentiles(&self) -> [(&'static str, Option<u64>); 5] {
        [
            ("median", self.p50),
            ("90th percentile", self.p90),
            ("99th percentile", self.p99),
            ("99.9th percentile", self.p999),
            ("maximum", self.max),
        ]
    }
}

impl LatencyShape {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a curve is not exact to the last of 53 bits anyway"
    )]
    fn new(all: &Histogram<u64>) -> Self {
        let mut powers = Vec::new();
        for value in all.iter_recorded() {
            let power = value.value_iterated_to().max(1).ilog2() as usize;
            powers.resize(powers.len().max(power + 1), 0);
            powers[power] += value.count_since_last_iteration();
        }
        let steps = (0..).map(|step| 10_f64.powf(f64::from(step) / 10.0));
        // An axis has no room for marks beyond 99.999 %.
        let rarest = (all.len() as f64).min(1e5);
        let tail = (steps.take_while(|&one_in| one_in <= rarest * 1.001))
            .map(|one_in| (one_in, all.value_at_quantile(1.0 - 1.0 / one_in)))
            .collect();
        LatencyShape { powers, tail }
    }
}
