//! Who gets an envelope: the list of subscribers, replaced whole at each change.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::envelope::Envelope;
use crate::error::GroupTerm;
use crate::follow::FollowQueue;
use crate::group::Group;
use crate::pattern::Pattern;
use crate::pick::PickQueue;
use crate::queue::{Queue, Terms};
use crate::source::Source;
use crate::subject::{Payload, Subject};

/// One state of the subscriber list. Never changed, only replaced.
///
/// It is what keeps the queues' sending ends: when the last route that lists a queue is gone, and
/// with it the last publisher that could still send, the subscriber's channel disconnects.
pub(crate) struct Route<M> {
    /// Counts the changes, so that of two routes the newer one is known.
    pub(crate) version: u64,
    /// Subscribers without a filter, in the order in which they came.
    pub(crate) follow: Vec<Arc<FollowQueue<M>>>,
    /// Subscribers with a filter.
    pub(crate) pick: Vec<Arc<PickQueue<M>>>,
    /// The bus has closed: nothing is published any more, and the list does not change.
    pub(crate) closed: bool,
    /// Whether some subscriber listens by pattern, so that subjects have to be asked for.
    pub(crate) by_subject: bool,
}

/// Places in a route's `pick`.
pub(crate) type Picks = SmallVec<[u32; 8]>;

impl<M> Route<M> {
    pub(crate) fn empty() -> Self {
        Route {
            version: 0,
            follow: Vec::new(),
            pick: Vec::new(),
            closed: false,
            by_subject: false,
        }
    }

    /// How many subscriptions there are: those that were evicted are gone already, though they be
    /// listed still.
    pub(crate) fn subscriptions(&self) -> usize {
        let follow = self
            .follow
            .iter()
            .filter(|queue| !queue.is_evicted())
            .count();
        let pick = self.pick.iter().filter(|queue| !queue.is_evicted());
        follow + pick.map(|queue| queue.members()).sum::<usize>()
    }

    /// Whether the list has somebody who was evicted.
    pub(crate) fn is_stale(&self) -> bool {
        (self.follow.iter().any(|queue| queue.is_evicted()))
            || self.pick.iter().any(|queue| queue.is_evicted())
    }

    /// The same list, but for those who were evicted.
    pub(crate) fn swept(&self) -> Self {
        self.next(self.follow.clone(), self.pick.clone())
    }

    /// The group that a new queue asks to join, if there is one.
    pub(crate) fn group(&self, asks: &Queue<M>) -> Option<Result<&Group<M>, GroupTerm>> {
        let Queue::Pick(asks) = asks else { return None };
        self.pick.iter().find_map(|queue| queue.invites(asks))
    }

    pub(crate) fn len(&self) -> usize {
        self.follow.len() + self.pick.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of so many envelopes may be placed in one step: each has picks of its own.
    pub(crate) fn step(&self, pending: usize) -> usize {
        if self.pick.is_empty() { pending } else { 1 }
    }

    /// Who has a filter that accepts the envelope.
    pub(crate) fn picks(&self, envelope: &Envelope<M>) -> Picks
    where
        M: Payload,
    {
        if self.pick.is_empty() {
            return Picks::new();
        }
        let subject = if self.by_subject {
            envelope.message.subject()
        } else {
            Subject::none()
        };
        (self.pick.iter().zip(0..))
            .filter(|(queue, _)| queue.filter().accepts(envelope, &subject))
            .map(|(_, index)| index)
            .collect()
    }

    /// The list after this one, without those who were evicted.
    fn next(&self, mut follow: Vec<Arc<FollowQueue<M>>>, mut pick: Vec<Arc<PickQueue<M>>>) -> Self {
        follow.retain(|queue| !queue.is_evicted());
        pick.retain(|queue| !queue.is_evicted());
        Route {
            version: self.version + 1,
            by_subject: pick.iter().any(|queue| queue.filter().by_subject()),
            follow,
            pick,
            closed: false,
        }
    }

    pub(crate) fn with(&self, queue: Queue<M>) -> Self {
        let (mut follow, mut pick) = (self.follow.clone(), self.pick.clone());
        match queue {
            Queue::Follow(queue) => follow.push(queue),
            Queue::Pick(queue) => pick.push(queue),
        }
        self.next(follow, pick)
    }

    /// The list without one subscriber, or nothing if it is not listed or the list is closed.
    pub(crate) fn without(&self, leaving: &Arc<Terms>) -> Option<Self> {
        if self.closed {
            return None;
        }
        let (mut follow, mut pick) = (self.follow.clone(), self.pick.clone());
        follow.retain(|queue| !Arc::ptr_eq(queue.terms(), leaving));
        pick.retain(|queue| !Arc::ptr_eq(queue.terms(), leaving));
        (follow.len() + pick.len() < self.len()).then(|| self.next(follow, pick))
    }

    /// The list for good.
    pub(crate) fn closed(&self) -> Self {
        Route {
            closed: true,
            ..self.next(self.follow.clone(), self.pick.clone())
        }
    }

    /// What comes after the closed list: it lets go of the queues.
    pub(crate) fn nobody(&self) -> Self {
        Route {
            closed: true,
            ..self.next(Vec::new(), Vec::new())
        }
    }
}

/// What one subscriber listens to.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Any of these matches; empty: every subject.
    patterns: Box<[Pattern]>,
    /// Any of these is equal; empty: every source.
    sources: Box<[Source]>,
}

impl Filter {
    pub(crate) fn new(patterns: Vec<Pattern>, sources: Vec<Source>) -> Self {
        Filter {
            patterns: patterns.into(),
            sources: sources.into(),
        }
    }

    pub(crate) fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    pub(crate) fn by_subject(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// Whether another filter accepts the same, as far as can be told by looking at it.
    pub(crate) fn is_same(&self, other: &Filter) -> bool {
        fn is_same_set<T: PartialEq>(some: &[T], others: &[T]) -> bool {
            let are_in = |these: &[T], those: &[T]| these.iter().all(|it| those.contains(it));
            are_in(some, others) && are_in(others, some)
        }
        is_same_set(&self.patterns, &other.patterns) && is_same_set(&self.sources, &other.sources)
    }

    /// `subject` is the envelope's, which the caller asks for once for all filters.
    pub(crate) fn accepts<M>(&self, envelope: &Envelope<M>, subject: &Subject<'_>) -> bool {
        (self.sources.is_empty() || self.sources.contains(&envelope.source))
            && (self.patterns.is_empty() || self.patterns.iter().any(|p| p.matches(subject)))
    }
}
