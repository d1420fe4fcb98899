//! Reports a broken promise, with the steps that led to it.

use std::collections::VecDeque;
use std::fmt::{Arguments, Write};
use std::process;
use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::Mutex;

use super::super::output;
use super::round::Round;

/// The seed of the current round, and the round.
pub(super) static CURRENT: Mutex<(u64, Weak<Round>)> = Mutex::new((0, Weak::new()));

/// The last steps of a worker: when, what, and a number.
pub(super) struct Trace {
    name: &'static str,
    steps: Mutex<VecDeque<(Instant, &'static str, u64)>>,
}

impl Trace {
    pub(super) fn of(round: &Round, name: &'static str) -> Arc<Self> {
        let steps = Mutex::default();
        let trace = Arc::new(Trace { name, steps });
        round.traces.lock().push(Arc::clone(&trace));
        trace
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
    let (seed, round) = (current.0, current.1.upgrade());
    let began = round.as_ref().map_or_else(Instant::now, |it| it.began);
    let when = format_args!("{:?} into the round with --seed {seed}", began.elapsed());
    output::complain(format_args!("a promise is broken, {when}: {by}: {what}"));
    let mut text = String::new();
    if let Some(round) = round {
        let _ = writeln!(text, "{}", round.topology()); // writing to a string does not fail
        for it in round.bus.stats().subscriptions {
            let _ = writeln!(text, "{it:?}");
        }
        for trace in round.traces.lock().iter() {
            let _ = writeln!(text, "last steps of {}:", trace.name);
            for (at, what, number) in trace.steps.lock().iter().rev() {
                let at = at.saturating_duration_since(began);
                let _ = writeln!(text, "  {at:>14?}  {what} {number}");
            }
        }
    }
    output::say(&text);
    process::exit(1)
}
