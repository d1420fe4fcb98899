//! Cells about each publisher's share when all of them wait for room.

use std::hint;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use super::{Cell, Effort, Row, Unit};
use crate::run::contestants::{Threads, enter};
use crate::run::envelopes::{Envelopes, Payload};
use crate::run::measure::{Median, interleave, nanoseconds, stay_on_core};

/// The numbers of publishers, and the time that the subscriber takes for each envelope.
const CASES: [(&str, usize, Duration); 2] = [
    ("8 to a slow one", 8, Duration::from_micros(20)),
    ("64 to one", 64, Duration::ZERO),
];

pub(super) fn shares(cell: &Cell, effort: Effort) -> Vec<Row> {
    let rows = CASES.into_iter().flat_map(|(case, publishers, pause)| {
        let each = if pause.is_zero() {
            effort.choose(1_000, 2_000)
        } else {
            effort.choose(250, 500)
        };
        let mut entrants = enter(|contestant| {
            let able = contestant.threads(publishers, 1);
            able.map(|_| contestant)
        });
        let samples = interleave(&mut entrants.present, effort.choose(3, 7), |entrant| {
            let threads = entrant.brings.threads(publishers, 1).expect("it was able");
            run(threads, each, pause)
        });
        let row = |(unit, figure): (Unit, usize)| Row {
            case: Some(case),
            publishers,
            ..Row::of(cell, &entrants, unit, |index| {
                Median::of(samples[index].iter().map(|figures| figures[figure]))
            })
        };
        [(Unit::LeastShare, 0), (Unit::LongestWait, 1)].map(row)
    });
    rows.collect()
}

/// Returns the smallest share of a publisher, relative to a fair one, and the nanoseconds of the longest publish.
///
/// So many envelopes are published that each publisher could publish `fair` of them. A publisher takes a ticket for
/// each.
fn run(threads: Threads, fair: usize, pause: Duration) -> [f64; 2] {
    let total = fair * threads.publishers.len();
    let ready = &Barrier::new(threads.publishers.len() + threads.subscribers.len());
    let tickets = &AtomicUsize::new(0);
    let published: Vec<(usize, Duration)> = thread::scope(|scope| {
        for (core, mut subscriber) in (1..).zip(threads.subscribers) {
            scope.spawn(move || {
                stay_on_core(core);
                ready.wait();
                for _ in 0..total {
                    subscriber.receive(1);
                    let start = Instant::now();
                    while start.elapsed() < pause {
                        hint::spin_loop();
                    }
                }
            });
        }
        let publishers = (0..).zip(threads.publishers).map(|(core, mut publisher)| {
            scope.spawn(move || {
                stay_on_core(core);
                let mut envelopes = Envelopes::new(Payload::Ping);
                let (mut count, mut longest) = (0, Duration::ZERO);
                ready.wait();
                // Relaxed: the tickets are only counted.
                while tickets.fetch_add(1, Ordering::Relaxed) < total {
                    let start = Instant::now();
                    publisher.publish(&mut envelopes, 1);
                    longest = longest.max(start.elapsed());
                    count += 1;
                }
                (count, longest)
            })
        });
        let running: Vec<_> = publishers.collect();
        let ended = running.into_iter().map(ScopedJoinHandle::join);
        ended
            .map(|ended| ended.expect("no contestant panics"))
            .collect()
    });
    let all: usize = published.iter().map(|(count, _)| count).sum();
    assert_eq!(all, total, "each ticket is for one publish");
    let least = published.iter().map(|(count, _)| *count).min().unwrap_or(0);
    let longest = published.iter().map(|(_, longest)| *longest).max();
    let longest = nanoseconds(longest.unwrap_or_default());
    [least as f64 / fair as f64, longest]
}
