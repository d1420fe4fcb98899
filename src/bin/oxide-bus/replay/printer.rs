//! The subscriber's thread: prints what it receives.

use std::io::{self, BufWriter};
use std::sync::atomic::{AtomicU64, Ordering};

use oxide_bus::codec::{Codec, Limits, LinesWriter, WriteError};
use oxide_bus::{Lagged, RecvError, Subscription};

use crate::failure::Failure;
use crate::output;

/// How far the printing is, for the other threads. Relaxed: nothing else hangs on the counts.
#[derive(Default)]
pub(super) struct Progress {
    printed: AtomicU64,
    lost: AtomicU64,
}

impl Progress {
    /// How many envelopes are printed.
    pub(super) fn printed(&self) -> u64 {
        self.printed.load(Ordering::Relaxed)
    }

    /// How many were lost on the way, as far as the subscriber was told.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn print_one(&self) {
        self.printed.fetch_add(1, Ordering::Relaxed);
    }

    fn lose(&self, lagged: Lagged) {
        self.lost.fetch_add(lagged.missed, Ordering::Relaxed);
    }
}

/// Prints to the end of the bus, or until nobody reads it.
pub(super) fn print(subscription: Subscription, progress: &Progress) -> Result<(), Failure> {
    match print_all(subscription, progress) {
        Ok(End::Closed) => Ok(()),
        Ok(End::Evicted) => Err(Failure::new(format_args!(
            "the subscriber was evicted, because its queue was full (envelopes printed: {})",
            progress.printed()
        ))),
        Err(WriteError::Io(error)) => output::written(Err(error)),
        Err(WriteError::Encode(error)) => Err(Failure::new(format_args!(
            "cannot print an envelope: {error}"
        ))),
        Err(error) => Err(Failure::new(error)),
    }
}

/// Why there is nothing more to print.
enum End {
    Closed,
    Evicted,
}

/// Flushes only when it would have to wait for more: what comes slowly is seen at once, and what
/// comes fast is written in large pieces.
fn print_all(mut subscription: Subscription, progress: &Progress) -> Result<End, WriteError> {
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
        for item in subscription.try_iter() {
            match item {
                Ok(delivery) => {
                    lines.write(&delivery)?;
                    progress.print_one();
                }
                Err(lagged) => progress.lose(lagged),
            }
        }
        lines.flush().map_err(WriteError::Io)?;
        match subscription.recv() {
            Ok(delivery) => {
                lines.write(&delivery)?;
                progress.print_one();
            }
            Err(RecvError::Lagged(lagged)) => progress.lose(lagged),
            Err(RecvError::Disconnected) => return Ok(End::Closed),
            Err(RecvError::Evicted) => return Ok(End::Evicted),
        }
    }
}
