//! The accounts of each shared queue: what was enqueued for it so far, and what was left out.
//!
//! Nearly all queues are *plain*: the segment reaches them, and their subscribers know of all losses. What was enqueued
//! for a plain queue follows from three words of its own: where it began, what was lost, what was consumed. So a head
//! says nothing about it. The other queues are exceptions, and have an entry each: a queue that was left out, one with
//! a gap that was not told yet, or one that is listed and offered nothing.
//!
//! This keeps promise 3. The tests are in `tests/library/accounts.rs`; `tests/library/model.rs` compares them with the
//! reference model.

use std::sync::Arc;

use super::Head;
use crate::engine::subscriber_list::SubscriberList;
use crate::queue::entry::Entry;
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

/// A queue that has no room, and drops.
pub(super) struct Full {
    /// Its index among the exceptions.
    pub(super) index: u32,
    /// The queue's state. A copy of the handle, so that each publish finds it at once.
    state: Arc<QueueState>,
    /// How many envelopes its subscriber has received once there is room. Each publish compares this with what was
    /// received; it does not change while the queue is left out.
    until: u64,
}

impl Full {
    pub(super) fn new<M>(index: u32, queue: &SharedQueue<M>, entry: &Entry) -> Self {
        Full {
            index,
            state: Arc::clone(queue.state()),
            until: queue.vacant_at(entry),
        }
    }

    /// The same queue at another index.
    pub(super) fn at(&self, index: u32) -> Self {
        Full {
            index,
            state: Arc::clone(&self.state),
            until: self.until,
        }
    }

    #[inline]
    fn is_vacated(&self) -> bool {
        self.state.consumed() >= self.until
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
        self.drops.iter().any(Full::is_vacated)
    }

    /// The queues that lose what is published.
    pub(crate) fn drops(&self) -> impl Iterator<Item = (&Arc<SharedQueue<M>>, &Entry)> {
        self.drops.iter().map(|full| self.at(full.index))
    }

    /// The queues that are evicted because they have no room for the first envelope.
    pub(crate) fn evicts(&self) -> impl Iterator<Item = (&Arc<SharedQueue<M>>, &Entry)> {
        self.evicts.iter().map(|&index| self.at(index))
    }

    fn at(&self, index: u32) -> (&Arc<SharedQueue<M>>, &Entry) {
        let other = &self.others[index as usize];
        (&other.queue, &other.entry)
    }
}
