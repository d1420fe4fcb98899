//! Matches: the direct queues that match one envelope.
//!
//! A publish looks them up once, and then reserves places in them, sends to them and wakes their readers.
//!
//! The tests are in `tests/library/routing.rs`.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::engine::index::{Index, Listeners};
use crate::engine::listener::Listener;
use crate::message::advisory::Eviction;
use crate::message::envelope::Envelope;
use crate::message::subject::Payload;
use crate::queue::direct::DirectQueue;
use crate::support::chunked_list::ChunkedList;

/// The direct queues that match an envelope, by one state of the list. They are borrowed: to clone each handle would
/// cost as much as to send.
pub(crate) struct Matches<'r, M> {
    pub(crate) listeners: Listeners<'r, Arc<Listener<M>>>,
    /// Subscribers to be evicted, and why. One whose predicate has panicked is here once for each panic.
    pub(crate) failed: Vec<(&'r Listener<M>, Eviction)>,
    /// Whether publishers wait for room in one of the queues.
    has_blocking: bool,
}

/// The verdicts of predicates on one envelope so far, by the numbers of their subscribers, in order.
pub(crate) type Verdicts = SmallVec<[(u64, bool); 16]>;

impl<'r, M> Matches<'r, M> {
    pub(crate) fn none() -> Self {
        Matches {
            listeners: SmallVec::new(),
            failed: Vec::new(),
            has_blocking: false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    pub(crate) fn queues(&self) -> impl Iterator<Item = &'r Arc<DirectQueue<M>>> {
        self.listeners.iter().map(|(_, listener)| &listener.queue)
    }

    /// The queues in which publishers wait for room.
    pub(crate) fn blocking(&self) -> impl Iterator<Item = &'r Arc<DirectQueue<M>>> {
        // Mostly there are none, and then no listener is looked at again: of 1,000, few are in a cache.
        let listeners = if self.has_blocking {
            &self.listeners[..]
        } else {
            &[]
        };
        let blocking = listeners.iter().filter(|(_, listener)| listener.blocks);
        blocking.map(|(_, listener)| &listener.queue)
    }

    /// Finds the listeners that match the envelope. A predicate whose verdict is known is not asked again: one that
    /// changes the list would be asked for ever. Runs user code.
    pub(crate) fn find(
        &mut self,
        index: &'r Index<Arc<Listener<M>>>,
        direct: &'r ChunkedList<Arc<Listener<M>>>,
        envelope: &Envelope<M>,
        verdicts: &mut Verdicts,
    ) where
        M: Payload,
    {
        let mut never = false;
        let subject = || {
            let subject = envelope.message.subject();
            never = subject.is_never_of::<M>();
            subject
        };
        index.find(&envelope.source, subject, &mut self.listeners);
        if never {
            let vain = (direct.iter()).filter(|listener| listener.filter.asks_for_a_subject());
            self.failed = vain
                .map(|listener| (&**listener, Eviction::NoSubject))
                .collect();
        }
        let Matches {
            listeners,
            failed,
            has_blocking,
        } = self;
        listeners.retain(|&mut (_, listener)| {
            let accepts =
                !listener.filter.has_predicates() || accepts(listener, envelope, verdicts, failed);
            *has_blocking |= accepts && listener.blocks;
            accepts
        });
    }
}

/// Whether a subscriber's predicates accept the envelope, or have accepted it before.
fn accepts<'r, M>(
    listener: &'r Listener<M>,
    envelope: &Envelope<M>,
    verdicts: &mut Verdicts,
    failed: &mut Vec<(&'r Listener<M>, Eviction)>,
) -> bool {
    let number = listener.number;
    // Mostly no later subscriber was asked before, so the verdict goes at the end.
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
