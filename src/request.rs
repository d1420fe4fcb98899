//! Requests: to publish something, and wait for the answers to it.
//!
//! A request is registered by its id before it is published. A publish of an envelope with a correlation id looks it
//! up while any request is pending, and puts the envelope into the request's slot. If one answer is wanted, it takes the
//! request off the register: so the first answer is the one, and nobody gets another's. It does both under the lock of
//! one shard of the register, so nothing is put in once somebody else has taken the request off.
//!
//! While none is pending, that costs a publish one load of a word that nobody writes.

mod replies;
mod slot;
mod verbs;

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
#[cfg(feature = "tokio")]
use std::task::Waker;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use foldhash::fast::RandomState;
use uuid::Uuid;

use crate::admission::Asking;
use crate::delivery::Delivery;
use crate::eagerness::Eagerness;
use crate::envelope::Envelope;
use crate::error::RequestError;
use crate::parcel::Parcel;
use crate::receipt::Receipt;
use crate::shared::Shared;

use self::slot::Slot;

pub use self::replies::Replies;

/// How many requests may be pending on one bus.
pub const MAX_PENDING_REQUESTS: usize = 65_536;

/// How many answers to one request wait to be taken.
const ROOM: usize = 128;

thread_local! {
    static EAGERNESS: Cell<Eagerness> = Cell::default();
}

/// How long a request waits for its answer, unless it is told otherwise.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// A time-out that never comes: later than any clock goes.
pub(crate) const NEVER: Duration = Duration::MAX;

/// The requests of one bus that wait for their answers.
pub(crate) struct Requests<M> {
    /// How many there are. Nothing here is of [`sync`](crate::sync): each model of the engine would have
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

    /// Takes a request off the register. Nobody puts anything into its slot any more, and the caller ends that.
    fn take(&self, id: Uuid) -> Option<Arc<Slot<Delivery<M>>>> {
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
    pub(crate) fn look(&self, parcel: &Arc<Parcel<M>>, slots: Range<usize>) {
        if self.pending() > 0 {
            self.look_up(parcel, slots);
        }
    }

    #[cold]
    fn look_up(&self, parcel: &Arc<Parcel<M>>, slots: Range<usize>) {
        for slot in slots {
            let envelope = parcel.kept(slot);
            if let Some(id) = envelope.and_then(|envelope| envelope.correlation_id) {
                self.answer(id, || Delivery::new(Arc::clone(parcel), slot));
            }
        }
    }

    /// The same for an envelope that no parcel keeps.
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

/// The asking side's end of a request. Dropped, it leaves nothing behind. It does not keep the bus open.
pub(crate) struct Asked<M> {
    core: Weak<Shared<M>>,
    id: Uuid,
    slot: Arc<Slot<Delivery<M>>>,
    /// Its place among the requests under its capability, if it has one.
    _place: Option<Asking>,
}

/// Whether anybody may answer what was published.
pub(crate) fn can_be_answered<M>(receipt: &Receipt) -> Result<(), RequestError<M>> {
    if receipt.matched() == 0 {
        Err(RequestError::NoResponders)
    } else if receipt.delivered() == 0 {
        Err(RequestError::Overloaded)
    } else {
        Ok(())
    }
}

impl<M> Asked<M> {
    /// Registers a request that is to be published.
    pub(crate) fn register(
        core: &Arc<Shared<M>>,
        place: Option<Asking>,
        envelope: Envelope<M>,
        wanted: Wanted,
    ) -> Result<(Self, Envelope<M>), RequestError<M>> {
        let requests = &core.requests;
        // Relaxed: the answering side learns of the request by its publish, and that comes after.
        if requests.pending.fetch_add(1, Ordering::Relaxed) >= MAX_PENDING_REQUESTS {
            requests.pending.fetch_sub(1, Ordering::Relaxed);
            return Err(RequestError::TooManyPending {
                envelope: Box::new(envelope),
                limit: MAX_PENDING_REQUESTS,
            });
        }
        // From here on, whatever happens, whoever takes it off the register counts it out.
        let slot = Arc::new(Slot::new(match wanted {
            Wanted::One => 1,
            Wanted::Many => ROOM,
        }));
        requests.register.insert(envelope.id, Arc::clone(&slot));
        let asked = Asked {
            core: Arc::downgrade(core),
            id: envelope.id,
            slot,
            _place: place,
        };
        Ok((asked, envelope))
    }

    /// The next answer, if it is there; an error in the end if there will be none.
    pub(crate) fn look(&self) -> Poll<Result<Delivery<M>, RequestError<M>>> {
        self.slot.look().map(or_closed)
    }

    /// The same for a task: if it is pending, the task will be woken.
    #[cfg(feature = "tokio")]
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Result<Delivery<M>, RequestError<M>>> {
        self.slot.poll(waker).map(or_closed)
    }

    /// The same for a thread, which waits until the deadline; without one, as long as it takes.
    fn wait(&self, deadline: Option<Instant>) -> Poll<Result<Delivery<M>, RequestError<M>>> {
        let mut eagerness = EAGERNESS.get();
        let look = || Some(self.slot.look()).filter(Poll::is_ready);
        let found = eagerness.wait(look, || self.slot.wait(deadline));
        EAGERNESS.set(eagerness);
        found.map(or_closed)
    }

    /// How many answers found no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.slot.dropped()
    }

    /// Takes no further answers. Those that are there can be looked for.
    pub(crate) fn end(&self) {
        if self.slot.is_over() {
            return; // so it is off the register: by its answer, mostly
        }
        if let Some(core) = self.core.upgrade() {
            drop(core.requests.take(self.id));
        }
        drop(self.slot.end());
    }
}

impl<M> Drop for Asked<M> {
    fn drop(&mut self) {
        self.end();
    }
}

fn or_closed<M>(answer: Option<Delivery<M>>) -> Result<Delivery<M>, RequestError<M>> {
    answer.ok_or(RequestError::Closed)
}

/// A deadline beyond the clock's end is none.
fn after(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use super::*;
    use crate::bus::Bus;

    fn register(bus: &Bus<usize>, number: usize) -> Result<Asked<usize>, usize> {
        let envelope = Envelope::new("client", number);
        match Asked::register(&bus.core, None, envelope, Wanted::One) {
            Ok((asked, _envelope)) => Ok(asked),
            Err(RequestError::TooManyPending { envelope, limit }) => {
                assert_eq!(limit, MAX_PENDING_REQUESTS);
                Err(envelope.message)
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn so_many_requests_may_be_pending_and_no_more_until_one_is_over() {
        let bus = Bus::new();
        let mut pending: Vec<_> = (0..MAX_PENDING_REQUESTS)
            .map(|number| register(&bus, number).expect("there are fewer"))
            .collect();
        assert_eq!(register(&bus, 7).err(), Some(7));
        pending.pop();
        pending.push(register(&bus, 8).expect("one is over"));
        drop(pending);
        let requests = &bus.core.requests;
        assert_eq!((requests.pending(), requests.register.len()), (0, 0));
    }
}
