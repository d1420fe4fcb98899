//! Publishing from a thread that may wait for room.
//!
//! An attempt places the envelope in every queue or in none. Where it fails, the thread registers at the full queue,
//! tries again, and sleeps. The second attempt sees room that was made before the registration; a subscriber that makes
//! room later finds the registration and wakes the thread. Tasks do the same,
//! [without blocking their thread](crate::tokio).
//!
//! Invariant: *a publisher sleeps only if its last attempt failed at a queue where it had registered before.* A
//! registration at another queue is not enough: that queue may have made its room already, or may never make any.
//!
//! This keeps promise 1 for publishers that may wait. The tests are in `tests/library/blocking.rs` and
//! `tests/library/fairness.rs`.

use std::sync::Arc;

use super::{Core, Current};
use crate::engine::attempt::{Attempt, Limit};
use crate::engine::matches::Verdicts;
use crate::engine::pending::Pending;
use crate::engine::receipt::Outcome;
use crate::engine::refusal::Refusal;
use crate::message::subject::Payload;
use crate::queue::terms::Terms;
use crate::queue::vacancy::Waits;
use crate::support::clock;
use crate::support::parker::Parker;
use crate::support::sync::yield_now;
use crate::support::wait_list::Waiter;

impl<M: Payload> Core<M> {
    /// Puts as many envelopes as it can, at least one, where every subscriber finds them. Waits for room as long as
    /// `limit` allows.
    pub(crate) fn place(
        &self,
        seen: Option<Current<M>>,
        pending: &mut impl Pending<M>,
        limit: Limit,
    ) -> Result<Outcome, Refusal> {
        let mut known = Verdicts::new();
        match self.attempt(seen, pending, &Attempt::first(limit), &mut known) {
            Err(Refusal::Full(terms)) if limit.waits() => {
                self.place_when_there_is_room(pending, limit, &mut known, &terms)
            }
            outcome => outcome,
        }
    }

    #[cold]
    fn place_when_there_is_room(
        &self,
        pending: &mut impl Pending<M>,
        limit: Limit,
        known: &mut Verdicts,
        first_full: &Terms,
    ) -> Result<Outcome, Refusal> {
        let began = clock::now();
        let mut attempt = || {
            let attempt = Attempt::since(limit, began);
            let outcome = self.attempt(None, pending, &attempt, known);
            match outcome {
                Err(Refusal::Full(terms)) => Err((terms, attempt.patient_until())),
                outcome => Ok(outcome),
            }
        };
        if !first_full.is_awaited() && !cfg!(oxide_loom) {
            // Where the subscriber shares this core, that gives it the time to make room, and no thread has to be
            // woken. Where others wait already it would be unfair: this thread would take the places that they are
            // woken for.
            yield_now();
            if let Ok(outcome) = attempt() {
                return outcome;
            }
            yield_now();
        }
        let (parker, mut waits) = (Arc::<Parker>::default(), Waits::default());
        let mut nap = parker.nap();
        loop {
            let (full, patient_until) = match attempt() {
                Ok(outcome) => return outcome,
                Err(full) => full,
            };
            let vacancy = full.vacancy.as_ref().expect("it is waited for");
            let waiter = Waiter::Thread(Arc::clone(&parker));
            if waits.register(vacancy, patient_until.is_some(), waiter) {
                continue;
            }
            let deadline = limit.deadline(&full, began);
            nap.sleep(patient_until.into_iter().chain(deadline).min());
            drop(nap); // wakes the threads that this one is to wake, before it tries again
            waits.deregister();
            nap = parker.nap();
        }
    }
}
