//! The subscriber list: an immutable snapshot of the subscribers, replaced as a whole at each change.
//!
//! Publishers read it without a lock, as with RCU: which shared queues there are, and which direct ones match.
//!
//! The models of its changes are in `engine/tests/core_loom_changes.rs`.

use std::sync::Arc;

use uuid::Uuid;

use crate::engine::activation_point::ActivationPoint;
use crate::engine::index::Index;
use crate::engine::listener::Listener;
use crate::engine::matches::{Matches, Verdicts};
use crate::engine::queue_kind::Queue;
use crate::engine::retained::Rules;
use crate::message::envelope::Envelope;
use crate::message::pattern::Pattern;
use crate::message::subject::Payload;
use crate::queue::direct::seat::Seat;
use crate::queue::shared::SharedQueue;
use crate::queue::terms::Terms;
use crate::support::chunked_list::{ChunkedList, ROW};

/// One state of the subscriber list. Never changed, only replaced.
///
/// It holds the queues' sending ends. A subscriber's channel disconnects once the last list with its queue is gone, and
/// with it the last publisher that could still send.
pub(crate) struct SubscriberList<M> {
    /// Counts the changes, so that the newer of two lists is known.
    pub(crate) version: u64,
    /// Subscribers without a filter, in the order in which they came.
    pub(crate) shared: ChunkedList<Arc<SharedQueue<M>>>,
    /// Subscribers with a filter, in the order in which they came.
    pub(crate) direct: ChunkedList<Arc<Listener<M>>>,
    /// Finds the subscribers with a filter by subject and source.
    index: Index<Arc<Listener<M>>>,
    /// The bus has closed: nothing is published any more, and the list does not change.
    pub(crate) closed: bool,
    /// What is retained for later subscribers.
    pub(crate) rules: Rules<M>,
    /// From when on this list is in use. Kept only where something is retained.
    pub(crate) activation: Option<Arc<ActivationPoint>>,
}

/// What comes of adding queues to a list.
pub(crate) struct WithQueues<M> {
    pub(crate) list: Option<SubscriberList<M>>,
    pub(crate) joins: Vec<Option<Arc<Listener<M>>>>,
}

impl<M> SubscriberList<M> {
    pub(crate) fn empty() -> Self {
        SubscriberList {
            version: 0,
            shared: ChunkedList::new(),
            direct: ChunkedList::new(),
            index: Index::new(),
            closed: false,
            rules: Arc::new([]),
            activation: None,
        }
    }

    /// The number of subscriptions. Evicted ones do not count, though they may still be listed.
    pub(crate) fn subscriptions(&self) -> usize {
        let shared = self
            .shared
            .iter()
            .filter(|queue| !queue.is_evicted())
            .count();
        let direct = (self.direct.iter()).filter(|listener| !listener.queue.is_evicted());
        shared
            + direct
                .map(|listener| listener.queue.members())
                .sum::<usize>()
    }

    /// Whether an evicted subscriber is still listed.
    pub(crate) fn is_stale(&self) -> bool {
        (self.shared.iter().any(|queue| queue.is_evicted()))
            || (self.direct.iter()).any(|listener| listener.queue.is_evicted())
    }

    /// The next list, without the evicted subscribers.
    pub(crate) fn swept(&self) -> Self {
        let mut swept = self.next();
        // All in one pass: a publish may evict every subscriber there is.
        swept.shared = self.shared.retain(|queue| !queue.is_evicted());
        let (mut staying, mut evicted) = (0, Vec::new());
        swept.direct = self.direct.retain(|listener| {
            let stays = !listener.queue.is_evicted();
            if stays {
                staying += 1;
            } else {
                evicted.push(listener);
            }
            stays
        });
        if evicted.len() > staying / ROW {
            // To take one listener out of the index copies rows and their lists. For many, one pass costs less.
            swept.index = (self.index).retain(&|listener| !listener.queue.is_evicted());
        } else {
            for listener in evicted {
                let address = listener.filter.address();
                swept.index = (swept.index).set(listener.number, None, address);
            }
        }
        swept
    }

    /// The listener whose group a new queue asks to join, if there is one. An error names a term that differs.
    fn group(&self, asks: &Queue<M>) -> Option<Result<&Arc<Listener<M>>, &'static str>> {
        let Queue::Direct(asks, filter) = asks else {
            return None;
        };
        asks.group()?;
        (self.direct.iter()).find_map(|listener| {
            let invited = listener.invites(asks.terms(), filter)?;
            Some(invited.map(|()| listener))
        })
    }

    /// Adds all of these queues. Returns the new list, or none if each queue joins a group, and for each queue the
    /// group that it joins, if any. An error names the term that a queue does not share with its group.
    pub(crate) fn with_queues(&self, queues: &[Queue<M>]) -> Result<WithQueues<M>, &'static str> {
        let mut list: Option<Self> = None;
        let mut joins = Vec::with_capacity(queues.len());
        for queue in queues {
            let so_far = list.as_ref().unwrap_or(self);
            let joined = so_far.group(queue).transpose()?.map(Arc::clone);
            if joined.is_none() {
                // One change for all, though it counts as many: each queue has a number of its own.
                let mut next = match list.take() {
                    Some(list) => SubscriberList {
                        version: list.version + 1,
                        ..list
                    },
                    None => self.next(),
                };
                next.add(queue.clone());
                list = Some(next);
            }
            joins.push(joined);
        }
        Ok(WithQueues { list, joins })
    }

    /// The subscriber without a filter that is listed under these terms.
    pub(crate) fn shared_queue(&self, terms: &Terms) -> Option<&Arc<SharedQueue<M>>> {
        self.shared.get(terms.number(), |_| true)
    }

    /// The subscriber with a filter, or the group, that is listed under these terms.
    pub(crate) fn listener(&self, terms: &Terms) -> Option<&Arc<Listener<M>>> {
        self.direct.get(terms.number(), |_| true)
    }

    pub(crate) fn lists(&self, terms: &Terms) -> bool {
        self.shared_queue(terms).is_some() || self.listener(terms).is_some()
    }

    /// The terms of the subscriber with this id, and its seat if it is a member of a group.
    pub(crate) fn with_id(&self, id: Uuid) -> Option<(Arc<Terms>, Option<Seat>)> {
        let shared = self.shared.iter().map(|queue| queue.terms());
        let alone = (self.direct.iter().map(|listener| &listener.queue))
            .filter(|queue| queue.group().is_none())
            .map(|queue| queue.terms());
        if let Some(terms) = shared.chain(alone).find(|terms| terms.id == id) {
            return Some((Arc::clone(terms), None));
        }
        let mut groups = self.direct.iter().filter_map(|it| it.queue.group());
        let seat = groups.find_map(|group| group.seat(id))?;
        Some((Arc::clone(seat.terms()), Some(seat)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shared.is_empty() && self.direct.is_empty()
    }

    /// How many of `pending` envelopes may be placed in one step: one at a time where filters have a say.
    pub(crate) fn step(&self, pending: usize) -> usize {
        if self.direct.is_empty() { pending } else { 1 }
    }

    /// Finds the direct queues that match the envelope. A predicate whose verdict is known is not asked again: one that
    /// changes the list would be asked for ever. Runs user code. Calls `envelope` only if somebody has a filter.
    pub(crate) fn matches<'r, 'e>(
        &'r self,
        envelope: impl FnOnce() -> &'e Envelope<M>,
        verdicts: &mut Verdicts,
        matches: &mut Matches<'r, M>,
    ) where
        M: Payload,
    {
        if self.direct.is_empty() {
            return;
        }
        matches.find(&self.index, &self.direct, envelope(), verdicts);
    }

    /// The list after this one, with the same subscribers.
    fn next(&self) -> Self {
        SubscriberList {
            version: self.version + 1,
            shared: self.shared.clone(),
            direct: self.direct.clone(),
            index: self.index.clone(),
            closed: self.closed,
            rules: Arc::clone(&self.rules),
            activation: (!self.rules.is_empty())
                .then(|| ActivationPoint::new(self.activation.as_ref())),
        }
    }

    /// The next list, with other rules.
    pub(crate) fn with_rules(&self, rules: Rules<M>) -> Self {
        SubscriberList {
            activation: (!rules.is_empty()).then(|| ActivationPoint::new(self.activation.as_ref())),
            rules,
            ..self.swept()
        }
    }

    /// Lists a subscriber. Like every method that changes a list, only for one that no other thread has seen.
    fn add(&mut self, queue: Queue<M>) {
        let number = self.version;
        queue.terms().list_as(number);
        match queue {
            Queue::Shared(queue) => self.shared = self.shared.set(number, Some(queue), |_| true),
            Queue::Direct(queue, filter) => self.listen(Listener::new(number, queue, filter)),
        }
    }

    /// The next list, in which this subscriber listens to these patterns. None if it is not listed or was evicted, or
    /// the list is closed.
    pub(crate) fn with_patterns(&self, terms: &Terms, patterns: Vec<Pattern>) -> Option<Self> {
        if self.closed {
            return None;
        }
        let listener = self.listener(terms)?;
        if listener.queue.is_evicted() {
            return None;
        }
        let mut next = self.next();
        next.index = (self.index).set(listener.number, None, listener.filter.address());
        next.listen(Listener::new(
            listener.number,
            Arc::clone(&listener.queue),
            listener.filter.with_patterns(patterns),
        ));
        Some(next)
    }

    /// Lists a subscriber with a filter. Replaces the one with the same number, if there is one.
    fn listen(&mut self, listener: Arc<Listener<M>>) {
        let number = listener.number;
        self.index = (self.index).set(number, Some(&listener), listener.filter.address());
        self.direct = self.direct.set(number, Some(listener), |_| true);
    }

    /// The next list, without this subscriber. None if it is not listed, or the list is closed.
    pub(crate) fn without(&self, leaving: &Arc<Terms>) -> Option<Self> {
        let mut next = self.next();
        (!self.closed && next.remove(leaving)).then_some(next)
    }

    /// Takes a subscriber off. False if it is not listed.
    fn remove(&mut self, leaving: &Terms) -> bool {
        let number = leaving.number();
        if let Some(listener) = self.listener(leaving) {
            self.index = (self.index).set(number, None, listener.filter.address());
            self.direct = self.direct.set(number, None, |_| true);
        } else if self.shared_queue(leaving).is_some() {
            self.shared = self.shared.set(number, None, |_| true);
        } else {
            return false;
        }
        true
    }

    /// The closed list. Its index is empty, since nothing is published any more. It has no rules, since nobody
    /// subscribes any more: so to bring it in asks no payload for its subject.
    pub(crate) fn closed(&self) -> Self {
        SubscriberList {
            closed: true,
            index: Index::new(),
            rules: Rules::default(),
            activation: None,
            ..self.swept()
        }
    }

    /// The list after the closed one: it lets go of the queues.
    pub(crate) fn nobody(&self) -> Self {
        SubscriberList {
            version: self.version + 1,
            closed: true,
            ..SubscriberList::empty()
        }
    }
}
