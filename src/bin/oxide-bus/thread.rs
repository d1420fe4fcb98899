//! Threads with names, of which there may be too many.

use std::thread::{Builder, JoinHandle};

use crate::failure::Failure;

/// Starts a thread.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    life: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Failure> {
    Builder::new()
        .name(name.to_owned())
        .spawn(life)
        .map_err(|error| Failure::new(format_args!("cannot start a thread: {error}")))
}
