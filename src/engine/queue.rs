//! A subscriber's queue, from outside: its two kinds.
//!
//! A subscriber without a filter [follows](crate::queue::shared) the bus: segments go into its channel, and
//! it reads what is appended to them. One with a filter has its envelopes [picked](crate::queue::direct):
//! each goes into its queue by itself. So have groups, whose members cannot share a segment.

use std::sync::Arc;

use crate::engine::filter::Filter;
use crate::queue::direct::DirectQueue;
use crate::queue::inbox::Inbox;
use crate::queue::segment::MAX_SLOTS;
use crate::queue::shared::SharedQueue;
use crate::queue::terms::Terms;
use crate::queue::vacancy::Vacancy;
use crate::support::wait_list::{Occupied, WaitList};

/// The publishers' end of a queue.
pub(crate) enum Queue<M> {
    Shared(Arc<SharedQueue<M>>),
    Direct(Arc<DirectQueue<M>>, Filter<M>),
}

impl<M> Clone for Queue<M> {
    fn clone(&self) -> Self {
        match self {
            Queue::Shared(queue) => Queue::Shared(Arc::clone(queue)),
            Queue::Direct(queue, filter) => Queue::Direct(Arc::clone(queue), filter.clone()),
        }
    }
}

impl<M> Queue<M> {
    pub(crate) fn terms(&self) -> &Arc<Terms> {
        match self {
            Queue::Shared(queue) => queue.terms(),
            Queue::Direct(queue, _) => queue.terms(),
        }
    }

    /// What it listens to, if there is something else.
    pub(crate) fn filter(&self) -> Option<&Filter<M>> {
        match self {
            Queue::Shared(_) => None,
            Queue::Direct(_, filter) => Some(filter),
        }
    }
}

/// Both ends of a new queue. Where the filter may come to be another, it is one for a filter from the start.
pub(crate) fn queue<M>(
    mut terms: Terms,
    filter: Filter<M>,
    chooses: bool,
    readers: &Arc<WaitList>,
    occupied: &Arc<Occupied>,
) -> (Arc<Terms>, Queue<M>, Inbox<M>) {
    let follows = !chooses && filter.is_none() && terms.group.is_none();
    if terms.blocks() {
        let batch = if follows {
            terms.capacity.min(2 * MAX_SLOTS)
        } else {
            (terms.capacity / 4).clamp(1, 32)
        };
        terms.vacancy = Some(Arc::new(Vacancy::new(batch)));
    }
    let terms = Arc::new(terms);
    if follows {
        let (queue, cursor) = SharedQueue::new(&terms, readers);
        (terms, Queue::Shared(queue), Inbox::Shared(cursor))
    } else {
        let (queue, receiver) = DirectQueue::new(&terms, occupied);
        (terms, Queue::Direct(queue, filter), Inbox::Direct(receiver))
    }
}
