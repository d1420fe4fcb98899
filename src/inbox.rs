//! A subscriber's end of its queue, of either kind.

use crate::follower::Follower;
use crate::group::Seat;
use crate::pick::Picker;

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
