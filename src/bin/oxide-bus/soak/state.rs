//! The state that the workers of a round share: a fresh bus, the progress of each line, and the stage of the round.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

use fastrand::Rng;
use oxide_bus::{Bus, Grant};

use super::part::{Job, Part, SoakLoad};
use super::report::{CurrentRound, Trace, Traces, broken};

/// How many envelopes are retained of one line.
pub(super) const RETAINED: u8 = 5;

/// Longer than any step may take.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// The stages of a round: all work; the workers that publish come to their ends; the bus closes.
const WORK: u8 = 0;
pub(super) const QUIET: u8 = 1;
pub(super) const CLOSED: u8 = 2;

/// The progress of a line.
#[derive(Default)]
pub(super) struct LineProgress {
    begun: AtomicU64,
    done: AtomicU64,
    /// How many changes of its capability have begun or ended.
    pub(super) phase: AtomicU64,
}

/// What the workers of a round share.
pub(super) struct RoundState {
    pub(super) seed: u64,
    pub(super) parts: Vec<Part>,
    pub(super) total_order: bool,
    pub(super) retained: Option<usize>,
    segment: usize,
    /// Whether the bus closes while all workers are at work.
    pub(super) is_abrupt: bool,
    pub(super) bus: Bus<SoakLoad>,
    pub(super) lines: Vec<LineProgress>,
    stage: AtomicU8,
    pub(super) traces: Traces,
    /// Each payload holds a clone of it.
    pub(super) alive: Arc<()>,
    /// How often a predicate was made to panic.
    pub(super) panics: Arc<AtomicU64>,
    /// How many matches the receipts have reported.
    pub(super) matched: AtomicU64,
}

impl RoundState {
    pub(super) fn new(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let (total_order, segment) = (rng.u8(0..4) == 0, [1, 4, 64, 64][rng.usize(0..4)]);
        let mut builder = Bus::builder().max_segment(segment);
        if total_order {
            builder = builder.total_order();
        }
        let parts = Part::draw_all(rng);
        RoundState {
            seed,
            total_order,
            retained: [None, Some(0), Some(1)][rng.usize(0..3)],
            segment,
            is_abrupt: rng.u8(0..4) == 0,
            bus: builder.build(),
            lines: parts.iter().map(|_| LineProgress::default()).collect(),
            parts,
            stage: AtomicU8::new(WORK),
            traces: Traces::default(),
            alive: Arc::default(),
            panics: Arc::default(),
            matched: AtomicU64::new(0),
        }
    }

    /// Returns the topology as a text: the bus and all parts.
    pub(super) fn topology(&self) -> String {
        let (seed, segment, retained) = (self.seed, self.segment, self.retained);
        let (order, abrupt) = (self.total_order, self.is_abrupt);
        let parts: Vec<_> = self.parts.iter().map(|it| format!("\n  {it:?}")).collect();
        let text = format!("seed {seed}: segments of {segment}, total order {order}");
        text + &format!(
            ", retained line {retained:?}, abrupt end {abrupt}{}",
            parts.concat()
        )
    }

    /// Returns what a report tells of the round, which begins now.
    pub(super) fn described(&self) -> CurrentRound {
        CurrentRound {
            seed: self.seed,
            topology: self.topology(),
            began: Instant::now(),
            bus: self.bus.downgrade(),
            traces: Arc::clone(&self.traces),
        }
    }

    pub(super) fn number_of(&self, job: Job) -> usize {
        self.parts.iter().filter(|it| it.job == job).count()
    }

    /// Notes before a publish that all numbers less than `below` may be published from now on.
    ///
    /// The fence pairs with that in [`begun`](RoundState::begun). If a call of `begun` does not see this store, the
    /// publish that follows sees everything that the thread of that call did before.
    pub(super) fn begin(&self, line: usize, below: u64) {
        self.lines[line].begun.store(below, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Returns the numbers that may be published by now. A publish of a higher number begins after everything that this
    /// thread did before.
    pub(super) fn begun(&self) -> Vec<u64> {
        fence(Ordering::SeqCst); // pairs with the fence in `begin`
        let begun = |line: &LineProgress| line.begun.load(Ordering::Relaxed);
        self.lines.iter().map(begun).collect()
    }

    /// Notes after a publish that all numbers less than `below` are published.
    pub(super) fn finish(&self, line: usize, below: u64) {
        self.lines[line].done.store(below, Ordering::Release); // pairs with `done_of`
    }

    pub(super) fn done_of(&self, line: usize) -> u64 {
        self.lines[line].done.load(Ordering::Acquire) // pairs with `end`
    }

    pub(super) fn done(&self) -> Vec<u64> {
        (0..self.lines.len()).map(|it| self.done_of(it)).collect()
    }

    pub(super) fn grant(&self, line: usize) {
        let name = self.parts[line].name;
        let grant = Grant::new(name).pattern(format!("{name}.>"));
        let granted = self.bus.grant(grant);
        promise!(granted.is_ok() => name, "is not granted: {granted:?}");
    }

    /// Begins the trace of a worker.
    pub(super) fn trace(&self, name: &'static str) -> Arc<Trace> {
        let trace = Arc::new(Trace::new(name));
        self.traces.lock().push(Arc::clone(&trace));
        trace
    }

    /// Enters the next stage.
    pub(super) fn enter(&self, stage: u8) {
        self.stage.store(stage, Ordering::SeqCst); // pairs with `is_working` and `is_closing`
    }

    pub(super) fn is_working(&self) -> bool {
        self.stage.load(Ordering::SeqCst) == WORK // pairs with `enter`
    }

    /// Returns whether the bus has closed, or is about to: from then on envelopes and subscriptions may be refused.
    pub(super) fn is_closing(&self) -> bool {
        self.stage.load(Ordering::SeqCst) == CLOSED // pairs with `enter`
    }
}
