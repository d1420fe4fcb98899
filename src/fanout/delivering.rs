//! Who picks an envelope gets it here, in order if that is wanted; and what else is to be done of a publish
//! once its envelopes lie in their slots.

use std::mem;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use smallvec::SmallVec;

use super::Core;
use crate::advisory::Eviction;
use crate::board::Losses;
use crate::limit::{Held, Limit};
use crate::opening::Opening;
use crate::pick::{Displaced, PickQueue, Refused};
use crate::receipt::Outcome;
use crate::refusal::Refusal;
use crate::room::NoPlace;
use crate::route::Picks;
use crate::sync::{MutexGuard, Ordering};
use crate::terms::Terms;
use crate::waiting::Waiting;

impl<M> Core<M> {
    /// Evicts those whose predicates have panicked, or that would wait for ever.
    pub(super) fn put_out(&self, picks: &mut Picks<'_, M>) {
        if picks.failed.is_empty() {
            return;
        }
        let failed = mem::take(&mut picks.failed);
        self.failed((failed.iter()).map(|(listener, reason)| (&*listener.queue, *reason)));
    }

    /// Evicts subscriptions for what they asked for.
    pub(crate) fn failed<'a>(&self, queues: impl IntoIterator<Item = (&'a PickQueue<M>, Eviction)>)
    where
        M: 'a,
    {
        let evicted = queues.into_iter().filter_map(|(queue, reason)| {
            if reason == Eviction::PredicatePanicked {
                self.predicate_panics.fetch_add(1, Ordering::Relaxed); // a figure, no more
            }
            queue.evict().then(|| (Arc::clone(queue.terms()), reason))
        });
        self.evicted(&evicted.collect::<Vec<_>>());
    }

    /// Waits until it is this publish's turn, where all who pick envelopes see one order, and somebody picks
    /// this one. Refuses it if somebody would have to be waited for, and may not.
    pub(super) fn take_turn(
        &self,
        picks: &Picks<'_, M>,
        limit: Limit,
    ) -> Result<Option<MutexGuard<'_, ()>>, Refusal> {
        let Some(order) = self.order.as_ref().filter(|_| !picks.is_empty()) else {
            return Ok(None);
        };
        let turn = order.lock();
        // Nobody else takes a place now, so this holds until it is delivered.
        let mut refusing = picks.queues().filter(|queue| limit.refuses(queue.terms()));
        let full = refusing.find_map(|queue| queue.waited_for());
        full.map_or(Ok(Some(turn)), |vacancy| {
            Err(Refusal::Full(Arc::clone(vacancy)))
        })
    }

    /// Reserves places for a publish that may not wait. Where it has to take turns, it finds out then.
    pub(super) fn hold(&self, picks: &Picks<'_, M>, limit: Limit) -> Result<Held<M>, Refusal> {
        if self.order.is_some() || !limit.may_refuse() {
            return Ok(Held::none());
        }
        Held::reserve(picks.queues().filter(|queue| limit.refuses(queue.terms())))
    }

    /// Sees envelopes that lie in their slots to the subscribers that do not follow the parcel, and
    /// notes what is left to do, if anything is. Gives the turn back before that may run anybody's code.
    pub(super) fn deliver(
        &self,
        opening: &Opening<M>,
        slots: Range<usize>,
        picks: &Picks<'_, M>,
        mut held: Held<M>,
        turn: Option<MutexGuard<'_, ()>>,
        rest: &mut Option<Rest<M>>,
    ) -> Outcome {
        let mut outcome = opening.outcome(slots.len());
        for (queue, entry) in opening.waits() {
            Rest::of(rest).waiting.follow(queue, *entry);
        }
        let mut displaced = Displaced::new();
        for queue in picks.queues() {
            // With picks, only one envelope is placed at a time.
            let (parcel, slot) = (&opening.parcel, slots.start);
            if let Some(filled) = held.fill(queue, parcel, slot) {
                outcome.count(filled);
                continue;
            }
            let offered = queue.offer(parcel, slot, turn.is_some(), &mut displaced);
            if offered.is_ok() && displaced.is_empty() {
                outcome.delivered += 1;
            } else {
                self.note(offered, queue, &mut displaced, rest, &mut outcome, |rest| {
                    rest.waiting.pick(queue, parcel, slot);
                });
            }
        }
        drop(turn);
        if let Some(rest) = rest {
            rest.waiting.begin();
        }
        (self.occupied).wake_all(picks.queues().map(|queue| queue.readers()));
        outcome
    }

    /// Notes what has become of an offer that was not simply accepted.
    #[cold]
    fn note(
        &self,
        offered: Result<(), Refused>,
        queue: &PickQueue<M>,
        displaced: &mut Displaced<M>,
        rest: &mut Option<Rest<M>>,
        outcome: &mut Outcome,
        wait: impl FnOnce(&mut Rest<M>),
    ) {
        let has_displaced = !displaced.is_empty();
        if has_displaced {
            Rest::of(rest).displaced.append(displaced);
        }
        match offered {
            Ok(()) => outcome.delivered += 1,
            Err(Refused::NoPlace(no_place)) => outcome.count(Err(no_place)),
            Err(Refused::Evicted) => {
                outcome.dropped += 1;
                let evicted = (Arc::clone(queue.terms()), Eviction::Overflow);
                Rest::of(rest).evicted.push(evicted);
            }
            Err(Refused::Wait) => wait(Rest::of(rest)),
        }
        let has_lost = has_displaced || offered == Err(Refused::NoPlace(NoPlace::Full));
        if has_lost && self.board.is_listened_to() {
            let losses = &mut Rest::of(rest).losses;
            losses.note(&self.board, queue.terms(), || queue.room().lost());
        }
    }

    /// Does the rest of a publish, the waiting last. `let_go` gives answers to who asked, and lets go of
    /// payloads and predicates: that may run user code, which may publish, and finds the turns taken.
    /// Who waits must not keep them; if one panics, the rest is done all the same.
    pub(super) fn finish(
        &self,
        mut outcome: Outcome,
        rest: &mut Option<Rest<M>>,
        limit: Limit,
        let_go: impl FnOnce(),
    ) -> Outcome {
        let Some(rest) = rest else {
            let_go();
            return outcome;
        };
        let displaced = mem::take(&mut rest.displaced);
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            let_go();
            drop(displaced);
        }));
        let evicted = catch_unwind(AssertUnwindSafe(|| {
            self.evicted(&mem::take(&mut rest.evicted));
        }));
        rest.waiting.end(limit.deadline(), |turn, settled| {
            outcome.count(settled);
            if settled == Err(NoPlace::Full) {
                (rest.losses).note(&self.board, turn.terms(), || turn.dropped());
            }
        });
        mem::replace(&mut rest.losses, Losses::none()).tell(&self.board);
        if let Err(panic) = dropped.and(evicted) {
            resume_unwind(panic);
        }
        outcome
    }
}

/// What is left to do of a publish when its envelopes lie in their slots. It holds no route: that
/// would keep other subscribers connected while somebody is waited for.
pub(super) struct Rest<M> {
    /// Those who have to be waited for: the turns are taken.
    pub(super) waiting: Waiting<M>,
    /// What is not queued any more.
    pub(super) displaced: Displaced<M>,
    /// Those who were put out.
    pub(super) evicted: SmallVec<[(Arc<Terms>, Eviction); 1]>,
    pub(super) losses: Losses,
}

impl<M> Rest<M> {
    /// Made when there is something to note.
    pub(super) fn of(rest: &mut Option<Self>) -> &mut Self {
        rest.get_or_insert_with(|| Rest {
            waiting: Waiting::none(),
            displaced: Displaced::new(),
            evicted: SmallVec::new(),
            losses: Losses::none(),
        })
    }
}
