//! A subscriber's queue, from outside: its two kinds.
//!
//! A subscriber without a filter [follows](crate::follow) the bus: parcels go into its channel, and
//! it reads what is appended to them. One with a filter has its envelopes [picked](crate::pick):
//! each goes into its queue by itself. So have groups, whose members cannot share a parcel.

use std::sync::Arc;

use crate::filter::Filter;
use crate::follow::FollowQueue;
use crate::inbox::Inbox;
use crate::parcel::MAX_SLOTS;
use crate::pick::PickQueue;
use crate::terms::Terms;
use crate::vacancy::Vacancy;
use crate::wait_list::{Occupied, WaitList};

/// The publishers' end of a queue.
pub(crate) enum Queue<M> {
    Follow(Arc<FollowQueue<M>>),
    Pick(Arc<PickQueue<M>>, Filter<M>),
}

impl<M> Clone for Queue<M> {
    fn clone(&self) -> Self {
        match self {
            Queue::Follow(queue) => Queue::Follow(Arc::clone(queue)),
            Queue::Pick(queue, filter) => Queue::Pick(Arc::clone(queue), filter.clone()),
        }
    }
}

impl<M> Queue<M> {
    pub(crate) fn terms(&self) -> &Arc<Terms> {
        match self {
            Queue::Follow(queue) => queue.terms(),
            Queue::Pick(queue, _) => queue.terms(),
        }
    }

    /// What it listens to, if there is something else.
    pub(crate) fn filter(&self) -> Option<&Filter<M>> {
        match self {
            Queue::Follow(_) => None,
            Queue::Pick(_, filter) => Some(filter),
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
        let (queue, follower) = FollowQueue::new(&terms, readers);
        (terms, Queue::Follow(queue), Inbox::Follow(follower))
    } else {
        let (queue, picker) = PickQueue::new(&terms, occupied);
        (terms, Queue::Pick(queue, filter), Inbox::Pick(picker))
    }
}
