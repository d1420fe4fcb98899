//! A wait for a point in time that may not be set.

use std::future::pending;

use tokio::time::{Instant, sleep_until};

/// Waits until this time, or forever if there is none. The timer is made only when the future is polled.
pub(super) async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}
