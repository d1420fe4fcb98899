//! A subscriber's queue, from outside: what it was promised, and its two kinds.
//!
//! A subscriber without a filter [follows](crate::follow) the bus: parcels go into its channel, and
//! it reads what is appended to them. One with a filter has its envelopes [picked](crate::pick):
//! each goes into its queue by itself. So have groups, whose members cannot share a parcel.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use crate::advisory::Told;
use crate::drain::Drains;
use crate::filter::Filter;
use crate::follow::FollowQueue;
use crate::follower::Follower;
use crate::group::Seat;
use crate::options::SubscribeOptions;
use crate::overflow::Overflow;
use crate::pick::{PickQueue, Picker};
use crate::stamp::stamp;
use crate::sync::{AtomicU64, Ordering};
use crate::wait_list::{Occupied, WaitList};

/// What was agreed on subscribing.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) id: Uuid,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) capacity: usize,
    pub(crate) overflow: Overflow,
    pub(crate) group: Option<Arc<str>>,
    /// A publisher's own limit does not count for it.
    pub(crate) insists: bool,
    /// What it listens to cannot be changed.
    pub(crate) fixed: bool,
    pub(crate) told_lagging: Told,
    pub(crate) drains: Drains,
    /// The version of the list with which it came; 0 before, which no list with a subscriber has. Written once, under
    /// the lock that guards the list.
    number: AtomicU64,
}

impl Terms {
    /// Its place on the list: those who come later have higher numbers.
    pub(crate) fn number(&self) -> u64 {
        // Relaxed: `list_as` came before, under the lock, or before the subscription was made that asks.
        self.number.load(Ordering::Relaxed)
    }

    pub(crate) fn list_as(&self, number: u64) {
        self.number.store(number, Ordering::Relaxed); // see `number`
    }

    /// Whether publishers wait for room.
    pub(crate) fn blocks(&self) -> bool {
        self.overflow.blocks()
    }

    /// Until when a publisher waits, as far as that is for the publisher to say.
    pub(crate) fn heed(&self, limit: Option<Instant>) -> Option<Instant> {
        limit.filter(|_| !self.insists)
    }

    /// Until when a publisher waits that started then.
    pub(crate) fn deadline(&self, started: Instant) -> Option<Instant> {
        match self.overflow {
            // A time-out beyond the clock's end is none.
            Overflow::BlockFor(timeout) => started.checked_add(timeout),
            Overflow::Block => None,
            Overflow::DropNewest | Overflow::DropOldest | Overflow::Evict => Some(started),
        }
    }
}

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
}

impl<M> Queue<M> {
    /// What it listens to, if there is something else.
    pub(crate) fn filter(&self) -> Option<&Filter<M>> {
        match self {
            Queue::Follow(_) => None,
            Queue::Pick(_, filter) => Some(filter),
        }
    }
}

/// The subscriber's end of a queue.
pub(crate) enum Inbox<M> {
    Follow(Follower<M>),
    Pick(Picker<M>),
}

impl<M> Inbox<M> {
    /// The seat of a group's member.
    pub(crate) fn seat(&self) -> Option<&Seat> {
        match self {
            Inbox::Follow(_) => None,
            Inbox::Pick(picker) => picker.seat(),
        }
    }

    /// Whether the bus has put the subscriber out.
    pub(crate) fn is_evicted(&self) -> bool {
        match self {
            Inbox::Follow(follower) => follower.places().is_evicted(),
            Inbox::Pick(picker) => picker.is_evicted(),
        }
    }
}

/// Both ends of a new queue.
pub(crate) fn queue<M>(
    options: SubscribeOptions<M>,
    readers: &Arc<WaitList>,
    occupied: &Arc<Occupied>,
) -> (Arc<Terms>, Queue<M>, Inbox<M>) {
    let terms = Arc::new(Terms {
        id: stamp().0,
        name: options.name.map(Into::into),
        capacity: options.capacity,
        overflow: options.overflow,
        group: options.group.map(Into::into),
        insists: options.insists,
        fixed: options.fixed,
        told_lagging: Told::default(),
        drains: Drains::default(),
        number: AtomicU64::new(0),
    });
    let chooses = options.chooses || !options.filter.is_none();
    if !chooses && terms.group.is_none() {
        let (queue, follower) = FollowQueue::new(&terms, readers);
        (terms, Queue::Follow(queue), Inbox::Follow(follower))
    } else {
        let (queue, picker) = PickQueue::new(&terms, occupied);
        let queue = Queue::Pick(queue, options.filter);
        (terms, queue, Inbox::Pick(picker))
    }
}
