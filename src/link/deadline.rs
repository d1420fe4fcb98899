//! Waiting for a point in time that may not be set.

use std::future::pending;

use tokio::time::{Instant, sleep_until};

/// Waits until this time; without one, without end. A timer is made only if it is waited for.
pub(super) async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}
