//! One round: its stages, and the checks of the whole bus.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use oxide_bus::{Overflow, Stats, SubscriptionStats};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::account::{Account, SharedAccounts};
use super::part::{Job, Part};
use super::report::broken;
use super::state::{CLOSED, QUIET, RETAINED, RoundState, STEP_TIMEOUT};
use super::worker::Worker;

/// How many envelopes a queue may hold beyond its capacity: one while it reports a gap, or two segments.
const BESIDE: u64 = 1;
const SEGMENTS: u64 = 128;
/// The same for a queue that keeps the newest, if a thread was preempted while it removed some.
const OVERDUE: u64 = 1 << 15;

pub(super) struct Round {
    pub(super) state: Arc<RoundState>,
    accounts: SharedAccounts,
}

impl Round {
    pub(super) fn new(seed: u64) -> Self {
        Round {
            state: Arc::new(RoundState::new(seed)),
            accounts: SharedAccounts::default(),
        }
    }

    /// Runs the round for about this long. Returns what was published, received and lost.
    pub(super) fn run(&self, runtime: &Handle, length: Duration) -> [u64; 3] {
        let state = &self.state;
        let trace = state.trace("conductor");
        let until = |what, is_so: &dyn Fn() -> bool| {
            trace.step(what, 0);
            while !is_so() {
                thread::sleep(Duration::from_micros(100));
            }
        };
        if let Some(line) = state.retained {
            let pattern = format!("{}.>", state.parts[line].name);
            let retained = state.bus.retain(pattern.as_str(), RETAINED.into());
            promise!(retained.is_ok() => "the bus", "does not retain: {retained:?}");
        }
        let mut workers = Vec::new();
        for (line, part) in state.parts.iter().enumerate() {
            state.grant(line);
            for &task in &part.tasks {
                let mut worker = Worker::new(state, &self.accounts, line, task);
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
        if !state.is_abrupt {
            state.enter(QUIET);
            until("waits for those that speak", &|| are_over(&speakers));
            let since = Instant::now();
            while let Some(misfit) = self.misfit() {
                promise!(since.elapsed() < STEP_TIMEOUT => "the bus", "comes to no rest: {misfit}");
                thread::sleep(Duration::from_micros(100));
            }
        }
        state.enter(CLOSED);
        state.bus.close();
        until("waits for those that speak", &|| are_over(&speakers));
        until("waits for those that receive", &|| are_over(&readers));
        self.sum_up()
    }

    /// Returns, for each part that stays subscribed, an account that receives nothing. Everything that the part was
    /// offered is missing there, so the account counts the offers.
    fn empty_accounts(&self) -> impl Iterator<Item = Account> {
        let state = &self.state;
        let (nothing, done) = (vec![0; state.parts.len()], state.done());
        let parts = state.parts.iter().filter(|it| !it.speaks());
        parts.map(move |part| {
            let mut account = Account::new(state, part, nothing.clone(), nothing.clone());
            account.lost = u64::MAX;
            account.settle_all(state, &done);
            account
        })
    }

    /// Returns the figures of the bus that do not fit yet, once no worker publishes and every reader receives
    /// everything.
    fn misfit(&self) -> Option<String> {
        let state = &self.state;
        let (stats, done, mut most) = (state.bus.stats(), state.done(), 64 * 64);
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
        let (alive, published) = (
            Arc::strong_count(&state.alive) - 1,
            done.iter().sum::<u64>(),
        );
        most += 256 * done.len();
        let fits = alive <= most && (stats.published, stats.pending_requests) == (published, 0);
        (!fits).then(|| format!("{published} published, {alive} payloads of {most}: {stats:?}"))
    }

    /// Compares what was received with what was published, once all workers have come to their ends.
    fn sum_up(&self) -> [u64; 3] {
        let state = &self.state;
        let (done, mut sums) = (state.done(), [0; 2]);
        (self.accounts.lock().iter()).for_each(|it| it.lock().finish(state, &done));
        for Account { part, missing, .. } in self.empty_accounts() {
            let accounts = self.accounts.lock();
            let accounts = accounts.iter().map(|it| it.lock());
            let its = accounts.filter(|it| it.part.group.unwrap_or(it.part.name) == part.name);
            let its = its.fold([0; 2], |sum, it| [sum[0] + it.received, sum[1] + it.lost]);
            let fits = part.changing || part.may_be_evicted() || its[0] + its[1] == missing;
            promise!(fits => part.name, "has received and lost {its:?} of {missing}");
            sums = [sums[0] + its[0], sums[1] + its[1]];
        }
        let (panics, stats) = (state.panics.load(Ordering::Relaxed), state.bus.stats());
        let fits = stats.predicate_panics == panics && state.bus.subscriber_count() == 0;
        promise!(fits => "the bus", "after {panics} panics and the end: {stats:?}");
        // Visitors receive some envelopes too, and questions have no receipts.
        let others = [Job::Visit, Job::Revoke, Job::Answer];
        let is_known = others.iter().all(|&job| state.number_of(job) == 0);
        let matched = state.matched.load(Ordering::Relaxed);
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
