//! Ctrl-C: the first asks the command to end, the second kills it.

use std::process;

use super::INTERRUPTED;
use super::failure::Failure;

/// Calls `ask`, on a thread of its own, at the first Ctrl-C. Call this once.
pub(crate) fn on_first(ask: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let mut ask = Some(ask);
    ctrlc::set_handler(move || match ask.take() {
        Some(ask) => ask(),
        None => process::exit(i32::from(INTERRUPTED)),
    })
    .map_err(|error| Failure::new(format_args!("cannot listen for Ctrl-C: {error}")))
}
