//! The last steps of a publish: direct queues are filled, and what was noted on the way is done.
//!
//! The envelopes lie in their slots by now. Each direct queue that matches gets its item, under the order lock if the
//! bus has one. Everything that may run user code (wakers, advisories, dropped payloads) comes after that lock is given
//! back.
//!
//! The models are in `engine/tests/core_loom_policies.rs`. The tests in `tests/library/total_order.rs` show the order
//! lock.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use super::Core;
use crate::engine::head::Head;
use crate::engine::loss_notices::LossNotices;
use crate::engine::matches::Matches;
use crate::engine::receipt::Outcome;
use crate::engine::reserved_places::ReservedPlaces;
use crate::message::advisory::Eviction;
use crate::queue::credits::NoPlace;
use crate::queue::direct::{DirectQueue, Displaced, Refused};
use crate::queue::terms::Terms;
use crate::support::sync::{MutexGuard, Ordering};

impl<M> Core<M> {
    /// Evicts the subscribers whose predicates have panicked, and those that could never receive anything.
    pub(super) fn evict_failed(&self, matches: &mut Matches<'_, M>) {
        if matches.failed.is_empty() {
            return;
        }
        let failed = mem::take(&mut matches.failed);
        self.failed((failed.iter()).map(|(listener, reason)| (&*listener.queue, *reason)));
    }

    /// Evicts subscriptions whose own filter is the reason.
    pub(crate) fn failed<'a>(
        &self,
        queues: impl IntoIterator<Item = (&'a DirectQueue<M>, Eviction)>,
    ) where
        M: 'a,
    {
        let evicted = queues.into_iter().filter_map(|(queue, reason)| {
            if reason == Eviction::PredicatePanicked {
                self.predicate_panics.fetch_add(1, Ordering::Relaxed); // a figure: nothing else is learned from it
            }
            queue.evict().then(|| (Arc::clone(queue.terms()), reason))
        });
        self.evicted(&evicted.collect::<Vec<_>>());
    }

    /// Takes the order lock, on a bus that has one and if a direct queue matches this envelope.
    pub(super) fn lock_order(&self, matches: &Matches<'_, M>) -> Option<MutexGuard<'_, ()>> {
        let order = self.order.as_ref().filter(|_| !matches.is_empty())?;
        Some(order.lock())
    }

    /// Puts the envelope in these slots into the direct queues that match it, and counts what the segment itself
    /// delivers. Notes in `rest` what is left to do. Gives the order lock back before it wakes anybody, since wakers
    /// are user code.
    pub(super) fn deliver(
        &self,
        head: &Head<M>,
        slots: Range<usize>,
        matches: &Matches<'_, M>,
        mut reserved: ReservedPlaces<'_, M>,
        order: Option<MutexGuard<'_, ()>>,
        rest: &mut Option<Rest<M>>,
    ) -> Outcome {
        let mut outcome = head.outcome(slots.len());
        let mut displaced = Displaced::new();
        for queue in matches.queues() {
            // Where a direct queue matches, only one envelope is placed at a time.
            let (segment, slot) = (&head.segment, slots.start);
            if reserved.take(queue) {
                outcome.count_offer(queue.fill(segment, slot));
                continue;
            }
            let offered = queue.offer(segment, slot, &mut displaced);
            if offered.is_ok() && displaced.is_empty() {
                outcome.delivered += 1;
            } else {
                self.note(offered, queue, &mut displaced, rest, &mut outcome);
            }
        }
        drop(order);
        (self.occupied).wake_all(matches.queues().map(|queue| queue.readers()));
        outcome
    }

    /// Notes the outcome of an offer that was not simply accepted.
    #[cold]
    fn note(
        &self,
        offered: Result<(), Refused>,
        queue: &DirectQueue<M>,
        displaced: &mut Displaced<M>,
        rest: &mut Option<Rest<M>>,
        outcome: &mut Outcome,
    ) {
        let has_displaced = !displaced.is_empty();
        if has_displaced {
            Rest::of(rest).displaced.append(displaced);
        }
        match offered {
            Ok(()) => outcome.delivered += 1,
            Err(Refused::NoPlace(no_place)) => outcome.count_offer(Err(no_place)),
            Err(Refused::Evicted) => {
                outcome.dropped += 1;
                let evicted = (Arc::clone(queue.terms()), Eviction::Overflow);
                Rest::of(rest).evicted.push(evicted);
            }
        }
        let has_lost = has_displaced || offered == Err(Refused::NoPlace(NoPlace::Full));
        if has_lost && self.notices.is_listened_to() {
            let losses = &mut Rest::of(rest).losses;
            losses.note(&self.notices, queue.terms(), || queue.credits().lost());
        }
    }

    /// Does the rest of a publish. `let_go` answers requests and drops payloads and predicates. That may run user code,
    /// so it comes last.
    pub(super) fn finish(
        &self,
        outcome: Outcome,
        rest: Option<Rest<M>>,
        let_go: impl FnOnce(),
    ) -> Outcome {
        let displaced = rest.map(|rest| {
            self.evicted(&rest.evicted);
            rest.losses.tell(&self.notices);
            rest.displaced
        });
        let_go();
        drop(displaced);
        outcome
    }
}

/// What is left to do of a publish whose envelopes lie in their slots.
pub(super) struct Rest<M> {
    /// Envelopes that newer ones have displaced from a queue. They are dropped last.
    pub(super) displaced: Displaced<M>,
    /// Subscribers that were evicted, and why.
    pub(super) evicted: SmallVec<[(Arc<Terms>, Eviction); 1]>,
    pub(super) losses: LossNotices,
}

impl<M> Rest<M> {
    /// Returns the rest, which is made once there is something to note.
    pub(super) fn of(rest: &mut Option<Self>) -> &mut Self {
        rest.get_or_insert_with(|| Rest {
            displaced: Displaced::new(),
            evicted: SmallVec::new(),
            losses: LossNotices::none(),
        })
    }
}
