//! What is told: a line a second, a summary, and a broken promise with what led to it.

use std::fmt::Write;
use std::process;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use serde::Serialize;

use super::super::bench::figures::{grouped, rate, whole};
use super::super::output;
use super::round::Round;
use super::worker::Trace;

/// Held by the first that finds something broken, to the end of the process.
static FIRST: Mutex<()> = Mutex::new(());

/// Tells that a promise was broken and ends the process.
pub(super) fn broken(round: &Round, by: Option<&Arc<Trace>>, what: &str) -> ! {
    let _first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    let seed = round.topology.seed;
    let name = by.map_or("the bus", |trace| &trace.name);
    output::complain(format_args!(
        "a promise is broken, {:?} into the round with --seed {seed}: {name}: {what}",
        round.began.elapsed(),
    ));
    let mut text = format!("{}\n", round.topology);
    for seat in &round.seats {
        let received = seat.received.load(Ordering::Relaxed);
        let missed = seat.missed.load(Ordering::Relaxed);
        writeln!(
            text,
            "{} has received {received}, missed {missed}",
            seat.name
        )
        .expect("a text takes it");
    }
    for it in round.bus.stats().subscriptions {
        writeln!(text, "{it:?}").expect("a text takes it");
    }
    let others = round.traces();
    let others = others
        .iter()
        .filter(|trace| by.is_none_or(|it| !Arc::ptr_eq(it, trace)));
    for trace in by.into_iter().chain(others) {
        writeln!(text, "last steps of {}:", trace.name).expect("a text takes it");
        for step in trace.steps() {
            writeln!(text, "  {:>14?}  {} {}", step.at, step.what, step.number)
                .expect("a text takes it");
        }
    }
    output::say(&text);
    process::exit(1)
}

/// What was done so far.
#[derive(Debug, Default, Serialize)]
pub(super) struct Totals {
    pub(super) seed: u64,
    pub(super) next_seed: u64,
    pub(super) rounds: u64,
    pub(super) published: u64,
    pub(super) received: u64,
    pub(super) lost: u64,
    pub(super) looked_over: u64,
    pub(super) elapsed_s: f64,
}

impl Totals {
    pub(super) fn add(&mut self, round: &Totals) {
        self.rounds += 1;
        self.published += round.published;
        self.received += round.received;
        self.lost += round.lost;
        self.looked_over += round.looked_over;
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("numbers can be written")
    }

    pub(super) fn summary(&self) -> String {
        format!(
            "No promise was broken in {} rounds from --seed {}: {} published, {} received, {} lost and told, \
             looked over {} times in {:.1} s; --seed {} goes on",
            self.rounds,
            self.seed,
            grouped(self.published),
            grouped(self.received),
            grouped(self.lost),
            grouped(self.looked_over),
            self.elapsed_s,
            self.next_seed,
        )
    }
}

/// A line a second, on a terminal.
pub(super) struct Ticker {
    is_shown: bool,
    began: Instant,
    told: Duration,
}

impl Ticker {
    pub(super) fn new() -> Self {
        Ticker {
            is_shown: Term::stderr().is_term(),
            began: Instant::now(),
            told: Duration::ZERO,
        }
    }

    /// After a round.
    pub(super) fn tick(&mut self, totals: &Totals) {
        let elapsed = self.began.elapsed();
        if self.is_shown && elapsed >= self.told + Duration::from_secs(1) {
            self.told = elapsed;
            let Totals {
                rounds,
                published,
                received,
                next_seed,
                ..
            } = totals;
            output::say(&format!(
                "{:.0} s: {rounds} rounds, {} published, {} received, {} a second; next is --seed {next_seed}\n",
                elapsed.as_secs_f64(),
                grouped(*published),
                grouped(*received),
                whole(rate(*received, elapsed)),
            ));
        }
    }
}
