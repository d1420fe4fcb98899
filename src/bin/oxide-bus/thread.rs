//! Threads with names, of which there may be too many.

use std::thread::{Builder, JoinHandle};

use super::failure::Failure;

/// The most threads of one kind that may be asked for. Where a system has no more the standard library
/// returns an error; but where it has no memory map left for a thread that has just started, which comes at
/// some ten thousand, it panics there.
pub(crate) const MOST: u16 = 1024;

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
