//! Named threads, with an error instead of a panic if there are too many.

use std::thread::{Builder, JoinHandle};

use super::failure::Failure;

/// The most threads of one kind that may be asked for. If a system has no more threads, the standard library returns an
/// error. But at some ten thousand threads no memory map is left for a thread that has just started, and the library
/// panics in that thread.
pub(crate) const MOST: u16 = 1024;

/// Starts a named thread.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    life: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Failure> {
    Builder::new()
        .name(name.to_owned())
        .spawn(life)
        .map_err(|error| Failure::new(format_args!("cannot start a thread: {error}")))
}
