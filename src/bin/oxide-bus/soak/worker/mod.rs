//! A worker of a soak round: a thread or a task that draws one action after another at random.
//!
//! The table of its job says how likely each action is. The publishing actions and the receiving actions have files of
//! their own.

/// Evaluates one expression on either handle. With `await` it is awaited if the worker is a task.
macro_rules! either {
    ($either:expr, $it:ident => $call:expr $(, $await:ident)?) => {
        match $either {
            Either::Thread($it) => $call,
            Either::Task($it) => $call$(.$await)?,
        }
    };
}

mod publisher;
mod subscriber;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use oxide_bus::{AsyncPublisher, AsyncSubscription, Publisher, Subscription};
use parking_lot::Mutex;

use super::account::{Account, SharedAccounts};
use super::part::{Job, Part, SoakLoad, mixed};
use super::report::{Trace, broken};
use super::state::RoundState;

/// A handle for a thread, or its counterpart for a task.
enum Either<T, A> {
    Thread(T),
    Task(A),
}

impl<T: Into<A>, A> Either<T, A> {
    fn of(it: T, task: bool) -> Self {
        if task {
            Either::Task(it.into())
        } else {
            Either::Thread(it)
        }
    }
}

type Subscribed = Either<Subscription<SoakLoad>, AsyncSubscription<SoakLoad>>;

pub(super) struct Worker {
    pub(super) part: Part,
    pub(super) task: bool,
    round: Arc<RoundState>,
    accounts: SharedAccounts,
    trace: Arc<Trace>,
    rng: Rng,
    line: usize,
    /// The number of its next envelope.
    number: u64,
    publisher: Either<Publisher<SoakLoad>, AsyncPublisher<SoakLoad>>,
    subscription: Option<Subscribed>,
    /// A subscription that is at its end.
    past: Option<Subscribed>,
    account: Arc<Mutex<Account>>,
}

impl Worker {
    pub(super) fn new(
        round: &Arc<RoundState>,
        accounts: &SharedAccounts,
        line: usize,
        task: bool,
    ) -> Self {
        let part = round.parts[line].clone();
        let worker = round.traces.lock().len() as u64;
        let publisher = if part.granted {
            round.bus.publisher(part.name, part.name)
        } else {
            round.bus.trusted_publisher(part.name)
        };
        Worker {
            task,
            round: Arc::clone(round),
            accounts: Arc::clone(accounts),
            trace: round.trace(part.name),
            rng: Rng::with_seed(mixed(round.seed) ^ worker),
            line,
            number: 0,
            publisher: Either::of(publisher, task),
            subscription: None,
            past: None,
            account: Arc::default(),
            part,
        }
    }

    /// Runs the worker: to the end of the bus or of a subscription that stays, or until the round becomes quiet.
    pub(super) async fn live(mut self) {
        while self.part.job == Job::Stuck && !self.round.is_closing() {
            self.pause(1_000).await;
        }
        let mut goes_on = true;
        while goes_on && (self.round.is_working() || !self.part.speaks()) {
            goes_on = match (self.part.job, self.rng.usize(0..256)) {
                (Job::Revoke, 0..80) => self.revoke().await,
                (Job::Revoke, 160..) => self.pause(500).await,
                (Job::Publish, 60..64) => self.pause(0).await,
                (Job::Publish, len @ 64..80) => self.publish(len, None).await,
                (Job::Visit, 60..80) if self.subscription.is_none() => self.come(),
                (Job::Visit, 60..80) => self.leave().await,
                (_, 120..128) if self.part.changing => self.change_patterns(),
                (_, it) if it < self.part.pauses => self.pause(500).await,
                (Job::Publish | Job::Revoke, _) | (Job::Visit, 80..120) => {
                    self.publish(1, None).await
                }
                _ => self.receive().await,
            };
        }
        if self.part.speaks() {
            self.leave().await;
        }
    }

    /// Pauses for up to `most` microseconds, or gives way to others.
    async fn pause(&mut self, most: u64) -> bool {
        let time = Duration::from_micros(self.rng.u64(0..=most));
        match (self.task, time.is_zero()) {
            (true, true) => tokio::task::yield_now().await,
            (true, false) => tokio::time::sleep(time).await,
            (false, true) => thread::yield_now(),
            (false, false) => thread::sleep(time),
        }
        true
    }

    /// Subscribes, also again after it has left. Returns false at the end of the bus.
    pub(super) fn come(&mut self) -> bool {
        let (round, past) = (Arc::clone(&self.round), self.past.take());
        self.trace.step("subscribes", 0);
        let done = round.done();
        let outcome = match past.filter(|_| self.rng.bool()) {
            Some(it) => either!(it, it => Subscription::resubscribe(&it)),
            None => round.bus.subscribe_with(self.part.options(&round.panics)),
        };
        let may = outcome.is_ok() || round.is_closing();
        promise!(may => self.part.name, "cannot subscribe: {outcome:?}");
        let account = Account::new(&round, &self.part, done, round.begun());
        self.account = Arc::new(Mutex::new(account));
        if self.part.group.is_some() || !self.part.speaks() {
            self.accounts.lock().push(Arc::clone(&self.account));
        }
        self.subscription = outcome.ok().map(|it| Either::of(it, self.task));
        self.subscription.is_some()
    }
}
