//! The subscriber's end of a queue with a filter.
//!
//! A subscriber is told of its losses where they lie. The members of a group take turns as they
//! come, so for them there is no such place: whoever receives next is told.

use std::sync::Arc;

use super::Item;
use crate::message::envelope::Envelope;
use crate::message::overflow::Overflow;
use crate::queue::credits::Credits;
use crate::queue::delivery::Delivery;
use crate::queue::group::Seat;
use crate::queue::terms::Terms;
use crate::queue::wait::Nothing;
use crate::support::sync::channel::Receiver;
use crate::support::sync::{Ordering, fence};
use crate::support::wait_list::{Registration, WaitList, Waiter};

/// How often the subscriber looks how full the queue is: each so many receives.
const LOOK: u64 = 16;

/// What all members of a group share.
pub(crate) struct End<M> {
    pub(super) receiver: Receiver<Item<M>>,
    pub(super) credits: Arc<Credits>,
    /// Of the queue: the first member's, of a group.
    pub(super) terms: Arc<Terms>,
    /// Where those wait that receive.
    pub(super) readers: Arc<WaitList>,
    pub(super) overflow: Overflow,
    /// Whether other members of a group receive from it too.
    pub(super) is_shared: bool,
}

pub(crate) struct DirectReceiver<M> {
    end: End<M>,
    seat: Option<Seat>,
    /// Taken out of the channel, to be handed over by the next receive: a loss had to be told
    /// first. A place that was reserved for it is still taken.
    held: Option<Item<M>>,
    /// The envelope that was received last.
    hand: Option<Delivery<M>>,
    registration: Registration,
    /// It is one of a group, was woken for an envelope, and has taken none since.
    owes: bool,
}

impl<M> End<M> {
    /// For another member of the group.
    pub(crate) fn share(&self) -> Self {
        End {
            receiver: self.receiver.clone(),
            credits: Arc::clone(&self.credits),
            terms: Arc::clone(&self.terms),
            readers: Arc::clone(&self.readers),
            ..*self
        }
    }

    fn keeps_newest(&self) -> bool {
        self.overflow == Overflow::DropOldest
    }

    fn credits(&self) -> &Credits {
        &self.credits
    }

    /// Whether all losses were told.
    #[inline]
    fn has_told(&self) -> bool {
        self.credits().lost() <= self.credits().losses().told()
    }

    /// The losses up to `lost` that were not told yet, if there are some.
    fn tell(&self, lost: u64) -> Result<(), Nothing> {
        (self.credits().losses().tell(lost)).map_or(Ok(()), |missed| Err(Nothing::Lagged(missed)))
    }

    #[inline]
    fn take(&self, item: Item<M>) -> Delivery<M> {
        let vacancy = self.terms.vacancy.as_ref();
        let consumed = (self.credits()).give_back(self.is_shared || vacancy.is_some());
        if consumed % LOOK == 1 {
            self.credits().saw(self.receiver.len() + 1);
        }
        if let Some(vacancy) = vacancy {
            if cfg!(oxide_loom) {
                fence(Ordering::SeqCst); // loom takes a `SeqCst` addition for less than it is
            }
            vacancy.freed(consumed);
        }
        item.into_delivery()
    }

    /// Takes the oldest of a queue that keeps the newest.
    fn take_oldest(&self) -> Result<Delivery<M>, Nothing> {
        let _taking = self.credits.taking.lock();
        self.tell(self.credits().lost())?;
        match self.receiver.try_recv() {
            Ok(item) => Ok(self.take(item)),
            Err(end) if end.is_disconnected() => Err(self.credits().end()),
            Err(_) => Err(Nothing::Empty),
        }
    }
}

impl<M> DirectReceiver<M> {
    pub(crate) fn new(end: End<M>, seat: Option<Seat>) -> Self {
        DirectReceiver {
            registration: Registration::new(&end.readers),
            end,
            seat,
            held: None,
            hand: None,
            owes: false,
        }
    }

    /// Takes the next envelope into the hand.
    pub(crate) fn advance(&mut self) -> Result<(), Nothing> {
        self.hand = Some(self.receive()?);
        Ok(())
    }

    /// Takes the next envelope.
    #[inline]
    pub(crate) fn receive(&mut self) -> Result<Delivery<M>, Nothing> {
        // User code. Before anything is taken: if it panics, nothing is lost.
        drop(self.hand.take());
        if self.owes {
            return self.receive_and_hand_on();
        }
        self.receive_next()
    }

    /// Apart from where nothing is owed, so that what is received goes through registers there.
    #[cold]
    fn receive_and_hand_on(&mut self) -> Result<Delivery<M>, Nothing> {
        let received = self.receive_next();
        self.hand_on();
        received
    }

    #[inline]
    fn receive_next(&mut self) -> Result<Delivery<M>, Nothing> {
        let end = &self.end;
        if !end.keeps_newest()
            && self.held.is_none()
            && self
                .seat
                .as_ref()
                .is_none_or(|seat| !seat.has_left() && end.has_told())
            && let Ok(item) = end.receiver.try_recv()
        {
            return self.after_the_gap(item);
        }
        self.receive_further()
    }

    /// Where there is more to do than to take an envelope that is there. A member of a group receives until it has left.
    #[inline(never)]
    fn receive_further(&mut self) -> Result<Delivery<M>, Nothing> {
        let DirectReceiver { end, seat, .. } = self;
        if seat.as_ref().is_some_and(Seat::has_left) {
            return Err(Nothing::Disconnected);
        }
        if end.keeps_newest() {
            return end.take_oldest();
        }
        if let Some(item) = self.held.take() {
            end.credits().hold_back(false);
            return Ok(end.take(item));
        }
        // Read before the queue is seen to be empty: the queue was full when these were lost,
        // and all it held then was received since, so the gap lies here.
        let lost = end.credits().lost();
        if end.is_shared {
            end.tell(lost)?;
        }
        match end.receiver.try_recv() {
            Ok(item) => self.after_the_gap(item),
            Err(nothing) => {
                end.tell(lost)?;
                if nothing.is_disconnected()
                    || end.overflow.reserves() && end.credits().is_drained()
                {
                    // Nobody is at it any more, so this is all. Where no places are reserved, one that was put
                    // out learns of it when all have gone that could still send to it.
                    end.tell(end.credits().lost())?;
                    return Err(end.credits().end());
                }
                Err(Nothing::Empty)
            }
        }
    }

    /// Whether a receive finds something, be it a loss or the end. Another member of the group may be faster.
    pub(crate) fn is_ready(&self) -> bool {
        let end = &self.end;
        // Before the channel is looked at: whatever was sent before the end is there.
        let has_ended = end.credits.has_ended();
        self.held.is_some()
            || !end.receiver.is_empty()
            || has_ended
            || !end.has_told()
            || self.seat.as_ref().is_some_and(Seat::has_left)
            || end.overflow.reserves() && end.credits().is_drained()
    }

    /// The same. If not, the waiter is woken when it is worth asking again.
    pub(crate) fn is_ready_or_register(&mut self, waiter: Waiter) -> bool {
        self.registration.register_and_fence(waiter);
        self.is_ready()
    }

    /// Waits no more.
    #[inline]
    pub(crate) fn leave_wait_list(&mut self) {
        self.owes |= self.registration.leave() && self.end.is_shared;
    }

    /// Of a group one thread is woken for each envelope. If it was this one, and there is an envelope though it has taken
    /// one, or will take none, another is woken.
    #[cold]
    pub(crate) fn hand_on(&mut self) {
        if std::mem::take(&mut self.owes) && !self.end.receiver.is_empty() {
            self.end.readers.wake_all_after_fence();
        }
    }

    /// Receives this one, or tells of what was lost before it first.
    #[inline]
    fn after_the_gap(&mut self, item: Item<M>) -> Result<Delivery<M>, Nothing> {
        if self.end.is_shared {
            return Ok(self.end.take(item));
        }
        let told = self.end.credits().losses().told();
        #[expect(clippy::cast_possible_truncation, reason = "counted modulo 2³²")]
        let untold = item.lost_before().wrapping_sub(told as u32);
        // More than half of the circle is behind: another publisher's loss was told already.
        if untold == 0 || untold > u32::MAX / 2 {
            return Ok(self.end.take(item));
        }
        Err(self.hold_back(item, told + u64::from(untold)))
    }

    #[cold]
    fn hold_back(&mut self, item: Item<M>, lost: u64) -> Nothing {
        self.held = Some(item);
        self.end.credits().hold_back(true);
        self.end.tell(lost).expect_err("it was not told yet")
    }

    /// What the last [`advance`](Picker::advance) took; asked for once.
    pub(crate) fn delivery(&mut self) -> Delivery<M> {
        self.hand.take().expect("asked for after an advance")
    }

    /// What the last [`advance`](Picker::advance) took, to be looked at.
    pub(crate) fn envelope(&self) -> &Envelope<M> {
        self.hand.as_ref().expect("asked for after an advance")
    }

    /// How many are queued for it: none if it has left its group.
    pub(crate) fn len(&self) -> usize {
        if self.seat.as_ref().is_some_and(Seat::has_left) {
            return 0;
        }
        self.end.receiver.len() + usize::from(self.held.is_some())
    }

    pub(crate) fn lost(&self) -> u64 {
        self.end.credits().lost()
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.end.credits().is_evicted()
    }

    /// Another member of the group shall tell of this gap.
    pub(crate) fn return_loss(&self, missed: u64) {
        self.end.credits().losses().return_loss(missed);
    }

    /// The member's seat, if it is one of a group.
    pub(crate) fn seat(&self) -> Option<&Seat> {
        self.seat.as_ref()
    }

    /// Nothing can be enqueued from now on.
    pub(crate) fn leave(&self) {
        self.end.credits().leave();
        self.end.terms.wake_publishers();
    }

    /// Frees what is queued: the channel would keep it for as long as a publisher is still at it.
    pub(crate) fn drain(&mut self) {
        while self.end.receiver.try_recv().is_ok() {}
    }
}
