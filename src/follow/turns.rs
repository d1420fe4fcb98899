//! What publishers wait with for a place in a queue without a filter, in turn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;

use super::FollowQueue;
use crate::parcel::Parcel;

/// What publishers wait with for their turns.
pub(super) struct Turns<M> {
    /// By turn.
    pub(super) waiting: BTreeMap<u64, Turn<M>>,
    /// Turns whose publishers have given up, but not the one before: from which to which, exclusive. As
    /// ranges, so that there are no more of them than of those who wait.
    pub(super) given_up: BTreeMap<u64, u64>,
    /// There was room for many, and there is some left: one place is enough now.
    pub(super) flowing: bool,
    /// Nobody waits any more.
    pub(super) shut: bool,
}

/// What has to be known to place one envelope, whoever does it.
pub(super) struct Turn<M> {
    pub(super) queue: Arc<FollowQueue<M>>,
    pub(super) parcel: Arc<Parcel<M>>,
    /// How many envelopes the parcels before it have enqueued.
    pub(super) enqueued: u64,
    /// How many places are waited for.
    pub(super) demand: u64,
    pub(super) waker: Option<Waker>,
}

impl<M> Default for Turns<M> {
    fn default() -> Self {
        Turns {
            waiting: BTreeMap::new(),
            given_up: BTreeMap::new(),
            flowing: false,
            shut: false,
        }
    }
}

impl<M> Turns<M> {
    pub(super) fn give_up(&mut self, turn: u64) -> Option<Turn<M>> {
        let before = self.given_up.range(..turn).next_back();
        let from = (before.filter(|&(_, &to)| to == turn)).map_or(turn, |(&from, _)| from);
        let to = self.given_up.remove(&(turn + 1)).unwrap_or(turn + 1);
        self.given_up.insert(from, to);
        self.waiting.remove(&turn)
    }

    pub(super) fn has_given_up(&self, turn: u64) -> bool {
        let last = self.given_up.range(..=turn).next_back();
        last.is_some_and(|(_, &to)| turn < to)
    }
}
