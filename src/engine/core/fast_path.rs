//! The short way of a publish: it appends to the current segment, and that is all there is to do.
//!
//! One that needs leave asks for it in between: after it got hold of the opening, and before it appends. So it need
//! not be counted to be waited for. Who takes the leave away [supersedes](Core::retire_head) the current opening
//! afterwards, and the invariant is: *when that is done, nobody appends by a leave that was gone before.* For
//!
//! * every opening up to the one that was superseded is closed, or its segment takes claims of a later one only; so
//!   nothing is appended by it any more, and what was is in the queues by then, as always;
//! * who gets hold of a later one has acquired, through the swap that installed it, what was done before, and
//!   is not given leave.
//!
//! Closing alone would not do: another publisher may have closed the opening before, and install the next one
//! without having learned of anything.

use std::sync::Arc;

use super::priority::Patience;
use super::{Core, Current};
use crate::engine::attempt::Limit;
use crate::engine::head::Head;
use crate::engine::pending::Pending;
use crate::engine::receipt::Outcome;
use crate::engine::refusal::Refusal;
use crate::message::envelope::Envelope;
use crate::message::subject::Payload;
use crate::queue::segment::Segment;
use crate::support::failpoints::{self, Step};

impl<M> Core<M> {
    /// Publishes one envelope. Mostly it is appended, and that is all, so this is kept apart from
    /// [`place`](Core::place), and small; else that goes on with the opening that was found.
    #[inline]
    pub(crate) fn publish(
        &self,
        pending: &mut Option<Envelope<M>>,
        limit: Limit,
    ) -> Result<Outcome, Refusal>
    where
        M: Payload,
    {
        match self.append_if(pending, |_, envelope| !self.may_answer(envelope)) {
            Ok(outcome) => Ok(outcome),
            Err(current) => self.place(Some(current), pending, limit),
        }
    }

    /// An answer wakes the task that asked: user code.
    #[inline]
    fn may_answer(&self, envelope: &Envelope<M>) -> bool {
        self.requests.pending() > 0 && envelope.correlation_id.is_some()
    }

    /// Appends one envelope, if it is given leave and there is nothing else to do. Leave is such as all have, or else one
    /// that costs more to find out. Where this returns none it may have been given: a publisher that was not refused asks
    /// again, on the long way, on which it is counted.
    #[inline]
    pub(crate) fn append_if_permitted(
        &self,
        pending: &mut Option<Envelope<M>>,
        is_plain: impl FnOnce() -> bool,
        leave: impl FnOnce(&Envelope<M>) -> bool,
    ) -> Option<Outcome> {
        self.append_if(pending, |segment, envelope| {
            // Who may answer a request is counted, until whoever asked has the answer.
            envelope.correlation_id.is_none()
                && (is_plain() || segment.has_place() && leave(envelope))
        })
        .ok()
    }

    #[inline]
    fn append_if(
        &self,
        pending: &mut Option<Envelope<M>>,
        may: impl FnOnce(&Segment<M>, &Envelope<M>) -> bool,
    ) -> Result<Outcome, Current<M>> {
        let current = self.current.load();
        // In this order: what is asked may take long, and somebody may make room meanwhile.
        if !current.is_plain()
            || !may(&current.segment, Pending::first(pending))
            || current.is_outdated()
        {
            return Err(current);
        }
        failpoints::at(Step::Admitted);
        let Some(slots) = current.segment.claim_kept(current.epoch) else {
            return Err(current);
        };
        failpoints::at(Step::Claimed);
        (current.segment).write(slots.start, || Pending::take(pending));
        current.wake_vacated(&self.readers);
        self.readers.wake_all();
        self.requests.look(&current.segment, slots); // one may have been made just now
        Ok(current.outcome(1))
    }

    /// Puts another opening in the place of the current one. Who was given leave to append to that, or to one
    /// before, has done so when this returns, or will not.
    pub(crate) fn retire_head(&self) {
        self.replace(|current| current.again(&current.subscribers));
    }

    /// The same with another segment: nothing is appended any more to the current one.
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
            if self.install(&current, &next) {
                next.settle();
                // Whoever has appended may be stopped before it does.
                self.readers.wake_all();
                return;
            }
        }
    }
}

#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_fast_path_loom_models.rs"]
mod loom_models;
