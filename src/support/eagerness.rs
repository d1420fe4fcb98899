//! Eagerness: whether a thread spins for a moment before it sleeps.
//!
//! Falling asleep and being woken takes longer than a quick answer. But a thread that spins in vain takes time on a
//! core that others may need. So a thread spins before it sleeps only if that was worthwhile the last time. After a
//! long wait it sleeps at once, until something has come quickly again. This is adaptive spinning, as in adaptive
//! mutexes, with one bit of history.

use std::hint::spin_loop;
use std::time::{Duration, Instant};

/// How often the thread looks, and how many spin-loop hints come after each look: some microseconds in all. It does not
/// yield in between. Where the cores are busy, yielding can take milliseconds, and a sleeping thread is woken sooner.
const LOOKS: u32 = if cfg!(oxide_loom) { 0 } else { 64 };
const PAUSES: u32 = 8;

/// A wait that took less than this was short.
const QUICK: Duration = Duration::from_micros(50);

/// Whether to look before sleeping: the last wait was short.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Eagerness(bool);

impl Default for Eagerness {
    fn default() -> Self {
        Eagerness(true)
    }
}

impl Eagerness {
    /// Looks for something for a moment, and then sleeps until it is there.
    pub(crate) fn wait<T>(&mut self, look: impl Fn() -> Option<T>, sleep: impl FnOnce() -> T) -> T {
        self.spin(look).unwrap_or_else(|| self.sleep(sleep))
    }

    /// Looks for something for a moment, if the last wait was short.
    pub(crate) fn spin<T>(self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
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

    /// Sleeps, and records whether that took long.
    pub(crate) fn sleep<T>(&mut self, sleep: impl FnOnce() -> T) -> T {
        let fell_asleep = Instant::now();
        let found = sleep();
        self.0 = fell_asleep.elapsed() < QUICK;
        found
    }
}
