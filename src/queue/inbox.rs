//! A subscriber's end of its queue, of either kind.

use crate::queue::cursor::Cursor;
use crate::queue::direct::DirectReceiver;
use crate::queue::group::Seat;

/// The subscriber's end of a queue.
pub(crate) enum Inbox<M> {
    Shared(Cursor<M>),
    Direct(DirectReceiver<M>),
}

impl<M> Inbox<M> {
    /// The seat of a group's member.
    pub(crate) fn seat(&self) -> Option<&Seat> {
        match self {
            Inbox::Shared(_) => None,
            Inbox::Direct(receiver) => receiver.seat(),
        }
    }

    /// Whether the bus has put the subscriber out.
    pub(crate) fn is_evicted(&self) -> bool {
        match self {
            Inbox::Shared(cursor) => cursor.state().is_evicted(),
            Inbox::Direct(receiver) => receiver.is_evicted(),
        }
    }
}
