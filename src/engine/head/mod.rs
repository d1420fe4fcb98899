//! Openings: the chain of segments, and who has room for which.
//!
//! The bus has one current opening: a segment, the route it is for, and which of the queues on that route the segment does
//! not reach. A publisher that needs another segment makes the next opening out of the current one and installs it by one
//! compare-and-swap. That makes the sequence one for all, and the [accounts] exact:
//!
//! * an opening's accounts follow from its predecessor's and from how far that one's segment was filled,
//!   which is final by then;
//! * a queue is in reach only if it has room for every slot of the segment;
//! * a route is read after the opening that it shall succeed, so versions never go back along the
//!   chain.
//!
//! A loser of the swap takes its envelopes back and appends to the winner's segment. Before anybody
//! appends to a segment, or opens the one after it, the segment has been handed over to every queue
//! in its reach: by who opened it, or by whoever came first.
//!
//! A change of the list needs no other segment: it [puts a new opening before the same one](same_segment).

mod accounts;
mod hand_over;
mod same_segment;

use std::sync::Arc;

use self::accounts::{Full, Other};
use crate::engine::attempt::Attempt;
use crate::engine::pending::Pending;
use crate::engine::receipt::Outcome;
use crate::engine::retained::Retained;
use crate::engine::subscriber_list::SubscriberList;
use crate::message::envelope::Envelope;
use crate::message::overflow::Overflow;
use crate::queue::entry::Reach;
use crate::queue::segment::Segment;
use crate::queue::terms::Terms;
use crate::support::sync::AtomicBool;

/// The most bytes of envelopes in a segment, unless one envelope takes more.
const MAX_BYTES: usize = 16 * 1024;

pub(crate) struct Head<M> {
    pub(crate) segment: Arc<Segment<M>>,
    pub(crate) subscribers: Arc<SubscriberList<M>>,
    /// Which of the openings of its segment this is: only those who hold this one claim slots by it.
    pub(crate) epoch: u64,
    /// The version of the route before: subscribers with a higher number are new with this opening.
    after: u64,
    /// A hint that [`settle`](Opening::settle) was done.
    is_settled: AtomicBool,
    /// The queues that are exceptions, in the order of the route: those that the segment does not reach, and those whose
    /// subscribers do not know of all losses yet.
    others: Box<[Other<M>]>,
    /// How many queues are in reach.
    in_reach: usize,
    /// Those that have no room, and drop.
    drops: Box<[Full]>,
    /// Those that have no room, and are put out for it; by their place among the others.
    evicts: Box<[u32]>,
    /// What is retained of all that came before the segment.
    pub(crate) retained: Retained<M>,
    /// How many slots the segment would have, were there room for as many everywhere.
    growth: usize,
}

impl<M> Head<M> {
    /// The first of a bus: nobody listens.
    pub(crate) fn first(subscribers: Arc<SubscriberList<M>>) -> Self {
        Head {
            segment: Arc::new(Segment::void(0)),
            epoch: 0,
            after: subscribers.version,
            is_settled: AtomicBool::new(true),
            subscribers,
            others: Box::default(),
            in_reach: 0,
            drops: Box::default(),
            evicts: Box::default(),
            retained: Retained::nothing(),
            growth: 1,
        }
    }

    /// One that takes nothing, after this one, which is closed: it only brings in a new route.
    pub(crate) fn idle(&self, subscribers: Arc<SubscriberList<M>>) -> Self {
        let retained = self.retained_for(&subscribers);
        self.void(subscribers, retained)
    }

    /// One that takes nothing, after this one, which is closed, and has the same route. To make it runs no user code.
    pub(crate) fn empty_successor(&self) -> Self {
        let rules = &self.subscribers.rules;
        let retained = self.retained.unlooked_after(&self.segment, rules);
        self.void(Arc::clone(&self.subscribers), retained)
    }

    fn void(&self, subscribers: Arc<SubscriberList<M>>, retained: Retained<M>) -> Self {
        let segment = Segment::void(self.end());
        if subscribers.closed {
            segment.close();
        }
        Head {
            segment: Arc::new(segment),
            epoch: 0,
            after: self.subscribers.version,
            is_settled: AtomicBool::new(false),
            others: self.others_for(&subscribers),
            retained,
            subscribers,
            in_reach: 0,
            drops: Box::default(),
            evicts: Box::default(),
            growth: self.growth(),
        }
    }

    /// The next segment after this one, which is closed. As many envelopes as find room are taken for
    /// it, up to `wanted`; it has up to `max` slots. A blind one only counts them, so that they are still there if another
    /// publisher's comes first. Segments that are too old for those that keep the newest are `gone`.
    pub(crate) fn next(
        &self,
        subscribers: Arc<SubscriberList<M>>,
        wanted: usize,
        max: usize,
        pending: &mut impl Pending<M>,
        attempt: &Attempt,
        gone: &mut Vec<Arc<Segment<M>>>,
    ) -> Result<Self, Arc<Terms>> {
        let slot_bytes = size_of::<Envelope<M>>().max(1);
        let growth = (self.growth().max(wanted))
            .min(max)
            .min(MAX_BYTES / slot_bytes)
            .max(1);
        let mut slots = growth as u64;
        let mut in_reach = 0;
        let mut others = Vec::new();
        let (mut drops, mut evicts) = (Vec::new(), Vec::new());
        let mut passes_over = false;
        for (queue, mut entry, is_exception) in self.accounts_for(&subscribers) {
            let index = u32::try_from(others.len()).expect("fewer than 2³² subscribers");
            let other = |entry| Other {
                queue: Arc::clone(queue),
                entry,
            };
            if queue.is_evicted() || queue.takes_no_more() {
                others.push(other(entry)); // listed still, and offered nothing
                continue;
            }
            let terms = queue.terms();
            let waits = attempt.waits_for(terms);
            let room = queue.look_for_room(&entry, waits && attempt.is_patient());
            if room == 0 && waits {
                return Err(Arc::clone(terms));
            }
            queue.make_room(self.end(), gone);
            if room > 0 {
                in_reach += 1;
                slots = slots.min(room);
                if is_exception && !queue.knows_of(entry.left_out) {
                    entry.reach = Reach::Within;
                    others.push(other(entry));
                }
                continue;
            }
            queue.leave_out();
            let overflow = terms.overflow;
            passes_over |= overflow.blocks();
            if overflow != Overflow::Evict {
                entry.reach = Reach::LeftOut;
            } // else it loses the first envelope alone, which its end tells
            others.push(other(entry));
            match overflow {
                Overflow::DropNewest | Overflow::Block | Overflow::BlockFor(_) => {
                    drops.push(Full::new(index, queue, &entry));
                }
                Overflow::Evict => evicts.push(index),
                Overflow::DropOldest => unreachable!("it has room for any number"),
            }
        }
        if passes_over {
            // This publisher has waited long enough for a queue that others wait for, so nobody may append.
            slots = 1;
        }
        let slots = usize::try_from(slots).expect("it was made from a usize");
        let read = in_reach > 0
            || passes_over
            || !subscribers.direct.is_empty()
            || !subscribers.rules.is_empty();
        let retained = self.retained_for(&subscribers); // user code, and nothing has happened yet
        let taken = wanted.min(slots);
        let segment = if !read {
            Segment::blind(self.end(), wanted)
        } else if taken > 1 && taken >= slots / 2 {
            Segment::full(self.end(), pending.take_many(taken))
        } else {
            Segment::new(self.end(), slots, taken, || pending.take())
        };
        Ok(Head {
            segment: Arc::new(segment),
            epoch: 0,
            after: self.subscribers.version,
            is_settled: AtomicBool::new(false),
            subscribers,
            others: others.into(),
            in_reach,
            drops: drops.into(),
            evicts: evicts.into(),
            retained,
            growth,
        })
    }

    /// What is retained at the end of this segment, which is closed.
    fn retained_for(&self, subscribers: &SubscriberList<M>) -> Retained<M> {
        (self.retained).after(&self.segment, &self.subscribers.rules, &subscribers.rules)
    }

    /// Before the opening after this one is installed: from when on its list was in use.
    pub(crate) fn mark(&self) {
        if let Some(since) = &self.subscribers.since {
            since.mark(self.segment.base());
        }
    }

    /// The sequence number after this segment, if nothing more is appended.
    pub(crate) fn end(&self) -> u64 {
        self.segment.base() + self.segment.filled().claimed as u64
    }

    /// How many slots the next segment would need: twice what filled up, else what was used. A segment
    /// that was cut short for want of room, and filled up, tells nothing.
    fn growth(&self) -> usize {
        let (slots, claimed) = (self.segment.slots(), self.segment.filled().claimed);
        if claimed < slots {
            claimed
        } else if slots < self.growth {
            self.growth
        } else {
            slots * 2
        }
    }

    /// What becomes of so many envelopes in the segment, as far as it goes by the segment.
    pub(crate) fn outcome(&self, envelopes: usize) -> Outcome {
        Outcome {
            delivered: self.in_reach * envelopes,
            dropped: self.drops.len() * envelopes,
        }
    }

    /// Whether a publish has nothing to do beside appending.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.subscribers.direct.is_empty()
    }

    /// Whether another opening of the same segment may claim by now, and not this one.
    pub(crate) fn is_over(&self) -> bool {
        self.segment.epoch() > self.epoch
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use crate::{Bus, Envelope, Overflow, SubscribeOptions};

    #[test]
    fn one_that_is_nearly_full_shortens_the_segments_unless_envelopes_are_sent_to_it_by_themselves()
    {
        let narrow = || SubscribeOptions::new().capacity(1);
        let kinds = [
            narrow(),
            narrow().predicate(|_: &Envelope<u32>| true),
            narrow().source("counter"),
            narrow().overflow(Overflow::DropOldest),
        ];
        let are_short = kinds.map(|options| {
            let bus = Bus::<u32>::new();
            let _roomy = bus.subscribe();
            let mut slow = bus.subscribe_with(options).expect("open");
            for number in 0..40 {
                bus.publish(Envelope::new("counter", number)).expect("open");
                assert!(slow.try_recv().is_ok());
            }
            bus.core.current().segment.slots() == 1
        });
        assert_eq!(are_short, [true, false, false, false]);
    }
}
