//! The accounts of each shared queue: what was enqueued for it so far, and what was left out.
//!
//! Nearly all queues are *plain*: the segment reaches them, and their subscribers know of all losses. What was
//! enqueued for a plain queue follows from where it began, of which losses it was told, and how far the segment is
//! filled. So a head says nothing about it. The other queues are exceptions, and have an entry each: a queue that was
//! left out, one with a gap that was not told yet, or one that is listed and offered nothing.
//!
//! This keeps promise 3. The tests are in `tests/library/accounts.rs`; `tests/library/model.rs` compares them with the
//! reference model.

use std::sync::Arc;

use super::Head;
use crate::engine::subscriber_list::SubscriberList;
use crate::queue::entry::{Entry, Reach};
use crate::queue::shared::{QueueState, SharedQueue};
use crate::queue::terms::Terms;

/// A queue that is an exception, with its accounts up to the segment's base.
pub(super) struct Other<M> {
    pub(super) queue: Arc<SharedQueue<M>>,
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

/// A queue at whose room each publish looks: it is [narrow](super::narrow), or it has no room and drops.
#[derive(Clone)]
pub(super) struct WatchedQueue {
    number: u64,
    /// A copy of the handle, so that each publish finds it at once.
    state: Arc<QueueState>,
    /// How many envelopes were enqueued up to the segment's base, less the capacity: once the subscriber has received
    /// more than this many, there is room. Does not change while the queue is left out.
    full_at: i64,
}

impl WatchedQueue {
    pub(super) fn new<M>(queue: &SharedQueue<M>, enqueued: u64) -> Self {
        WatchedQueue {
            number: queue.terms().number(),
            state: Arc::clone(queue.state()),
            full_at: enqueued.cast_signed() - queue.terms().capacity.cast_signed() as i64,
        }
    }

    /// Whether the queue has room by now.
    #[inline]
    fn has_room(&self) -> bool {
        self.state.consumed().cast_signed() > self.full_at
    }

    /// Returns how many envelopes after those up to the segment's base the queue has room for by now.
    #[inline]
    pub(super) fn places(&self) -> u64 {
        let places = self.state.consumed().cast_signed() - self.full_at;
        places.max(0).cast_unsigned()
    }

    /// Those of them that are on this list.
    pub(super) fn among<M>(watched: &[Self], subscribers: &SubscriberList<M>) -> Box<[Self]> {
        let is_listed = |it: &&Self| subscribers.shared.get(it.number, |_| true).is_some();
        watched.iter().filter(is_listed).cloned().collect()
    }
}

impl<M> Head<M> {
    /// For each queue of a list: its accounts at the end of this segment, as far as that was filled, and whether it was
    /// an exception. The list is this head's or a later one.
    pub(super) fn accounts_for<'a>(
        &'a self,
        subscribers: &'a SubscriberList<M>,
    ) -> impl Iterator<Item = (&'a Arc<SharedQueue<M>>, Entry, bool)> {
        self.settle(); // so that newcomers have a start
        let claimed = self.segment.filled().claimed;
        let end = self.segment.base() + claimed as u64;
        let mut others = self.others.iter().peekable();
        subscribers.shared.pairs().map(move |(number, queue)| {
            // The exceptions are in the order of the list, and queues keep their order. So one walk finds them all.
            while others.next_if(|other| other.number() < *number).is_some() {}
            match others.next_if(|other| other.number() == *number) {
                Some(other) => (queue, other.entry.after(claimed), true),
                None => (queue, queue.plain_entry(end), false),
            }
        })
    }

    /// The exceptions among a list's queues at the end of this segment, which is closed.
    pub(super) fn others_for(&self, subscribers: &SubscriberList<M>) -> Box<[Other<M>]> {
        let claimed = self.segment.filled().claimed;
        let listed = (self.others.iter()).filter(|other| subscribers.lists(other.queue.terms()));
        let others = listed.map(|other| Other {
            queue: Arc::clone(&other.queue),
            entry: other.entry.after(claimed),
        });
        others.collect()
    }

    /// The accounts of one queue now, if it is listed.
    pub(crate) fn accounts(&self, terms: &Terms) -> Option<Entry> {
        self.settle();
        let queue = self.subscribers.shared_queue(terms)?;
        let number = terms.number();
        Some(
            match self.others.binary_search_by_key(&number, Other::number) {
                Ok(place) => self.others[place]
                    .entry
                    .after(self.segment.filled().claimed),
                Err(_) => queue.plain_entry(self.end_sequence()),
            },
        )
    }

    /// The accounts of every queue now.
    pub(crate) fn standings(&self) -> impl Iterator<Item = (&Arc<SharedQueue<M>>, Entry)> {
        (self.accounts_for(&self.subscribers)).map(|(queue, entry, _)| (queue, entry))
    }

    /// Each queue of the list, and whether the segment reaches it.
    pub(super) fn reaches(&self) -> impl Iterator<Item = (&Arc<SharedQueue<M>>, bool)> {
        let mut others = self.others.iter().peekable();
        self.subscribers.shared.pairs().map(move |(number, queue)| {
            let other = others.next_if(|other| other.number() == *number);
            (queue, other.is_none_or(|other| other.entry.is_in_reach()))
        })
    }

    /// Whether a queue that was left out has made room since, so that the next segment is due.
    #[inline]
    pub(crate) fn is_outdated(&self) -> bool {
        self.drops.iter().any(WatchedQueue::has_room)
    }

    /// The queues that lose what is published.
    pub(crate) fn drops(&self) -> impl Iterator<Item = (&Arc<SharedQueue<M>>, &Entry)> {
        let left_out = |other: &&Other<M>| matches!(other.entry.reach, Reach::LeftOut);
        (self.others.iter().filter(left_out)).map(|other| (&other.queue, &other.entry))
    }

    /// The queues that are evicted because they have no room for the first envelope.
    pub(crate) fn evicts(&self) -> impl Iterator<Item = (&Arc<SharedQueue<M>>, &Entry)> {
        self.evicts.iter().map(|&index| {
            let other = &self.others[index as usize];
            (&other.queue, &other.entry)
        })
    }
}
