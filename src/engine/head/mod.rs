//! Heads: the chain of segments, and which queues have room for which.
//!
//! A head is one immutable state of the sequence: a segment, the subscriber list it is for, and which queues of that
//! list the segment does not reach. The bus has one current head. A publisher that needs another segment makes the next
//! head out of the current one and installs it by one compare-and-swap. So there is one sequence for all, and the
//! [accounts] are exact:
//!
//! * The accounts of a head follow from those of its predecessor and from how far the predecessor's segment was filled.
//!   That is final by then.
//! * A queue is in reach only if it has room. If it has not room for every slot of the segment, publishers
//!   [look](narrow) before they claim one.
//! * A publisher reads the list after it has loaded the head that it will succeed. So versions of the list never go
//!   back along the chain.
//!
//! The loser of the swap takes its envelopes back and appends to the winner's segment. Before anybody appends to a
//! segment, or opens the next, the segment is [handed over](hand_over) to every queue in its reach: by the publisher
//! that opened it, or by the first thread that meets it.
//!
//! A change of the list needs no other segment: it [installs a new head for the same one](same_segment).
//!
//! So the chain of heads keeps promises 3 and 4. The models are in `engine/tests/core_loom_models.rs`, the tests in
//! `tests/library/order.rs` and `tests/library/accounts.rs`.

mod accounts;
mod hand_over;
mod narrow;
mod same_segment;

use std::sync::Arc;

use self::accounts::{Other, WatchedQueue};
use self::narrow::Shortage;
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
    /// Counts the heads of one segment. Slots are claimed by this number, so only through this head.
    pub(crate) epoch: u64,
    /// The version of the list before. Subscribers with a higher number are new with this head.
    after: u64,
    /// A hint that [`settle`](Head::settle) was done.
    is_settled: AtomicBool,
    /// The queues that are exceptions, in the order of the list: those that the segment does not reach, and those whose
    /// subscribers do not know of all losses yet.
    others: Box<[Other<M>]>,
    /// How many queues are in reach.
    in_reach: usize,
    /// The queues in reach that have not room for the whole segment.
    narrow: Box<[WatchedQueue]>,
    /// The queues that have no room, and drop.
    drops: Box<[WatchedQueue]>,
    /// The queues that have no room, and are evicted for it, by their index among the exceptions.
    evicts: Box<[u32]>,
    /// What is retained of everything before the segment.
    pub(crate) retained: Retained<M>,
    /// How many slots the segment would have if every queue had room for them.
    growth: usize,
}

impl<M> Head<M> {
    /// The first head of a bus, which nobody listens to yet.
    pub(crate) fn first(subscribers: Arc<SubscriberList<M>>) -> Self {
        let (segment, after) = (Segment::void(0), subscribers.version);
        Self::reaching_nobody(segment, subscribers, after, Retained::nothing())
    }

    /// A head whose segment reaches no queue.
    fn reaching_nobody(
        segment: impl Into<Arc<Segment<M>>>,
        subscribers: Arc<SubscriberList<M>>,
        after: u64,
        retained: Retained<M>,
    ) -> Self {
        Head {
            segment: segment.into(),
            subscribers,
            epoch: 0,
            after,
            is_settled: AtomicBool::new(false),
            others: Box::default(),
            in_reach: 0,
            narrow: Box::default(),
            drops: Box::default(),
            evicts: Box::default(),
            retained,
            growth: 1,
        }
    }

    /// The head after this one, which is closed. It takes no envelopes: it only brings in a new list.
    pub(crate) fn idle(&self, subscribers: Arc<SubscriberList<M>>) -> Self {
        let retained = self.retained_for(&subscribers);
        self.void(subscribers, retained)
    }

    /// The empty successor: a head after this one, which is closed, that takes no envelopes and has the same list.
    /// Making it runs no user code.
    pub(crate) fn empty_successor(&self) -> Self {
        let rules = &self.subscribers.rules;
        let retained = self.retained.unexamined_after(&self.segment, rules);
        self.void(Arc::clone(&self.subscribers), retained)
    }

    fn void(&self, subscribers: Arc<SubscriberList<M>>, retained: Retained<M>) -> Self {
        let segment = Segment::void(self.end_sequence());
        if subscribers.closed {
            segment.close();
        }
        Head {
            others: self.others_for(&subscribers),
            growth: self.growth(),
            ..Self::reaching_nobody(segment, subscribers, self.subscribers.version, retained)
        }
    }

    /// The next segment's head, after this one, which is closed.
    ///
    /// Takes as many envelopes as find room, up to `wanted`. The segment has up to `max` slots. A blind segment only
    /// counts the envelopes, so the caller still has them if another publisher's head comes first. Puts into `gone` the
    /// segments that are too old for queues that keep the newest. On failure returns the terms of the queue that has no
    /// room.
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
        let mut slots = growth;
        let mut shortage = Shortage::new();
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
                others.push(other(entry)); // still listed, but offered nothing
                continue;
            }
            let terms = queue.terms();
            let waits = attempt.waits_for(terms);
            let room = queue.find_room(&entry, waits && attempt.is_patient());
            if room == 0 && waits {
                return Err(Arc::clone(terms));
            }
            queue.make_room(self.end_sequence(), gone);
            if room > 0 {
                in_reach += 1;
                let room = usize::try_from(room).unwrap_or(usize::MAX);
                if terms.blocks() {
                    slots = slots.min(room);
                } else if room < growth {
                    shortage.add(queue, &entry, room);
                }
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
            } // else it loses the first envelope only, which its end tells
            others.push(other(entry));
            match overflow {
                Overflow::DropNewest | Overflow::Block | Overflow::BlockFor(_) => {
                    drops.push(WatchedQueue::new(queue, entry.enqueued));
                }
                Overflow::Evict => evicts.push(index),
                Overflow::DropOldest => unreachable!("it has room for any number"),
            }
        }
        if passes_over {
            // This publisher has waited long enough for that queue. Others still wait for it, so none may append here.
            slots = 1;
        }
        let slots = shortage.length(slots, in_reach);
        let read = in_reach > 0
            || passes_over
            || !subscribers.direct.is_empty()
            || !subscribers.rules.is_empty();
        let retained = self.retained_for(&subscribers); // user code, so before anything has happened
        let taken = wanted.min(slots).min(shortage.least_room());
        let narrow = shortage.narrow(slots);
        let segment = if !read {
            Segment::blind(self.end_sequence(), wanted)
        } else if taken > 1 && taken >= slots / 2 {
            Segment::full(self.end_sequence(), pending.take_many(taken))
        } else {
            Segment::new(self.end_sequence(), slots, taken, || pending.take())
        };
        Ok(Head {
            others: others.into(),
            in_reach,
            narrow,
            drops: drops.into(),
            evicts: evicts.into(),
            growth,
            ..Self::reaching_nobody(segment, subscribers, self.subscribers.version, retained)
        })
    }

    /// What is retained at the end of this segment, which is closed.
    fn retained_for(&self, subscribers: &SubscriberList<M>) -> Retained<M> {
        (self.retained).after(&self.segment, &self.subscribers.rules, &subscribers.rules)
    }

    /// Marks the point from which this head's list was in use. Called before the next head is installed.
    pub(crate) fn mark(&self) {
        if let Some(activation) = &self.subscribers.activation {
            activation.mark(self.segment.base());
        }
    }

    /// The sequence number after this segment, if nothing more is appended.
    pub(crate) fn end_sequence(&self) -> u64 {
        self.segment.base() + self.segment.filled().claimed as u64
    }

    /// How many slots the next segment should have: twice as many if this one filled up, else as many as were used. A
    /// segment that was cut short for want of room says nothing about that, nor does one that may have been.
    fn growth(&self) -> usize {
        let (slots, claimed) = (self.segment.slots(), self.segment.filled().claimed);
        if claimed < slots && self.narrow.is_empty() {
            claimed
        } else if slots < self.growth || claimed < slots {
            self.growth
        } else {
            slots * 2
        }
    }

    /// The outcome of this many envelopes in the segment, for the shared queues alone.
    pub(crate) fn outcome(&self, envelopes: usize) -> Outcome {
        Outcome {
            delivered: self.in_reach * envelopes,
            dropped: self.drops.len() * envelopes,
        }
    }

    /// Whether a publish has nothing to do beside appending.
    #[inline]
    pub(crate) fn has_only_shared_queues(&self) -> bool {
        self.subscribers.direct.is_empty()
    }

    /// Whether claims by this head have ended, since a later head of the same segment has been settled.
    pub(crate) fn is_over(&self) -> bool {
        self.segment.epoch() > self.epoch
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use crate::{Bus, Envelope, Overflow, SubscribeOptions, Subscription};

    fn narrow() -> SubscribeOptions<u32> {
        SubscribeOptions::new().capacity(4)
    }

    /// Publishes this many, one after the other, and lets each of these subscribers receive them.
    fn publish_and_receive(bus: &Bus<u32>, count: u32, subscribers: &mut [Subscription<u32>]) {
        for number in 0..count {
            bus.publish(Envelope::new("counter", number)).expect("open");
            for subscriber in &mut *subscribers {
                assert!(subscriber.try_recv().is_ok());
            }
        }
    }

    fn subscribe(bus: &Bus<u32>, options: SubscribeOptions<u32>) -> Subscription<u32> {
        bus.subscribe_with(options).expect("open")
    }

    #[test]
    fn one_of_two_with_little_room_shortens_the_segments_only_if_publishers_wait_for_it() {
        let kinds = [
            narrow(),
            narrow().overflow(Overflow::Evict),
            narrow().predicate(|_: &Envelope<u32>| true),
            narrow().source("counter"),
            narrow().overflow(Overflow::DropOldest),
            narrow().overflow(Overflow::Block),
        ];
        let lengths = kinds.map(|options| {
            let bus = Bus::<u32>::new();
            let _roomy = bus.subscribe();
            publish_and_receive(&bus, 40, &mut [subscribe(&bus, options)]);
            bus.core.current().segment.slots()
        });
        assert_eq!(lengths, [32, 32, 32, 32, 32, 4]);
    }

    #[test]
    fn many_with_little_room_shorten_the_segments() {
        let bus = Bus::<u32>::new();
        let _roomy = bus.subscribe();
        let mut slow = [(); 16].map(|()| subscribe(&bus, narrow()));
        publish_and_receive(&bus, 40, &mut slow);
        let current = bus.core.current();
        assert_eq!((current.segment.slots(), current.narrow.len()), (4, 0));
    }

    #[test]
    fn a_narrow_queue_takes_just_what_it_has_room_for_in_one_segment_or_in_several() {
        let bus = Bus::<u32>::new();
        let _roomy = bus.subscribe();
        let mut slow = [subscribe(&bus, narrow())];
        publish_and_receive(&bus, 40, &mut slow);
        let publish = |count| {
            let publish = |number| bus.publish(Envelope::new("counter", number)).expect("open");
            let receipts = (0..count).map(publish);
            receipts.map(|it| it.delivered() - 1).collect::<Vec<_>>()
        };
        assert_eq!(publish(3), [1, 1, 1]);
        assert_eq!(slow[0].try_recv().map(|it| it.message), Ok(0));
        assert_eq!(publish(4), [1, 1, 0, 0], "full");
        let [slow] = slow;
        assert_eq!((slow.len(), slow.dropped()), (4, 2));
    }

    #[test]
    fn a_batch_is_split_where_a_narrow_queue_has_no_more_room() {
        let bus = Bus::<u32>::new();
        let mut roomy = bus.subscribe();
        let mut slow = [subscribe(&bus, narrow())];
        publish_and_receive(&bus, 40, &mut slow);
        let batch = (0..30).map(|number| Envelope::new("counter", number));
        let receipt = bus.publish_batch(batch).expect("open");
        assert_eq!((receipt.delivered(), receipt.dropped()), (34, 26));
        assert_eq!((slow[0].len(), slow[0].dropped()), (4, 26));
        assert_eq!(roomy.try_recv_each(|_| ()), Ok(70));
    }

    #[test]
    fn a_queue_stays_narrow_in_the_same_segment_until_it_leaves() {
        let bus = Bus::<u32>::new();
        let _roomy = bus.subscribe();
        let mut slow = [subscribe(&bus, narrow())];
        publish_and_receive(&bus, 40, &mut slow);
        let base = bus.core.current().segment.base();
        let _newcomer = bus.subscribe();
        assert_eq!(bus.core.current().narrow.len(), 1);
        drop(slow);
        let current = bus.core.current();
        assert_eq!((current.narrow.len(), current.segment.base()), (0, base));
    }
}
