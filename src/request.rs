//! Requests: to publish something, and wait for the answers to it.
//!
//! A request is registered by its id before it is published. A publish of an envelope with a correlation id looks it
//! up while any request is pending, and hands the envelope over. If one answer is wanted, it takes the request off the
//! register: so the first answer is the one, and nobody gets another's.
//!
//! While none is pending, that costs a publish one load of a word that nobody writes.

mod replies;
mod verbs;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, TrySendError, bounded};
use dashmap::DashMap;
use foldhash::fast::RandomState;
use uuid::Uuid;

use crate::admission::Asking;
use crate::alarm::{Alarm, Ringer, alarm};
use crate::delivery::Delivery;
use crate::envelope::Envelope;
use crate::error::RequestError;
use crate::fanout::Core;
use crate::parcel::Parcel;
use crate::receipt::Receipt;

pub use self::replies::Replies;

/// How many requests may be pending on one bus.
pub const MAX_PENDING_REQUESTS: usize = 65_536;

/// How many answers to one request wait to be taken.
const ROOM: usize = 128;

/// How long a request waits for its answer, unless it is told otherwise.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// A time-out that never comes: later than any clock goes.
pub(crate) const NEVER: Duration = Duration::MAX;

/// The requests of one bus that wait for their answers.
pub(crate) struct Requests<M> {
    /// How many there are. Nothing here is of [`sync`](crate::sync): each model of the engine would have
    /// to explore it, and dashmap is no part of any.
    pending: AtomicUsize,
    register: DashMap<Uuid, Arc<Asker<M>>, RandomState>,
}

/// The answering side's end of a request. Dropped, it wakes the asking side, and its sender is dropped first: so that
/// one finds the answer, or that there will be none.
struct Asker<M> {
    answers: Sender<Delivery<M>>,
    /// How many answers found no room; nothing where one answer is wanted.
    dropped: Option<Arc<AtomicU64>>,
    ringer: Ringer,
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

    /// Takes a request off the register.
    fn take(&self, id: Uuid) -> Option<Arc<Asker<M>>> {
        let (_, asker) = self.register.remove(&id)?;
        self.pending.fetch_sub(1, Ordering::Relaxed);
        Some(asker)
    }

    /// Finds a request for an answer to it; takes it off the register if that is the only one that is wanted.
    fn find(&self, id: Uuid) -> Option<Arc<Asker<M>>> {
        let asker = Arc::clone(&*self.register.get(&id)?);
        if asker.dropped.is_some() {
            return Some(asker);
        }
        drop(asker);
        self.take(id)
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
            let answered = parcel
                .kept(slot)
                .and_then(|envelope| envelope.correlation_id)
                .and_then(|id| self.find(id));
            if let Some(asker) = answered {
                asker.hand_over(Delivery::new(Arc::clone(parcel), slot));
            }
        }
    }

    /// The same for an envelope that no parcel keeps.
    #[inline]
    pub(crate) fn look_at(&self, sequence: u64, envelope: Envelope<M>) {
        if self.pending() > 0
            && let Some(id) = envelope.correlation_id
            && let Some(asker) = self.find(id)
        {
            asker.hand_over(Delivery::alone(sequence, envelope));
        }
    }

    /// The bus has closed: whoever waits learns of it.
    pub(crate) fn close(&self) {
        let ids: Vec<_> = (self.register.iter()).map(|it| *it.key()).collect();
        for id in ids {
            drop(self.take(id));
        }
    }
}

impl<M> Asker<M> {
    /// Hands an answer over. No lock is held: an answer that finds no room is dropped here.
    fn hand_over(&self, answer: Delivery<M>) {
        // The asking side may be gone; and a second answer is late where one is wanted.
        match self.answers.try_send(answer) {
            Ok(()) => self.ringer.ring(),
            Err(TrySendError::Full(_)) => {
                if let Some(dropped) = &self.dropped {
                    dropped.fetch_add(1, Ordering::Relaxed); // only a count
                }
            }
            Err(TrySendError::Disconnected(_)) => {}
        }
    }
}

/// The asking side's end of a request. Dropped, it leaves nothing behind. It does not keep the bus open.
pub(crate) struct Asked<M> {
    core: Weak<Core<M>>,
    id: Uuid,
    answers: Receiver<Delivery<M>>,
    dropped: Option<Arc<AtomicU64>>,
    #[cfg_attr(
        not(feature = "tokio"),
        expect(dead_code, reason = "only tasks set it")
    )]
    alarm: Arc<Alarm>,
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
        core: &Arc<Core<M>>,
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
        let (room, dropped) = match wanted {
            Wanted::One => (1, None),
            Wanted::Many => (ROOM, Some(Arc::default())),
        };
        let (sender, answers) = bounded(room);
        let (ringer, alarm) = alarm();
        let asker = Arc::new(Asker {
            answers: sender,
            dropped: dropped.clone(),
            ringer,
        });
        requests.register.insert(envelope.id, asker);
        let asked = Asked {
            core: Arc::downgrade(core),
            id: envelope.id,
            answers,
            dropped,
            alarm,
            _place: place,
        };
        Ok((asked, envelope))
    }

    /// The answer, if it is there; an error in the end if there will be none.
    pub(crate) fn look(&self) -> Option<Result<Delivery<M>, RequestError<M>>> {
        match self.answers.try_recv() {
            Ok(answer) => Some(Ok(answer)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(RequestError::Closed)),
        }
    }

    /// What wakes a task that waits for the answer.
    #[cfg(feature = "tokio")]
    pub(crate) fn alarm(&self) -> &Arc<Alarm> {
        &self.alarm
    }

    /// Waits for an answer; without a deadline, as long as it takes.
    fn wait(&self, deadline: Option<Instant>) -> Result<Delivery<M>, RecvTimeoutError> {
        match deadline {
            Some(deadline) => self.answers.recv_deadline(deadline),
            None => (self.answers.recv()).map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// How many answers found no room.
    pub(crate) fn dropped(&self) -> u64 {
        let dropped = self.dropped.as_ref();
        dropped.map_or(0, |dropped| dropped.load(Ordering::Relaxed)) // only a count
    }

    /// Takes no further answers. Those that are there can be looked for.
    pub(crate) fn end(&self) {
        if let Some(core) = self.core.upgrade() {
            drop(core.requests.take(self.id));
        }
    }
}

impl<M> Drop for Asked<M> {
    fn drop(&mut self) {
        self.end();
    }
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
