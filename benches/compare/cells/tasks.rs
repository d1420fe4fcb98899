//! Cells about tasks: one task publishes bursts, others receive them.
//!
//! After each burst the publisher waits until every subscriber has received it. So no subscriber of any contestant
//! falls so far behind that it would lose something.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::{Cell, Effort, Row, Unit, outcomes};
use crate::run::contestants::requests::tasks::Talk;
use crate::run::contestants::tasks::{Both, TaskBus, TaskCell, everybody};
use crate::run::envelopes::{Envelopes, Payload};
use crate::run::measure::{BURST, Median, interleave, quantile};

/// What a contestant does.
#[derive(Clone, Copy)]
struct Drills {
    /// This many bursts to this many subscribers.
    bursts: fn(&Runtime, usize, usize) -> Duration,
    /// This many round trips. Returns the nanoseconds of each, sorted.
    ping_pong: fn(&Runtime, usize) -> Vec<f64>,
}

impl TaskCell for Drills {
    type Brings = Self;

    fn bring<B: TaskBus>() -> Self {
        Drills {
            bursts: |runtime, subscribers, count| runtime.block_on(bursts::<B>(subscribers, count)),
            ping_pong: |runtime, trips| runtime.block_on(to_and_fro::<Both<B>>(trips)),
        }
    }
}

pub(super) fn on_one_thread(cell: &Cell, effort: Effort) -> Vec<Row> {
    let runtime = Builder::new_current_thread().build();
    run(cell, effort, &runtime.expect("a runtime"))
}

pub(super) fn on_two_threads(cell: &Cell, effort: Effort) -> Vec<Row> {
    let runtime = Builder::new_multi_thread().worker_threads(2).build();
    run(cell, effort, &runtime.expect("a runtime"))
}

fn run(cell: &Cell, effort: Effort, runtime: &Runtime) -> Vec<Row> {
    let row = |subscribers, unit, sample: &dyn Fn(&Drills) -> f64| {
        let mut entrants = everybody::<Drills>();
        let rounds = effort.choose(15, 60);
        let samples = interleave(&mut entrants, rounds, |entrant| sample(&entrant.brings));
        Row {
            cell: cell.letter,
            case: None,
            publishers: 1,
            subscribers,
            payload: Payload::Ping,
            unit,
            results: outcomes(&entrants, |index| {
                Median::of(samples[index].iter().copied())
            }),
            absent: Vec::new(),
        }
    };
    let deliveries = |subscribers: usize| {
        let count = effort.choose(64, 128) / subscribers + 4;
        row(subscribers, Unit::NanosecondsPerDelivery, &|drills| {
            let took = (drills.bursts)(runtime, subscribers, count);
            took.as_secs_f64() * 1e9 / (count * BURST * subscribers) as f64
        })
    };
    let mut rows: Vec<_> = [1, 4, 16, 64].map(deliveries).into();
    let trips = effort.choose(500, 2_000);
    rows.push(row(1, Unit::RoundTripMedian, &|drills| {
        quantile(&(drills.ping_pong)(runtime, trips), 50)
    }));
    rows
}

/// Runs a task for each subscriber and one that publishes, as a program would.
async fn bursts<B: TaskBus>(subscribers: usize, count: usize) -> Duration {
    let (publisher, subscribers) = B::new(subscribers);
    let all = subscribers.len();
    let done = Arc::new((AtomicUsize::new(0), Notify::new()));
    let receivers: Vec<_> = (subscribers.into_iter())
        .map(|mut subscriber| {
            let done = Arc::clone(&done);
            tokio::spawn(async move {
                for _ in 0..=count {
                    for _ in 0..BURST {
                        B::receive(&mut subscriber).await;
                    }
                    if done.0.fetch_add(1, Ordering::AcqRel) + 1 == all {
                        done.1.notify_one();
                    }
                }
                subscriber // dropped outside the clock
            })
        })
        .collect();
    let publishing = tokio::spawn(async move {
        let mut envelopes = Envelopes::new(Payload::Ping);
        let mut start = Instant::now();
        for burst in 0..=count {
            if burst == 1 {
                start = Instant::now(); // the first is not counted: caches are cold
            }
            done.0.store(0, Ordering::Release);
            for envelope in envelopes.take(BURST) {
                B::publish(&publisher, envelope).await;
            }
            done.1.notified().await;
        }
        (start.elapsed(), publisher)
    });
    let (took, _publisher) = publishing.await.expect("no contestant panics");
    for receiver in receivers {
        drop(receiver.await.expect("no contestant panics"));
    }
    took
}

/// Sends one envelope to and fro between two tasks. Returns the nanoseconds of each round trip, sorted.
pub(super) async fn to_and_fro<T: Talk>(trips: usize) -> Vec<f64> {
    const WARM_UP: usize = 100;
    let (mut asks, mut answers) = T::new();
    let other = tokio::spawn(async move {
        let mut envelopes = Envelopes::new(Payload::Ping);
        for _ in 0..WARM_UP + trips {
            T::answer(&mut answers, &mut envelopes).await;
        }
    });
    let timed = tokio::spawn(async move {
        let mut envelopes = Envelopes::new(Payload::Ping);
        let mut took = Vec::with_capacity(WARM_UP + trips);
        for _ in 0..WARM_UP + trips {
            let start = Instant::now();
            T::ask(&mut asks, &mut envelopes).await;
            took.push(start.elapsed().as_secs_f64() * 1e9);
        }
        took.drain(..WARM_UP);
        took.sort_by(f64::total_cmp);
        took
    });
    let took = timed.await.expect("no contestant panics");
    other.await.expect("no contestant panics");
    took
}
