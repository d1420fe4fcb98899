//! How a thread waits for something that may come soon: it looks for a moment before it sleeps, if that was worth it the
//! last time.
//!
//! To fall asleep and be woken takes longer than a quick answer does. But a thread that looks in vain takes time on a core
//! that others may need: so one that waits long sleeps at once, until something has come soon again.

use std::hint::spin_loop;
use std::time::{Duration, Instant};

/// How often it looks, and how many pauses come after each look: some microseconds in all. It does not give way in
/// between: where the cores are busy, that can take milliseconds, and one that sleeps is woken sooner.
const LOOKS: u32 = if cfg!(oxide_loom) { 0 } else { 64 };
const PAUSES: u32 = 8;

/// What comes within this time has come soon.
const QUICK: Duration = Duration::from_micros(50);

/// Whether to look before sleeping: what was waited for last has come soon.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Eagerness(bool);

impl Default for Eagerness {
    fn default() -> Self {
        Eagerness(true)
    }
}

impl Eagerness {
    /// Looks for something, and sleeps until it is there.
    pub(crate) fn wait<T>(&mut self, look: impl Fn() -> Option<T>, sleep: impl FnOnce() -> T) -> T {
        self.look(look).unwrap_or_else(|| self.sleep(sleep))
    }

    /// Looks for something for a moment, if what was waited for last has come soon.
    pub(crate) fn look<T>(self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        if self.0 {
            for _ in 0..LOOKS {
                let found = look();
                if found.is_some() {
                    return found;
                }
                for _ in 0..PAUSES {
                    spin_loop();
                }
            }
        }
        None
    }

    /// Sleeps, and notes for how long.
    pub(crate) fn sleep<T>(&mut self, sleep: impl FnOnce() -> T) -> T {
        let fell_asleep = Instant::now();
        let found = sleep();
        self.0 = fell_asleep.elapsed() < QUICK;
        found
    }
}
