//! One envelope into many queues: what all handles of one bus share, and the way of a publish
//! through it.
//!
//! A publish appends to the current parcel, which every follower's queue has already: one
//! compare-and-swap and one write, whatever the number of followers. Where it cannot, it opens the
//! next parcel. Then the envelope is sent to the subscribers that picked it. Where one that must not lose it has no
//! room, nothing of this happens, and the publisher [waits for room](blocking) and tries again.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use crate::advisory::Eviction;
use crate::board::Board;
use crate::demands::Demands;
use crate::limit::{Attempt, Held};
use crate::opening::Opening;
use crate::parcel::{MAX_SLOTS, Parcel};
use crate::pause::{self, Step};
use crate::pending::{Pending, append, discard};
use crate::receipt::Outcome;
use crate::refusal::Refusal;
use crate::requests::Requests;
use crate::route::{Picks, Route, Verdicts};
use crate::subject::Payload;
use crate::sync::{ArcSwap, AtomicBool, AtomicU64, Loaded, Mutex};
use crate::trace_context::TraceContext;
use crate::wait_list::{Occupied, WaitList};

use self::delivering::Rest;
use self::priority::{Hurry, Patience};

pub(crate) use self::batching::{Batching, Unfinished};
pub(crate) use self::listing::{Added, Unlisted};

/// What all handles of one bus share.
pub(crate) struct Core<M> {
    /// The opening that is appended to.
    current: ArcSwap<Opening<M>>,
    /// The subscriber list that the next opening is for.
    route: ArcSwap<Route<M>>,
    /// Held to replace the route; publishers never wait for it.
    changing: Mutex<()>,
    /// How many publishers have lost the race for the next opening, and try again.
    hurried: AtomicU64,
    /// Somebody was evicted who may be on the route still.
    stale: AtomicBool,
    pub(crate) board: Board,
    /// What is asked of an envelope, if anything is.
    pub(crate) demands: Option<Demands<M>>,
    /// Says which trace an envelope belongs to that is stamped here, if the program asked for that.
    pub(crate) trace_context: Option<TraceContext>,
    /// Held while an envelope gets its sequence number and is put into the queues of those who picked it,
    /// where all of them shall see one order. Nobody is waited for meanwhile, and no user code runs.
    pub(crate) order: Option<Mutex<()>>,
    /// The most envelopes that lie in one parcel.
    pub(crate) max_parcel: usize,
    pub(crate) requests: Requests<M>,
    /// How often a predicate has panicked.
    pub(crate) predicate_panics: AtomicU64,
    /// Those without a filter that have received all.
    pub(crate) readers: Arc<WaitList>,
    /// How many wait lists of queues with a filter are occupied.
    pub(crate) occupied: Arc<Occupied>,
    /// Those that wait for the list of subscribers to change.
    pub(crate) listed: Arc<WaitList>,
}

/// How many slots a parcel has at most that is opened while readers wait.
const AT_REST: usize = 8;

/// The current opening, as a publish has got hold of it. If it is out of use when it is let go of, payloads are dropped.
pub(crate) type Current<M> = Loaded<Opening<M>>;

/// Openings that were met and are out of use, perhaps, and parcels that were taken out of queues: to let go of one may run
/// user code, so that is for after the publish.
type Behind<M> = (Vec<Arc<Opening<M>>>, Vec<Arc<Parcel<M>>>);

impl<M> Core<M> {
    pub(crate) fn new(board: Board) -> Self {
        let route = Arc::new(Route::empty());
        Core {
            current: ArcSwap::from_pointee(Opening::first(Arc::clone(&route))),
            route: ArcSwap::new(route),
            changing: Mutex::default(),
            hurried: AtomicU64::new(0),
            stale: AtomicBool::new(false),
            board,
            demands: None,
            trace_context: None,
            order: None,
            max_parcel: MAX_SLOTS,
            requests: Requests::default(),
            predicate_panics: AtomicU64::new(0),
            readers: Arc::default(),
            occupied: Arc::default(),
            listed: Arc::default(),
        }
    }

    /// Puts as many envelopes as it can, at least one, where every subscriber finds them; or none where one has no room
    /// that this attempt waits for. Whoever has looked at the current opening hands it on. `known` is what user code has
    /// said so far.
    #[inline(never)]
    fn attempt(
        &self,
        mut seen: Option<Current<M>>,
        pending: &mut impl Pending<M>,
        attempt: &Attempt,
        known: &mut Verdicts,
    ) -> Result<Outcome, Refusal>
    where
        M: Payload,
    {
        let mut hurry = None;
        let mut behind: Behind<M> = (Vec::new(), Vec::new());
        loop {
            let current = (seen.take()).unwrap_or_else(|| self.current.load());
            current.settle();
            if current.is_outdated() {
                // Some queue that was left out has made room.
                current.parcel.close();
            }
            if current.is_plain() {
                if let Some(slots) = self.append(&current, pending, pending.count()) {
                    drop(hurry);
                    current.wake_vacated(&self.readers);
                    self.readers.wake_all();
                    self.requests.look(&current.parcel, slots.clone());
                    return Ok(current.outcome(slots.len()));
                }
            } else if current.parcel.has_place() {
                // User code, so before anything has happened: if it panics, nothing has.
                let mut picks = Picks::none();
                (current.route).picks(|| pending.first(), known, &mut picks);
                self.put_out(&mut picks);
                let held = Held::reserve(picks.queues(), attempt)?;
                let turn = self.take_turn(&picks);
                if let Some(slots) = self.append(&current, pending, 1) {
                    drop(hurry); // it may wait now
                    let mut rest = None;
                    let outcome =
                        self.deliver(&current, slots.clone(), &picks, held, turn, &mut rest);
                    current.wake_vacated(&self.readers); // likewise
                    self.readers.wake_all(); // user code, so not before the turn is over
                    drop(picks);
                    return Ok(self.finish(outcome, rest, || {
                        self.requests.look(&current.parcel, slots);
                        drop((current, behind));
                    }));
                }
                drop(turn);
            }
            if current.is_over() {
                // The list has changed, or what is granted; the parcel has not.
                hurry.get_or_insert_with(|| self.hurry());
                behind.0.push(Arc::clone(&current));
                continue;
            }
            if !current.parcel.is_ready() {
                current.complete(&self.readers);
                behind.0.push(Arc::clone(&current));
                continue;
            }
            let won = self.open(current, pending, attempt, known, &mut behind, &mut hurry)?;
            if let Some(outcome) = won {
                return Ok(outcome);
            }
            hurry.get_or_insert_with(|| self.hurry());
        }
    }

    /// Opens the parcel after the current one, with pending envelopes in it. None if nothing was
    /// published yet, but there is another current one.
    fn open(
        &self,
        current: Current<M>,
        pending: &mut impl Pending<M>,
        attempt: &Attempt,
        known: &mut Verdicts,
        behind: &mut Behind<M>,
        hurry: &mut Option<Hurry<'_>>,
    ) -> Result<Option<Outcome>, Refusal>
    where
        M: Payload,
    {
        current.parcel.close();
        let route = self.route.load_full();
        if route.closed {
            *hurry = None; // or it would wait for itself
            self.bring_in(&route); // from now on for everybody
            return Err(Refusal::Closed);
        }
        let listed = Arc::clone(&route);
        let mut picks = Picks::none();
        listed.picks(|| pending.first(), known, &mut picks); // user code, as above
        self.put_out(&mut picks);
        let held = Held::reserve(picks.queues(), attempt)?;
        let wanted = route.step(pending.count());
        // What all have received stays in a parcel until it is full: where they come to wait, that is to be little.
        let is_at_rest = self.readers.is_occupied();
        let max = self.max_parcel.min(if is_at_rest {
            AT_REST.max(wanted)
        } else {
            MAX_SLOTS
        });
        let next = (current.next(route, wanted, max, pending, attempt, &mut behind.1))
            .map_err(Refusal::Full)?;
        let next = Arc::new(next);
        let claimed = next.parcel.filled().claimed;
        pause::at(Step::Installing);
        let turn = self.take_turn(&picks);
        if self.install(&current, &next) {
            pause::at(Step::Installed);
            *hurry = None;
            let mut rest = None;
            let mut outcome = self.deliver(&next, 0..claimed, &picks, held, turn, &mut rest);
            next.complete(&self.readers);
            let base = next.parcel.base();
            let blind = if next.parcel.is_blind() { claimed } else { 0 };
            for (queue, entry) in next.drops() {
                let dropped = || entry.left_out + claimed as u64;
                let losses = &mut Rest::of(&mut rest).losses;
                losses.note(&self.board, queue.terms(), dropped);
            }
            if self.board.is_listened_to() {
                let lagging = next.route.follow.iter().filter(|it| it.has_lost_more());
                for queue in lagging {
                    let losses = &mut Rest::of(&mut rest).losses;
                    losses.note(&self.board, queue.terms(), || queue.lost());
                }
            }
            for (queue, _) in next.evicts() {
                outcome.dropped += 1;
                let evicted = (Arc::clone(queue.terms()), Eviction::Overflow);
                Rest::of(&mut rest).evicted.push(evicted);
            }
            drop(picks);
            let outcome = self.finish(outcome, rest, || {
                self.requests.look(&next.parcel, 0..claimed);
                drop((current, next, listed, mem::take(behind)));
                discard(pending, blind, base, |sequence, envelope| {
                    self.requests.look_at(sequence, envelope);
                });
            });
            return Ok(Some(outcome));
        }
        drop(turn);
        // The swap has let go of its handle on it, so this is the only one.
        let opening = Arc::into_inner(next).expect("nobody else has seen it");
        let parcel = Arc::into_inner(opening.parcel).expect("nobody else has seen it");
        pending.put_back(parcel.into_envelopes());
        behind.0.push(Arc::clone(&current));
        Ok(None)
    }

    /// Appends up to so many pending envelopes to the opening's parcel.
    #[inline]
    fn append(
        &self,
        opening: &Opening<M>,
        pending: &mut impl Pending<M>,
        wanted: usize,
    ) -> Option<Range<usize>> {
        append(
            &opening.parcel,
            opening.epoch,
            pending,
            wanted,
            |sequence, envelope| {
                self.requests.look_at(sequence, envelope);
            },
        )
    }

    /// Makes `next` the current opening, if `current` still is. It has the same parcel, or the other's is closed.
    fn install(&self, current: &Arc<Opening<M>>, next: &Arc<Opening<M>>) -> bool {
        current.settle();
        current.mark();
        let was = self.current.compare_and_swap(current, Arc::clone(next));
        Arc::ptr_eq(&was, current)
    }

    /// Sees to it that whatever is published from now on goes by this route or a newer one.
    fn bring_in(&self, route: &Arc<Route<M>>) {
        let mut patience = Patience::default();
        loop {
            self.let_publishers_pass(&mut patience);
            let current = self.current.load();
            current.settle();
            if current.route.version >= route.version {
                return;
            }
            current.complete(&self.readers);
            // This route, though there may be a newer one: that may be closed, and a closed bus is
            // whole only with all that `close` does.
            let next = current.again(route).unwrap_or_else(|| {
                current.parcel.close();
                current.idle(Arc::clone(route))
            });
            let next = Arc::new(next);
            if self.install(&current, &next) {
                next.settle();
                return;
            }
        }
    }
}

mod appending;
mod batching;
mod blocking;
mod delivering;
mod listing;
mod looking;
#[cfg(all(test, oxide_loom))]
mod loom_changes;
#[cfg(all(test, oxide_loom))]
mod loom_models;
#[cfg(all(test, oxide_loom))]
mod loom_policies;
mod priority;
#[cfg(all(test, not(oxide_loom)))]
mod stopped;
