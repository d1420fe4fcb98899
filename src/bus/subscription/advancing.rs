//! Going on to the next envelope, step by step.
//!
//! Every way to receive is built on `advance`: it takes what is known to be there, then looks further, then waits.

use super::{Subscription, standing};
use crate::message::envelope::Envelope;
use crate::queue::delivery::Delivery;
use crate::queue::direct::seat::Seat;
use crate::queue::inbox::Inbox;
use crate::queue::shared::QueueState;
use crate::queue::wait::{Nothing, Wait};

impl<M> Subscription<M> {
    /// Goes on to the next envelope. [`delivery`](Self::delivery) or [`envelope`](Self::envelope) then returns it.
    #[inline]
    pub(crate) fn advance(&mut self, wait: Wait) -> Result<(), Nothing> {
        if let Inbox::Shared(cursor) = &mut self.inbox
            && cursor.step()
        {
            if cursor.has_read_known() {
                self.tell_drains();
            }
            return Ok(());
        }
        self.advance_further(wait)
    }

    /// Goes on beyond what is known to be there. Not inlined, so that loops that receive stay small.
    #[inline(never)]
    fn advance_further(&mut self, wait: Wait) -> Result<(), Nothing> {
        loop {
            if let Some(missed) = self.untold.take() {
                return Err(Nothing::Lagged(missed));
            }
            self.retained = self.backlog.pop_front();
            if self.retained.is_some() {
                return Ok(()); // the inbox is not touched before the backlog is empty
            }
            let found = self.try_advance();
            self.tell_drains();
            let goes_on = match found {
                Err(Nothing::Empty) => self.wait(wait) || self.is_ready_or_gets_token(),
                Err(Nothing::Disconnected | Nothing::Evicted) => {
                    self.end_readiness();
                    false
                }
                Ok(()) | Err(Nothing::Lagged(_)) => false,
            };
            if !goes_on {
                return found;
            }
        }
    }

    /// Wakes the drains that wait for this queue to be empty, if there are any. Called after each receive, which may
    /// have taken the last envelope.
    #[inline]
    pub(super) fn tell_drains(&self) {
        let listed = self.inbox.seat().map_or(&self.terms, Seat::listed);
        if listed.drains.are_any() {
            self.wake_drains();
        }
    }

    #[cold]
    fn wake_drains(&self) {
        if let Some(core) = self.core.upgrade()
            && self.is_empty()
        {
            core.listed.wake_all_after_fence();
        }
    }

    /// Goes on to the next envelope in the inbox, if there is one.
    fn try_advance(&mut self) -> Result<(), Nothing> {
        match &mut self.inbox {
            Inbox::Shared(cursor) => {
                let standing = |state: &QueueState| standing(&self.core, &self.terms, state);
                cursor.find_next(&standing)?;
                cursor.step();
                Ok(())
            }
            Inbox::Direct(receiver) => receiver.advance(),
        }
    }

    /// Returns the envelope that the last [`advance`](Subscription::advance) went on to. Called once for each.
    #[expect(clippy::inline_always, reason = "a call is a fifth of a delivery")]
    #[inline(always)]
    pub(crate) fn delivery(&mut self) -> Delivery<M> {
        if let Some(retained) = self.retained.take() {
            return retained;
        }
        match &mut self.inbox {
            Inbox::Shared(cursor) => cursor.delivery(),
            Inbox::Direct(receiver) => receiver.delivery(),
        }
    }

    /// Like [`delivery`](Self::delivery), but lends the envelope.
    #[inline]
    pub(crate) fn envelope(&self) -> &Envelope<M> {
        if let Some(retained) = &self.retained {
            return retained;
        }
        match &self.inbox {
            Inbox::Shared(cursor) => cursor.envelope(),
            Inbox::Direct(receiver) => receiver.envelope(),
        }
    }
}
