//! The core: what all handles of one bus share, and the way of a publish through it.
//!
//! It gives every envelope its place in one sequence and puts it into the queues of the subscribers that match. A
//! publish takes the first of these ways that works:
//!
//! 1. **Append.** The [fast path](fast_path) appends to the current segment, which lies in every shared queue already:
//!    one compare-and-swap and one write, whatever the number of subscribers.
//! 2. **Attempt.** [`attempt`](Core::attempt) appends too, or opens the next segment by installing a new [head](Head).
//!    Then it [delivers](deliver) the envelope to the direct queues that match.
//! 3. **Wait.** Where a subscriber that must not lose the envelope has no room, an attempt publishes nothing. The
//!    publisher [waits for room](blocking) and tries again.
//!
//! Nothing on the first two ways blocks, save the lock of a bus with a total order. No user code runs under a lock. The
//! models in `tests/core_loom_*` show its order, its barriers and its accounts.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use crate::engine::attempt::Attempt;
use crate::engine::demands::Demands;
use crate::engine::head::Head;
use crate::engine::matches::{Matches, Verdicts};
use crate::engine::notices::Notices;
use crate::engine::pending::{Pending, discard};
use crate::engine::receipt::Outcome;
use crate::engine::refusal::Refusal;
use crate::engine::requests::Requests;
use crate::engine::reserved_places::ReservedPlaces;
use crate::engine::subscriber_list::SubscriberList;
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
    /// The head that publishers append through.
    current: ArcSwap<Head<M>>,
    /// The subscriber list for the next head.
    subscribers: ArcSwap<SubscriberList<M>>,
    /// Held to replace the subscriber list. Publishers never wait for it.
    changing: Mutex<()>,
    /// How many publishers have lost the race to install a head, and try again.
    hurried: AtomicU64,
    /// A subscriber was evicted, and may still be on the list.
    stale: AtomicBool,
    pub(crate) notices: Notices,
    /// What the bus demands of an envelope, if anything.
    pub(crate) demands: Option<Demands<M>>,
    /// Says which trace an envelope that is stamped here belongs to, if the program asked for that.
    pub(crate) trace_context: Option<TraceContext>,
    /// The order lock, on a bus with a total order. Held while an envelope gets its sequence number and is put into the
    /// direct queues that match. Its holder waits for nobody, and runs no user code.
    pub(crate) order: Option<Mutex<()>>,
    /// The most envelopes in one segment.
    pub(crate) max_segment: usize,
    pub(crate) requests: Requests<M>,
    /// How often a predicate has panicked.
    pub(crate) predicate_panics: AtomicU64,
    /// Subscribers with a shared queue that have received everything, and wait for more.
    pub(crate) readers: Arc<WaitList>,
    /// How many wait lists of direct queues are occupied.
    pub(crate) occupied: Arc<Occupied>,
    /// Threads and tasks that wait for the subscriber list to change.
    pub(crate) listed: Arc<WaitList>,
}

/// The most slots of a segment that is opened while readers wait.
const AT_REST: usize = 8;

/// The current head, as a publish has loaded it. If it is out of use when this is dropped, payloads are dropped with
/// it.
pub(crate) type Current<M> = Loaded<Head<M>>;

/// Heads that may be out of use, and segments that were taken out of queues. To drop one may run user code, so that
/// waits until after the publish.
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

    /// Puts as many envelopes as it can, at least one, where every subscriber finds them. Publishes nothing where a
    /// subscriber has no room that this attempt waits for. `seen` is the current head, if the caller has loaded it.
    /// `known` holds the verdicts that predicates have given so far.
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
                // A queue that was left out has made room. The next segment will reach it.
                current.segment.close();
            }
            if current.has_only_shared_queues() {
                if let Some(slots) = self.append(&current, pending, pending.remaining()) {
                    drop(hurry);
                    current.wake(&self.readers);
                    self.requests.answer_all(&current.segment, slots.clone());
                    return Ok(current.outcome(slots.len()));
                }
            } else if current.has_place() {
                // User code, so it runs before anything has happened: if it panics, nothing has.
                let mut matches = Matches::none();
                (current.subscribers).matches(|| pending.first(), known, &mut matches);
                self.evict_failed(&mut matches);
                let reserved = ReservedPlaces::reserve(matches.blocking(), attempt)?;
                let order = self.lock_order(&matches);
                if let Some(slots) = self.append(&current, pending, 1) {
                    drop(hurry); // a change of the list need not let it pass any more, whatever user code runs below
                    let mut rest = None;
                    let outcome = self.deliver(
                        &current,
                        slots.clone(),
                        &matches,
                        reserved,
                        order,
                        &mut rest,
                    );
                    current.wake(&self.readers); // user code, so only once the order lock is free
                    drop(matches);
                    return Ok(self.finish(outcome, rest, || {
                        self.requests.answer_all(&current.segment, slots);
                        drop((current, behind));
                    }));
                }
                drop(order);
            }
            if current.is_over() {
                // The list or a grant has changed, and the segment is the same.
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

    /// Opens the segment after the current one, with pending envelopes in it. Returns none if another head was
    /// installed first: then nothing was published.
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
            *hurry = None; // or `bring_in` would wait for this very publisher
            self.bring_in(&subscribers); // so that every publish fails from now on
            return Err(Refusal::Closed);
        }
        let listed = Arc::clone(&subscribers);
        let mut matches = Matches::none();
        listed.matches(|| pending.first(), known, &mut matches); // user code, so before anything has happened
        self.evict_failed(&mut matches);
        let reserved = ReservedPlaces::reserve(matches.blocking(), attempt)?;
        let wanted = subscribers.step(pending.remaining());
        // A segment is kept until it is full, even if everybody has received what is in it. At rest that is to be
        // little.
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
        let order = self.lock_order(&matches);
        if self.install(&current, &next) {
            failpoints::at(Step::Installed);
            *hurry = None;
            let mut rest = None;
            let mut outcome = self.deliver(&next, 0..claimed, &matches, reserved, order, &mut rest);
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
                self.requests.answer_all(&next.segment, 0..claimed);
                drop((current, next, listed, mem::take(behind)));
                discard(pending, blind, base, |sequence, envelope| {
                    self.requests.answer_alone(sequence, envelope);
                });
            });
            return Ok(Some(outcome));
        }
        drop(order);
        // The failed swap has dropped its handle, so this is the only one.
        let head = Arc::into_inner(next).expect("nobody else has seen it");
        let segment = Arc::into_inner(head.segment).expect("nobody else has seen it");
        pending.put_back(segment.into_envelopes());
        behind.0.push(Arc::clone(&current));
        Ok(None)
    }

    /// Appends up to `wanted` pending envelopes to the head's segment.
    #[inline]
    fn append(
        &self,
        head: &Head<M>,
        pending: &mut impl Pending<M>,
        wanted: usize,
    ) -> Option<Range<usize>> {
        let slots = head.claim(wanted)?;
        failpoints::at(Step::Claimed);
        if head.segment.is_blind() {
            let sequence = head.segment.base() + slots.start as u64;
            discard(pending, slots.len(), sequence, |sequence, envelope| {
                self.requests.answer_alone(sequence, envelope);
            });
        } else {
            for slot in slots.clone() {
                head.segment.write(slot, || pending.take());
            }
        }
        Some(slots)
    }

    /// Makes `next` the current head, if `current` still is. Both have the same segment, or that of `current` is
    /// closed.
    fn install(&self, current: &Arc<Head<M>>, next: &Arc<Head<M>>) -> bool {
        current.settle();
        current.mark();
        let was = self.current.compare_and_swap(current, Arc::clone(next));
        Arc::ptr_eq(&was, current)
    }

    /// Returns once every later publish uses this list or a newer one.
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
            // This list, though there may be a newer one already. That may be a closed one, and a closed bus is
            // complete only after all that `close` does.
            let next = current
                .next_of_same_segment(subscribers)
                .unwrap_or_else(|| {
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
#[path = "../tests/core_loom_leaving.rs"]
mod loom_leaving;
#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_loom_models.rs"]
mod loom_models;
#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_loom_narrow.rs"]
mod loom_narrow;
#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_loom_policies.rs"]
mod loom_policies;
mod membership;
mod priority;
#[cfg(all(test, not(oxide_loom)))]
#[path = "../tests/core_stopped/mod.rs"]
mod stopped;
