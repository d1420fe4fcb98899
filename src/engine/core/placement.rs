//! A placement: one attempt to put envelopes where every subscriber finds them.
//!
//! It appends to the current segment, or opens the next one, until one of the two works. Each failure means that
//! another thread has gone on: it has installed a head, filled the segment or closed it. So some publisher always goes
//! on. If a queue that this attempt waits for is full, nothing is published.
//!
//! User code (predicates, subjects) runs before anything has happened: if it panics, nothing has. What drops payloads
//! comes last.

use std::ops::Range;
use std::sync::Arc;

use super::deliver::Rest;
use super::priority::Hurry;
use super::{Core, Current};
use crate::engine::attempt::Attempt;
use crate::engine::head::Head;
use crate::engine::matches::{Matches, Verdicts};
use crate::engine::pending::{Pending, discard};
use crate::engine::receipt::Outcome;
use crate::engine::refusal::Refusal;
use crate::engine::reserved_places::ReservedPlaces;
use crate::message::advisory::Eviction;
use crate::message::subject::Payload;
use crate::queue::segment::{MAX_SLOTS, Segment};
use crate::support::failpoints::{self, Step};

/// The most slots of a segment that is opened while readers wait.
const AT_REST: usize = 8;

struct Placement<'a, M, P> {
    core: &'a Core<M>,
    pending: &'a mut P,
    attempt: &'a Attempt,
    /// The verdicts that predicates have given so far.
    known: &'a mut Verdicts,
    /// Held once it has lost a race.
    hurry: Option<Hurry<'a>>,
    /// Heads that may be out of use, and segments that were taken out of queues. To drop one may run user code, so that
    /// waits until the placement is over.
    heads: Vec<Arc<Head<M>>>,
    segments: Vec<Arc<Segment<M>>>,
}

impl<M: Payload> Core<M> {
    /// Puts as many envelopes as it can, at least one, where every subscriber finds them. Publishes nothing if a
    /// queue that this attempt waits for is full. `seen` is the current head, if the caller has loaded it.
    /// `known` holds the verdicts that predicates have given so far.
    #[inline(never)]
    pub(super) fn attempt(
        &self,
        seen: Option<Current<M>>,
        pending: &mut impl Pending<M>,
        attempt: &Attempt,
        known: &mut Verdicts,
    ) -> Result<Outcome, Refusal> {
        let placement = Placement {
            core: self,
            pending,
            attempt,
            known,
            hurry: None,
            heads: Vec::new(),
            segments: Vec::new(),
        };
        placement.run(seen)
    }
}

impl<M: Payload, P: Pending<M>> Placement<'_, M, P> {
    #[inline]
    fn run(mut self, mut seen: Option<Current<M>>) -> Result<Outcome, Refusal> {
        loop {
            let current = (seen.take()).unwrap_or_else(|| self.core.current.load());
            current.settle();
            if current.is_outdated() {
                // A queue that was left out has made room. The next segment will reach it.
                current.segment.close();
            }
            if let Some(outcome) = self.append(&current)? {
                return Ok(outcome);
            }
            if current.is_over() {
                // The list or a grant has changed, and the segment is the same.
                self.hurry();
            } else if !current.segment.is_ready() {
                current.complete(&self.core.readers);
            } else if let Some(outcome) = self.open(&current)? {
                return Ok(outcome);
            } else {
                self.hurry();
            }
            self.heads.push(Arc::clone(&current));
        }
    }

    /// From now on, changes of the list let this publisher pass.
    fn hurry(&mut self) {
        let core = self.core;
        self.hurry.get_or_insert_with(|| core.hurry());
    }

    /// Appends to the current segment. Returns none if it takes nothing.
    #[inline]
    fn append(&mut self, current: &Current<M>) -> Result<Option<Outcome>, Refusal> {
        let core = self.core;
        if current.has_only_shared_queues() {
            let wanted = self.pending.remaining();
            let Some(slots) = self.write_next(current, wanted) else {
                return Ok(None);
            };
            self.hurry = None;
            current.wake(&core.readers);
            self.answer(current, slots.clone());
            return Ok(Some(current.outcome(slots.len())));
        }
        if !current.has_place() {
            return Ok(None);
        }
        let mut matches = Matches::none();
        (current.subscribers).matches(|| self.pending.first(), self.known, &mut matches);
        core.evict_failed(&mut matches);
        let reserved = ReservedPlaces::reserve(matches.blocking(), self.attempt)?;
        let order = core.lock_order(&matches);
        let Some(slots) = self.write_next(current, 1) else {
            return Ok(None);
        };
        self.hurry = None; // a change of the list need not let it pass any more, whatever user code runs below
        let mut rest = None;
        let outcome = core.deliver(current, slots.clone(), &matches, reserved, order, &mut rest);
        current.wake(&core.readers); // user code, so only once the order lock is free
        drop(matches);
        let answer = || core.requests.answer_all(&current.segment, slots);
        Ok(Some(core.finish(outcome, rest, answer)))
    }

    /// Opens the segment after the current one, with pending envelopes in it. Returns none if another head was
    /// installed first: then nothing was published.
    fn open(&mut self, current: &Current<M>) -> Result<Option<Outcome>, Refusal> {
        let core = self.core;
        current.segment.close();
        let subscribers = core.subscribers.load_full();
        if subscribers.closed {
            self.hurry = None; // or `bring_in` would wait for this very publisher
            core.bring_in(&subscribers); // so that every publish fails from now on
            return Err(Refusal::Closed);
        }
        let listed = Arc::clone(&subscribers);
        let mut matches = Matches::none();
        listed.matches(|| self.pending.first(), self.known, &mut matches);
        core.evict_failed(&mut matches);
        let reserved = ReservedPlaces::reserve(matches.blocking(), self.attempt)?;
        let wanted = subscribers.step(self.pending.remaining());
        // A segment is kept until it is full, even if everybody has received what is in it. At rest that is to be
        // little.
        let is_at_rest = core.readers.is_occupied();
        let max = core.max_segment.min(if is_at_rest {
            AT_REST.max(wanted)
        } else {
            MAX_SLOTS
        });
        let next = current
            .next(
                subscribers,
                wanted,
                max,
                self.pending,
                self.attempt,
                &mut self.segments,
            )
            .map_err(Refusal::Full)?;
        let claimed = next.segment.filled().claimed; // before others see it, and append
        let next = Arc::new(next);
        failpoints::at(Step::Installing);
        let order = core.lock_order(&matches);
        if let Err(winner) = core.install(current, &next) {
            failpoints::at(Step::Lost);
            drop(order);
            self.heads.push(Arc::clone(&winner)); // it may be out of use by now
            // The failed swap has dropped its handle, so this is the only one.
            let head = Arc::into_inner(next).expect("nobody else has seen it");
            let segment = Arc::into_inner(head.segment).expect("nobody else has seen it");
            self.pending.put_back(segment.into_envelopes());
            return Ok(None);
        }
        failpoints::at(Step::Installed);
        self.hurry = None;
        let mut rest = None;
        let mut outcome = core.deliver(&next, 0..claimed, &matches, reserved, order, &mut rest);
        next.complete(&core.readers);
        self.note_losses(&next, claimed, &mut rest);
        for (queue, _) in next.evicts() {
            outcome.dropped += 1;
            let evicted = (Arc::clone(queue.terms()), Eviction::Overflow);
            Rest::of(&mut rest).evicted.push(evicted);
        }
        drop(matches);
        let outcome = core.finish(outcome, rest, || self.answer(&next, 0..claimed));
        Ok(Some(outcome))
    }

    /// Writes up to `wanted` pending envelopes into the next slots of the head's segment. A blind segment only counts
    /// them: they stay pending.
    #[inline]
    fn write_next(&mut self, head: &Head<M>, wanted: usize) -> Option<Range<usize>> {
        let slots = head.claim(wanted)?;
        failpoints::at(Step::Claimed);
        if !head.segment.is_blind() {
            for slot in slots.clone() {
                head.segment.write(slot, || self.pending.take());
            }
        }
        Some(slots)
    }

    /// Answers requests with the envelopes in these slots. A blind segment has not kept them, so they are dropped. Both
    /// may run user code.
    #[inline]
    fn answer(&mut self, head: &Head<M>, slots: Range<usize>) {
        let requests = &self.core.requests;
        if head.segment.is_blind() {
            let first = head.segment.base() + slots.start as u64;
            discard(self.pending, slots.len(), first, |sequence, envelope| {
                requests.answer_alone(sequence, envelope);
            });
        } else {
            requests.answer_all(&head.segment, slots);
        }
    }

    /// Notes what shared queues lose by a head that was installed, with so many envelopes in its segment.
    fn note_losses(&self, head: &Head<M>, claimed: usize, rest: &mut Option<Rest<M>>) {
        let notices = &self.core.notices;
        if !notices.is_listened_to() {
            return;
        }
        for (queue, entry) in head.drops() {
            let dropped = || entry.left_out + claimed as u64;
            let losses = &mut Rest::of(rest).losses;
            losses.note(notices, queue.terms(), dropped);
        }
        let shared = head.subscribers.shared.iter();
        for queue in shared.filter(|it| it.has_lost_more()) {
            let losses = &mut Rest::of(rest).losses;
            losses.note(notices, queue.terms(), || queue.lost());
        }
    }
}
