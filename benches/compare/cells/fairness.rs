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

/// How long the publishers go on. In less time, what counts is who is on a core.
const A_SECOND: Duration = Duration::from_secs(1);

/// Set in the tickets when there are no more.
const STOPPED: usize = 1 << (usize::BITS - 1);

pub(super) fn shares(cell: &Cell, effort: Effort) -> Vec<Row> {
    let rows = CASES.into_iter().flat_map(|(case, publishers, pause)| {
        let mut entrants = enter(|contestant| {
            let able = contestant.threads(publishers, 1);
            able.map(|_| contestant)
        });
        let samples = interleave(&mut entrants.present, effort.choose(1, 5), |entrant| {
            let threads = entrant.brings.threads(publishers, 1).expect("it was able");
            run(threads, pause)
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
/// A publisher takes a ticket for each envelope. After a second the subscriber stops the tickets, and receives what is
/// still to come.
fn run(threads: Threads, pause: Duration) -> [f64; 2] {
    let publishers = threads.publishers.len();
    let ready = &Barrier::new(publishers + threads.subscribers.len());
    let tickets = &AtomicUsize::new(0);
    let published: Vec<(usize, Duration)> = thread::scope(|scope| {
        for (core, mut subscriber) in (1..).zip(threads.subscribers) {
            scope.spawn(move || {
                stay_on_core(core);
                ready.wait();
                let (began, mut received, mut total) = (Instant::now(), 0, None);
                while total.is_none_or(|total| received < total) {
                    subscriber.receive(1);
                    received += 1;
                    let start = Instant::now();
                    if total.is_none() && start - began > A_SECOND {
                        // Relaxed: the tickets are only counted.
                        total = Some(tickets.fetch_or(STOPPED, Ordering::Relaxed));
                    }
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
                while tickets.fetch_add(1, Ordering::Relaxed) & STOPPED == 0 {
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
    let least = published.iter().map(|(count, _)| *count).min().unwrap_or(0);
    let longest = published.iter().map(|(_, longest)| *longest).max();
    let longest = nanoseconds(longest.unwrap_or_default());
    [least as f64 * publishers as f64 / all as f64, longest]
}
