//! The subscriber's thread: prints what it receives.

use std::io::{self, BufWriter};
use std::sync::atomic::{AtomicU64, Ordering};

use oxide_bus::codec::{Codec, Limits, LinesWriter, WriteError};
use oxide_bus::{RecvError, Subscription};

use crate::failure::Failure;
use crate::output;

/// Prints to the end of the bus, or until nobody reads it. `progress` counts the envelopes.
pub(super) fn print(subscription: Subscription, progress: &AtomicU64) -> Result<(), Failure> {
    match print_all(subscription, progress) {
        Ok(()) => Ok(()),
        Err(WriteError::Io(error)) => output::written(Err(error)),
        Err(WriteError::Encode(error)) => Err(Failure::new(format_args!(
            "cannot print an envelope: {error}"
        ))),
        Err(error) => Err(Failure::new(error)),
    }
}

/// Flushes only when it would have to wait for more: what comes slowly is seen at once, and what
/// comes fast is written in large pieces.
fn print_all(mut subscription: Subscription, progress: &AtomicU64) -> Result<(), WriteError> {
    let stdout = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    // What is written can be more than what was read: 1e9 is longer in full, and a correlation id
    // that is absent becomes a null. All else was read within limits.
    let limits = Limits {
        bytes: usize::MAX,
        nodes: usize::MAX,
        ..Limits::default()
    };
    let mut lines = LinesWriter::new(stdout).codec(Codec::new().limits(limits));
    loop {
        // Nothing is ever missed here, except by whoever published when the bus was closed.
        for delivery in subscription.try_iter().flatten() {
            lines.write(&delivery)?;
            progress.fetch_add(1, Ordering::Relaxed);
        }
        lines.flush().map_err(WriteError::Io)?;
        match subscription.recv() {
            Ok(delivery) => lines.write(&delivery)?,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Disconnected | RecvError::Evicted) => return Ok(()),
        }
        progress.fetch_add(1, Ordering::Relaxed);
    }
}
