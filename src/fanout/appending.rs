//! The short way of a publish: it appends to the current parcel, and that is all there is to do.
//!
//! One that needs leave asks for it in between: after it got hold of the opening, and before it appends. So it need
//! not be counted to be waited for. Who takes the leave away [supersedes](Core::supersede) the current opening
//! afterwards, and the invariant is: *when that is done, nobody appends by a leave that was gone before.* For
//!
//! * every opening up to the one that was superseded is closed, so nothing is appended to it any more; and what was,
//!   is in the queues by then, as always;
//! * who gets hold of a later one has acquired, through the swap that installed it, what was done before, and
//!   is not given leave.
//!
//! Closing alone would not do: another publisher may have closed the opening before, and install the next one
//! without having learned of anything.

use std::ops::Deref;
use std::sync::Arc;

use super::{Core, go_deeper};
use crate::caught::caught;
use crate::envelope::Envelope;
use crate::opening::Opening;
use crate::parcel::{Claim, Parcel};
use crate::pause::{self, Step};
use crate::pending::Pending;
use crate::receipt::Outcome;

impl<M> Core<M> {
    /// Appends one envelope, where there is nothing else to do. [`place`](Core::place) would do the
    /// same: this is kept apart, and small, because nearly every publish ends here.
    #[inline]
    pub(crate) fn append_plainly(&self, pending: &mut Option<Envelope<M>>) -> Option<Outcome> {
        self.append_if(pending, |_, _| true)
    }

    /// The same, if it is given leave: such as all have, or else one that costs more to find out. Where this returns none
    /// it may have been: who was not refused asks again, on the long way, on which he is counted.
    #[inline]
    pub(crate) fn append_by_leave(
        &self,
        pending: &mut Option<Envelope<M>>,
        is_plain: impl FnOnce() -> bool,
        leave: impl FnOnce(&Envelope<M>) -> bool,
    ) -> Option<Outcome> {
        self.append_if(pending, |parcel, pending| {
            let envelope = Pending::first(pending);
            // Who may answer a request is counted, until whoever asked has the answer.
            envelope.correlation_id.is_none()
                && (is_plain() || parcel.has_place() && leave(envelope))
        })
    }

    #[inline]
    fn append_if(
        &self,
        pending: &mut Option<Envelope<M>>,
        may: impl FnOnce(&Parcel<M>, &mut Option<Envelope<M>>) -> bool,
    ) -> Option<Outcome> {
        let current = self.current.load();
        // In this order: what is asked may take long, and somebody may make room meanwhile.
        if !current.is_plain() || !may(&current.parcel, pending) || current.is_outdated() {
            return let_go(current);
        }
        pause::at(Step::Admitted);
        let mut nesting = None;
        let may_wake = || go_deeper(&mut nesting).is_ok();
        let Some(Claim { slots, is_awaited }) = current.parcel.claim_kept(may_wake) else {
            return let_go(current);
        };
        pause::at(Step::Claimed);
        (current.parcel).write(slots.start, || Pending::take(pending));
        self.call(is_awaited);
        self.requests.look(&current.parcel, slots);
        Some(current.outcome(1))
    }

    /// Puts another opening in the place of the current one. Who was given leave to append to that, or to one
    /// before, has done so when this returns, or will not.
    pub(crate) fn supersede(&self) {
        loop {
            let current = self.current.load();
            current.complete(&self.lobby);
            current.parcel.close();
            let next = Arc::new(current.blank());
            if self.install(&current, &next) {
                // Who has appended may be stopped before he does.
                self.lobby.ring();
                return;
            }
        }
    }
}

/// Lets go of an opening that was not appended to. It may be out of use by now, so that payloads are dropped. If one
/// panics, that is none of who has yet to publish.
#[cold]
fn let_go<M, T>(opening: impl Deref<Target = Arc<Opening<M>>>) -> Option<T> {
    caught(|| drop(opening));
    None
}

#[cfg(all(test, oxide_loom))]
mod loom_models;
