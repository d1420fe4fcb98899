//! When an importer asks for what is missing.

use std::time::Duration;

use tokio::time::Instant;

/// What was asked for of one life of an exporter, and when to ask again.
#[derive(Debug)]
pub(super) struct WantTimes {
    ask_again: Duration,
    /// When to ask again for all gaps.
    again_at: Option<Instant>,
    /// Gaps up to this number were asked for already.
    asked: u64,
    /// There is a gap beyond `asked`.
    has_new_gap: bool,
}

impl WantTimes {
    pub(super) fn new(ask_again: Duration) -> Self {
        WantTimes {
            ask_again,
            again_at: None,
            asked: 0,
            has_new_gap: false,
        }
    }

    /// Returns beyond which number to ask for gaps now: 0 for all. `None` if it is too early.
    pub(super) fn due(&mut self, now: Instant) -> Option<u64> {
        let again = self.is_due_again(now);
        let has_new_gap = std::mem::take(&mut self.has_new_gap);
        (again || has_new_gap).then_some(if again { 0 } else { self.asked })
    }

    /// Whether everything is to be asked for again now. Then it is not for a while.
    pub(super) fn is_due_again(&mut self, now: Instant) -> bool {
        let again = self.again_at.is_none_or(|at| now >= at);
        if again {
            self.again_at = Some(now + self.ask_again);
        }
        again
    }

    /// Gaps up to this number were asked for.
    pub(super) fn asked(&mut self, up_to: u64) {
        self.asked = up_to;
    }

    /// There is a gap that was not asked for.
    pub(super) fn note_gap(&mut self) {
        self.has_new_gap = true;
    }

    /// All up to this number has come. What lies behind is to be asked for, if it was not yet.
    pub(super) fn came_up_to(&mut self, number: u64) {
        self.has_new_gap |= number >= self.asked;
    }

    /// Numbers up to this one could not be taken. They are asked for later.
    pub(super) fn put_off(&mut self, up_to: u64, now: Instant) {
        self.asked = self.asked.max(up_to);
        (self.again_at).get_or_insert(now + self.ask_again);
    }

    /// All gaps are to be asked for again as soon as possible.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.again_at = Some(now);
    }

    /// Nothing is waited for any more.
    pub(super) fn stop(&mut self) {
        self.again_at = None;
    }

    /// When to ask again.
    pub(super) fn again_at(&self) -> Option<Instant> {
        self.again_at
    }
}
