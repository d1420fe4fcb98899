//! A worker, a thread or a task: it draws one action after another from the table of its job.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use oxide_bus::{
    AsyncPublisher, AsyncSubscription, Delivery, Denial, Envelope, Overflow, PublishError,
    Publisher, RecvTimeoutError, SubscribeOptions, Subscription, TryRecvError,
};
use parking_lot::Mutex;

use super::account::Account;
use super::part::{CHANGES, Job, Load, Part, mixed};
use super::report::{Trace, broken};
use super::round::{PATIENCE, Round};

/// What a timed receive waits for.
const MOMENT: Duration = Duration::from_micros(500);

/// The phases of a capability, over and over. Between these two it is being changed.
const GRANTED: u64 = 0;
const REVOKED: u64 = 2;

/// What a thread has, or what a task has.
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

macro_rules! either {
    ($either:expr, $it:ident => $call:expr $(, $await:ident)?) => {
        match $either {
            Either::Thread($it) => $call,
            Either::Task($it) => $call$(.$await)?,
        }
    };
}

type Subscribed = Either<Subscription<Load>, AsyncSubscription<Load>>;

pub(super) struct Worker {
    pub(super) part: Part,
    pub(super) task: bool,
    round: Arc<Round>,
    trace: Arc<Trace>,
    rng: Rng,
    line: usize,
    /// The number of its next envelope.
    number: u64,
    publisher: Either<Publisher<Load>, AsyncPublisher<Load>>,
    subscription: Option<Subscribed>,
    /// A subscription that is at its end.
    past: Option<Subscribed>,
    account: Arc<Mutex<Account>>,
}

impl Worker {
    pub(super) fn new(round: &Arc<Round>, line: usize, task: bool) -> Self {
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
            trace: Trace::of(round, part.name),
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

    /// The life of a worker: to the end of the bus, or of a subscription that stays, or until it is time to be quiet.
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

    /// Pauses for up to so many microseconds, or gives way.
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

    fn load(&mut self, ahead: u64) -> Load {
        let number = self.number + ahead;
        let other = self.rng.usize(0..self.round.parts.len());
        let is_own = other == self.line; // and in order anyhow
        Load {
            line: self.line,
            number,
            witness: (other, if is_own { 0 } else { self.round.done_of(other) }),
            answers: None,
            subject: [self.part.name, self.part.kind(number)],
            _alive: Arc::clone(&self.round.alive),
        }
    }

    /// Publishes so many, or answers, or asks; false at the end of the bus.
    async fn publish(&mut self, len: usize, question: Option<&Delivery<Load>>) -> bool {
        let (round, line, by) = (Arc::clone(&self.round), self.line, self.part.name);
        let waits = matches!(self.part.overflow, Overflow::Block | Overflow::BlockFor(_));
        if self.subscription.is_some() && waits && self.part.group.is_none() {
            return true; // it would wait for itself
        }
        let (from, granted) = (self.number, self.part.granted);
        let may_ask = !granted && round.number_of(Job::Answer) > 0;
        let asks = may_ask && self.part.kind(from) == "ask" && self.rng.bool();
        let len = if asks { 1 } else { len };
        let mut loads: Vec<_> = (0..len as u64).map(|it| self.load(it)).collect();
        loads[0].answers = question.map(|it| (it.message.line, it.message.number));
        let is_foreign = granted && self.rng.u8(0..32) == 0;
        if is_foreign {
            loads[0].subject[0] = "foreign";
        }
        let phase = || round.lines[line].phase.load(Ordering::Acquire);
        let before = phase();
        let (is_root, tries) = (!granted && self.rng.u8(0..4) == 0, self.rng.u8(0..8) == 0);
        self.trace.step("publishes up to", from + len as u64);
        round.begin(line, from + len as u64);
        let cause = |it: &PublishError<Load>| (it.denial(), it.envelope().message.number);
        let (published, matched, left, refused) = if asks {
            let load = loads.remove(0);
            match either!(&self.publisher, it => it.request_timeout(load, PATIENCE), await) {
                Ok(answer) => {
                    let its = answer.message.answers;
                    promise!(its == Some((line, from)) => by, "asks {from}, got an answer to {its:?}");
                    (1, 0, 0, None)
                }
                Err(error) => {
                    promise!(round.is_closing() => by, "gets no answer to {from}: {error}");
                    let left = error.into_envelope().map_or(0, |_| 1);
                    (1 - left, 0, left, Some((None, from + 1 - left as u64)))
                }
            }
        } else if len == 1 {
            let load = loads.remove(0);
            let outcome = match (&self.publisher, question) {
                (it, Some(question)) => either!(it, it => it.reply(question, load), await),
                (Either::Thread(_), _) if is_root => round.bus.publish(Envelope::new(by, load)),
                (it, None) if tries => either!(it, it => it.try_publish(load)),
                (it, None) => either!(it, it => it.publish(load), await),
            };
            match outcome {
                Ok(it) => (1, it.matched(), 0, None),
                Err(error) => (0, 0, 1, Some(cause(&error))),
            }
        } else {
            match either!(&self.publisher, it => it.publish_batch(loads), await) {
                Ok(it) => (it.published(), it.matched(), 0, None),
                Err(error) => {
                    let (it, cause) = (error.receipt(), cause(error.cause()));
                    let left = error.into_envelopes().len();
                    (it.published(), it.matched(), left, Some(cause))
                }
            }
        };
        round.matched.fetch_add(matched as u64, Ordering::Relaxed);
        self.number += published as u64;
        round.end(line, self.number);
        // What is the same before and after held all the while.
        let phase = Some(before % 4).filter(|_| before == phase());
        let may = published == 0 || phase != Some(REVOKED) && !is_foreign;
        promise!(may => by, "publishes {from}, which is revoked or beyond its scope");
        promise!(published + left == len => by, "of {len} publishes {published}, has {left} left");
        let Some((denial, number)) = refused else {
            return true;
        };
        let may = match denial {
            Some(Denial::Revoked | Denial::NotGranted) => phase != Some(GRANTED),
            Some(denial) => is_foreign && denial == Denial::Subject,
            None => round.is_closing() || tries,
        };
        let fits = may && number == self.number;
        promise!(fits => by, "is refused {number}, after {from} and {published}: {denial:?}");
        self.pause(100).await;
        !round.is_closing()
    }

    /// Receives in some way, and takes down what comes; false at the end of a subscription that stays.
    async fn receive(&mut self) -> bool {
        let Some(mut subscription) = self.subscription.take() else {
            return true;
        };
        let (round, account) = (Arc::clone(&self.round), Arc::clone(&self.account));
        let (by, group) = (self.part.name, self.part.group);
        let lend = |it: &Envelope<Load>| account.lock().note(&round, it, None);
        let note = |it: Delivery<Load>| {
            account.lock().note(&round, &it, Some(it.sequence()));
            1
        };
        let (done, before) = (round.done(), account.lock().received);
        let favourite = [self.line % 8, self.rng.usize(0..8)][usize::from(self.rng.u8(0..4) == 0)];
        let way = match self.part.job {
            Job::Visit => favourite | 4, // not to wait for long
            Job::Answer => 0,
            _ => favourite,
        };
        let it = &mut subscription;
        let told: Result<usize, TryRecvError> = match way {
            0 | 1 => match either!(it, it => it.recv(), await) {
                Ok(it) => {
                    // Before it counts as received: when all is received, all is answered.
                    if self.part.job == Job::Answer {
                        self.publish(1, Some(&it)).await;
                    }
                    Ok(note(it))
                }
                Err(error) => Err(error.into()),
            },
            2 => (either!(it, it => it.recv_ref(), await)
                .map(lend)
                .map(|()| 1))
            .map_err(TryRecvError::from),
            3 => {
                let mut batch = Vec::new();
                let told = either!(it, it => it.recv_batch(&mut batch, 50), await);
                for it in batch {
                    note(it);
                }
                told.map_err(TryRecvError::from)
            }
            4 => match either!(it, it => it.recv_timeout(MOMENT), await) {
                Ok(it) => Ok(note(it)),
                Err(RecvTimeoutError::Timeout) => Err(TryRecvError::Empty),
                Err(RecvTimeoutError::Lagged { missed }) => Err(TryRecvError::Lagged { missed }),
                Err(RecvTimeoutError::Disconnected) => Err(TryRecvError::Disconnected),
                Err(RecvTimeoutError::Evicted) => Err(TryRecvError::Evicted),
            },
            5 => either!(it, it => it.try_recv()).map(note),
            _ => either!(it, it => it.try_recv_each(lend)),
        };
        let received = account.lock().received;
        self.trace.step("has received", received);
        let fits = received - before == told.unwrap_or(0) as u64;
        promise!(fits => by, "has received {received}, {before} before, and is told {told:?}");
        match told {
            Ok(_) => {}
            Err(TryRecvError::Lagged { missed }) => account.lock().note_lost(&round, missed),
            Err(TryRecvError::Empty) => {
                // One that a panic of its predicate has put out may learn of it a moment later.
                if !self.part.panics() {
                    account.lock().settle_all(&round, &done);
                }
                self.pause(0).await;
            }
            Err(end) => {
                let (left, dropped) = either!(&subscription, it => (it.len(), it.dropped()));
                promise!(left == 0 || group.is_some() => by, "ends with {left} queued");
                account.lock().end = Some((end == TryRecvError::Evicted, dropped));
                self.past = Some(subscription);
                // A bus that closes takes some that are not known of: those that stay look at the end.
                if self.part.speaks() && !round.is_closing() {
                    account.lock().finish(&round, &round.begun());
                }
                return self.part.speaks();
            }
        }
        self.subscription = Some(subscription);
        true
    }

    /// Listens to other patterns.
    fn change_patterns(&mut self) -> bool {
        let mut account = self.account.lock();
        if let Some(subscription) = &self.subscription
            && !account.is_busy()
        {
            self.trace.step("changes its patterns", 0);
            let (patterns, done) = (CHANGES[self.rng.usize(0..3)], self.round.done());
            let outcome = either!(subscription, it => it.set_patterns(patterns));
            if outcome.is_ok() {
                self.part.patterns = patterns.to_vec();
                account.turn(Some(self.part.clone()), done, self.round.begun());
            }
            let may = outcome.is_ok() || self.round.is_closing() || self.part.may_be_evicted();
            promise!(may => self.part.name, "cannot change its patterns: {outcome:?}");
        }
        true
    }

    /// Subscribes, or does so again; false at the end of the bus.
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
            round.accounts.lock().push(Arc::clone(&self.account));
        }
        self.subscription = outcome.ok().map(|it| Either::of(it, self.task));
        self.subscription.is_some()
    }

    /// Leaves in some way, and sees the end of its subscription.
    async fn leave(&mut self) -> bool {
        let Some(subscription) = self.subscription.take() else {
            return true;
        };
        let (round, by) = (Arc::clone(&self.round), self.part.name);
        self.trace.step("leaves", 0);
        let done = round.done();
        let it: &Subscription<Load> = either!(&subscription, it => it);
        match self.rng.u8(0..3) {
            0 => it.close(),
            1 => drop(round.bus.unsubscribe(it.id())),
            _ => return true, // it is dropped
        }
        promise!(it.is_closed() => by, "has left, and is subscribed");
        if self.part.group.is_none() {
            self.account.lock().turn(None, done, round.begun());
        }
        self.subscription = Some(subscription);
        let since = Instant::now();
        while self.subscription.is_some() {
            self.receive().await;
            promise!(since.elapsed() < PATIENCE => by, "has left, and does not come to its end");
        }
        true
    }

    /// Takes a capability away, and gives it back; false at the end of the bus.
    async fn revoke(&mut self) -> bool {
        let round = Arc::clone(&self.round);
        let lines = (0..round.parts.len()).filter(|&it| round.parts[it].granted);
        let Some(line) = self.rng.choice(lines.collect::<Vec<_>>()) else {
            return self.pause(500).await;
        };
        let name = round.parts[line].name;
        let next_phase = || round.lines[line].phase.fetch_add(1, Ordering::AcqRel);
        // Without a filter, so publishers append as before.
        let probe = round
            .bus
            .subscribe_with(SubscribeOptions::new().capacity(2_048));
        self.trace.step("revokes of line", line as u64);
        next_phase();
        let drained = round.bus.revoke_and_drain(name, Duration::from_millis(100));
        if drained.is_err() {
            round.bus.revoke(name);
        }
        next_phase();
        let mut goes_on = true;
        if let Ok(mut probe) = probe
            && drained.is_ok()
        {
            while probe.len() > 1_024 && probe.try_recv().is_ok() {}
            let own = (self.line, self.number);
            goes_on = self.publish(1, None).await; // nothing of that line comes after this
            self.pause(1_000).await;
            let mut is_after = false;
            while let Some(it) = probe.try_iter().find_map(Result::ok) {
                let it = (it.message.line, it.message.number);
                promise!(!is_after || it.0 != line => name, "publishes {it:?} when it is revoked and drained");
                is_after |= it == own;
            }
        }
        next_phase();
        self.trace.step("grants to line", line as u64);
        round.grant(line);
        next_phase();
        goes_on
    }
}
