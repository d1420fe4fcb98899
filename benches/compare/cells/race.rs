//! Runs bursts of one thread by all entrants in turns.

use super::{Cell, Effort, Row, Unit};
use crate::run::contestants::{Burst, Entrant, Entrants};
use crate::run::envelopes::{Envelopes, Payload};
use crate::run::measure::{BURST, Bursts, Drill, Median, interleave};

/// One figure derived from some bursts.
pub(super) type Figure = (Unit, fn(&Bursts) -> f64);

pub(super) const PER_DELIVERY: Figure = (Unit::NanosecondsPerDelivery, Bursts::per_delivery);
pub(super) const PER_PUBLISH: Figure = (Unit::NanosecondsPerPublish, |bursts| {
    bursts.per_publish(bursts.publishing)
});
pub(super) const PER_PUBLISH_AND_RECEIVE: Figure =
    (Unit::NanosecondsPerPublishAndReceive, |bursts| {
        bursts.per_publish(bursts.publishing + bursts.receiving)
    });
/// The same job for all entrants.
pub(super) struct Race<'a> {
    pub(super) cell: &'a Cell,
    pub(super) case: Option<&'static str>,
    pub(super) payload: Payload,
    pub(super) drill: Drill,
    /// How many deliveries each burst must make, where no loss is allowed.
    pub(super) deliveries: Option<usize>,
    /// How many envelopes the last subscriber must have at the end, if it does not receive them all.
    pub(super) left: Option<usize>,
    pub(super) rounds: usize,
}

impl<'a> Race<'a> {
    pub(super) fn new(cell: &'a Cell, payload: Payload, drill: Drill, effort: Effort) -> Self {
        Race {
            cell,
            case: None,
            payload,
            drill,
            deliveries: Some((drill.subscribers - 1) * drill.each_takes + drill.last_takes),
            left: None,
            rounds: effort.choose(15, 120),
        }
    }

    /// Returns a row for each figure.
    pub(super) fn run(
        &self,
        mut entrants: Entrants<Box<dyn Burst>>,
        figures: &[Figure],
    ) -> Vec<Row> {
        // About the same number of deliveries in each turn, for any number of subscribers.
        let bursts = (128 / self.drill.subscribers).clamp(4, 64) * BURST / self.drill.burst;
        let mut envelopes = Envelopes::new(self.payload);
        let samples = interleave(&mut entrants.present, self.rounds, |entrant| {
            let ran = (self.drill).run(&mut *entrant.brings, &mut envelopes, bursts);
            if let Some(deliveries) = self.deliveries {
                let delivered: usize = ran.received.iter().sum();
                assert_eq!(delivered, deliveries * bursts, "{} loses", entrant.name);
            }
            ran
        });
        if let Some(left) = self.left {
            for entrant in &mut entrants.present {
                expect_left(entrant, self.drill.subscribers - 1, left);
            }
        }
        let row = |&(unit, figure): &Figure| Row {
            case: self.case,
            subscribers: self.drill.subscribers,
            payload: self.payload,
            ..Row::of(self.cell, &entrants, unit, |index| {
                Median::of(samples[index].iter().map(figure))
            })
        };
        figures.iter().map(row).collect()
    }
}

/// Receives what this subscriber has left, and asserts how much that is.
pub(super) fn expect_left(
    entrant: &mut Entrant<Box<dyn Burst>>,
    subscriber: usize,
    at_least: usize,
) {
    let left = entrant.brings.receive(subscriber, usize::MAX);
    let name = entrant.name;
    assert!(left >= at_least, "{name} has {left} left, not {at_least}");
}
