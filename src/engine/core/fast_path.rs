//! The fast path: a publish that appends to the current segment and has nothing else to do.
//!
//! It loads the head, asks whether appending is enough, claims a slot, writes it, and wakes the readers.
//!
//! A publish that needs permission asks for it after it has loaded the head, and before it appends. So the grant need
//! not count it as in flight, and a revoke need not wait for it. Instead a revoke takes the permission away and then
//! [retires](Core::retire_head) the current head. The invariant is: *once the head is retired, nobody appends by a
//! permission that was taken away before.* There are two cases:
//!
//! * The publisher holds the retired head, or one before it. Such a head is closed, or its segment accepts claims by a
//!   later head only. So nothing more is appended through it. What was appended before is in every queue, as always.
//! * The publisher holds a later head. It has acquired, through the swap that installed that head, everything done
//!   before. So it sees that the permission is gone.
//!
//! Closing the segment alone is not enough: another publisher may have closed it before, and may install the next head
//! without having seen the change.
//!
//! The models in `tests/core_fast_path_loom_models.rs` show the invariant.

use std::sync::Arc;

use super::priority::Patience;
use super::{Core, Current};
use crate::engine::attempt::Limit;
use crate::engine::head::Head;
use crate::engine::pending::Pending;
use crate::engine::receipt::{Outcome, Receipt};
use crate::engine::refusal::Refusal;
use crate::message::envelope::Envelope;
use crate::message::subject::Payload;
use crate::support::failpoints::{self, Step};

impl<M> Core<M> {
    /// Publishes one envelope. Mostly it only appends, so this function is small, and kept apart from
    /// [`place`](Core::place). Where it cannot append, `place` goes on with the head that was loaded.
    #[inline]
    pub(crate) fn publish(
        &self,
        pending: &mut Option<Envelope<M>>,
        limit: Limit,
    ) -> Result<Receipt, Refusal>
    where
        M: Payload,
    {
        let id = Pending::first(pending).id;
        let outcome = match self.append_if(pending, |_, envelope| !self.may_answer(envelope)) {
            Ok(outcome) => outcome,
            Err(current) => self.place(Some(current), pending, limit)?,
        };
        Ok(Receipt::new(id, outcome))
    }

    /// Whether the envelope may answer a request. An answer wakes the task that asked, and a waker is user code.
    #[inline]
    fn may_answer(&self, envelope: &Envelope<M>) -> bool {
        self.requests.pending() > 0 && envelope.correlation_id.is_some()
    }

    /// Appends one envelope if it is permitted and there is nothing else to do.
    ///
    /// `is_unrestricted` is the cheap question: is the capability granted without restrictions? If not, `permits`
    /// checks the restrictions of the grant. Returns `None` if the publish must take the slow path. Either question may
    /// have been answered yes by then; the slow path asks again, because there the publish counts as in flight.
    #[inline]
    pub(crate) fn append_if_permitted(
        &self,
        pending: &mut Option<Envelope<M>>,
        is_unrestricted: impl FnOnce() -> bool,
        permits: impl FnOnce(&Envelope<M>) -> bool,
    ) -> Option<Receipt> {
        if self.demands.is_some() {
            return None; // it may have to be measured
        }
        let id = Pending::first(pending).id;
        let outcome = self.append_if(pending, |head, envelope| {
            // A publish that may answer a request takes the slow path: it counts as in flight until the answer is
            // given.
            envelope.correlation_id.is_none()
                && (is_unrestricted() || head.has_place() && permits(envelope))
        });
        Some(Receipt::new(id, outcome.ok()?))
    }

    #[inline]
    fn append_if(
        &self,
        pending: &mut Option<Envelope<M>>,
        may: impl FnOnce(&Head<M>, &Envelope<M>) -> bool,
    ) -> Result<Outcome, Current<M>> {
        let current = self.current.load();
        // `is_outdated` comes last: `may` can take long, and a full queue may make room meanwhile. It looks at every
        // full queue, so it is not asked for a blind segment, which takes the slow path anyway.
        if !current.has_only_shared_queues()
            || current.segment.is_blind()
            || !may(&current, Pending::first(pending))
            || current.is_outdated()
        {
            return Err(current);
        }
        failpoints::at(Step::Admitted);
        let Some(slots) = current.claim(1) else {
            return Err(current);
        };
        failpoints::at(Step::Claimed);
        (current.segment).write(slots.start, || Pending::take(pending));
        current.wake(&self.readers);
        // A request may have been registered since `may_answer` looked.
        self.requests.answer_all(&current.segment, slots);
        Ok(current.outcome(1))
    }

    /// Replaces the current head. When this returns, each publisher that was permitted to append through that head, or
    /// through one before it, has done so or never will.
    pub(crate) fn retire_head(&self) {
        self.replace(|current| current.next_of_same_segment(&current.subscribers));
    }

    /// Replaces the current head by one with another segment: nothing more is appended to the segment that was current.
    pub(super) fn retire_segment(&self) {
        self.replace(|_| None);
    }

    fn replace(&self, again: impl Fn(&Head<M>) -> Option<Head<M>>) {
        let mut patience = Patience::default();
        loop {
            self.let_publishers_pass(&mut patience);
            let current = self.current.load();
            current.settle();
            current.complete(&self.readers);
            let next = again(&current).unwrap_or_else(|| {
                current.segment.close();
                current.empty_successor()
            });
            let next = Arc::new(next);
            if self.install(&current, &next).is_ok() {
                next.settle();
                // A publisher that has appended may be preempted before it wakes the readers.
                self.readers.wake_all();
                return;
            }
        }
    }
}

#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_fast_path_loom_models.rs"]
mod loom_models;
