//! Waiting for the next envelope, for one subscription or for several.
//!
//! Every waiter does the same: try; look a few more times if the last sleep was [short](crate::support::eagerness);
//! register in a wait list; look once more; sleep. Threads sleep in a parker, tasks by returning to their executor.

use std::sync::Arc;

use super::{Subscription, standing};
use crate::queue::delivery::Delivery;
use crate::queue::inbox::Inbox;
use crate::queue::recv_error::RecvTimeoutError;
use crate::queue::shared::QueueState;
use crate::queue::wait::{Nothing, Wait};
use crate::support::eagerness::Eagerness;
use crate::support::parker::Parker;
use crate::support::sync::Backoff;
use crate::support::wait_list::Waiter;

/// How often a busy thread looks for more before it goes to sleep. The pause doubles each time; the thread yields to
/// others between the last looks.
const LOOKS: u32 = if cfg!(oxide_loom) { 0 } else { 11 };

/// How the thread of a subscription sleeps.
#[derive(Default)]
pub(super) struct Sleep {
    /// Made for the first sleep.
    parker: Option<Arc<Parker>>,
    eagerness: Eagerness,
    /// Whether there was more than one envelope when the thread was woken last, and it has not slept since. Then
    /// letting others run is cheaper than sleeping and being woken. A thread that gets one envelope at a time is not
    /// kept from sleeping by this.
    is_busy: bool,
}

impl<M> Subscription<M> {
    /// Waits until there may be something to receive. Returns false if the wait is over before.
    pub(super) fn wait(&mut self, wait: Wait) -> bool {
        !wait.is_over() && (self.linger() || self.fall_asleep(wait, || false))
    }

    /// Looks for more for a moment, without sleeping. Returns whether something was found.
    fn linger(&mut self) -> bool {
        match &self.inbox {
            Inbox::Shared(cursor) => cursor.gather(),
            Inbox::Direct(receiver) => receiver.gather(),
        }
        let mut looks = 0;
        let is_found = if self.sleep.is_busy {
            let backoff = Backoff::new();
            (0..LOOKS).any(|_| {
                looks += 1;
                let is_ready = self.is_ready();
                if !is_ready {
                    backoff.snooze();
                }
                is_ready
            })
        } else {
            let eagerness = self.sleep.eagerness;
            let look = || {
                looks += 1;
                self.is_ready().then_some(())
            };
            eagerness.spin(look).is_some()
        };
        if is_found {
            match &mut self.inbox {
                Inbox::Shared(cursor) => cursor.found_after(looks),
                Inbox::Direct(receiver) => receiver.found_after(looks),
            }
        }
        is_found
    }

    /// Sleeps until there may be something to receive, until `else_to_do` returns true, or until the wait is over.
    /// Returns false in the last two cases.
    #[cold]
    fn fall_asleep(&mut self, wait: Wait, else_to_do: impl Fn() -> bool) -> bool {
        let parker = self.parker();
        let mut is_ready = false;
        while !is_ready && !wait.is_over() {
            let nap = parker.nap();
            is_ready = self.is_ready_or_register(&|| Waiter::Thread(Arc::clone(&parker)));
            if !is_ready && else_to_do() {
                break;
            }
            if !is_ready {
                (self.sleep.eagerness).sleep(|| nap.sleep(wait.deadline()));
                drop(nap); // first wakes the threads that this one is to wake
                is_ready = self.is_ready();
                self.sleep.is_busy = match &self.inbox {
                    Inbox::Shared(cursor) => cursor.has_many(),
                    Inbox::Direct(receiver) => receiver.len() > 1,
                };
            }
        }
        if is_ready {
            self.leave_wait_list();
        } else {
            self.leave_wait_list_for_others(); // it may have been woken just now
        }
        is_ready
    }

    /// Receives the next envelope. Waits for it as [`recv_timeout`](Self::recv_timeout) does, or until `else_to_do`
    /// returns true; that is asked each time that the [parker](Self::parker) was woken.
    ///
    /// Returns `Timeout` in both of these cases.
    pub(crate) fn recv_unless(
        &mut self,
        wait: Wait,
        else_to_do: impl Fn() -> bool,
    ) -> Result<Delivery<M>, RecvTimeoutError> {
        if !self.is_ready() {
            self.fall_asleep(wait, else_to_do);
        }
        self.advance(Wait::No)?;
        Ok(self.delivery())
    }

    /// Where its thread sleeps.
    pub(crate) fn parker(&mut self) -> Arc<Parker> {
        Arc::clone(self.sleep.parker.get_or_insert_default())
    }

    /// Whether a receive finds something: an envelope, a loss or the end.
    pub(crate) fn is_ready(&mut self) -> bool {
        if self.untold.is_some() || !self.backlog.is_empty() {
            return true;
        }
        let found = match &mut self.inbox {
            Inbox::Shared(cursor) => {
                cursor.find_next(&|state: &QueueState| standing(&self.core, &self.terms, state))
            }
            Inbox::Direct(receiver) => return receiver.is_ready(),
        };
        self.is_found(found)
    }

    /// Like [`is_ready`](Self::is_ready). If there is nothing, the waiter is woken when it is worth asking again.
    pub(crate) fn is_ready_or_register(&mut self, waiter: &impl Fn() -> Waiter) -> bool {
        self.put_token();
        self.register_or_find(waiter)
    }

    /// Like [`is_ready_or_register`](Self::is_ready_or_register), but leaves the readiness channel alone.
    pub(super) fn register_or_find(&mut self, waiter: &impl Fn() -> Waiter) -> bool {
        let found = match &mut self.inbox {
            Inbox::Shared(cursor) => {
                let standing = |state: &QueueState| standing(&self.core, &self.terms, state);
                cursor.find_next_or_register(waiter, &standing)
            }
            Inbox::Direct(receiver) => return receiver.is_ready_or_register(waiter()),
        };
        self.is_found(found)
    }

    /// Whether `found` is something to receive. A loss is kept for the next receive.
    fn is_found(&mut self, found: Result<(), Nothing>) -> bool {
        if let Err(Nothing::Lagged(missed)) = found {
            self.untold = Some(missed);
        }
        found != Err(Nothing::Empty)
    }

    /// Leaves the wait list without receiving what it was woken for. In a group, other members are woken for that.
    pub(crate) fn leave_wait_list_for_others(&mut self) {
        self.leave_wait_list();
        if let Inbox::Direct(receiver) = &mut self.inbox {
            receiver.hand_on();
        }
    }

    /// Leaves the wait list.
    #[inline]
    pub(crate) fn leave_wait_list(&mut self) {
        match &mut self.inbox {
            Inbox::Shared(cursor) => cursor.leave_wait_list(),
            Inbox::Direct(receiver) => receiver.leave_wait_list(),
        }
    }
}
