//! The times at which an importer asks for missing frames: at once for a new gap, and again after a pause.

use std::time::Duration;

use tokio::time::Instant;

/// What the importer asked one life of an exporter for, and when to ask again.
#[derive(Debug)]
pub(in crate::link) struct WantTimes {
    ask_again: Duration,
    /// When to ask again for all gaps.
    again_at: Option<Instant>,
    /// Gaps up to this number were asked for already.
    asked: u64,
    /// Whether there is a gap beyond `asked`.
    has_new_gap: bool,
}

impl WantTimes {
    pub(in crate::link) fn new(ask_again: Duration) -> Self {
        WantTimes {
            ask_again,
            again_at: None,
            asked: 0,
            has_new_gap: false,
        }
    }

    /// Returns the number beyond which to ask for gaps now: 0 for all. `None` if it is too early.
    pub(in crate::link) fn due(&mut self, now: Instant) -> Option<u64> {
        let again = self.is_due_again(now);
        let has_new_gap = std::mem::take(&mut self.has_new_gap);
        (again || has_new_gap).then_some(if again { 0 } else { self.asked })
    }

    /// Whether it is time to ask for everything again. If so, the next time begins anew.
    pub(in crate::link) fn is_due_again(&mut self, now: Instant) -> bool {
        let again = self.again_at.is_none_or(|at| now >= at);
        if again {
            self.again_at = Some(now + self.ask_again);
        }
        again
    }

    /// Notes that gaps up to this number were asked for.
    pub(in crate::link) fn asked(&mut self, up_to: u64) {
        self.asked = up_to;
    }

    /// Notes a gap that was not asked for yet.
    pub(in crate::link) fn note_gap(&mut self) {
        self.has_new_gap = true;
    }

    /// Notes that everything up to this number has come. Gaps behind it are asked for next, unless they were already.
    pub(in crate::link) fn came_up_to(&mut self, number: u64) {
        self.has_new_gap |= number >= self.asked;
    }

    /// Notes that numbers up to this one could not be taken. They are asked for later.
    pub(in crate::link) fn put_off(&mut self, up_to: u64, now: Instant) {
        self.asked = self.asked.max(up_to);
        (self.again_at).get_or_insert(now + self.ask_again);
    }

    /// Asks for all gaps again as soon as possible.
    pub(in crate::link) fn hurry(&mut self, now: Instant) {
        self.again_at = Some(now);
    }

    /// Stops asking, because the importer waits for nothing.
    pub(in crate::link) fn stop(&mut self) {
        self.again_at = None;
    }

    /// When to ask again.
    pub(in crate::link) fn again_at(&self) -> Option<Instant> {
        self.again_at
    }
}
