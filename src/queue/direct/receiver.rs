//! A direct receiver: the subscriber's side of a direct queue.
//!
//! It takes items out of the channel, gives their places back, and tells of losses. A subscriber is told of a loss
//! where it lies. The members of a group receive in no fixed order, so for them there is no such place: the member that
//! receives next is told.
//!
//! The models are in `engine/tests/core_loom_policies.rs`.

use std::sync::Arc;

use super::item::Item;
use crate::message::envelope::Envelope;
use crate::message::overflow::Overflow;
use crate::queue::credits::Credits;
use crate::queue::delivery::Delivery;
use crate::queue::direct::seat::Seat;
use crate::queue::gathering::Gathering;
use crate::queue::terms::Terms;
use crate::queue::wait::Nothing;
use crate::support::sync::channel::Receiver;
use crate::support::sync::{Ordering, fence};
use crate::support::wait_list::{Registration, WaitList, Waiter};

/// The subscriber records how full the queue is once per this many receives.
const LOOK: u64 = 16;

/// What all members of a group share.
pub(crate) struct ReceiverEnd<M> {
    pub(super) receiver: Receiver<Item<M>>,
    pub(super) credits: Arc<Credits>,
    /// The queue's terms. In a group these are the first member's.
    pub(super) terms: Arc<Terms>,
    /// Where the readers wait.
    pub(super) readers: Arc<WaitList>,
    pub(super) overflow: Overflow,
    /// Whether other members of a group receive from it too.
    pub(super) is_shared: bool,
}

pub(crate) struct DirectReceiver<M> {
    end: ReceiverEnd<M>,
    seat: Option<Seat>,
    /// Taken out of the channel already, and delivered by the next receive, because a loss had to be told first. A
    /// place that was reserved for it is still taken.
    held: Option<Item<M>>,
    /// The envelope that was received last.
    hand: Option<Delivery<M>>,
    registration: Registration,
    /// It is a member of a group, was woken for an envelope, and has taken none since.
    owes: bool,
    /// Members of a group let envelopes gather. Other direct queues do not: where requests come one by one, each answer
    /// would come later.
    gathering: Gathering,
}

impl<M> ReceiverEnd<M> {
    /// Returns an end for another member of the group.
    pub(crate) fn share(&self) -> Self {
        ReceiverEnd {
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

    /// Whether the subscriber was told of all losses.
    #[inline]
    fn has_told(&self) -> bool {
        self.credits().lost() <= self.credits().losses().told()
    }

    /// Tells of the losses up to `lost` that were not told yet, if there are any.
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
                fence(Ordering::SeqCst); // loom models a `SeqCst` addition as weaker than it is
            }
            vacancy.freed(consumed);
        }
        item.into_delivery()
    }

    /// Takes the oldest envelope of a queue that keeps the newest.
    fn take_oldest(&self) -> Result<Delivery<M>, Nothing> {
        let _taking = self.credits.taking.lock();
        self.tell(self.credits().lost())?;
        match self.receiver.try_recv() {
            Ok(item) => Ok(self.take(item)),
            Err(end) if end.is_disconnected() => Err(self.credits().ending()),
            Err(_) => Err(Nothing::Empty),
        }
    }
}

impl<M> DirectReceiver<M> {
    pub(crate) fn new(end: ReceiverEnd<M>, seat: Option<Seat>) -> Self {
        DirectReceiver {
            registration: Registration::new(&end.readers),
            end,
            seat,
            held: None,
            hand: None,
            owes: false,
            gathering: Gathering::default(),
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
        // Dropping it runs user code. It comes before anything is taken: if it panics, nothing is lost.
        drop(self.hand.take());
        if self.owes {
            return self.receive_and_hand_on();
        }
        self.receive_next()
    }

    /// Separate from the path where nothing is owed, so that there the delivery goes through registers.
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

    /// The path on which there is more to do than to take an envelope that is there. A member of a group receives until
    /// it has left.
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
        // Read before the queue is seen to be empty. The queue was full when these were lost, and everything that it
        // held then was received since, so the gap lies here.
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
                    // No publisher uses the queue any more, so this is everything. Where no places are reserved, an
                    // evicted subscriber learns of it when every publisher that could still send is done.
                    end.tell(end.credits().lost())?;
                    return Err(end.credits().ending());
                }
                if let Some(vacancy) = &end.terms.vacancy {
                    vacancy.found_empty();
                }
                Err(Nothing::Empty)
            }
        }
    }

    /// Whether a receive finds something, be it a loss or the end. Another member of the group may be faster.
    pub(crate) fn is_ready(&self) -> bool {
        let end = &self.end;
        // Read before the channel is looked at: everything that was sent before the end is in it.
        let has_ended = end.credits.has_ended();
        self.held.is_some()
            || !end.receiver.is_empty()
            || has_ended
            || !end.has_told()
            || self.seat.as_ref().is_some_and(Seat::has_left)
            || end.overflow.reserves() && end.credits().is_drained()
    }

    /// Like [`is_ready`](Self::is_ready). If it is not ready, the waiter is registered, and woken when it is worth
    /// asking again.
    pub(crate) fn is_ready_or_register(&mut self, waiter: Waiter) -> bool {
        self.registration.register_and_fence(waiter);
        self.is_ready()
    }

    /// Lets envelopes gather for a moment, if they come fast enough.
    pub(crate) fn gather(&self) {
        self.gathering.gather();
    }

    /// Records after how many looks something was found.
    pub(crate) fn found_after(&mut self, looks: u32) {
        if self.end.is_shared {
            self.gathering.found_after(looks, self.len());
        }
    }

    /// Leaves the wait list.
    #[inline]
    pub(crate) fn leave_wait_list(&mut self) {
        self.owes |= self.registration.deregister() && self.end.is_shared;
    }

    /// Hands a wake-up on. In a group, one thread is woken per envelope. If it was this one, and an envelope is left
    /// although it has taken one or will take none, another thread is woken.
    #[cold]
    pub(crate) fn hand_on(&mut self) {
        if std::mem::take(&mut self.owes) && !self.end.receiver.is_empty() {
            self.end.readers.wake_all_after_fence();
        }
    }

    /// Receives this item, or first tells of what was lost before it.
    #[inline]
    fn after_the_gap(&mut self, item: Item<M>) -> Result<Delivery<M>, Nothing> {
        if self.end.is_shared {
            return Ok(self.end.take(item));
        }
        let told = self.end.credits().losses().told();
        #[expect(clippy::cast_possible_truncation, reason = "counted modulo 2³²")]
        let untold = item.lost_before().wrapping_sub(told as u32);
        // If the difference is more than half the circle, the item is behind: another publisher's loss was told
        // already.
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

    /// Returns what the last [`advance`](DirectReceiver::advance) took. Called once.
    pub(crate) fn delivery(&mut self) -> Delivery<M> {
        self.hand.take().expect("asked for after an advance")
    }

    /// Lends what the last [`advance`](DirectReceiver::advance) took.
    pub(crate) fn envelope(&self) -> &Envelope<M> {
        self.hand.as_ref().expect("asked for after an advance")
    }

    /// Returns how many envelopes are queued for it: none if it has left its group.
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

    /// Leaves it to another member of the group to tell of this gap.
    pub(crate) fn return_loss(&self, missed: u64) {
        self.end.credits().losses().return_loss(missed);
    }

    /// Returns the member's seat, if it is in a group.
    pub(crate) fn seat(&self) -> Option<&Seat> {
        self.seat.as_ref()
    }

    /// Leaves the queue: nothing can be enqueued from now on.
    pub(crate) fn leave(&self) {
        self.end.credits().leave();
        self.end.terms.wake_publishers();
    }

    /// Frees the queued envelopes. The channel would keep them as long as a publisher still holds the other end.
    pub(crate) fn drain(&mut self) {
        while self.end.receiver.try_recv().is_ok() {}
    }
}
