//! The error of a drain that timed out: what is left in the queues.

use std::error::Error;
use std::fmt;

use crate::bus::subscription_stats::SubscriptionStats;
use crate::support::visible::escaped;

/// What [`Bus::drain`](crate::Bus::drain) found queued when time was up.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use oxide_bus::{Bus, Envelope, SubscribeOptions};
///
/// let bus = Bus::<u32>::new();
/// let _audit = bus.subscribe_with(SubscribeOptions::new().name("audit"))?;
/// bus.publish(Envelope::new("counter", 7))?;
/// let error = bus.drain(Duration::ZERO).unwrap_err();
/// assert_eq!(error.left()[0].name.as_deref(), Some("audit"));
/// assert_eq!(error.left()[0].queued, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrainError {
    left: Vec<SubscriptionStats>,
}

impl DrainError {
    /// Makes the error of these subscriptions, which all have something queued.
    pub(crate) fn new(left: Vec<SubscriptionStats>) -> Self {
        DrainError { left }
    }

    /// The subscriptions that still have something queued, at least one, with their figures.
    pub fn left(&self) -> &[SubscriptionStats] {
        &self.left
    }
}

impl fmt::Display for DrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let envelopes: u64 = self.left.iter().map(|it| it.queued).sum();
        let (queues, s) = match self.left.len() {
            1 => (1, ""),
            queues => (queues, "s"),
        };
        write!(f, "{envelopes} envelopes are left in {queues} queue{s}:")?;
        for (index, it) in self.left.iter().enumerate() {
            f.write_str(if index == 0 { " " } else { ", " })?;
            match &it.name {
                Some(name) => write!(f, "{} {}", escaped(name.escape_debug()), it.queued)?,
                None => write!(f, "{} {}", it.id, it.queued)?,
            }
        }
        Ok(())
    }
}

impl Error for DrainError {}
