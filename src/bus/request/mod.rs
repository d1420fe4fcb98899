//! Requests: publishing a message and waiting for the answers to it.
//!
//! The register of pending requests, and how an answer finds its request, is in [`requests`](crate::engine::requests).

mod replies;
mod verbs;

use std::cell::Cell;
use std::sync::{Arc, Weak};
use std::task::Poll;
#[cfg(feature = "tokio")]
use std::task::Waker;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::authority::admission::Asking;
use crate::bus::error::RequestError;
use crate::bus::state::BusState;
use crate::engine::receipt::Receipt;
use crate::engine::requests::{MAX_PENDING_REQUESTS, Slot, Wanted};
use crate::message::envelope::Envelope;
use crate::queue::delivery::Delivery;
use crate::support::clock;
use crate::support::eagerness::Eagerness;
use crate::support::parker::Parker;

pub use self::replies::Replies;

thread_local! {
    static EAGERNESS: Cell<Eagerness> = Cell::default();
    /// Where this thread sleeps.
    static PARKER: Arc<Parker> = Arc::default();
}

/// The caller's end of a request. Dropping it leaves nothing behind. It does not keep the bus open.
pub(crate) struct Asked<M> {
    core: Weak<BusState<M>>,
    id: Uuid,
    slot: Arc<Slot<Delivery<M>>>,
    /// Its place among the pending requests under its capability, if it has one.
    _place: Option<Asking>,
}

impl<M> Asked<M> {
    /// Registers a request that is about to be published, and that waits until the deadline.
    pub(crate) fn register(
        core: &Arc<BusState<M>>,
        place: Option<Asking>,
        envelope: Envelope<M>,
        wanted: Wanted,
        deadline: Option<Instant>,
    ) -> Result<(Self, Envelope<M>), RequestError<M>> {
        let Some(slot) = core.requests.register(envelope.id, wanted, deadline) else {
            return Err(RequestError::TooManyPending {
                envelope: Box::new(envelope),
                limit: MAX_PENDING_REQUESTS,
            });
        };
        let asked = Asked {
            core: Arc::downgrade(core),
            id: envelope.id,
            slot,
            _place: place,
        };
        Ok((asked, envelope))
    }

    /// Registers a request that a link has brought, so that links that pass it over can decline it. `None` if it is
    /// pending here already, or too many are.
    #[cfg(feature = "link")]
    pub(crate) fn relay(core: &Arc<BusState<M>>, id: Uuid, deadline: Instant) -> Option<Self> {
        if core.requests.find(id).is_some() {
            return None;
        }
        let slot = (core.requests).register(id, Wanted::One, Some(deadline))?;
        Some(Asked {
            core: Arc::downgrade(core),
            id,
            slot,
            _place: None,
        })
    }

    /// Checks that some subscriber has the request and may answer it.
    pub(crate) fn published(&self, receipt: &Receipt) -> Result<(), RequestError<M>> {
        if receipt.matched() == 0 {
            return Err(RequestError::NoResponders);
        }
        if receipt.delivered() == 0 {
            return Err(RequestError::Overloaded);
        }
        self.slot.delivered(receipt.delivered());
        Ok(())
    }

    /// Returns the next answer if it is there, or an error if there will be none.
    pub(crate) fn try_take(&self) -> Poll<Result<Delivery<M>, RequestError<M>>> {
        self.or_end(self.slot.try_take())
    }

    /// Like [`try_take`](Self::try_take), for a task: if there is no answer yet, the task is woken later.
    #[cfg(feature = "tokio")]
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Result<Delivery<M>, RequestError<M>>> {
        self.or_end(self.slot.poll(waker))
    }

    /// Like [`try_take`](Self::try_take), for a thread: waits until the deadline; without one, as long as it takes.
    fn wait(&self) -> Poll<Result<Delivery<M>, RequestError<M>>> {
        let mut eagerness = EAGERNESS.get();
        let look = || Some(self.slot.try_take()).filter(Poll::is_ready);
        // A thread that is ending may have dropped its parker already.
        let parker = || PARKER.try_with(Arc::clone).unwrap_or_default();
        let found = eagerness.wait(look, || self.slot.wait(&parker()));
        EAGERNESS.set(eagerness);
        self.or_end(found)
    }

    /// Says why nothing more comes: the bus has closed, or all that have the request have declined.
    fn or_end(
        &self,
        found: Poll<Option<Delivery<M>>>,
    ) -> Poll<Result<Delivery<M>, RequestError<M>>> {
        found.map(|answer| {
            answer.ok_or_else(|| {
                if self.slot.is_over() {
                    RequestError::Closed
                } else {
                    RequestError::NoResponders
                }
            })
        })
    }

    /// Until when the asking side waits.
    fn deadline(&self) -> Option<Instant> {
        self.slot.deadline()
    }

    /// How many answers found no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.slot.dropped()
    }

    /// Takes no further answers. Those that are there can still be taken.
    pub(crate) fn close(&self) {
        if self.slot.is_over() {
            return; // it is off the register already, mostly because it was answered
        }
        if let Some(core) = self.core.upgrade() {
            core.requests.give_up(self.id);
        }
        drop(self.slot.close());
    }
}

impl<M> Drop for Asked<M> {
    fn drop(&mut self) {
        self.close();
    }
}

/// The end of a time-out; `None` if the clock cannot hold it.
fn after(timeout: Duration) -> Option<Instant> {
    clock::now().checked_add(timeout)
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use super::*;
    use crate::bus::handle::Bus;

    fn register(bus: &Bus<usize>, number: usize) -> Result<Asked<usize>, usize> {
        let envelope = Envelope::new("client", number);
        match Asked::register(&bus.core, None, envelope, Wanted::One, None) {
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
        assert_eq!((requests.pending(), requests.registered()), (0, 0));
    }
}
