//! Cells about publishing while subscribers come and go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Cell, Effort, Row, Unit};
use crate::run::contestants::{Crowd, Entrants, crowds};
use crate::run::envelopes::{Envelopes, Payload};
use crate::run::measure::{Median, interleave, nanoseconds, quantile, stay_on_core};

const EVERY: Duration = Duration::from_micros(300);

/// How long a turn may take, once it has published `FEW` times.
const PATIENCE: Duration = Duration::from_millis(300);
const FEW: usize = 5;

pub(super) fn while_publishing(cell: &Cell, effort: Effort) -> Vec<Row> {
    let rows = [10, 1_000, 10_000].into_iter().flat_map(|subscribers| {
        let mut entrants: Entrants<_> = crowds(subscribers).into();
        let rounds = effort.choose(3, 9);
        let turns = interleave(&mut entrants.present, rounds, |entrant| {
            let turn = take_turn(&*entrant.brings);
            let received = entrant.brings.receive();
            let published = turn.publishes.len();
            assert_eq!(received, published * subscribers, "{}", entrant.name);
            turn
        });
        let row = |unit, figure: &dyn Fn(&[Turn]) -> Median| Row {
            subscribers,
            ..Row::of(cell, &entrants, unit, |index| figure(&turns[index]))
        };
        let percent = |percent| {
            move |turns: &[Turn]| {
                Median::of(turns.iter().map(|turn| quantile(&turn.publishes, percent)))
            }
        };
        [
            row(Unit::PublishMedian, &percent(50)),
            row(Unit::Publish90, &percent(90)),
            row(Unit::PublishLongest, &|turns| {
                let all = turns.iter().flat_map(|turn| &turn.publishes);
                Median::of(all.copied().reduce(f64::max))
            }),
            row(Unit::SubscribeAndLeave, &|turns| {
                Median::of(turns.iter().map(|turn| turn.come_and_go))
            }),
        ]
    });
    rows.collect()
}

/// The nanoseconds of one turn.
struct Turn {
    /// Each publish, sorted.
    publishes: Vec<f64>,
    /// One subscribe and leave, on average.
    come_and_go: f64,
}

fn take_turn(crowd: &dyn Crowd) -> Turn {
    /// Every subscriber has room for this many.
    const PUBLISHES: usize = 100;
    let done = &AtomicBool::new(false);
    thread::scope(|scope| {
        let comers = scope.spawn(move || {
            stay_on_core(1);
            let start = Instant::now();
            let mut times = 0;
            // Relaxed: a stale value costs at most one more turn.
            while times == 0 || !done.load(Ordering::Relaxed) {
                crowd.come_and_go();
                times += 1;
            }
            nanoseconds(start.elapsed()) / f64::from(times)
        });
        let publisher = scope.spawn(move || {
            stay_on_core(0);
            let start = Instant::now();
            let mut envelopes = Envelopes::new(Payload::Ping);
            let mut publishes = Vec::with_capacity(PUBLISHES);
            while publishes.len() < FEW
                || (publishes.len() < PUBLISHES && start.elapsed() < PATIENCE)
            {
                thread::sleep(EVERY);
                let start = Instant::now();
                envelopes
                    .take(1)
                    .for_each(|envelope| crowd.publish(envelope));
                publishes.push(nanoseconds(start.elapsed()));
            }
            done.store(true, Ordering::Relaxed);
            publishes.sort_by(f64::total_cmp);
            publishes
        });
        Turn {
            publishes: publisher.join().expect("no contestant panics"),
            come_and_go: comers.join().expect("no contestant panics"),
        }
    })
}
