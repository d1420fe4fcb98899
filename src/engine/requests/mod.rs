//! The register of requests that wait for answers.
//!
//! A request is registered by its id before it is published. While any request is pending, a publish of an envelope
//! with a correlation id looks it up and puts the envelope into the request's slot. If one answer is wanted, the
//! publish also takes the request off the register. So the first answer is the one, and nobody gets the answer to
//! another request. It does both under the lock of one shard of the register. So nothing is put in after another thread
//! has taken the request off.
//!
//! While no request is pending, this costs a publish one load of a word that nobody writes.
//!
//! The tests are in `tests/library/requests.rs` and `tests/tasks/requests.rs`.

#[cfg(feature = "link")]
mod given_up;
mod slot;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use dashmap::DashMap;
use foldhash::fast::RandomState;
use uuid::Uuid;

use crate::message::envelope::Envelope;
use crate::queue::delivery::Delivery;
use crate::queue::segment::Segment;
use crate::support::wait_list::wake;

pub(crate) use self::slot::Slot;

/// How many requests may be pending on one bus.
pub const MAX_PENDING_REQUESTS: usize = 65_536;

/// How many answers to one request may wait to be taken.
const ROOM: usize = 128;

/// The requests of one bus that wait for answers.
pub(crate) struct Requests<M> {
    /// How many there are. Nothing here is a type of [`sync`](crate::support::sync): each model of the engine would
    /// have to explore it, and dashmap is part of no model.
    pending: AtomicUsize,
    register: DashMap<Uuid, Arc<Slot<Delivery<M>>>, RandomState>,
    /// Those that nobody waits for any more. A link asks for them.
    #[cfg(feature = "link")]
    given_up: given_up::GivenUpRequests,
}

/// How many answers to a request are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    One,
    Many,
}

/// A request that waits.
#[cfg(feature = "link")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct PendingRequest {
    /// Until when, if it does not wait as long as it takes.
    pub(crate) deadline: Option<Instant>,
}

impl<M> Default for Requests<M> {
    fn default() -> Self {
        Requests {
            pending: AtomicUsize::new(0),
            register: DashMap::default(),
            #[cfg(feature = "link")]
            given_up: given_up::GivenUpRequests::default(),
        }
    }
}

impl<M> Requests<M> {
    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// Registers a request that is to be published, and that waits until the deadline. Returns the slot for its
    /// answers, or none if too many are pending.
    pub(crate) fn register(
        &self,
        id: Uuid,
        wanted: Wanted,
        deadline: Option<Instant>,
    ) -> Option<Arc<Slot<Delivery<M>>>> {
        // Relaxed: the answering side learns of the request by its publish, and that comes after.
        if self.pending.fetch_add(1, Ordering::Relaxed) >= MAX_PENDING_REQUESTS {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        // From here on, whatever happens, the thread that takes it off the register counts it out.
        let room = match wanted {
            Wanted::One => 1,
            Wanted::Many => ROOM,
        };
        let slot = Arc::new(Slot::new(room, deadline));
        self.register.insert(id, Arc::clone(&slot));
        Some(slot)
    }

    /// How many requests are on the register.
    #[cfg(all(test, not(oxide_loom)))]
    pub(crate) fn registered(&self) -> usize {
        self.register.len()
    }

    /// Takes a request off the register. Nothing is put into its slot any more; the caller ends the slot.
    pub(crate) fn take(&self, id: Uuid) -> Option<Arc<Slot<Delivery<M>>>> {
        let (_, slot) = self.register.remove(&id)?;
        self.pending.fetch_sub(1, Ordering::Relaxed);
        Some(slot)
    }

    /// The asking side waits no more: its time is up, mostly.
    pub(crate) fn give_up(&self, id: Uuid) {
        // Before it is taken off: a link that does not find it there finds it here.
        #[cfg(feature = "link")]
        if self.register.contains_key(&id) {
            self.given_up.note(id);
        }
        drop(self.take(id));
    }

    /// A link may ask which requests were given up, from now on.
    #[cfg(feature = "link")]
    pub(crate) fn remember_given_up(&self) {
        self.given_up.begin();
    }

    /// Whether the request with this id was given up lately.
    #[cfg(feature = "link")]
    pub(crate) fn was_given_up(&self, id: Uuid) -> bool {
        self.given_up.has(id)
    }

    /// Finds the request with this id, if it is pending.
    #[cfg(feature = "link")]
    pub(crate) fn find(&self, id: Uuid) -> Option<PendingRequest> {
        if self.pending() == 0 {
            return None;
        }
        let slot = self.register.get(&id)?;
        let deadline = slot.deadline();
        Some(PendingRequest { deadline })
    }

    /// Notes that one of the subscribers that have the request with this id will not answer.
    #[cfg(feature = "link")]
    pub(crate) fn decline(&self, id: Uuid) {
        let slot = (self.pending() > 0).then(|| self.register.get(&id).map(|it| Arc::clone(&it)));
        if let Some(waker) = slot.flatten().and_then(|slot| slot.decline()) {
            wake(waker);
        }
    }

    /// Puts an answer into the slot of the request with this id, if there is one.
    fn answer(&self, id: Uuid, answer: impl FnOnce() -> Delivery<M>) {
        let mut answer = Some(answer); // kept out of the closure: to drop it may run user code
        let mut put = None;
        let taken_off = self.register.remove_if(&id, |_, slot| {
            if slot.takes_one() {
                // Before the asking side goes on, and may look at the count.
                self.pending.fetch_sub(1, Ordering::Relaxed);
            }
            put = answer.take().map(|answer| slot.put(answer()));
            slot.takes_one()
        });
        if let Some(Ok(Some(waker))) = put {
            wake(waker);
        }
        drop(taken_off);
    }

    /// Gives those of the envelopes just published that answer requests to the requests.
    #[inline]
    pub(crate) fn answer_all(&self, segment: &Arc<Segment<M>>, slots: Range<usize>) {
        if self.pending() > 0 {
            self.find_answers(segment, slots);
        }
    }

    #[cold]
    fn find_answers(&self, segment: &Arc<Segment<M>>, slots: Range<usize>) {
        for slot in slots {
            let envelope = segment.kept(slot);
            if let Some(id) = envelope.and_then(|envelope| envelope.correlation_id) {
                self.answer(id, || Delivery::new(Arc::clone(segment), slot));
            }
        }
    }

    /// Like [`answer_all`](Requests::answer_all), for an envelope that no segment keeps.
    #[inline]
    pub(crate) fn answer_alone(&self, sequence: u64, envelope: Envelope<M>) {
        if self.pending() > 0
            && let Some(id) = envelope.correlation_id
        {
            self.answer(id, || Delivery::alone(sequence, envelope));
        }
    }

    /// Ends every request, since the bus has closed. Their waiting sides are woken.
    pub(crate) fn close(&self) {
        let ids: Vec<_> = (self.register.iter()).map(|it| *it.key()).collect();
        for id in ids {
            if let Some(waker) = self.take(id).and_then(|slot| slot.close()) {
                wake(waker);
            }
        }
    }
}
