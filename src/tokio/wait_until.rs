//! Tasks wait here for a state of the bus: subscribers are there or gone, queues are empty, a capability is revoked.
//!
//! Each waits up to a time-out by tokio's clock. Nothing polls at intervals: the wait list of what is waited for wakes
//! the task.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::AsyncBus;
use crate::authority::grant::RevokeError;
use crate::bus::error::DrainError;
use crate::engine::drain::Watch;
use crate::message::capability::Capability;
use crate::support::wait_list::{Look, Registration, WaitList, Waiter};

/// Calls `look` now and whenever the list is woken, until it finds something or the time is up.
async fn wait_until<T>(
    list: &Arc<WaitList>,
    timeout: Duration,
    mut look: impl FnMut() -> Look<T>,
) -> Option<T> {
    let mut registration = Registration::new(list);
    let mut next: Option<Pin<Box<Sleep>>> = None;
    let found = poll_fn(|context| {
        loop {
            registration.register_and_fence(Waiter::Task(context.waker().clone()));
            match look() {
                Look::Found(found) => return Poll::Ready(found),
                Look::Nothing => {
                    next = None;
                    return Poll::Pending;
                }
                Look::NothingFor(time) => {
                    let next = next.insert(Box::pin(sleep(time)));
                    ready!(next.as_mut().poll(context));
                }
            }
        }
    });
    tokio::time::timeout(timeout, found).await.ok()
}

/// These need tokio's clock: they panic outside a tokio runtime, or in one whose clock is not enabled.
/// # Waiting for others, and the end
impl<M> AsyncBus<M> {
    /// Waits until there are at least `subscribers` subscriptions; see
    /// [`Bus::wait_for_subscribers`](crate::Bus::wait_for_subscribers). It is woken when the subscriber list changes.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    #[must_use = "they may not be there"]
    pub async fn wait_for_subscribers(&self, subscribers: usize, timeout: Duration) -> bool {
        let bus = self.as_sync();
        let are_there = || bus.core.subscriber_count() >= subscribers;
        let look = || Look::found_if(are_there() || bus.is_closed());
        wait_until(&bus.core.listed, timeout, look).await;
        are_there()
    }

    /// Waits until there are no subscriptions any more; see
    /// [`Bus::wait_for_no_subscribers`](crate::Bus::wait_for_no_subscribers). It is woken when the subscriber list
    /// changes.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    #[must_use = "somebody may be there still"]
    pub async fn wait_for_no_subscribers(&self, timeout: Duration) -> bool {
        let core = &self.as_sync().core;
        let is_nobody_there = || core.subscriber_count() == 0;
        let look = || Look::found_if(is_nobody_there());
        wait_until(&core.listed, timeout, look).await;
        is_nobody_there()
    }

    /// Waits until nothing is queued; see [`Bus::drain`](crate::Bus::drain).
    ///
    /// It is woken as [`Bus::drain`](crate::Bus::drain) is.
    ///
    /// # Errors
    ///
    /// As [`Bus::drain`](crate::Bus::drain).
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    pub async fn drain(&self, timeout: Duration) -> Result<(), DrainError> {
        let bus = self.as_sync();
        let mut watch = Watch::default();
        let look = || watch.check(&bus.core);
        let drained = wait_until(&bus.core.listed, timeout, look).await;
        drained.map_or_else(|| bus.left(), Ok)
    }

    /// Revokes a capability, and waits until every publish that was admitted under it is enqueued; see
    /// [`Bus::revoke_and_drain`](crate::Bus::revoke_and_drain). The last such publish wakes it.
    ///
    /// # Errors
    ///
    /// As [`Bus::revoke_and_drain`](crate::Bus::revoke_and_drain).
    ///
    /// # Panics
    ///
    /// As [`Bus::revoke_and_drain`](crate::Bus::revoke_and_drain), too.
    ///
    /// # Cancel safety
    ///
    /// Once the future was polled the capability is revoked, even if the call is cancelled.
    pub async fn revoke_and_drain(
        &self,
        capability: impl Into<Capability>,
        timeout: Duration,
    ) -> Result<(), RevokeError> {
        let capability = &capability.into();
        let bus = self.as_sync();
        let Some((admission, revoked)) = bus.revoke_and_settle(capability) else {
            return Ok(());
        };
        let mut draining = admission.draining(revoked);
        let note = || bus.core.grants.note_drained(capability, &bus.core.notices);
        let look = || draining.check(note).into();
        let over = wait_until(admission.drains(), timeout, look).await;
        over.unwrap_or_else(|| draining.check(note))?;
        bus.tell_drained(capability);
        Ok(())
    }
}
