//! How long a publish may wait for room: as long as the subscribers ask for, a time, or not at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::parcel::Parcel;
use crate::pick::PickQueue;
use crate::refusal::Refusal;
use crate::room::NoPlace;
use crate::terms::Terms;

/// How long a publish may wait for room.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// As long as each subscriber asks for.
    Theirs,
    /// The same, but no longer than this.
    Until(Instant),
    /// It may not: where it would have to, nothing is published.
    Refuse,
    /// It waits no longer, but for those who insist: where one of these has no room, nothing is published.
    #[cfg(feature = "tokio")]
    Late(Instant),
}

/// Places that are held before an envelope is published, so that it need not wait. What is not
/// used is given back. The queues are used in the order in which they were reserved; here they stand in
/// reverse, so that the next one is the last.
pub(crate) struct Held<M>(SmallVec<[Arc<PickQueue<M>>; 1]>);

impl<M> Held<M> {
    pub(crate) fn none() -> Self {
        Held(SmallVec::new())
    }

    /// Holds a place in each of these queues that publishers wait for, or in none. [`fill`](Held::fill) is
    /// to be asked in the same order.
    pub(crate) fn reserve<'a>(
        queues: impl Iterator<Item = &'a Arc<PickQueue<M>>>,
    ) -> Result<Self, Refusal>
    where
        M: 'a,
    {
        let mut held = Held::none();
        for queue in queues {
            match queue.room().hold() {
                Ok(()) => held.0.push(Arc::clone(queue)),
                Err(NoPlace::Full) => return Err(Refusal::Full(Arc::clone(queue.vacancy()))),
                Err(NoPlace::Gone) => {}
            }
        }
        held.0.reverse();
        Ok(held)
    }

    /// Uses the place that is held in this queue, if one is.
    pub(crate) fn fill(
        &mut self,
        queue: &Arc<PickQueue<M>>,
        parcel: &Arc<Parcel<M>>,
        slot: usize,
    ) -> Option<Result<(), NoPlace>> {
        (self.0.last()).filter(|next| Arc::ptr_eq(next, queue))?;
        let queue = self.0.pop()?;
        queue.room().keep();
        Some(queue.fill(parcel, slot))
    }
}

impl<M> Drop for Held<M> {
    fn drop(&mut self) {
        for queue in &self.0 {
            queue.release();
        }
    }
}

impl Limit {
    /// No longer than this, from now on. A time beyond the clock's end is none.
    pub(crate) fn within(timeout: Duration) -> Self {
        Instant::now()
            .checked_add(timeout)
            .map_or(Limit::Theirs, Limit::Until)
    }

    pub(crate) fn deadline(self) -> Option<Instant> {
        match self {
            Limit::Until(deadline) => Some(deadline),
            #[cfg(feature = "tokio")]
            Limit::Late(deadline) => Some(deadline),
            Limit::Theirs | Limit::Refuse => None,
        }
    }

    /// Whether there are queues that this refuses.
    pub(crate) fn may_refuse(self) -> bool {
        !matches!(self, Limit::Theirs | Limit::Until(_))
    }

    /// Whether nothing is published where this queue would have to be waited for.
    pub(crate) fn refuses(self, terms: &Terms) -> bool {
        match self {
            Limit::Theirs | Limit::Until(_) => false,
            Limit::Refuse => terms.blocks(),
            #[cfg(feature = "tokio")]
            Limit::Late(_) => terms.blocks() && terms.insists,
        }
    }
}
