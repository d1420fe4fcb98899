//! The receiving actions of a worker: it receives, changes its patterns, and leaves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oxide_bus::{Delivery, Envelope, RecvTimeoutError, Subscription, TryRecvError};

use super::super::part::{CHANGES, Job, SoakLoad};
use super::super::report::broken;
use super::super::state::STEP_TIMEOUT;
use super::{Either, Worker};

/// How long a timed receive waits.
const MOMENT: Duration = Duration::from_micros(500);

impl Worker {
    /// Receives in one of several ways, and notes what comes. Returns false at the end of a subscription that stays.
    pub(super) async fn receive(&mut self) -> bool {
        let Some(mut subscription) = self.subscription.take() else {
            return true;
        };
        let (round, account) = (Arc::clone(&self.round), Arc::clone(&self.account));
        let (by, group) = (self.part.name, self.part.group);
        let lend = |it: &Envelope<SoakLoad>| account.lock().note(&round, it, None);
        let note = |it: Delivery<SoakLoad>| {
            account.lock().note(&round, &it, Some(it.sequence()));
            1
        };
        let (done, before) = (round.done(), account.lock().received);
        let favourite = [self.line % 8, self.rng.usize(0..8)][usize::from(self.rng.u8(0..4) == 0)];
        let way = match self.part.job {
            Job::Visit => favourite | 4, // the ways that do not wait for long
            Job::Answer => 0,
            _ => favourite,
        };
        let it = &mut subscription;
        let told: Result<usize, TryRecvError> = match way {
            0 | 1 => match either!(it, it => it.recv(), await) {
                Ok(it) => {
                    // It answers before the question counts as received. So when everything is received, everything is
                    // answered.
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
                // A subscription that is evicted by a panic of its predicate may learn of it a moment later.
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
                // A bus that closes accepts some envelopes that are not known of yet, so a part that stays checks at
                // the end.
                if self.part.speaks() && !round.is_closing() {
                    account.lock().finish(&round, &round.begun());
                }
                return self.part.speaks();
            }
        }
        self.subscription = Some(subscription);
        true
    }

    /// Changes the patterns of its subscription.
    pub(super) fn change_patterns(&mut self) -> bool {
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

    /// Leaves in one of three ways, and checks that its subscription comes to its end.
    pub(super) async fn leave(&mut self) -> bool {
        let Some(subscription) = self.subscription.take() else {
            return true;
        };
        let (round, by) = (Arc::clone(&self.round), self.part.name);
        self.trace.step("leaves", 0);
        let done = round.done();
        let it: &Subscription<SoakLoad> = either!(&subscription, it => it);
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
            promise!(since.elapsed() < STEP_TIMEOUT => by, "has left, and does not come to its end");
        }
        true
    }
}
