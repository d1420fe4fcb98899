//! The bounds of an importer's wait: how long it waits for missing frames, and how much it keeps meanwhile.

use std::time::Duration;

/// How many times as long an importer waits while the exporter seems to be away.
const WHILE_AWAY: u32 = 6;

/// How an importer waits.
#[derive(Debug, Clone, Copy)]
pub(in crate::link) struct GapPatience {
    /// How long until the importer asks again.
    pub(in crate::link) ask_again: Duration,
    /// How long until the importer gives up on a gap, while the exporter is there.
    pub(in crate::link) give_up: Duration,
    /// The most frames of one life of an exporter that wait for earlier ones.
    pub(in crate::link) held: usize,
    /// The most bytes of all frames that wait for earlier ones.
    pub(in crate::link) held_bytes: usize,
}

impl GapPatience {
    /// After this long without a word, the exporter seems to be away: it has been asked several times.
    pub(in crate::link) fn seems_away(&self) -> Duration {
        (self.ask_again * 4).min(self.give_up)
    }

    /// How long until the importer gives up on a gap in any case.
    pub(in crate::link) fn give_up_away(&self) -> Duration {
        self.give_up * WHILE_AWAY
    }
}
