//! SIGTERM: the first asks the view to end, so that the terminal is restored; the second kills it.

use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::super::failure::Failure;
use super::super::thread;

/// Calls `ask`, on a thread of its own, at the first SIGTERM.
pub(super) fn on_first(ask: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGTERM])
        .map_err(|error| Failure::new(format_args!("cannot listen for SIGTERM: {error}")))?;
    thread::spawn("signals", move || {
        let mut signals = signals.forever();
        signals.next();
        ask();
        signals.next();
        die()
    })?;
    Ok(())
}

/// Ends the process by SIGTERM, so that its parent sees that. Returns only if the system does not let it.
pub(super) fn die() -> Failure {
    match emulate_default_handler(SIGTERM) {
        Ok(()) => Failure::new("SIGTERM does not end the program"),
        Err(error) => Failure::new(format_args!("cannot end by SIGTERM: {error}")),
    }
}
