//! The register of requests that wait for their answers.
//!
//! A request is registered by its id before it is published. A publish of an envelope with a correlation id looks it
//! up while any request is pending, and puts the envelope into the request's slot. If one answer is wanted, it takes the
//! request off the register: so the first answer is the one, and nobody gets another's. It does both under the lock of
//! one shard of the register, so nothing is put in once somebody else has taken the request off.
//!
//! While none is pending, that costs a publish one load of a word that nobody writes.

mod slot;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use foldhash::fast::RandomState;
use uuid::Uuid;

use crate::message::envelope::Envelope;
use crate::queue::delivery::Delivery;
use crate::queue::segment::Segment;

pub(crate) use self::slot::Slot;

/// How many requests may be pending on one bus.
pub const MAX_PENDING_REQUESTS: usize = 65_536;

/// How many answers to one request wait to be taken.
const ROOM: usize = 128;

/// The requests of one bus that wait for their answers.
pub(crate) struct Requests<M> {
    /// How many there are. Nothing here is of [`sync`](crate::support::sync): each model of the engine would have
    /// to explore it, and dashmap is no part of any.
    pending: AtomicUsize,
    register: DashMap<Uuid, Arc<Slot<Delivery<M>>>, RandomState>,
}

/// How many answers to a request are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    One,
    Many,
}

impl<M> Default for Requests<M> {
    fn default() -> Self {
        Requests {
            pending: AtomicUsize::new(0),
            register: DashMap::default(),
        }
    }
}

impl<M> Requests<M> {
    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// Registers a request that is to be published; returns where its answers come. None if too many are pending.
    pub(crate) fn enter(&self, id: Uuid, wanted: Wanted) -> Option<Arc<Slot<Delivery<M>>>> {
        // Relaxed: the answering side learns of the request by its publish, and that comes after.
        if self.pending.fetch_add(1, Ordering::Relaxed) >= MAX_PENDING_REQUESTS {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        // From here on, whatever happens, whoever takes it off the register counts it out.
        let slot = Arc::new(Slot::new(match wanted {
            Wanted::One => 1,
            Wanted::Many => ROOM,
        }));
        self.register.insert(id, Arc::clone(&slot));
        Some(slot)
    }

    /// How many are on the register.
    #[cfg(all(test, not(oxide_loom)))]
    pub(crate) fn registered(&self) -> usize {
        self.register.len()
    }

    /// Takes a request off the register. Nobody puts anything into its slot any more, and the caller ends that.
    pub(crate) fn take(&self, id: Uuid) -> Option<Arc<Slot<Delivery<M>>>> {
        let (_, slot) = self.register.remove(&id)?;
        self.pending.fetch_sub(1, Ordering::Relaxed);
        Some(slot)
    }

    /// Puts an answer into the slot of the request with this id, if there is one.
    fn answer(&self, id: Uuid, answer: impl FnOnce() -> Delivery<M>) {
        let mut answer = Some(answer); // kept out of the closure: to drop it may run user code
        let (mut put, mut stays) = (None, None);
        let taken_off = self.register.remove_if(&id, |_, slot| {
            if slot.takes_one() {
                // Before the asking side goes on, and may look at it.
                self.pending.fetch_sub(1, Ordering::Relaxed);
            } else {
                stays = Some(Arc::clone(slot));
            }
            put = answer.take().map(|answer| slot.put(answer()));
            slot.takes_one()
        });
        let slot = stays.or(taken_off.map(|(_, slot)| slot));
        if let (Some(Ok(waker)), Some(slot)) = (put, slot) {
            slot.wake(waker);
        }
    }

    /// Looks whether some of the envelopes that were just published answer requests.
    #[inline]
    pub(crate) fn look(&self, segment: &Arc<Segment<M>>, slots: Range<usize>) {
        if self.pending() > 0 {
            self.look_up(segment, slots);
        }
    }

    #[cold]
    fn look_up(&self, segment: &Arc<Segment<M>>, slots: Range<usize>) {
        for slot in slots {
            let envelope = segment.kept(slot);
            if let Some(id) = envelope.and_then(|envelope| envelope.correlation_id) {
                self.answer(id, || Delivery::new(Arc::clone(segment), slot));
            }
        }
    }

    /// The same for an envelope that no segment keeps.
    #[inline]
    pub(crate) fn look_at(&self, sequence: u64, envelope: Envelope<M>) {
        if self.pending() > 0
            && let Some(id) = envelope.correlation_id
        {
            self.answer(id, || Delivery::alone(sequence, envelope));
        }
    }

    /// The bus has closed: whoever waits learns of it.
    pub(crate) fn close(&self) {
        let ids: Vec<_> = (self.register.iter()).map(|it| *it.key()).collect();
        for id in ids {
            if let Some(slot) = self.take(id) {
                slot.wake(slot.end());
            }
        }
    }
}
