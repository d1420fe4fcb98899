//! Gathering: a subscriber that has caught up with a fast publisher lets a few envelopes come before it looks again.
//!
//! To take each envelope as it comes would take the cache lines of the queue away from the publisher each time.
//! Cells b and p of the comparison show what it is worth.

use std::hint::spin_loop;

/// For how many spins envelopes gather: about half a microsecond.
const SPINS: u32 = 64;

/// Gathering fewer envelopes than this is not worthwhile.
const WORTHWHILE: usize = 4;

/// Whether envelopes come so fast that it pays to let some gather.
#[derive(Default)]
pub(crate) struct Gathering(bool);

impl Gathering {
    /// Lets envelopes gather for a moment, if they come fast enough.
    pub(crate) fn gather(&self) {
        if self.0 {
            for _ in 0..SPINS {
                spin_loop();
            }
        }
    }

    /// Records after how many looks something was found, and how many envelopes.
    pub(crate) fn found_after(&mut self, looks: u32, envelopes: usize) {
        self.0 = if self.0 {
            envelopes >= WORTHWHILE
        } else {
            looks < 3 // so soon that more are probably on their way
        };
    }
}
