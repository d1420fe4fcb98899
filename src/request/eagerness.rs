//! How a thread waits for an answer: it looks for a moment before it sleeps, if that was worth it the last time.
//!
//! To fall asleep and be woken takes longer than a quick answer does. But a thread that looks in vain takes time on a core
//! that others may need: so one whose answers are slow sleeps at once, until one has been quick again.

use std::cell::Cell;
use std::hint::spin_loop;
use std::task::Poll;
use std::time::{Duration, Instant};

/// How often it looks, and how many pauses come after each look: some microseconds in all. It does not give way in
/// between: where the cores are busy, that can take milliseconds, and one that sleeps is woken sooner.
const LOOKS: u32 = 64;
const PAUSES: u32 = 8;

/// An answer that comes within this time is quick.
const QUICK: Duration = Duration::from_micros(50);

thread_local! {
    /// The last answer was quick.
    static IS_EAGER: Cell<bool> = const { Cell::new(true) };
}

/// Looks for an answer, and sleeps until it is there.
pub(super) fn wait<T>(look: impl Fn() -> Poll<T>, sleep: impl FnOnce() -> Poll<T>) -> Poll<T> {
    if IS_EAGER.get() {
        for _ in 0..LOOKS {
            let found = look();
            if found.is_ready() {
                return found;
            }
            for _ in 0..PAUSES {
                spin_loop();
            }
        }
    }
    let fell_asleep = Instant::now();
    let found = sleep();
    IS_EAGER.set(fell_asleep.elapsed() < QUICK);
    found
}
