//! One envelope into many queues: what all handles of one bus share, and the way of a publish
//! through it.
//!
//! A publish appends to the current parcel, which every follower's queue has already: one
//! compare-and-swap and one write, whatever the number of followers. Where it cannot, it opens the
//! next parcel. Then the envelope is sent to the subscribers that picked it, and whoever has no
//! room but must not lose it is waited for.

use std::mem;
use std::ops::{Deref, Range};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::advisory::{Board, Eviction, Losses};
use crate::alarm::Alarm;
use crate::codec::EncodeError;
use crate::envelope::Envelope;
use crate::error::{BatchError, PublishError};
use crate::follow::{FollowQueue, Places};
use crate::grants::Grants;
use crate::limit::{Held, Limit};
use crate::lobby::Lobby;
use crate::nesting::Nesting;
use crate::opening::{self, Opening};
use crate::parcel::Claim;
use crate::pause::{self, Step};
use crate::pending::{Batch, Pending, append, discard};
use crate::pick::{PickQueue, Picker, Refused};
use crate::queue::Terms;
use crate::receipt::{BatchReceipt, Outcome};
use crate::request::Requests;
use crate::retained::Since;
use crate::ring::Entry;
use crate::room::NoPlace;
use crate::route::{Picks, Route};
use crate::subject::Payload;
use crate::sync::{ArcSwap, AtomicBool, AtomicU64, Mutex, MutexGuard, Ordering};
use crate::waiting::Waiting;
use crate::weight::{Demands, Excess};

/// What all handles of one bus share.
pub(crate) struct Core<M> {
    /// The opening that is appended to.
    current: ArcSwap<Opening<M>>,
    /// The subscriber list that the next opening is for.
    route: ArcSwap<Route<M>>,
    /// Held to replace the route; publishers never wait for it.
    changing: Mutex<()>,
    /// Somebody was evicted who may be on the route still.
    stale: AtomicBool,
    pub(crate) grants: Arc<Grants>,
    pub(crate) board: Board,
    /// What is asked of an envelope, if anything is.
    pub(crate) demands: Option<Demands<M>>,
    /// Held while an envelope gets its sequence number and is put into the queues of those who picked it,
    /// where all of them shall see one order. Nobody is waited for meanwhile, and no user code runs.
    pub(crate) order: Option<Mutex<()>>,
    pub(crate) requests: Requests<M>,
    /// How often a predicate has panicked.
    pub(crate) predicate_panics: AtomicU64,
    pub(crate) lobby: Arc<Lobby>,
}

/// Why something is not published, though it may be.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The bus has closed.
    Closed,
    /// Inside too many other publishes of the thread.
    TooDeep,
    /// Somebody would have to be waited for, and may not.
    Full,
    /// It weighs more than it may.
    TooHeavy(Excess),
    /// It cannot be written.
    Unwritable(Box<EncodeError>),
}

impl<M> Core<M> {
    pub(crate) fn new(board: Board) -> Self {
        let route = Arc::new(Route::empty());
        Core {
            current: ArcSwap::from_pointee(Opening::first(Arc::clone(&route))),
            route: ArcSwap::new(route),
            changing: Mutex::default(),
            stale: AtomicBool::new(false),
            grants: Arc::default(),
            board,
            demands: None,
            order: None,
            requests: Requests::default(),
            predicate_panics: AtomicU64::new(0),
            lobby: Arc::default(),
        }
    }

    /// Publishes one envelope, or gives it back.
    #[inline]
    pub(crate) fn publish(
        &self,
        envelope: Envelope<M>,
        limit: Limit,
    ) -> Result<Outcome, PublishError<M>>
    where
        M: Payload,
    {
        let mut pending = Some(envelope);
        self.append_plainly(&mut pending)
            .map_or_else(|| self.place(&mut pending, limit), Ok)
            .map_err(|refusal| PublishError::refused(Pending::take(&mut pending), refusal))
    }

    /// The same, but that it leaves the envelope where it is. Not what `publish` is made of: that would cost it a
    /// call.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(crate) fn publish_pending(
        &self,
        pending: &mut Option<Envelope<M>>,
        limit: Limit,
    ) -> Result<Outcome, Refusal>
    where
        M: Payload,
    {
        self.append_plainly(pending)
            .map_or_else(|| self.place(pending, limit), Ok)
    }

    /// Appends one envelope, where there is nothing else to do. [`place`](Core::place) would do the
    /// same: this is kept apart, and small, because nearly every publish ends here.
    #[inline]
    fn append_plainly(&self, pending: &mut Option<Envelope<M>>) -> Option<Outcome> {
        let current = self.current.load();
        if !current.is_plain() || current.is_outdated() {
            return None;
        }
        let Claim { slots, is_awaited } = current.parcel.claim_kept()?;
        pause::at(Step::Claimed);
        (current.parcel).write(slots.start, || Pending::take(pending));
        self.call(is_awaited);
        self.requests.look(&current.parcel, slots);
        Some(current.outcome(1))
    }

    /// Publishes envelopes, in one step as many as find room in one parcel, or gives back those that
    /// are left.
    pub(crate) fn publish_batch(
        &self,
        envelopes: Vec<Envelope<M>>,
    ) -> Result<BatchReceipt, BatchError<M>>
    where
        M: Payload,
    {
        let mut batch = Batch::new(envelopes);
        let mut receipt = BatchReceipt::default();
        let mut panic = None;
        let refusal = loop {
            let before = batch.count();
            if before == 0 {
                break None;
            }
            match catch_unwind(AssertUnwindSafe(|| self.place(&mut batch, Limit::Theirs))) {
                Ok(Ok(outcome)) => receipt.add(before - batch.count(), outcome),
                Ok(Err(refusal)) => break Some(refusal),
                // Something that was let go of, after this step was published: no reason to keep the
                // rest from anybody.
                Err(payload) if batch.count() < before => panic = panic.or(Some(payload)),
                Err(payload) => resume_unwind(payload),
            }
        };
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
        match refusal {
            None => Ok(receipt),
            Some(refusal) => Err(BatchError::new(receipt, batch.into_envelopes(), refusal)),
        }
    }

    /// Puts as many envelopes as it can, at least one, where every subscriber finds them.
    #[inline(never)]
    pub(crate) fn place(
        &self,
        pending: &mut impl Pending<M>,
        limit: Limit,
    ) -> Result<Outcome, Refusal>
    where
        M: Payload,
    {
        // What user code has said so far.
        let mut known = None;
        let mut nesting = None;
        loop {
            let current = self.current.load();
            if current.is_outdated() {
                // Some queue that was left out has made room.
                current.parcel.close();
            }
            if !current.runs_no_user_code() {
                go_deeper(&mut nesting)?;
            }
            if current.is_plain() {
                if let Some(Claim { slots, is_awaited }) =
                    self.append(&current, pending, pending.count())
                {
                    self.call(is_awaited);
                    self.requests.look(&current.parcel, slots.clone());
                    return Ok(current.outcome(slots.len()));
                }
            } else {
                // User code, so before anything has happened: if it panics, nothing has.
                let mut picks = current.route.picks(|| pending.first(), known.take());
                self.put_out(&mut picks);
                let held = self.hold(&picks, limit)?;
                let turn = self.take_turn(&picks, limit)?;
                if let Some(Claim { slots, is_awaited }) = self.append(&current, pending, 1) {
                    let (outcome, rest) = self.deliver(&current, slots.clone(), &picks, held, turn);
                    self.call(is_awaited); // user code, so not before the turn is over
                    return Ok(self.finish(outcome, rest, limit, || {
                        self.requests.look(&current.parcel, slots);
                        drop((current, picks));
                    }));
                }
                drop(turn);
                known = Some(picks);
            }
            if !current.parcel.is_ready() {
                current.complete(&self.lobby);
                continue;
            }
            go_deeper(&mut nesting)?;
            if let Some(outcome) = self.open(current, pending, limit, &mut known)? {
                return Ok(outcome);
            }
        }
    }

    /// Opens the parcel after the current one, with pending envelopes in it. None if nothing was
    /// published yet, but there is another current one.
    fn open(
        &self,
        current: impl Deref<Target = Arc<Opening<M>>>,
        pending: &mut impl Pending<M>,
        limit: Limit,
        known: &mut Option<Picks<M>>,
    ) -> Result<Option<Outcome>, Refusal>
    where
        M: Payload,
    {
        current.parcel.close();
        let route = self.route.load_full();
        if route.closed {
            self.bring_in(&route); // from now on for everybody
            return Err(Refusal::Closed);
        }
        let mut picks = route.picks(|| pending.first(), known.take()); // user code, as above
        self.put_out(&mut picks);
        let held = self.hold(&picks, limit)?;
        let wanted = route.step(pending.count());
        let next = Arc::new(current.next(route, wanted, pending));
        let claimed = next.parcel.filled().claimed;
        pause::at(Step::Installing);
        let turn = self.take_turn(&picks, limit);
        let refuses = |(queue, _): (&Arc<FollowQueue<M>>, _)| limit.refuses(queue.terms());
        let may_not = turn.is_err() || next.waits().any(refuses);
        if !may_not && self.install(&current, &next) {
            pause::at(Step::Installed);
            let turn = turn.ok().flatten();
            let (mut outcome, mut rest) = self.deliver(&next, 0..claimed, &picks, held, turn);
            next.complete(&self.lobby);
            let base = next.parcel.base();
            let blind = if next.parcel.is_blind() { claimed } else { 0 };
            for (queue, entry) in next.drops() {
                let dropped = || entry.left_out + claimed as u64;
                rest.losses.note(&self.board, queue.terms(), dropped);
            }
            for (queue, _) in next.evicts() {
                outcome.dropped += 1;
                (rest.evicted).push((Arc::clone(queue.terms()), Eviction::Overflow));
            }
            let outcome = self.finish(outcome, rest, limit, || {
                self.requests.look(&next.parcel, 0..claimed);
                drop((current, next, picks));
                discard(pending, blind, base, |sequence, envelope| {
                    self.requests.look_at(sequence, envelope);
                });
            });
            return Ok(Some(outcome));
        }
        drop(turn);
        *known = Some(picks);
        // The swap has let go of its handle on it, so this is the only one.
        let opening = Arc::into_inner(next).expect("nobody else has seen it");
        let parcel = Arc::into_inner(opening.parcel).expect("nobody else has seen it");
        pending.put_back(parcel.into_envelopes());
        if may_not {
            return Err(Refusal::Full);
        }
        Ok(None)
    }

    /// Appends up to so many pending envelopes to the opening's parcel.
    #[inline]
    fn append(
        &self,
        opening: &Opening<M>,
        pending: &mut impl Pending<M>,
        wanted: usize,
    ) -> Option<Claim> {
        append(&opening.parcel, pending, wanted, |sequence, envelope| {
            self.requests.look_at(sequence, envelope);
        })
    }

    /// Wakes those who wait for the next slot to be claimed, if there is somebody.
    #[inline]
    fn call(&self, is_awaited: bool) {
        if is_awaited {
            self.lobby.ring();
        }
    }

    /// Evicts those whose predicates have panicked.
    fn put_out(&self, picks: &mut Picks<M>) {
        for listener in mem::take(&mut picks.failed) {
            self.failed(&listener.queue);
        }
    }

    /// A predicate has panicked: its subscription is evicted.
    pub(crate) fn failed(&self, queue: &PickQueue<M>) {
        self.predicate_panics.fetch_add(1, Ordering::Relaxed); // a figure, no more
        if queue.evict() {
            self.evicted(queue.terms(), Eviction::PredicatePanicked);
        }
    }

    /// Waits until it is this publish's turn, where all who pick envelopes see one order, and somebody picks
    /// this one. Refuses it if somebody would have to be waited for, and may not.
    fn take_turn(
        &self,
        picks: &Picks<M>,
        limit: Limit,
    ) -> Result<Option<MutexGuard<'_, ()>>, Refusal> {
        let order = self.order.as_ref().filter(|_| !picks.listeners.is_empty());
        let turn = order.map(Mutex::lock);
        // Nobody else takes a place now, so this holds until it is delivered.
        let may_not = |queue: &PickQueue<M>| limit.refuses(queue.terms()) && queue.is_waited_for();
        if turn.is_some() && (picks.listeners.iter()).any(|listener| may_not(&listener.queue)) {
            return Err(Refusal::Full);
        }
        Ok(turn)
    }

    /// Reserves places for a publish that may not wait. Where it has to take turns, it finds out then.
    fn hold(&self, picks: &Picks<M>, limit: Limit) -> Result<Held<M>, Refusal> {
        if self.order.is_some() {
            return Ok(Held::none());
        }
        let queues = picks.listeners.iter().map(|listener| &listener.queue);
        let refusing = queues.filter(|queue| limit.refuses(queue.terms()));
        Held::reserve(refusing).ok_or(Refusal::Full)
    }

    /// Sees envelopes that lie in their slots to the subscribers that do not follow the parcel, and
    /// returns what is left to do. Gives the turn back before that may run anybody's code.
    fn deliver(
        &self,
        opening: &Opening<M>,
        slots: Range<usize>,
        picks: &Picks<M>,
        mut held: Held<M>,
        turn: Option<MutexGuard<'_, ()>>,
    ) -> (Outcome, Rest<M>) {
        let mut outcome = opening.outcome(slots.len());
        let mut rest = Rest {
            waiting: Waiting::none(),
            displaced: SmallVec::new(),
            evicted: SmallVec::new(),
            losses: Losses::none(),
        };
        for (queue, entry) in opening.waits() {
            rest.waiting.follow(queue, *entry);
        }
        for listener in &picks.listeners {
            // With picks, only one envelope is placed at a time.
            let (queue, parcel) = (&listener.queue, &opening.parcel);
            if let Some(filled) = held.fill(queue, parcel, slots.start) {
                outcome.count(filled);
                continue;
            }
            match queue.offer(parcel, slots.start, turn.is_some()) {
                Ok(None) => outcome.delivered += 1,
                Ok(Some(displaced)) => {
                    outcome.delivered += 1;
                    rest.displaced.push(displaced);
                    (rest.losses).note(&self.board, queue.terms(), || queue.accounts().dropped);
                }
                Err(Refused::NoPlace(no_place)) => {
                    outcome.count(Err(no_place));
                    if no_place == NoPlace::Full {
                        let dropped = || queue.accounts().dropped;
                        rest.losses.note(&self.board, queue.terms(), dropped);
                    }
                }
                Err(Refused::Evicted) => {
                    outcome.dropped += 1;
                    (rest.evicted).push((Arc::clone(queue.terms()), Eviction::Overflow));
                }
                Err(Refused::Wait(line)) => {
                    (rest.waiting).pick(line, queue.terms(), parcel, slots.start);
                }
            }
        }
        drop(turn);
        rest.waiting.begin();
        Alarm::ring_all(
            picks
                .listeners
                .iter()
                .map(|listener| listener.queue.alarm()),
        );
        (outcome, rest)
    }

    /// Does the rest of a publish, the waiting last. `let_go` gives answers to who asked, and lets go of
    /// payloads and predicates: that may run user code, which may publish, and finds the turns taken.
    /// Who waits must not keep them; if one panics, the rest is done all the same.
    fn finish(
        &self,
        mut outcome: Outcome,
        mut rest: Rest<M>,
        limit: Limit,
        let_go: impl FnOnce(),
    ) -> Outcome {
        let displaced = mem::take(&mut rest.displaced);
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            let_go();
            drop(displaced);
        }));
        let evicted = catch_unwind(AssertUnwindSafe(|| {
            for (terms, reason) in rest.evicted.drain(..) {
                self.evicted(&terms, reason);
            }
        }));
        rest.waiting.end(limit.deadline(), |turn, settled| {
            outcome.count(settled);
            if settled == Err(NoPlace::Full) {
                (rest.losses).note(&self.board, turn.terms(), || turn.dropped());
            }
        });
        rest.losses.tell(&self.board);
        if let Err(panic) = dropped.and(evicted) {
            resume_unwind(panic);
        }
        outcome
    }

    /// Makes `next` the current opening, if `current` still is. Then the latter's parcel is closed.
    fn install(&self, current: &Arc<Opening<M>>, next: &Arc<Opening<M>>) -> bool {
        current.mark();
        let was = self.current.compare_and_swap(current, Arc::clone(next));
        Arc::ptr_eq(&was, current)
    }

    /// Sees to it that whatever is published from now on goes by this route or a newer one.
    fn bring_in(&self, route: &Arc<Route<M>>) {
        loop {
            let current = self.current.load();
            if current.route.version >= route.version {
                return;
            }
            current.complete(&self.lobby);
            current.parcel.close();
            // This route, though there may be a newer one: that may be closed, and a closed bus is
            // whole only with all that `close` does.
            let next = Arc::new(current.idle(Arc::clone(route)));
            if self.install(&current, &next) {
                return;
            }
        }
    }

    /// Whether publishes fail.
    pub(crate) fn is_closed(&self) -> bool {
        self.current.load().route.closed
    }

    pub(crate) fn current(&self) -> Arc<Opening<M>> {
        self.current.load_full()
    }

    /// The sequence number of the next envelope.
    pub(crate) fn position(&self) -> u64 {
        let current = self.current.load();
        current.parcel.base() + current.parcel.filled().claimed as u64
    }

    pub(crate) fn subscriber_count(&self) -> usize {
        let route = self.route.load();
        if route.closed {
            0
        } else {
            route.subscriptions()
        }
    }

    /// How many envelopes were enqueued and left out for a follower so far; nothing if it is not
    /// on the list any more.
    pub(crate) fn standing(&self, places: &Places<M>) -> Option<(u64, u64)> {
        let current = self.current.load();
        let opening::Entry {
            enqueued, left_out, ..
        } = current.accounts(|queue| std::ptr::eq(queue.places(), places))?;
        Some((enqueued, left_out))
    }
}

mod listing;
#[cfg(all(test, oxide_loom))]
mod loom_models;
#[cfg(all(test, oxide_loom))]
mod loom_policies;
#[cfg(all(test, not(oxide_loom)))]
mod stopped;

impl<M> Drop for Core<M> {
    fn drop(&mut self) {
        self.close();
    }
}

/// Counts a publish in that is about to run user code, if it was not already.
fn go_deeper(nesting: &mut Option<Nesting>) -> Result<(), Refusal> {
    if nesting.is_none() {
        *nesting = Some(Nesting::enter().ok_or(Refusal::TooDeep)?);
    }
    Ok(())
}

/// Where a new subscriber is.
pub(crate) enum Added<M> {
    /// On the list, which is in use since then; told only where something is retained.
    Listed(Option<Arc<Since>>),
    /// In its group, where it receives by this.
    Joined(Picker<M>),
}

/// What is left to do of a publish when its envelopes lie in their slots. It holds no route: that
/// would keep other subscribers connected while somebody is waited for.
struct Rest<M> {
    /// Those who have to be waited for: the turns are taken.
    waiting: Waiting<M>,
    /// What is not queued any more.
    displaced: SmallVec<[Entry<M>; 1]>,
    /// Those who were put out.
    evicted: SmallVec<[(Arc<Terms>, Eviction); 1]>,
    losses: Losses,
}
