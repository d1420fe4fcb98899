//! Reports a broken promise, with the steps that led to it.

use std::collections::VecDeque;
use std::fmt::{Arguments, Write};
use std::process;
use std::sync::Arc;
use std::time::Instant;

use oxide_bus::WeakBus;
use parking_lot::Mutex;

use super::super::output;
use super::part::SoakLoad;

/// The round that runs now. It keeps neither the round nor its bus.
pub(super) static CURRENT: Mutex<Option<CurrentRound>> = Mutex::new(None);

/// What a report tells of a round.
pub(super) struct CurrentRound {
    pub(super) seed: u64,
    pub(super) topology: String,
    pub(super) began: Instant,
    pub(super) bus: WeakBus<SoakLoad>,
    pub(super) traces: Traces,
}

/// The traces of all workers of a round.
pub(super) type Traces = Arc<Mutex<Vec<Arc<Trace>>>>;

/// The last steps of a worker: when, what, and a number.
pub(super) struct Trace {
    name: &'static str,
    steps: Mutex<VecDeque<(Instant, &'static str, u64)>>,
}

impl Trace {
    pub(super) fn new(name: &'static str) -> Self {
        let steps = Mutex::default();
        Trace { name, steps }
    }

    /// Notes a step that the worker is about to take, or has taken.
    pub(super) fn step(&self, what: &'static str, number: u64) {
        let mut steps = self.steps.lock();
        steps.truncate(11);
        steps.push_front((Instant::now(), what, number));
    }

    pub(super) fn last(&self) -> Option<Instant> {
        self.steps.lock().front().map(|step| step.0)
    }
}

/// Reports that a promise was broken, and ends the process.
pub(super) fn broken(by: &str, what: Arguments) -> ! {
    let current = CURRENT.lock(); // the first thread that finds something broken keeps it to the end
    let Some(round) = &*current else {
        output::complain(format_args!("before the first round: {by}: {what}"));
        process::exit(1)
    };
    let began = round.began;
    let when = format_args!(
        "{:?} into the round with --seed {}",
        began.elapsed(),
        round.seed
    );
    output::complain(format_args!("a promise is broken, {when}: {by}: {what}"));
    let mut text = format!("{}\n", round.topology);
    let subscriptions = round.bus.upgrade().map(|bus| bus.stats().subscriptions);
    for it in subscriptions.unwrap_or_default() {
        let _ = writeln!(text, "{it:?}"); // writing to a string does not fail
    }
    for trace in round.traces.lock().iter() {
        let _ = writeln!(text, "last steps of {}:", trace.name);
        for (at, what, number) in trace.steps.lock().iter().rev() {
            let at = at.saturating_duration_since(began);
            let _ = writeln!(text, "  {at:>14?}  {what} {number}");
        }
    }
    output::say(&text);
    process::exit(1)
}
