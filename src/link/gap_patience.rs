//! How long an importer waits for what is missing, and how much it keeps meanwhile.

use std::time::Duration;

/// How an importer waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct GapPatience {
    /// How long until it asks again.
    pub(super) ask_again: Duration,
    /// How long until it gives up on a gap.
    pub(super) give_up: Duration,
    /// The most frames of one life of an exporter that wait for earlier ones.
    pub(super) held: usize,
    /// The most bytes of all frames that wait for earlier ones.
    pub(super) held_bytes: usize,
}
