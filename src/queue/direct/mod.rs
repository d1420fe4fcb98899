//! A direct queue: one to which the publisher sends every envelope that matches.
//!
//! A subscriber with a filter, or a group, receives only some envelopes, so it cannot read the bus's segments in
//! sequence. Its queue is a bounded channel ([crossbeam's array flavour](crossbeam_channel::bounded)), whose items say
//! in which segment and slot an envelope lies. The overflow policy decides what happens to an envelope that finds the
//! channel full:
//!
//! | policy | what happens |
//! | --- | --- |
//! | `DropNewest` | the envelope is lost: the channel has refused it |
//! | `DropOldest` | the oldest envelopes are taken out, and lost, until this one finds a place |
//! | `Block`, `Evict` | a place must be reserved in the [credits](crate::queue::credits) first, and there is none |
//!
//! Where publishers wait for room, they do so at the queue's [vacancy](crate::queue::vacancy).
//!
//! # The newest stay
//!
//! In a queue that keeps the newest, the subscriber and the publishers take envelopes out under one lock, for a few
//! instructions, and count them there. So the lost envelopes are older than everything in the channel, and newer than
//! everything that was received: the gap lies before the next envelope. And while the lock is held, the channel only
//! fills. So a publisher that finds it full takes out what the newest `capacity` envelopes have displaced, and no more.
//!
//! The models are in `engine/tests/core_loom_policies.rs`. The tests in `tests/library/overflow.rs` show each policy.

pub(crate) mod group;
mod item;
mod receiver;
pub(crate) mod seat;

use std::sync::Arc;

use smallvec::SmallVec;

use crate::message::overflow::Overflow;
use crate::queue::accounts::Accounts;
use crate::queue::credits::{Credits, NoPlace};
use crate::queue::direct::group::Group;
use crate::queue::segment::Segment;
use crate::queue::terms::Terms;
use crate::support::sync::channel::{Receiver, Sender, TrySendError, bounded};
use crate::support::wait_list::{Occupied, WaitList, Waking};

pub(crate) use self::item::Item;
pub(crate) use self::receiver::{DirectReceiver, ReceiverEnd};

/// The publishers' end.
pub(crate) struct DirectQueue<M> {
    sender: Sender<Item<M>>,
    overflow: Overflow,
    /// In a queue that keeps the newest: where a publisher takes out the oldest.
    oldest: Option<Receiver<Item<M>>>,
    // Dropped after the sender, so that a woken reader finds that nobody sends any more.
    ending: Ending,
    terms: Arc<Terms>,
    group: Option<Group<M>>,
}

/// Ends the queue when the last publisher releases it.
struct Ending(Arc<Credits>, Arc<WaitList>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end_sending();
        self.1.wake_every_thread();
    }
}

/// What newer envelopes have displaced. It is counted already. Dropping it runs user code.
pub(crate) type Displaced<M> = SmallVec<[Item<M>; 1]>;

/// Why an envelope was not enqueued at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The envelope is lost for this subscriber.
    NoPlace(NoPlace),
    /// The envelope is lost, and the subscriber is evicted.
    Evicted,
}

impl<M> DirectQueue<M> {
    pub(crate) fn new(
        terms: &Arc<Terms>,
        occupied: &Arc<Occupied>,
        waking: Waking,
    ) -> (Arc<Self>, DirectReceiver<M>) {
        let (sender, receiver) = bounded(terms.capacity);
        let credits = Arc::new(Credits::new(terms.capacity));
        let is_shared = terms.group.is_some();
        let readers = WaitList::waking(waking).one_by_one(is_shared);
        let readers = Arc::new(readers.counted(occupied));
        let overflow = terms.overflow;
        let oldest = (overflow == Overflow::DropOldest).then(|| receiver.clone());
        let end = ReceiverEnd {
            receiver,
            credits: Arc::clone(&credits),
            terms: Arc::clone(terms),
            readers: Arc::clone(&readers),
            overflow,
            is_shared,
        };
        let (group, seat) = is_shared.then(|| Group::new(terms, end.share())).unzip();
        let queue = DirectQueue {
            sender,
            overflow,
            ending: Ending(credits, readers),
            oldest,
            terms: Arc::clone(terms),
            group,
        };
        (Arc::new(queue), DirectReceiver::new(end, seat))
    }

    pub(crate) fn terms(&self) -> &Arc<Terms> {
        &self.terms
    }

    pub(crate) fn group(&self) -> Option<&Group<M>> {
        self.group.as_ref()
    }

    /// Returns how many subscriptions receive from it.
    pub(crate) fn members(&self) -> usize {
        self.group.as_ref().map_or(1, Group::members)
    }

    pub(crate) fn credits(&self) -> &Credits {
        &self.ending.0
    }

    /// Whether publishers wait for room.
    #[inline]
    pub(crate) fn blocks(&self) -> bool {
        self.overflow.blocks()
    }

    /// The wait list of the readers.
    pub(crate) fn readers(&self) -> &Arc<WaitList> {
        &self.ending.1
    }

    /// Enqueues the envelope if there is room, or if it displaces others. The caller wakes the readers.
    #[inline]
    pub(crate) fn offer(
        &self,
        segment: &Arc<Segment<M>>,
        slot: usize,
        displaced: &mut Displaced<M>,
    ) -> Result<(), Refused> {
        let credits = self.credits();
        if self.overflow.reserves() {
            self.reserve()?;
        } else if credits.is_shut() {
            return Err(Refused::NoPlace(NoPlace::Gone));
        } else if credits.holds_back() && self.queued() >= credits.capacity() {
            credits.lose();
            return Err(Refused::NoPlace(NoPlace::Full));
        }
        match self.send(segment, slot) {
            Ok(()) => Ok(()),
            Err(refused) => self.not_sent(refused, displaced),
        }
    }

    /// Reserves a place for an envelope that is placed in every queue or in none. The caller [fills](Self::fill) the
    /// place or [releases](Self::release) it. A patient publisher may find the queue full although a place is free.
    #[inline]
    pub(crate) fn hold(&self, is_patient: bool) -> Result<(), NoPlace> {
        let credits = self.credits();
        if let Some(vacancy) = &self.terms.vacancy {
            let (free, consumed) = credits.free();
            if vacancy.usable_room(free, consumed, is_patient) == 0 {
                return Err(NoPlace::Full);
            }
        }
        credits.reserve()
    }

    /// Releases a held place that is not needed after all.
    pub(crate) fn release(&self) {
        self.credits().release();
        self.terms.wake_publishers();
    }

    /// Reserves a place, or decides what follows from there being none.
    #[inline]
    fn reserve(&self) -> Result<(), Refused> {
        self.credits().reserve().map_err(|no_place| match no_place {
            NoPlace::Full if self.blocks() => {
                self.credits().lose(); // the publisher has waited long enough
                Refused::NoPlace(NoPlace::Full)
            }
            NoPlace::Full if self.credits().refuse() => Refused::Evicted,
            NoPlace::Full | NoPlace::Gone => Refused::NoPlace(NoPlace::Gone),
        })
    }

    /// Sends into the channel, where a reserved place is free. The number of losses is read before the send, so that
    /// none is told too late. The caller wakes the readers.
    #[inline]
    fn send(&self, segment: &Arc<Segment<M>>, slot: usize) -> Result<(), TrySendError<Item<M>>> {
        #[expect(clippy::cast_possible_truncation, reason = "counted modulo 2³²")]
        let lost_before = self.credits().lost() as u32;
        self.sender.try_send(Item::new(segment, slot, lost_before))
    }

    #[cold]
    fn not_sent(
        &self,
        refused: TrySendError<Item<M>>,
        displaced: &mut Displaced<M>,
    ) -> Result<(), Refused> {
        let TrySendError::Full(item) = refused else {
            return Err(Refused::NoPlace(NoPlace::Gone));
        };
        let Some(oldest) = &self.oldest else {
            self.credits().lose();
            return Err(Refused::NoPlace(NoPlace::Full));
        };
        let _taking = self.credits().taking.lock();
        let mut sent = self.sender.try_send(item);
        while let Err(TrySendError::Full(item)) = sent {
            if let Ok(oldest) = oldest.try_recv() {
                self.credits().lose();
                displaced.push(oldest);
            }
            sent = self.sender.try_send(item);
        }
        sent.map_err(|_| Refused::NoPlace(NoPlace::Gone))
    }

    /// Enqueues the envelope in a reserved place. If no receiver is left, nothing is enqueued.
    #[inline]
    pub(crate) fn fill(&self, segment: &Arc<Segment<M>>, slot: usize) -> Result<(), NoPlace> {
        self.send(segment, slot).map_err(|_| NoPlace::Gone)
    }

    /// Evicts the subscriber, or all members of the group: nothing is offered to it any more. Returns true for the
    /// first caller.
    pub(crate) fn evict(&self) -> bool {
        let first = self.credits().evict();
        self.terms.wake_publishers();
        first
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.credits().is_evicted()
    }

    /// Returns how many envelopes are in the queue, one of which may be held back.
    fn queued(&self) -> u64 {
        self.sender.len() as u64 + u64::from(self.credits().holds_back())
    }

    /// Returns the accounts as of one moment, except for what is received in just that moment. A reserved place that is
    /// not filled yet is not counted, because that publish may fail.
    pub(crate) fn accounts(&self) -> Accounts {
        // With the lock held, no envelope is between being queued and being counted.
        let _taking = self.oldest.is_some().then(|| self.credits().taking.lock());
        let mut tries = 3;
        loop {
            let consumed = self.credits().consumed();
            let accounts = Accounts {
                placed: consumed + self.queued(),
                consumed,
                dropped: self.credits().lost(),
            };
            tries -= 1;
            if tries == 0 || self.credits().consumed() == accounts.consumed {
                return accounts;
            }
        }
    }
}
