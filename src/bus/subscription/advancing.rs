//! Going on to the next envelope, step by step.

use super::{Subscription, standing};
use crate::message::envelope::Envelope;
use crate::queue::delivery::Delivery;
use crate::queue::group::Seat;
use crate::queue::inbox::Inbox;
use crate::queue::shared::QueueState;
use crate::queue::wait::{Nothing, Wait};

impl<M> Subscription<M> {
    /// Goes on to the next envelope.
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

    /// Beyond what is known to be there: kept out of the loops that receive.
    #[inline(never)]
    fn advance_further(&mut self, wait: Wait) -> Result<(), Nothing> {
        loop {
            if let Some(missed) = self.untold.take() {
                return Err(Nothing::Lagged(missed));
            }
            self.retained = self.backlog.pop_front();
            if self.retained.is_some() {
                return Ok(()); // the inbox was not touched yet
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

    /// Something was received, perhaps the last that there was: wakes those that drain the bus and wait for that.
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
                cursor.reach(&standing)?;
                cursor.step();
                Ok(())
            }
            Inbox::Direct(receiver) => receiver.advance(),
        }
    }

    /// The envelope that the last [`advance`](Subscription::advance) went on to; asked for once.
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

    /// The same, to be looked at.
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
