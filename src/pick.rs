//! A queue whose envelopes are sent to it one by one: one with a filter, a group's, or one that keeps
//! the newest.

use std::sync::Arc;

use crate::alarm::Alarm;
use crate::delivery::Delivery;
use crate::envelope::Envelope;
use crate::group::{Group, Seat};
use crate::line::{Line, LineEnd, line};
use crate::overflow::Overflow;
use crate::parcel::Parcel;
use crate::queue::Terms;
use crate::ring::{Displaced, Ring, RingEnd, ring};
use crate::room::{EVICTED, GONE, NoPlace};
use crate::stats::Accounts;
use crate::wait::{Nothing, Wait};

/// One envelope: where it lies.
pub(crate) struct Picked<M> {
    parcel: Arc<Parcel<M>>,
    slot: u32,
}

impl<M> Picked<M> {
    pub(crate) fn new(parcel: &Arc<Parcel<M>>, slot: usize) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a parcel has few slots")]
        Picked {
            parcel: Arc::clone(parcel),
            slot: slot as u32,
        }
    }
}

impl<M> Clone for Picked<M> {
    fn clone(&self) -> Self {
        Picked {
            parcel: Arc::clone(&self.parcel),
            slot: self.slot,
        }
    }
}

/// The publishers' end.
pub(crate) struct PickQueue<M> {
    store: Store<M>,
    terms: Arc<Terms>,
    group: Option<Group<M>>,
}

enum Store<M> {
    /// Keeps what came first.
    Line(Arc<Line<M>>),
    /// Keeps the newest.
    Ring(Ring<M>),
}

/// Why an envelope was not enqueued at once.
pub(crate) enum Refused<'a, M> {
    /// It is lost for this subscriber.
    NoPlace(NoPlace),
    /// It is lost, and the subscriber is put out.
    Evicted,
    /// It has to be waited for.
    Wait(&'a Arc<Line<M>>),
}

impl<M> PickQueue<M> {
    pub(crate) fn new(terms: &Arc<Terms>) -> (Arc<Self>, Picker<M>) {
        let (store, end) = if terms.overflow == Overflow::DropOldest {
            let (ring, end) = ring(terms);
            (Store::Ring(ring), End::Ring(end))
        } else {
            let (line, end) = line(terms);
            (Store::Line(Arc::new(line)), End::Line(end))
        };
        let (group, seat) = (terms.group.is_some())
            .then(|| Group::new(terms, end.share()))
            .unzip();
        let queue = PickQueue {
            store,
            terms: Arc::clone(terms),
            group,
        };
        (Arc::new(queue), Picker::new(end, seat))
    }

    pub(crate) fn terms(&self) -> &Arc<Terms> {
        &self.terms
    }

    pub(crate) fn group(&self) -> Option<&Group<M>> {
        self.group.as_ref()
    }

    /// How many subscriptions receive from it.
    pub(crate) fn members(&self) -> usize {
        self.group.as_ref().map_or(1, Group::members)
    }

    /// Enqueues the envelope if there is room, or if it displaces another; the alarm is yet to be rung. In
    /// order, it overtakes none that waits.
    pub(crate) fn offer(
        &self,
        parcel: &Arc<Parcel<M>>,
        slot: usize,
        in_order: bool,
    ) -> Result<Displaced<M>, Refused<'_, M>> {
        let line = match &self.store {
            Store::Ring(ring) => return ring.push(parcel, slot).map_err(Refused::NoPlace),
            Store::Line(line) => line,
        };
        if in_order && self.terms.blocks() && line.has_waiters() {
            return Err(Refused::Wait(line));
        }
        match (line.offer(parcel, slot), self.terms.overflow) {
            (Ok(()), _) => Ok(None),
            (Err(NoPlace::Full), Overflow::Block | Overflow::BlockFor(_)) => {
                Err(Refused::Wait(line))
            }
            (Err(NoPlace::Full), Overflow::Evict) => Err(if line.room().refuse() {
                Refused::Evicted
            } else {
                Refused::NoPlace(NoPlace::Gone)
            }),
            (Err(no_place), _) => {
                if no_place == NoPlace::Full {
                    line.room().lose();
                }
                Err(Refused::NoPlace(no_place))
            }
        }
    }

    /// What rings when there is room, if an envelope that comes in order would have to be waited for.
    pub(crate) fn waited_for(&self) -> Option<&Arc<Alarm>> {
        let line = self.line().filter(|_| self.terms.blocks())?;
        // Who waits before who has room: what was waited for has its place by then.
        let is_waited_for = line.has_waiters() || line.room().is_full();
        is_waited_for.then(|| line.vacancy())
    }

    /// What wakes a task that waits for an envelope.
    pub(crate) fn alarm(&self) -> &Alarm {
        match &self.store {
            Store::Line(line) => line.alarm(),
            Store::Ring(ring) => ring.alarm(),
        }
    }

    /// What publishers wait at, if they do.
    pub(crate) fn line(&self) -> Option<&Arc<Line<M>>> {
        match &self.store {
            Store::Line(line) => Some(line),
            Store::Ring(_) => None,
        }
    }

    /// Puts the subscriber out, or all members of the group: nothing is offered to it any more. True
    /// for who does it first.
    pub(crate) fn evict(&self) -> bool {
        match &self.store {
            Store::Line(line) => line.evict(),
            Store::Ring(ring) => ring.window().shut(EVICTED),
        }
    }

    pub(crate) fn is_evicted(&self) -> bool {
        match &self.store {
            Store::Line(line) => line.room().is_evicted(),
            Store::Ring(ring) => ring.window().is_evicted(),
        }
    }

    pub(crate) fn accounts(&self) -> Accounts {
        match &self.store {
            Store::Line(line) => line.accounts(),
            Store::Ring(ring) => ring.window().accounts(),
        }
    }

    /// The most envelopes that were ever queued, so many of them now.
    pub(crate) fn high_water(&self, now: u64) -> u64 {
        match &self.store {
            Store::Line(line) => line.room().high_water(now),
            Store::Ring(ring) => ring.window().high_water(now),
        }
    }

    /// The bus closes, or the subscription: whoever waits for a place gives up.
    pub(crate) fn close(&self) {
        if let Store::Line(line) = &self.store {
            line.close();
        }
    }
}

/// The subscriber's end.
pub(crate) struct Picker<M> {
    end: End<M>,
    seat: Option<Seat>,
    /// The envelope that was received last.
    hand: Option<Delivery<M>>,
}

pub(crate) enum End<M> {
    Line(LineEnd<M>),
    Ring(RingEnd<M>),
}

impl<M> End<M> {
    /// For another member of the group.
    pub(crate) fn share(&self) -> Self {
        match self {
            End::Line(line) => End::Line(line.share()),
            End::Ring(ring) => End::Ring(ring.share()),
        }
    }
}

impl<M> Picker<M> {
    pub(crate) fn new(end: End<M>, seat: Option<Seat>) -> Self {
        Picker {
            end,
            seat,
            hand: None,
        }
    }

    /// Takes the next envelope into the hand.
    pub(crate) fn advance(&mut self, wait: Wait) -> Result<(), Nothing> {
        self.hand = Some(self.receive(wait)?);
        Ok(())
    }

    /// Takes the next envelope.
    pub(crate) fn receive(&mut self, wait: Wait) -> Result<Delivery<M>, Nothing> {
        // User code. Before anything is taken: if it panics, nothing is lost.
        drop(self.hand.take());
        let seat = self.seat.as_ref();
        if seat.is_some_and(Seat::has_left) {
            return Err(Nothing::Disconnected);
        }
        let Picked { parcel, slot } = match &mut self.end {
            End::Line(line) => line.receive(wait, seat)?,
            End::Ring(ring) => ring.receive(wait, seat)?,
        };
        Ok(Delivery::new(parcel, slot as usize))
    }

    /// What the last [`advance`](Picker::advance) took; asked for once.
    pub(crate) fn delivery(&mut self) -> Delivery<M> {
        self.hand.take().expect("asked for after an advance")
    }

    /// What the last [`advance`](Picker::advance) took, to be looked at.
    pub(crate) fn envelope(&self) -> &Envelope<M> {
        self.hand.as_ref().expect("asked for after an advance")
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn alarm(&self) -> &Arc<Alarm> {
        match &self.end {
            End::Line(line) => line.alarm(),
            End::Ring(ring) => ring.alarm(),
        }
    }

    /// How many are queued for it: none if it has left its group.
    pub(crate) fn len(&self) -> usize {
        if self.seat.as_ref().is_some_and(Seat::has_left) {
            return 0;
        }
        match &self.end {
            End::Line(line) => line.len(),
            End::Ring(ring) => ring.window().len(),
        }
    }

    pub(crate) fn lost(&self) -> u64 {
        match &self.end {
            End::Line(line) => line.room().lost(),
            End::Ring(ring) => ring.window().lost(),
        }
    }

    pub(crate) fn is_evicted(&self) -> bool {
        match &self.end {
            End::Line(line) => line.room().is_evicted(),
            End::Ring(ring) => ring.window().is_evicted(),
        }
    }

    /// Another member of the group shall tell of this gap.
    pub(crate) fn untell(&self, missed: u64) {
        match &self.end {
            End::Line(line) => line.room().losses().untell(missed),
            End::Ring(ring) => ring.window().losses().untell(missed),
        }
    }

    /// The member's seat, if it is one of a group.
    pub(crate) fn seat(&self) -> Option<&Seat> {
        self.seat.as_ref()
    }

    /// Nothing can be enqueued from now on.
    pub(crate) fn leave(&self) {
        match &self.end {
            End::Line(line) => line.leave(),
            End::Ring(ring) => {
                ring.window().shut(GONE);
            }
        }
    }

    /// Frees what is queued.
    pub(crate) fn drain(&mut self) {
        match &mut self.end {
            End::Line(line) => line.drain(),
            End::Ring(ring) => ring.drain(),
        }
    }
}
