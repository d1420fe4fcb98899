//! Requests: to publish something, and wait for the answer to it.
//!
//! A request is registered by its id before it is published. Who publishes an envelope with a
//! correlation id while any request is pending looks it up, takes it off the register and hands the
//! envelope over: so the first answer is the one, and who asks gets no other's.
//!
//! While none is pending, that costs a publish one load of a word that nobody writes.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[cfg(feature = "tokio")]
use crossbeam_channel::TryRecvError;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use foldhash::fast::RandomState;
use uuid::Uuid;

use crate::admission::Asking;
use crate::alarm::{Alarm, Ringer, alarm};
use crate::bus::Bus;
use crate::delivery::Delivery;
use crate::envelope::Envelope;
use crate::error::{PublishError, RequestError};
use crate::limit::Limit;
use crate::parcel::Parcel;
use crate::publisher::Publisher;
use crate::receipt::Receipt;
use crate::subject::Payload;

/// How many requests may be pending on one bus.
pub const MAX_PENDING_REQUESTS: usize = 65_536;

/// The requests of one bus that wait for their answers.
pub(crate) struct Requests<M> {
    /// How many there are. Nothing here is of [`sync`](crate::sync): each model of the engine would have
    /// to explore it, and dashmap is no part of any.
    pending: AtomicUsize,
    register: DashMap<Uuid, Asker<M>, RandomState>,
}

/// Who asked, as who answers knows him. Dropped, it wakes him, and its sender is dropped first: so he finds
/// the answer, or that there will be none.
struct Asker<M> {
    answer: Sender<Delivery<M>>,
    _ringer: Ringer,
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

    /// Registers a request, and publishes it.
    fn begin(
        &self,
        envelope: Envelope<M>,
        publish: impl FnOnce(Envelope<M>) -> Result<Receipt, PublishError<M>>,
    ) -> Result<Asked<'_, M>, RequestError<M>> {
        let (asked, envelope) = self.register(envelope)?;
        can_be_answered(&publish(envelope)?)?;
        Ok(asked)
    }

    /// Registers a request that is to be published.
    pub(crate) fn register(
        &self,
        envelope: Envelope<M>,
    ) -> Result<(Asked<'_, M>, Envelope<M>), RequestError<M>> {
        // Relaxed: who answers learned of the request by its publish, and that comes after.
        if self.pending.fetch_add(1, Ordering::Relaxed) >= MAX_PENDING_REQUESTS {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            return Err(RequestError::TooMany(Box::new(envelope)));
        }
        // From here on, whatever happens, whoever takes it off the register counts it out.
        let (sender, answer) = bounded(1);
        let (ringer, alarm) = alarm();
        let Entry::Vacant(place) = self.register.entry(envelope.id) else {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            return Err(RequestError::Repeated(Box::new(envelope)));
        };
        let asked = Asked {
            requests: self,
            id: envelope.id,
            answer,
            alarm,
        };
        drop(place.insert(Asker {
            answer: sender,
            _ringer: ringer,
        }));
        Ok((asked, envelope))
    }

    /// Takes a request off the register.
    fn take(&self, id: Uuid) -> Option<Asker<M>> {
        let (_, asker) = self.register.remove(&id)?;
        self.pending.fetch_sub(1, Ordering::Relaxed);
        Some(asker)
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
                .and_then(answers)
                .and_then(|id| self.take(id));
            if let Some(asker) = answered {
                hand_over(&asker, Delivery::new(Arc::clone(parcel), slot));
            }
        }
    }

    /// The same for an envelope that no parcel keeps.
    #[inline]
    pub(crate) fn look_at(&self, sequence: u64, envelope: Envelope<M>) {
        if self.pending() > 0
            && let Some(id) = answers(&envelope)
            && let Some(asker) = self.take(id)
        {
            hand_over(&asker, Delivery::alone(sequence, envelope));
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

/// The request that an envelope would be the answer to. None answers itself.
fn answers<M>(envelope: &Envelope<M>) -> Option<Uuid> {
    envelope.correlation_id.filter(|&id| id != envelope.id)
}

fn hand_over<M>(asker: &Asker<M>, answer: Delivery<M>) {
    // There is a place, since it is the only one; who asked may have given up.
    let _gone = asker.answer.try_send(answer);
}

/// A request that was published and waits for its answer. Dropped, it leaves nothing behind.
pub(crate) struct Asked<'a, M> {
    requests: &'a Requests<M>,
    id: Uuid,
    answer: Receiver<Delivery<M>>,
    #[cfg_attr(
        not(feature = "tokio"),
        expect(dead_code, reason = "only tasks set it")
    )]
    alarm: Arc<Alarm>,
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

impl<M> Asked<'_, M> {
    /// The answer, if it is there; none in the end if there will be none.
    #[cfg(feature = "tokio")]
    pub(crate) fn look(&self) -> Option<Result<Delivery<M>, RequestError<M>>> {
        match self.answer.try_recv() {
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

    /// Waits for the answer; without a deadline, as long as it takes.
    fn wait(&self, deadline: Option<Instant>) -> Result<Delivery<M>, RequestError<M>> {
        let received = match deadline {
            Some(deadline) => self.answer.recv_deadline(deadline),
            None => (self.answer.recv()).map_err(|_| RecvTimeoutError::Disconnected),
        };
        received.map_err(|error| match error {
            RecvTimeoutError::Timeout => RequestError::TimedOut,
            RecvTimeoutError::Disconnected => RequestError::Closed,
        })
    }
}

impl<M> Drop for Asked<'_, M> {
    fn drop(&mut self) {
        drop(self.requests.take(self.id));
    }
}

/// A deadline beyond the clock's end is none.
fn after(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

impl<M: Payload> Bus<M> {
    /// Publishes an envelope, unguarded, and waits for the answer: the first envelope whose correlation
    /// id is this one's id. The answer goes to subscribers as well.
    ///
    /// An answer is taken from whoever publishes it. Concurrent requests get each their own answer,
    /// and one that is over, however it ended, leaves nothing behind.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotPublished`] with the envelope where the bus has closed;
    /// [`RequestError::NoResponders`] at once if nobody listens to it,
    /// [`RequestError::Overloaded`] at once if everybody who does has lost it;
    /// [`RequestError::TimedOut`]; [`RequestError::Closed`] if the bus closes meanwhile;
    /// [`RequestError::TooMany`] with [`MAX_PENDING_REQUESTS`] pending;
    /// [`RequestError::Repeated`] if one with the same id is.
    ///
    /// Not promised: that somebody who listens to it means to answer.
    ///
    /// # Panics
    ///
    /// As [`publish`](Bus::publish).
    ///
    /// # Cost
    ///
    /// An allocation, and an entry in a sharded map. While any request is pending, each publish with a
    /// correlation id looks into that map, which takes a lock on one of its shards.
    ///
    /// The time-out is for the whole. But where a subscriber with
    /// [`Overflow::Block`](crate::Overflow::Block) has no room, publishing takes as long as it does.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use std::time::Duration;
    /// use oxide_bus::{Bus, Envelope};
    ///
    /// let bus = Bus::<u32>::new();
    /// bus.grant_capability("square".into());
    /// let server = bus.publisher("server", "square");
    /// let mut questions = bus.subscribe();
    /// thread::spawn(move || {
    ///     let question = questions.recv().expect("it is asked");
    ///     server.reply(&question, question.message * question.message)
    /// });
    ///
    /// let answer = bus.request(Envelope::new("client", 7), Duration::from_secs(10))?;
    /// assert_eq!((answer.message, answer.source.as_str()), (49, "server"));
    /// # Ok::<(), oxide_bus::RequestError<u32>>(())
    /// ```
    pub fn request(
        &self,
        envelope: Envelope<M>,
        timeout: Duration,
    ) -> Result<Delivery<M>, RequestError<M>> {
        let deadline = after(timeout);
        let asked = (self.core.requests).begin(envelope, |envelope| self.publish(envelope))?;
        asked.wait(deadline)
    }
}

impl<M: Payload> Publisher<M> {
    /// Publishes a message, and waits for the answer: as [`Bus::request`], with this publisher's source
    /// and capability.
    ///
    /// # Errors
    ///
    /// As [`Bus::request`]; [`RequestError::NotPublished`] also where the capability is not granted;
    /// [`RequestError::Quota`] with 1,024 pending under it (a
    /// [`BusBuilder`](crate::BusBuilder::max_requests) sets another limit).
    ///
    /// # Panics
    ///
    /// As [`Bus::publish`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::{Command, MessageBus, RequestError};
    ///
    /// let bus = MessageBus::new();
    /// bus.grant_capability("ping".into());
    /// let kernel = bus.publisher("kernel", "ping");
    /// let error = kernel.request(Command::Ping.into(), Duration::from_secs(10)).unwrap_err();
    /// assert!(matches!(error, RequestError::NoResponders));
    /// ```
    pub fn request(&self, message: M, timeout: Duration) -> Result<Delivery<M>, RequestError<M>> {
        let deadline = after(timeout);
        let (_asking, envelope) = self.asking(self.stamp(message))?;
        let asked =
            (self.requests()).begin(envelope, |envelope| self.admit(envelope, Limit::Theirs))?;
        asked.wait(deadline)
    }

    /// Counts the request in until what is returned is dropped.
    pub(crate) fn asking(
        &self,
        envelope: Envelope<M>,
    ) -> Result<(Asking<'_>, Envelope<M>), RequestError<M>> {
        match self.ask() {
            Ok(asking) => Ok((asking, envelope)),
            Err(limit) => Err(RequestError::Quota {
                envelope: Box::new(envelope),
                limit,
            }),
        }
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use super::*;
    use crate::receipt::Outcome;

    fn begin(requests: &Requests<usize>, number: usize) -> Result<Asked<'_, usize>, usize> {
        let begun = requests.begin(Envelope::new("client", number), |envelope| {
            let outcome = Outcome {
                delivered: 1,
                dropped: 0,
            };
            Ok(Receipt::new(envelope.id, outcome))
        });
        begun.map_err(|error| match error {
            RequestError::TooMany(envelope) => envelope.message,
            other => panic!("{other}"),
        })
    }

    #[test]
    fn so_many_requests_may_be_pending_and_no_more_until_one_is_over() {
        let requests = Requests::default();
        let mut pending: Vec<_> = (0..MAX_PENDING_REQUESTS)
            .map(|number| begin(&requests, number).expect("there are fewer"))
            .collect();
        assert_eq!(begin(&requests, 7).err(), Some(7));
        pending.pop();
        pending.push(begin(&requests, 8).expect("one is over"));
        drop(pending);
        assert_eq!((requests.pending(), requests.register.len()), (0, 0));
    }
}
