//! Groups: subscriptions that share one queue, so that each envelope goes to one of them.
//!
//! There is one queue for all members, and not one each: so no envelope waits behind a slow member
//! while another is idle, and none is lost with a member that leaves. The count of members changes
//! under the lock that guards the list of subscribers, so nobody joins a group whose last member has
//! left.

use std::sync::Arc;

use crate::error::GroupTerm;
use crate::filter::Filter;
use crate::pick::{End, Picker};
use crate::queue::Terms;
use crate::route::Listener;
use crate::sync::{AtomicU64, Ordering};

/// What a group's queue knows of its members.
pub(crate) struct Group<M> {
    end: End<M>,
    seats: Arc<Seats>,
}

struct Seats {
    /// How many members there are.
    taken: AtomicU64,
    /// What the first member agreed on: under these terms the queue is on the list.
    listed: Arc<Terms>,
}

/// What a member knows of its group.
pub(crate) struct Seat(Arc<Seats>);

impl<M> Group<M> {
    /// A group with one member.
    pub(crate) fn new(listed: &Arc<Terms>, end: End<M>) -> (Self, Seat) {
        let seats = Arc::new(Seats {
            taken: AtomicU64::new(1),
            listed: Arc::clone(listed),
        });
        let seat = Seat(Arc::clone(&seats));
        (Group { end, seats }, seat)
    }

    pub(crate) fn members(&self) -> usize {
        // Relaxed: nothing else hangs on it.
        usize::try_from(self.seats.taken.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    /// Takes in another member. Called under the lock.
    pub(crate) fn join(&self) -> Picker<M> {
        self.seats.taken.fetch_add(1, Ordering::Relaxed); // written under the lock
        Picker::new(self.end.share(), Some(Seat(Arc::clone(&self.seats))))
    }
}

impl Seat {
    /// A member leaves. True if it was the last one. Called under the lock, or where the bus is gone.
    pub(crate) fn leave(&self) -> bool {
        // AcqRel: the last one knows what the others did, though the bus be gone.
        self.0.taken.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Under which terms the group is on the list.
    pub(crate) fn listed(&self) -> &Arc<Terms> {
        &self.0.listed
    }
}

impl<M> Listener<M> {
    /// What keeps a subscriber with these terms from joining the group of that name, if this is it.
    pub(crate) fn invites(
        &self,
        wanted: &Terms,
        filter: &Filter<M>,
    ) -> Option<Result<(), GroupTerm>> {
        let terms = self.queue.terms();
        if terms.group != wanted.group || self.queue.is_evicted() {
            return None;
        }
        Some(if terms.capacity != wanted.capacity {
            Err(GroupTerm::Capacity)
        } else if terms.overflow != wanted.overflow {
            Err(GroupTerm::Overflow)
        } else if !self.filter.is_same(filter) {
            Err(GroupTerm::Filter)
        } else {
            Ok(())
        })
    }
}
