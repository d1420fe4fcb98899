//! What nobody is woken for: waiting for the start and the end of things, by looking now and then.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::AsyncBus;
use crate::capability::Capability;
use crate::error::{DrainError, Undrained};

/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_millis(1);

/// Looks until something is found or the time is up; once at least.
async fn look_until<T>(timeout: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    let mut pause = Duration::from_micros(10);
    loop {
        let found = look();
        let left = timeout.saturating_sub(started.elapsed());
        if found.is_some() || left.is_zero() {
            return found;
        }
        sleep(left.min(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// These three look again and again, as their twins do, with pauses by tokio's clock, so that other
/// tasks run. They panic outside a tokio runtime, or in one without time.
impl<M> AsyncBus<M> {
    /// Waits until there are at least so many subscriptions; see
    /// [`Bus::wait_for_subscribers`](crate::Bus::wait_for_subscribers).
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    #[must_use = "they may not be there"]
    pub async fn wait_for_subscribers(&self, subscribers: usize, timeout: Duration) -> bool {
        let are_there = || {
            self.as_sync()
                .wait_for_subscribers(subscribers, Duration::ZERO)
        };
        look_until(timeout, || (are_there() || self.is_closed()).then_some(())).await;
        are_there()
    }

    /// Waits until nothing is queued; see [`Bus::drain`](crate::Bus::drain).
    ///
    /// # Errors
    ///
    /// As [`Bus::drain`](crate::Bus::drain).
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    pub async fn drain(&self, timeout: Duration) -> Result<(), Undrained> {
        let drained = || self.as_sync().drain(Duration::ZERO);
        look_until(timeout, || drained().ok()).await;
        drained()
    }

    /// Revokes a capability, and waits until whatever was admitted under it before is enqueued; see
    /// [`Bus::revoke_and_drain`](crate::Bus::revoke_and_drain).
    ///
    /// # Errors
    ///
    /// As [`Bus::revoke_and_drain`](crate::Bus::revoke_and_drain).
    ///
    /// # Cancel safety
    ///
    /// Once it was asked for the first time the capability is revoked, whether it is given up or not.
    pub async fn revoke_and_drain(
        &self,
        capability: &Capability,
        timeout: Duration,
    ) -> Result<(), DrainError> {
        let Some((admission, revoked)) = self.as_sync().revoke(capability) else {
            return Ok(());
        };
        let mut draining = admission.draining(revoked);
        let bus = self.as_sync();
        let note = || bus.core.grants.note_drained(capability, &bus.core.board);
        let mut drained = || draining.wait(Some(std::time::Instant::now()), note);
        let in_time = look_until(timeout, || drained().ok()).await;
        in_time.map_or_else(drained, Ok)?;
        bus.tell_drained(capability);
        Ok(())
    }
}
