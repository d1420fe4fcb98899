//! The course of a round: how full the fullest queue is, and how much was lost so far.

use std::time::{Duration, Instant};

use oxide_bus::Stats;

/// The most samples. When there are more, half of them go, and the time between samples doubles.
const MOST: usize = 600;

/// The time between the first samples.
const FIRST: Duration = Duration::from_millis(2);

/// Samples of a round.
#[derive(Debug, Clone)]
pub(super) struct Timeline {
    every: Duration,
    pub(super) samples: Vec<TimelineSample>,
}

/// The state of the queues at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimelineSample {
    /// In seconds from the beginning.
    pub(super) at: f64,
    /// How much of the fullest queue is in use; more than 1 if it may hold more than its capacity.
    pub(super) fill: f64,
    /// How many envelopes all subscribers together lost so far.
    pub(super) lost: u64,
}

impl Timeline {
    pub(super) fn new() -> Self {
        Timeline {
            every: FIRST,
            samples: Vec::new(),
        }
    }

    /// Adds the first sample: the queues are empty, and nothing is lost. So even the shortest round has a beginning and
    /// an end.
    pub(super) fn begin(&mut self) {
        self.push(Duration::ZERO, 0.0, 0);
    }

    /// Returns the time of the next sample.
    pub(super) fn due(&self, began: Instant) -> Instant {
        let last = self.samples.last().map_or(0.0, |sample| sample.at);
        began + Duration::from_secs_f64(last) + self.every
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "queues are far shorter than 53 bits can count"
    )]
    pub(super) fn sample(&mut self, elapsed: Duration, stats: &Stats) {
        let queues = &stats.subscriptions;
        let fill = queues
            .iter()
            .map(|it| it.queued as f64 / it.capacity as f64);
        let lost = queues.iter().map(|it| it.dropped).sum();
        self.push(elapsed, fill.fold(0.0, f64::max), lost);
        if self.samples.len() > MOST {
            let mut number = 0_u32;
            self.samples.retain(|_| {
                number += 1;
                number.is_multiple_of(2)
            });
            self.every *= 2;
        }
    }

    /// Adds the last sample: the queues are empty, and the losses are known.
    pub(super) fn end(&mut self, elapsed: Duration, lost: u64) {
        self.push(elapsed, 0.0, lost);
    }

    fn push(&mut self, elapsed: Duration, fill: f64, lost: u64) {
        // An evicted subscriber takes its count with it.
        let before = self.samples.last().map_or(0, |sample| sample.lost);
        self.samples.push(TimelineSample {
            at: elapsed.as_secs_f64(),
            fill,
            lost: lost.max(before),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_round_has_fewer_samples_with_more_time_between_and_losses_never_go_down() {
        let began = Instant::now();
        let mut timeline = Timeline::new();
        let (mut elapsed, mut most) = (Duration::ZERO, 0);
        let bus = oxide_bus::Bus::<u32>::new();
        while elapsed < Duration::from_secs(20) {
            elapsed = timeline.due(began) - began;
            timeline.sample(elapsed, &bus.stats());
            most = most.max(timeline.samples.len());
        }
        assert_eq!(most, MOST);
        assert!(timeline.every > FIRST * 8, "{timeline:?}");
        let times: Vec<_> = timeline.samples.iter().map(|it| it.at).collect();
        assert!(times.is_sorted(), "{times:?}");
        timeline.end(elapsed, 7);
        timeline.push(elapsed, 0.5, 3);
        let lost: Vec<_> = timeline.samples.iter().map(|it| it.lost).collect();
        assert_eq!(lost[lost.len() - 3..], [0, 7, 7]);
    }
}
