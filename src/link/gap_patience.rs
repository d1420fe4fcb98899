//! How long an importer waits for what is missing, and how much it keeps meanwhile.

use std::time::Duration;

/// How many times as long an importer waits while the exporter seems to be away.
const WHILE_AWAY: u32 = 6;

/// How an importer waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct GapPatience {
    /// How long until it asks again.
    pub(super) ask_again: Duration,
    /// How long until it gives up on a gap, while the exporter is there.
    pub(super) give_up: Duration,
    /// The most frames of one life of an exporter that wait for earlier ones.
    pub(super) held: usize,
    /// The most bytes of all frames that wait for earlier ones.
    pub(super) held_bytes: usize,
}

impl GapPatience {
    /// After so long without a word the exporter seems to be away: it has been asked several times.
    pub(super) fn seems_away(&self) -> Duration {
        (self.ask_again * 4).min(self.give_up)
    }

    /// How long until it gives up on a gap in any case.
    pub(super) fn give_up_away(&self) -> Duration {
        self.give_up * WHILE_AWAY
    }
}
