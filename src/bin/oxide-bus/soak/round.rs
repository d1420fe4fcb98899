//! One round: a fresh bus, the state that its workers share, its stages, and the checks of the whole bus.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use oxide_bus::{Bus, Grant, Overflow, Stats, SubscriptionStats};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::account::Account;
use super::part::{Job, Part, SoakLoad};
use super::report::{Trace, broken};
use super::worker::Worker;

/// How many envelopes are retained of one line.
pub(super) const RETAINED: u8 = 5;

/// Longer than any step may take.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// How many envelopes a queue may hold beside its capacity: one while it reports a gap, or two segments.
const BESIDE: u64 = 1;
const SEGMENTS: u64 = 128;
/// The same for a queue that keeps the newest, if a thread was stopped while it removed some.
const OVERDUE: u64 = 1 << 15;

/// The stages of a round: all work; the workers that publish come to their ends; the bus closes.
const WORK: u8 = 0;
const QUIET: u8 = 1;
const CLOSED: u8 = 2;

/// How far a line has got.
#[derive(Default)]
pub(super) struct LineProgress {
    begun: AtomicU64,
    done: AtomicU64,
    /// How many changes of its capability have begun or ended.
    pub(super) phase: AtomicU64,
}

pub(super) struct Round {
    pub(super) seed: u64,
    pub(super) parts: Vec<Part>,
    pub(super) total_order: bool,
    pub(super) retained: Option<usize>,
    segment: usize,
    /// Whether the bus closes while all workers are at work.
    pub(super) is_abrupt: bool,
    pub(super) bus: Bus<SoakLoad>,
    pub(super) began: Instant,
    pub(super) lines: Vec<LineProgress>,
    stage: AtomicU8,
    pub(super) traces: Mutex<Vec<Arc<Trace>>>,
    /// The accounts of subscriptions that stay, and of members of groups.
    pub(super) accounts: Mutex<Vec<Arc<Mutex<Account>>>>,
    /// Each payload holds a clone of it.
    pub(super) alive: Arc<()>,
    /// How often a predicate was made to panic.
    pub(super) panics: Arc<AtomicU64>,
    /// How many matches the receipts have reported.
    pub(super) matched: AtomicU64,
}

impl Round {
    pub(super) fn new(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let (total_order, segment) = (rng.u8(0..4) == 0, [1, 4, 64, 64][rng.usize(0..4)]);
        let mut builder = Bus::builder().max_segment(segment);
        if total_order {
            builder = builder.total_order();
        }
        let parts = Part::draw_all(rng);
        Round {
            seed,
            total_order,
            retained: [None, Some(0), Some(1)][rng.usize(0..3)],
            segment,
            is_abrupt: rng.u8(0..4) == 0,
            bus: builder.build(),
            began: Instant::now(),
            lines: parts.iter().map(|_| LineProgress::default()).collect(),
            parts,
            stage: AtomicU8::new(WORK),
            traces: Mutex::default(),
            accounts: Mutex::default(),
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

    pub(super) fn number_of(&self, job: Job) -> usize {
        self.parts.iter().filter(|it| it.job == job).count()
    }

    /// Notes before a publish that all numbers less than `below` may be published from now on.
    ///
    /// The fence pairs with that in [`begun`](Round::begun). If a call of `begun` does not see this store, the publish
    /// that follows sees everything that the thread of that call did before.
    pub(super) fn begin(&self, line: usize, below: u64) {
        self.lines[line].begun.store(below, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Returns what may have been published by now. A publish of a higher number begins after everything that this
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

    pub(super) fn is_working(&self) -> bool {
        self.stage.load(Ordering::SeqCst) == WORK // pairs with the stores in `run`
    }

    /// Returns whether the bus has closed, or is about to: from then on envelopes and subscriptions may be refused.
    pub(super) fn is_closing(&self) -> bool {
        self.stage.load(Ordering::SeqCst) == CLOSED // pairs with the stores in `run`
    }

    /// Runs the round for about this long. Returns what was published, received and lost.
    pub(super) fn run(self: &Arc<Self>, runtime: &Handle, length: Duration) -> [u64; 3] {
        let trace = Trace::of(self, "conductor");
        let until = |what, is_so: &dyn Fn() -> bool| {
            trace.step(what, 0);
            while !is_so() {
                thread::sleep(Duration::from_micros(100));
            }
        };
        if let Some(line) = self.retained {
            let pattern = format!("{}.>", self.parts[line].name);
            let retained = self.bus.retain(pattern.as_str(), RETAINED.into());
            promise!(retained.is_ok() => "the bus", "does not retain: {retained:?}");
        }
        let mut workers = Vec::new();
        for (line, part) in self.parts.iter().enumerate() {
            self.grant(line);
            for &task in &part.tasks {
                let mut worker = Worker::new(self, line, task);
                if !part.speaks() {
                    worker.come();
                }
                workers.push(worker);
            }
        }
        let (mut speakers, mut readers) = (Vec::new(), Vec::new());
        for worker in workers {
            let (handle, speaks) = (runtime.clone(), worker.part.speaks());
            let job = if worker.task {
                runtime.spawn(worker.live())
            } else {
                runtime.spawn_blocking(move || handle.block_on(worker.live()))
            };
            if speaks { &mut speakers } else { &mut readers }.push(job);
        }
        let are_over = |jobs: &[JoinHandle<()>]| jobs.iter().all(JoinHandle::is_finished);
        thread::sleep(length);
        if !self.is_abrupt {
            self.stage.store(QUIET, Ordering::SeqCst);
            until("waits for those that speak", &|| are_over(&speakers));
            let since = Instant::now();
            while let Some(misfit) = self.misfit() {
                promise!(since.elapsed() < STEP_TIMEOUT => "the bus", "comes to no rest: {misfit}");
                thread::sleep(Duration::from_micros(100));
            }
        }
        self.stage.store(CLOSED, Ordering::SeqCst);
        self.bus.close();
        until("waits for those that speak", &|| are_over(&speakers));
        until("waits for those that receive", &|| are_over(&readers));
        self.sum_up()
    }

    /// Returns, for each part that stays subscribed, an account that receives nothing: everything that the part was
    /// offered is missing there, so it counts the offers.
    fn empty_accounts(&self) -> impl Iterator<Item = Account> {
        let (nothing, done) = (vec![0; self.parts.len()], self.done());
        let parts = self.parts.iter().filter(|it| !it.speaks());
        parts.map(move |part| {
            let mut account = Account::new(self, part, nothing.clone(), nothing.clone());
            account.lost = u64::MAX;
            account.settle_all(self, &done);
            account
        })
    }

    /// Returns which figures of the bus do not fit yet, once no worker publishes and every reader is to receive
    /// everything.
    fn misfit(&self) -> Option<String> {
        let (stats, done, mut most) = (self.bus.stats(), self.done(), 64 * 64);
        for Account { part, missing, .. } in self.empty_accounts() {
            // A queue with a filter keeps the segment of each envelope. The others keep their own segments and one
            // beside.
            most += part.capacity * if part.is_gapless() { 1 } else { 64 } + 256;
            let Some(it) = figures(&part, &stats) else {
                promise!(part.may_be_evicted() => part.name, "is not listed any more");
                continue;
            };
            let is_oldest = part.overflow == Overflow::DropOldest;
            let beside = if is_oldest { SEGMENTS } else { BESIDE };
            let may_overgrow = is_oldest && part.is_gapless();
            let holds = match (part.job, part.group) {
                (Job::Stuck, None) => it.matched.min(it.capacity)..=it.capacity + beside,
                (Job::Stuck, _) => 0..=it.capacity + beside, // visitors receive some
                _ => 0..=0,
            };
            let was_full = it.dropped == 0 || it.high_water >= it.capacity;
            let fits = (part.changing || it.matched == missing)
                && it.matched == it.received + it.queued + it.dropped
                && holds.contains(&it.queued)
                && was_full
                && it.high_water <= it.capacity + if may_overgrow { OVERDUE } else { SEGMENTS };
            if !fits {
                return Some(format!("{missing} published, {holds:?} to hold: {it:?}"));
            }
        }
        let (alive, published) = (Arc::strong_count(&self.alive) - 1, done.iter().sum::<u64>());
        most += 256 * done.len();
        let fits = alive <= most && (stats.published, stats.pending_requests) == (published, 0);
        (!fits).then(|| format!("{published} published, {alive} payloads of {most}: {stats:?}"))
    }

    /// Compares what was received with what was published, once all workers have come to their ends.
    fn sum_up(&self) -> [u64; 3] {
        let (done, mut sums) = (self.done(), [0; 2]);
        (self.accounts.lock().iter()).for_each(|it| it.lock().finish(self, &done));
        for Account { part, missing, .. } in self.empty_accounts() {
            let accounts = self.accounts.lock();
            let accounts = accounts.iter().map(|it| it.lock());
            let its = accounts.filter(|it| it.part.group.unwrap_or(it.part.name) == part.name);
            let its = its.fold([0; 2], |sum, it| [sum[0] + it.received, sum[1] + it.lost]);
            let fits = part.changing || part.may_be_evicted() || its[0] + its[1] == missing;
            promise!(fits => part.name, "has received and lost {its:?} of {missing}");
            sums = [sums[0] + its[0], sums[1] + its[1]];
        }
        let (panics, stats) = (self.panics.load(Ordering::Relaxed), self.bus.stats());
        let fits = stats.predicate_panics == panics && self.bus.subscriber_count() == 0;
        promise!(fits => "the bus", "after {panics} panics and the end: {stats:?}");
        // Visitors receive some envelopes too, and questions have no receipts.
        let others = [Job::Visit, Job::Revoke, Job::Answer];
        let is_known = others.iter().all(|&job| self.number_of(job) == 0);
        let matched = self.matched.load(Ordering::Relaxed);
        let fits = !is_known || matched == sums[0] + sums[1];
        promise!(fits => "the bus", "says {matched} matches in receipts, has {sums:?}");
        [done.iter().sum(), sums[0], sums[1]]
    }
}

/// Returns a part's figures, unless it was evicted.
fn figures<'a>(part: &Part, stats: &'a Stats) -> Option<&'a SubscriptionStats> {
    let mut all = stats.subscriptions.iter();
    all.find(|it| it.name.as_deref() == Some(part.group.unwrap_or(part.name)))
}
