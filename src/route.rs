//! Who gets an envelope: the list of subscribers, replaced whole at each change.

use std::sync::Arc;

use smallvec::SmallVec;
use uuid::Uuid;

use crate::advisory::Eviction;
use crate::envelope::Envelope;
use crate::filter::Filter;
use crate::follow::FollowQueue;
use crate::group::Seat;
use crate::index::{Index, Listeners};
use crate::pattern::Pattern;
use crate::pick::PickQueue;
use crate::queue::Queue;
use crate::retained::{Rules, Since};
use crate::shelf::{ROW, Shelf};
use crate::subject::Payload;
use crate::terms::Terms;

/// One state of the subscriber list. Never changed, only replaced.
///
/// It is what keeps the queues' sending ends: when the last route that lists a queue is gone, and
/// with it the last publisher that could still send, the subscriber's channel disconnects.
pub(crate) struct Route<M> {
    /// Counts the changes, so that of two routes the newer one is known.
    pub(crate) version: u64,
    /// Subscribers without a filter, in the order in which they came.
    pub(crate) follow: Shelf<Arc<FollowQueue<M>>>,
    /// Subscribers with a filter, in the order in which they came.
    pub(crate) pick: Shelf<Arc<Listener<M>>>,
    /// What those with a filter listen to.
    index: Index<Arc<Listener<M>>>,
    /// The bus has closed: nothing is published any more, and the list does not change.
    pub(crate) closed: bool,
    /// What is retained for later subscribers.
    pub(crate) rules: Rules<M>,
    /// From when on this list is in use; told only where something is retained.
    pub(crate) since: Option<Arc<Since>>,
}

/// A subscriber with a filter.
pub(crate) struct Listener<M> {
    /// The version of the list with which it came: later ones have higher numbers.
    pub(crate) number: u64,
    pub(crate) queue: Arc<PickQueue<M>>,
    pub(crate) filter: Filter<M>,
}

impl<M> Listener<M> {
    /// The term that keeps a subscriber from joining the group of that name, if this is it.
    fn invites(&self, wanted: &Terms, filter: &Filter<M>) -> Option<Result<(), &'static str>> {
        let terms = self.queue.terms();
        if terms.group != wanted.group || self.queue.is_evicted() {
            return None;
        }
        Some(if terms.capacity != wanted.capacity {
            Err("capacity")
        } else if terms.overflow != wanted.overflow {
            Err("overflow policy")
        } else if !self.filter.is_same(filter) {
            Err("filter")
        } else {
            Ok(())
        })
    }
}

/// What comes of the wish to be listed.
pub(crate) struct Admitted<M> {
    pub(crate) list: Option<Route<M>>,
    pub(crate) joins: Vec<Option<Arc<Listener<M>>>>,
}

/// The subscribers that pick an envelope, by one state of the list. They are borrowed: to hold each would cost as much
/// as to send.
pub(crate) struct Picks<'r, M> {
    pub(crate) listeners: Listeners<'r, Arc<Listener<M>>>,
    /// Those that are to be evicted, and why; one whose predicate has panicked, once for each time.
    pub(crate) failed: Vec<(&'r Listener<M>, Eviction)>,
}

/// What predicates have said so far of one envelope, by the numbers of their subscribers, in order.
pub(crate) type Verdicts = SmallVec<[(u64, bool); 16]>;

impl<'r, M> Picks<'r, M> {
    pub(crate) fn none() -> Self {
        Picks {
            listeners: SmallVec::new(),
            failed: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    pub(crate) fn queues(&self) -> impl Iterator<Item = &'r Arc<PickQueue<M>>> {
        self.listeners.iter().map(|(_, listener)| &listener.queue)
    }
}

impl<M> Route<M> {
    pub(crate) fn empty() -> Self {
        Route {
            version: 0,
            follow: Shelf::new(),
            pick: Shelf::new(),
            index: Index::new(),
            closed: false,
            rules: Arc::new([]),
            since: None,
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
        let pick = (self.pick.iter()).filter(|listener| !listener.queue.is_evicted());
        follow + pick.map(|listener| listener.queue.members()).sum::<usize>()
    }

    /// Whether the list has somebody who was evicted.
    pub(crate) fn is_stale(&self) -> bool {
        (self.follow.iter().any(|queue| queue.is_evicted()))
            || (self.pick.iter()).any(|listener| listener.queue.is_evicted())
    }

    /// The same list, but for those who were evicted.
    pub(crate) fn swept(&self) -> Self {
        let mut swept = self.next();
        // All in one pass: a publish may evict every subscriber there is.
        swept.follow = self.follow.retain(|queue| !queue.is_evicted());
        let (mut staying, mut evicted) = (0, Vec::new());
        swept.pick = self.pick.retain(|listener| {
            let stays = !listener.queue.is_evicted();
            if stays {
                staying += 1;
            } else {
                evicted.push(listener);
            }
            stays
        });
        if evicted.len() > staying / ROW {
            // To take one out of the index copies rows and lists of them: one pass costs less.
            swept.index = (self.index).retain(&|listener| !listener.queue.is_evicted());
        } else {
            for listener in evicted {
                let address = listener.filter.address();
                swept.index = (swept.index).set(listener.number, None, address);
            }
        }
        swept
    }

    /// The listener whose group a new queue asks to join, if there is one.
    fn group(&self, asks: &Queue<M>) -> Option<Result<&Arc<Listener<M>>, &'static str>> {
        let Queue::Pick(asks, filter) = asks else {
            return None;
        };
        asks.group()?;
        (self.pick.iter()).find_map(|listener| {
            let invited = listener.invites(asks.terms(), filter)?;
            Some(invited.map(|()| listener))
        })
    }

    /// The list with all of these, or the term that one of them does not agree to; and for each what
    /// it joins, if there is a group of its name. The list is none if all join one.
    pub(crate) fn admit(&self, queues: &[Queue<M>]) -> Result<Admitted<M>, &'static str> {
        let mut list: Option<Self> = None;
        let mut joins = Vec::with_capacity(queues.len());
        for queue in queues {
            let so_far = list.as_ref().unwrap_or(self);
            let joined = so_far.group(queue).transpose()?.map(Arc::clone);
            if joined.is_none() {
                // One change for all, though it counts as many: each has a number of its own.
                let mut next = match list.take() {
                    Some(list) => Route {
                        version: list.version + 1,
                        ..list
                    },
                    None => self.next(),
                };
                next.enter(queue.clone());
                list = Some(next);
            }
            joins.push(joined);
        }
        Ok(Admitted { list, joins })
    }

    /// The subscriber without a filter that is listed under these terms.
    pub(crate) fn follower(&self, terms: &Terms) -> Option<&Arc<FollowQueue<M>>> {
        self.follow.get(terms.number(), |_| true)
    }

    /// The subscriber with a filter, or the group, that is listed under these terms.
    pub(crate) fn listener(&self, terms: &Terms) -> Option<&Arc<Listener<M>>> {
        self.pick.get(terms.number(), |_| true)
    }

    pub(crate) fn lists(&self, terms: &Terms) -> bool {
        self.follower(terms).is_some() || self.listener(terms).is_some()
    }

    /// The terms of the subscriber with this id, with its seat if it is a group's member.
    pub(crate) fn with_id(&self, id: Uuid) -> Option<(Arc<Terms>, Option<Seat>)> {
        let follow = self.follow.iter().map(|queue| queue.terms());
        let alone = (self.pick.iter().map(|listener| &listener.queue))
            .filter(|queue| queue.group().is_none())
            .map(|queue| queue.terms());
        if let Some(terms) = follow.chain(alone).find(|terms| terms.id == id) {
            return Some((Arc::clone(terms), None));
        }
        let mut groups = self.pick.iter().filter_map(|it| it.queue.group());
        let seat = groups.find_map(|group| group.seat(id))?;
        Some((Arc::clone(seat.terms()), Some(seat)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.follow.is_empty() && self.pick.is_empty()
    }

    /// How many of so many envelopes may be placed in one step: each has picks of its own.
    pub(crate) fn step(&self, pending: usize) -> usize {
        if self.pick.is_empty() { pending } else { 1 }
    }

    /// Finds the subscribers that pick the envelope. A predicate whose verdict is known is not asked again: one that changes the list would be
    /// asked for ever.
    /// This runs user code. `envelope` is asked for only if somebody has a filter.
    pub(crate) fn picks<'r, 'e>(
        &'r self,
        envelope: impl FnOnce() -> &'e Envelope<M>,
        verdicts: &mut Verdicts,
        picks: &mut Picks<'r, M>,
    ) where
        M: Payload,
    {
        if self.pick.is_empty() {
            return;
        }
        let envelope = envelope();
        let mut never = false;
        let subject = || {
            let subject = envelope.message.subject();
            never = subject.is_never_of::<M>();
            subject
        };
        (self.index).find(&envelope.source, subject, &mut picks.listeners);
        if never {
            let vain = (self.pick.iter()).filter(|listener| listener.filter.asks_for_a_subject());
            picks.failed = vain
                .map(|listener| (&**listener, Eviction::NoSubject))
                .collect();
        }
        let Picks { listeners, failed } = picks;
        listeners.retain(|&mut (_, listener)| {
            !listener.filter.has_predicates() || accepts(listener, envelope, verdicts, failed)
        });
    }

    /// The list after this one, with the same subscribers.
    fn next(&self) -> Self {
        Route {
            version: self.version + 1,
            follow: self.follow.clone(),
            pick: self.pick.clone(),
            index: self.index.clone(),
            closed: self.closed,
            rules: Arc::clone(&self.rules),
            since: (!self.rules.is_empty()).then(|| Since::new(self.since.as_ref())),
        }
    }

    /// The same list, with other rules.
    pub(crate) fn with_rules(&self, rules: Rules<M>) -> Self {
        Route {
            since: (!rules.is_empty()).then(|| Since::new(self.since.as_ref())),
            rules,
            ..self.swept()
        }
    }

    /// Lists a subscriber. Only of a list that nobody else has seen, as all that changes one.
    fn enter(&mut self, queue: Queue<M>) {
        let number = self.version;
        queue.terms().list_as(number);
        match queue {
            Queue::Follow(queue) => self.follow = self.follow.set(number, Some(queue), |_| true),
            Queue::Pick(queue, filter) => self.listen(Arc::new(Listener {
                number,
                queue,
                filter,
            })),
        }
    }

    /// The list where one subscriber with a filter listens to these patterns, or nothing if it is not
    /// listed, or was put out, or the list is closed.
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
        next.listen(Arc::new(Listener {
            number: listener.number,
            queue: Arc::clone(&listener.queue),
            filter: listener.filter.with_patterns(patterns),
        }));
        Some(next)
    }

    /// Lists one with a filter, in the place of one with the same number, if there is one.
    fn listen(&mut self, listener: Arc<Listener<M>>) {
        let number = listener.number;
        self.index = (self.index).set(number, Some(&listener), listener.filter.address());
        self.pick = self.pick.set(number, Some(listener), |_| true);
    }

    /// The list without one subscriber, or nothing if it is not listed or the list is closed.
    pub(crate) fn without(&self, leaving: &Arc<Terms>) -> Option<Self> {
        let mut next = self.next();
        (!self.closed && next.leave(leaving)).then_some(next)
    }

    /// Takes a subscriber off; false if it is not listed.
    fn leave(&mut self, leaving: &Terms) -> bool {
        let number = leaving.number();
        if let Some(listener) = self.listener(leaving) {
            self.index = (self.index).set(number, None, listener.filter.address());
            self.pick = self.pick.set(number, None, |_| true);
        } else if self.follower(leaving).is_some() {
            self.follow = self.follow.set(number, None, |_| true);
        } else {
            return false;
        }
        true
    }

    /// The list for good. Nobody need be found by what is published.
    pub(crate) fn closed(&self) -> Self {
        Route {
            closed: true,
            index: Index::new(),
            ..self.swept()
        }
    }

    /// What comes after the closed list: it lets go of the queues.
    pub(crate) fn nobody(&self) -> Self {
        Route {
            version: self.version + 1,
            closed: true,
            ..Route::empty()
        }
    }
}

/// Whether a subscriber's predicates accept it, or have accepted it.
fn accepts<'r, M>(
    listener: &'r Listener<M>,
    envelope: &Envelope<M>,
    verdicts: &mut Verdicts,
    failed: &mut Vec<(&'r Listener<M>, Eviction)>,
) -> bool {
    let number = listener.number;
    // Mostly none that comes after this one was asked before.
    let place = match verdicts.last() {
        Some(last) if last.0 >= number => verdicts.binary_search_by_key(&number, |it| it.0),
        _ => Err(verdicts.len()),
    };
    match place {
        Ok(place) => verdicts[place].1,
        Err(place) => {
            let verdict = listener.filter.judge(envelope);
            if verdict.is_err() {
                failed.push((listener, Eviction::PredicatePanicked));
            }
            let accepts = verdict.unwrap_or(false);
            verdicts.insert(place, (number, accepts));
            accepts
        }
    }
}
