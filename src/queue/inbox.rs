//! An inbox: a subscriber's end of its queue, of either kind.
//!
//! A subscription does not know its kind of queue where both kinds do the same.
//!
//! The tests in `tests/library/receive.rs` and `tests/library/groups.rs` run on both kinds.

use crate::queue::direct::DirectReceiver;
use crate::queue::direct::seat::Seat;
use crate::queue::shared::cursor::Cursor;

/// The subscriber's end of a queue.
pub(crate) enum Inbox<M> {
    Shared(Cursor<M>),
    Direct(DirectReceiver<M>),
}

impl<M> Inbox<M> {
    /// Returns the member's seat, if the subscription is in a group.
    pub(crate) fn seat(&self) -> Option<&Seat> {
        match self {
            Inbox::Shared(_) => None,
            Inbox::Direct(receiver) => receiver.seat(),
        }
    }

    /// Whether the bus has evicted the subscriber.
    pub(crate) fn is_evicted(&self) -> bool {
        match self {
            Inbox::Shared(cursor) => cursor.state().is_evicted(),
            Inbox::Direct(receiver) => receiver.is_evicted(),
        }
    }
}
