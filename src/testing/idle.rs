//! A wait until a bus is idle. Tests: `tests/library/testing/idle.rs`.

use std::error::Error;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use crate::authority::grants::GrantStats;
use crate::bus::error::DrainError;
use crate::bus::handle::Bus;
use crate::support::clock;
use crate::support::visible::escaped;

/// How often it looks at requests and publishes, which wake nobody when they end.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Waits until the bus is idle: every subscriber has received what it was given, no request is pending, and no publish
/// is [counted](crate::GrantStats::in_flight) as in flight under a grant.
///
/// The time-out uses the system's clock. Received does not mean handled: a thread may still work on the last envelope,
/// and publish another. To wait for a module's work, [expect](super::Recorder::expect) its answer, or run the module
/// under a [`Scheduler`](super::Scheduler).
///
/// # Errors
///
/// [`NotIdle`] at the time-out. It says which subscribers hold how many envelopes, how many requests are pending, and
/// under which capabilities something is in flight.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use oxide_bus::testing::wait_idle;
/// use oxide_bus::{Bus, SubscribeOptions};
///
/// let bus = Bus::<u32>::new();
/// let mut sum = bus.subscribe_with(SubscribeOptions::new().name("sum"))?;
/// bus.send("counter", 7)?;
/// let error = wait_idle(&bus, Duration::ZERO).unwrap_err();
/// assert_eq!(error.to_string(), "the bus is not idle: 1 envelopes are left in 1 queue: sum 1");
/// sum.recv()?;
/// wait_idle(&bus, Duration::ZERO)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait_idle<M>(bus: &Bus<M>, timeout: Duration) -> Result<(), NotIdle> {
    clock::in_real_time(|| {
        let until = Instant::now().checked_add(timeout);
        let rest = || {
            until.map_or(Duration::MAX, |it| {
                it.saturating_duration_since(Instant::now())
            })
        };
        loop {
            let drained = bus.drain(rest());
            // The queues are looked at last, because the others may still fill them.
            let found = NotIdle {
                pending_requests: bus.stats().pending_requests,
                in_flight: (bus.grants().into_iter())
                    .filter(|it| it.in_flight > 0)
                    .collect(),
                queued: drained.and_then(|()| bus.left()).err(),
            };
            if found.queued.is_none() && found.pending_requests == 0 && found.in_flight.is_empty() {
                return Ok(());
            }
            if rest().is_zero() {
                return Err(found);
            }
            thread::sleep(LOOK_AGAIN.min(rest()));
        }
    })
}

/// The things that kept a bus busy when [`wait_idle`] ran out of time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotIdle {
    /// The subscriptions that have not received everything, if there are any.
    pub queued: Option<DrainError>,
    /// How many requests wait for their answers.
    pub pending_requests: u64,
    /// The grants under which a publish has begun and not ended.
    pub in_flight: Vec<GrantStats>,
}

impl fmt::Display for NotIdle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "the bus is not idle: ";
        if let Some(queued) = &self.queued {
            write!(f, "{separator}{queued}")?;
            separator = "; ";
        }
        if self.pending_requests > 0 {
            write!(
                f,
                "{separator}{} requests are pending",
                self.pending_requests
            )?;
            separator = "; ";
        }
        for grant in &self.in_flight {
            let capability = escaped(grant.capability.as_str().chars());
            let count = grant.in_flight;
            write!(
                f,
                "{separator}{count} publishes are in flight under `{capability}`"
            )?;
            separator = "; ";
        }
        Ok(())
    }
}

impl Error for NotIdle {}
