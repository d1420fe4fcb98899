//! Publishing from a thread, which waits for room where it may.
//!
//! An attempt places the envelope everywhere or nowhere. Where it fails, the thread registers at the queue that is in its
//! way, tries again, and sleeps: what has made room before is seen by then, and whoever makes room later wakes it.
//! Tasks do the same, [without blocking their thread](crate::tokio).
//!
//! Invariant: a publisher sleeps only if its last attempt has failed at a queue where it had registered before.
//! Having registered at another would not do: that queue may make no room any more, or have made it.

use std::sync::Arc;
use std::time::Instant;

use super::{Core, Current, Refusal};
use crate::engine::attempt::{Attempt, Limit};
use crate::engine::pending::Pending;
use crate::engine::receipt::Outcome;
use crate::engine::subscriber_list::Verdicts;
use crate::message::subject::Payload;
use crate::queue::vacancy::Waits;
use crate::support::parker::Parker;
use crate::support::sync::yield_now;
use crate::support::wait_list::Waiter;

/// How often a publisher lets others run before it goes to sleep. Where the subscriber shares its
/// core, that gives it the time to make room, and nobody has to be woken.
const YIELDS: u32 = if cfg!(oxide_loom) { 0 } else { 2 };

impl<M: Payload> Core<M> {
    /// Puts as many envelopes as it can, at least one, where every subscriber finds them. Waits for room as long as it
    /// may.
    pub(crate) fn place(
        &self,
        seen: Option<Current<M>>,
        pending: &mut impl Pending<M>,
        limit: Limit,
    ) -> Result<Outcome, Refusal> {
        let mut known = Verdicts::new();
        match self.attempt(seen, pending, &Attempt::first(limit), &mut known) {
            Err(Refusal::Full(_)) if limit.waits() => {
                self.place_when_there_is_room(pending, limit, &mut known)
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
    ) -> Result<Outcome, Refusal> {
        let began = Instant::now();
        let mut attempt = || {
            let attempt = Attempt::since(limit, began);
            let outcome = self.attempt(None, pending, &attempt, known);
            match outcome {
                Err(Refusal::Full(terms)) => Err((terms, attempt.patient_until())),
                outcome => Ok(outcome),
            }
        };
        for _ in 0..YIELDS {
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
            drop(nap); // those that sleep like this one come first
            waits.leave();
            nap = parker.nap();
        }
    }
}
