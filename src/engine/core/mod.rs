//! One envelope into many queues: what all handles of one bus share, and the way of a publish
//! through it.
//!
//! A publish appends to the current segment, which every follower's queue has already: one
//! compare-and-swap and one write, whatever the number of followers. Where it cannot, it opens the
//! next segment. Then the envelope is sent to the subscribers that picked it. Where one that must not lose it has no
//! room, nothing of this happens, and the publisher [waits for room](blocking) and tries again.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use crate::engine::attempt::{Attempt, Held};
use crate::engine::demands::Demands;
use crate::engine::head::Head;
use crate::engine::notices::Notices;
use crate::engine::pending::{Pending, append, discard};
use crate::engine::receipt::Outcome;
use crate::engine::refusal::Refusal;
use crate::engine::requests::Requests;
use crate::engine::subscriber_list::{Picks, SubscriberList, Verdicts};
use crate::message::advisory::Eviction;
use crate::message::subject::Payload;
use crate::message::trace_context::TraceContext;
use crate::queue::segment::{MAX_SLOTS, Segment};
use crate::support::failpoints::{self, Step};
use crate::support::sync::{ArcSwap, AtomicBool, AtomicU64, Loaded, Mutex};
use crate::support::wait_list::{Occupied, WaitList};

use self::deliver::Rest;
use self::priority::{Hurry, Patience};

pub(crate) use self::batch::{Batching, Unfinished};
pub(crate) use self::membership::{Added, Unlisted};

/// What all handles of one bus share.
pub(crate) struct Core<M> {
    /// The opening that is appended to.
    current: ArcSwap<Head<M>>,
    /// The subscriber list that the next opening is for.
    subscribers: ArcSwap<SubscriberList<M>>,
    /// Held to replace the route; publishers never wait for it.
    changing: Mutex<()>,
    /// How many publishers have lost the race for the next opening, and try again.
    hurried: AtomicU64,
    /// Somebody was evicted who may be on the route still.
    stale: AtomicBool,
    pub(crate) notices: Notices,
    /// What is asked of an envelope, if anything is.
    pub(crate) demands: Option<Demands<M>>,
    /// Says which trace an envelope belongs to that is stamped here, if the program asked for that.
    pub(crate) trace_context: Option<TraceContext>,
    /// Held while an envelope gets its sequence number and is put into the queues of those who picked it,
    /// where all of them shall see one order. Nobody is waited for meanwhile, and no user code runs.
    pub(crate) order: Option<Mutex<()>>,
    /// The most envelopes that lie in one segment.
    pub(crate) max_segment: usize,
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

/// How many slots a segment has at most that is opened while readers wait.
const AT_REST: usize = 8;

/// The current opening, as a publish has got hold of it. If it is out of use when it is let go of, payloads are dropped.
pub(crate) type Current<M> = Loaded<Head<M>>;

/// Openings that were met and are out of use, perhaps, and segments that were taken out of queues: to let go of one may run
/// user code, so that is for after the publish.
type Behind<M> = (Vec<Arc<Head<M>>>, Vec<Arc<Segment<M>>>);

impl<M> Core<M> {
    pub(crate) fn new(notices: Notices) -> Self {
        let subscribers = Arc::new(SubscriberList::empty());
        Core {
            current: ArcSwap::from_pointee(Head::first(Arc::clone(&subscribers))),
            subscribers: ArcSwap::new(subscribers),
            changing: Mutex::default(),
            hurried: AtomicU64::new(0),
            stale: AtomicBool::new(false),
            notices,
            demands: None,
            trace_context: None,
            order: None,
            max_segment: MAX_SLOTS,
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
                current.segment.close();
            }
            if current.is_plain() {
                if let Some(slots) = self.append(&current, pending, pending.count()) {
                    drop(hurry);
                    current.wake_vacated(&self.readers);
                    self.readers.wake_all();
                    self.requests.look(&current.segment, slots.clone());
                    return Ok(current.outcome(slots.len()));
                }
            } else if current.segment.has_place() {
                // User code, so before anything has happened: if it panics, nothing has.
                let mut matches = Picks::none();
                (current.subscribers).matches(|| pending.first(), known, &mut matches);
                self.put_out(&mut matches);
                let held = Held::reserve(matches.queues(), attempt)?;
                let turn = self.take_turn(&matches);
                if let Some(slots) = self.append(&current, pending, 1) {
                    drop(hurry); // it may wait now
                    let mut rest = None;
                    let outcome =
                        self.deliver(&current, slots.clone(), &matches, held, turn, &mut rest);
                    current.wake_vacated(&self.readers); // likewise
                    self.readers.wake_all(); // user code, so not before the turn is over
                    drop(matches);
                    return Ok(self.finish(outcome, rest, || {
                        self.requests.look(&current.segment, slots);
                        drop((current, behind));
                    }));
                }
                drop(turn);
            }
            if current.is_over() {
                // The list has changed, or what is granted; the segment has not.
                hurry.get_or_insert_with(|| self.hurry());
                behind.0.push(Arc::clone(&current));
                continue;
            }
            if !current.segment.is_ready() {
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

    /// Opens the segment after the current one, with pending envelopes in it. None if nothing was
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
        current.segment.close();
        let subscribers = self.subscribers.load_full();
        if subscribers.closed {
            *hurry = None; // or it would wait for itself
            self.bring_in(&subscribers); // from now on for everybody
            return Err(Refusal::Closed);
        }
        let listed = Arc::clone(&subscribers);
        let mut matches = Picks::none();
        listed.matches(|| pending.first(), known, &mut matches); // user code, as above
        self.put_out(&mut matches);
        let held = Held::reserve(matches.queues(), attempt)?;
        let wanted = subscribers.step(pending.count());
        // What all have received stays in a segment until it is full: where they come to wait, that is to be little.
        let is_at_rest = self.readers.is_occupied();
        let max = self.max_segment.min(if is_at_rest {
            AT_REST.max(wanted)
        } else {
            MAX_SLOTS
        });
        let next = (current.next(subscribers, wanted, max, pending, attempt, &mut behind.1))
            .map_err(Refusal::Full)?;
        let next = Arc::new(next);
        let claimed = next.segment.filled().claimed;
        failpoints::at(Step::Installing);
        let turn = self.take_turn(&matches);
        if self.install(&current, &next) {
            failpoints::at(Step::Installed);
            *hurry = None;
            let mut rest = None;
            let mut outcome = self.deliver(&next, 0..claimed, &matches, held, turn, &mut rest);
            next.complete(&self.readers);
            let base = next.segment.base();
            let blind = if next.segment.is_blind() { claimed } else { 0 };
            for (queue, entry) in next.drops() {
                let dropped = || entry.left_out + claimed as u64;
                let losses = &mut Rest::of(&mut rest).losses;
                losses.note(&self.notices, queue.terms(), dropped);
            }
            if self.notices.is_listened_to() {
                let lagging = next
                    .subscribers
                    .shared
                    .iter()
                    .filter(|it| it.has_lost_more());
                for queue in lagging {
                    let losses = &mut Rest::of(&mut rest).losses;
                    losses.note(&self.notices, queue.terms(), || queue.lost());
                }
            }
            for (queue, _) in next.evicts() {
                outcome.dropped += 1;
                let evicted = (Arc::clone(queue.terms()), Eviction::Overflow);
                Rest::of(&mut rest).evicted.push(evicted);
            }
            drop(matches);
            let outcome = self.finish(outcome, rest, || {
                self.requests.look(&next.segment, 0..claimed);
                drop((current, next, listed, mem::take(behind)));
                discard(pending, blind, base, |sequence, envelope| {
                    self.requests.look_at(sequence, envelope);
                });
            });
            return Ok(Some(outcome));
        }
        drop(turn);
        // The swap has let go of its handle on it, so this is the only one.
        let head = Arc::into_inner(next).expect("nobody else has seen it");
        let segment = Arc::into_inner(head.segment).expect("nobody else has seen it");
        pending.put_back(segment.into_envelopes());
        behind.0.push(Arc::clone(&current));
        Ok(None)
    }

    /// Appends up to so many pending envelopes to the opening's segment.
    #[inline]
    fn append(
        &self,
        head: &Head<M>,
        pending: &mut impl Pending<M>,
        wanted: usize,
    ) -> Option<Range<usize>> {
        append(
            &head.segment,
            head.epoch,
            pending,
            wanted,
            |sequence, envelope| {
                self.requests.look_at(sequence, envelope);
            },
        )
    }

    /// Makes `next` the current opening, if `current` still is. It has the same segment, or the other's is closed.
    fn install(&self, current: &Arc<Head<M>>, next: &Arc<Head<M>>) -> bool {
        current.settle();
        current.mark();
        let was = self.current.compare_and_swap(current, Arc::clone(next));
        Arc::ptr_eq(&was, current)
    }

    /// Sees to it that whatever is published from now on goes by this route or a newer one.
    fn bring_in(&self, subscribers: &Arc<SubscriberList<M>>) {
        let mut patience = Patience::default();
        loop {
            self.let_publishers_pass(&mut patience);
            let current = self.current.load();
            current.settle();
            if current.subscribers.version >= subscribers.version {
                return;
            }
            current.complete(&self.readers);
            // This route, though there may be a newer one: that may be closed, and a closed bus is
            // whole only with all that `close` does.
            let next = current.again(subscribers).unwrap_or_else(|| {
                current.segment.close();
                current.idle(Arc::clone(subscribers))
            });
            let next = Arc::new(next);
            if self.install(&current, &next) {
                next.settle();
                return;
            }
        }
    }
}

mod batch;
mod blocking;
mod deliver;
mod fast_path;
mod inspect;
#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_loom_changes.rs"]
mod loom_changes;
#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_loom_models.rs"]
mod loom_models;
#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_loom_policies.rs"]
mod loom_policies;
mod membership;
mod priority;
#[cfg(all(test, not(oxide_loom)))]
#[path = "../tests/core_stopped/mod.rs"]
mod stopped;
