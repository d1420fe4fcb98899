//! A group: subscriptions that share one direct queue, so that each envelope goes to one of them.
//!
//! All members share one queue instead of having one each. So no envelope waits behind a slow member while another is
//! idle, and none is lost with a member that leaves. The number of members changes under the lock that guards the
//! subscriber list, so nobody joins a group whose last member has left.
//!
//! The model is `a_member_that_leaves_takes_nothing_with_it` in `engine/tests/core_loom_policies.rs`.

use std::sync::Arc;

use uuid::Uuid;

use crate::queue::direct::receiver::{DirectReceiver, ReceiverEnd};
use crate::queue::direct::seat::{Seat, Seats};
use crate::queue::terms::Terms;

/// What a group's queue knows about its members.
pub(crate) struct Group<M> {
    end: ReceiverEnd<M>,
    seats: Arc<Seats>,
}

impl<M> Group<M> {
    /// Makes a group with one member.
    pub(crate) fn new(listed: &Arc<Terms>, end: ReceiverEnd<M>) -> (Self, Seat) {
        let seats = Arc::new(Seats::new(listed));
        let seat = seats.add(listed);
        (Group { end, seats }, seat)
    }

    pub(crate) fn members(&self) -> usize {
        self.seats.count()
    }

    /// Adds another member. Called under the lock.
    pub(crate) fn join(&self, terms: &Arc<Terms>) -> DirectReceiver<M> {
        DirectReceiver::new(self.end.share(), Some(self.seats.add(terms)))
    }

    /// Returns the seat of the member with this id.
    pub(crate) fn seat(&self, id: Uuid) -> Option<Seat> {
        self.seats.of(id)
    }
}
