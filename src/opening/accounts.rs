//! What was enqueued and left out for each queue, so far.
//!
//! Nearly all queues are *plain*: the parcel reaches them, and their subscribers know of all losses. What was enqueued
//! for a plain queue follows from three words of its own (where it began, what was lost, what was consumed), so an
//! opening has nothing to say about it. The others have an entry: they were left out, or have a gap that was not told
//! yet, or are listed and offered nothing.

use std::sync::Arc;

use super::Opening;
use crate::entry::Entry;
use crate::follow::{FollowQueue, Places};
use crate::route::Route;
use crate::terms::Terms;

/// A queue that is an exception, with its accounts up to the parcel's base.
pub(super) struct Other<M> {
    pub(super) queue: Arc<FollowQueue<M>>,
    pub(super) entry: Entry,
}

impl<M> Other<M> {
    fn number(&self) -> u64 {
        self.queue.terms().number()
    }
}

impl<M> Clone for Other<M> {
    fn clone(&self) -> Self {
        Other {
            queue: Arc::clone(&self.queue),
            entry: self.entry,
        }
    }
}

/// A queue that has no room, and drops.
pub(super) struct Full {
    /// Its place among the others.
    pub(super) index: u32,
    /// Here, so that each publish finds it at once.
    places: Arc<Places>,
    /// How many envelopes its subscriber has received when there is room: that is looked at by each
    /// publish, and what it is compared with does not change while the queue is left out.
    until: u64,
}

impl Full {
    pub(super) fn new<M>(index: u32, queue: &FollowQueue<M>, entry: &Entry) -> Self {
        Full {
            index,
            places: Arc::clone(queue.places()),
            until: queue.vacant_at(entry),
        }
    }

    /// The same at another place.
    pub(super) fn at(&self, index: u32) -> Self {
        Full {
            index,
            places: Arc::clone(&self.places),
            until: self.until,
        }
    }

    #[inline]
    fn is_vacated(&self) -> bool {
        self.places.consumed() >= self.until
    }
}

impl<M> Opening<M> {
    /// The accounts of each of a route's queues at the end of this parcel, as far as that was filled, and whether the
    /// queue was an exception. The route is this one's or came after it.
    pub(super) fn accounts_for<'a>(
        &'a self,
        route: &'a Route<M>,
    ) -> impl Iterator<Item = (&'a Arc<FollowQueue<M>>, Entry, bool)> {
        self.settle(); // newcomers have a start then
        let claimed = self.parcel.filled().claimed;
        let end = self.parcel.base() + claimed as u64;
        let mut others = self.others.iter().peekable();
        route.follow.pairs().map(move |(number, queue)| {
            // Queues keep their order, and the others are in it: so one walk finds them all.
            while others.next_if(|other| other.number() < *number).is_some() {}
            match others.next_if(|other| other.number() == *number) {
                Some(other) => (queue, other.entry.after(claimed), true),
                None => (queue, queue.plain_entry(end), false),
            }
        })
    }

    /// The exceptions among a route's queues at the end of this parcel, which is closed.
    pub(super) fn others_for(&self, route: &Route<M>) -> Box<[Other<M>]> {
        let claimed = self.parcel.filled().claimed;
        let listed = (self.others.iter()).filter(|other| route.lists(other.queue.terms()));
        let others = listed.map(|other| Other {
            queue: Arc::clone(&other.queue),
            entry: other.entry.after(claimed),
        });
        others.collect()
    }

    /// The accounts of one queue now, if it is listed.
    pub(crate) fn accounts(&self, terms: &Terms) -> Option<Entry> {
        self.settle();
        let queue = self.route.follower(terms)?;
        let number = terms.number();
        Some(
            match self.others.binary_search_by_key(&number, Other::number) {
                Ok(place) => self.others[place].entry.after(self.parcel.filled().claimed),
                Err(_) => queue.plain_entry(self.end()),
            },
        )
    }

    /// The accounts of every queue now.
    pub(crate) fn standings(&self) -> impl Iterator<Item = (&Arc<FollowQueue<M>>, Entry)> {
        (self.accounts_for(&self.route)).map(|(queue, entry, _)| (queue, entry))
    }

    /// Each queue of the route, and whether the parcel reaches it.
    pub(super) fn reaches(&self) -> impl Iterator<Item = (&Arc<FollowQueue<M>>, bool)> {
        let mut others = self.others.iter().peekable();
        self.route.follow.pairs().map(move |(number, queue)| {
            let other = others.next_if(|other| other.number() == *number);
            (queue, other.is_none_or(|other| other.entry.is_in_reach()))
        })
    }

    /// Whether a queue that was left out has made room since, so that the next parcel is due.
    #[inline]
    pub(crate) fn is_outdated(&self) -> bool {
        self.drops.iter().any(Full::is_vacated)
    }

    /// The queues that were left out and have made room since.
    pub(super) fn vacated(&self) -> impl Iterator<Item = &Arc<FollowQueue<M>>> {
        (self.drops.iter())
            .filter(|full| full.is_vacated())
            .map(|full| self.at(full.index).0)
    }

    /// The queues that lose what is published.
    pub(crate) fn drops(&self) -> impl Iterator<Item = (&Arc<FollowQueue<M>>, &Entry)> {
        self.drops.iter().map(|full| self.at(full.index))
    }

    /// The queues that are evicted, for want of room for the first envelope.
    pub(crate) fn evicts(&self) -> impl Iterator<Item = (&Arc<FollowQueue<M>>, &Entry)> {
        self.evicts.iter().map(|&index| self.at(index))
    }

    fn at(&self, index: u32) -> (&Arc<FollowQueue<M>>, &Entry) {
        let other = &self.others[index as usize];
        (&other.queue, &other.entry)
    }
}
