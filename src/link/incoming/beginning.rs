//! Where an importer begins with one life of an exporter.

use std::time::Duration;

use tokio::time::Instant;

use super::Incoming;
use crate::link::control::Mark;

/// How much sooner than by the mark before an exporter may seem to have begun if neither mark was delayed.
const UNEVEN: Duration = Duration::from_millis(50);

impl<T> Incoming<T> {
    /// Whether the exporter began after this time, as its marks say. `None` if another mark is to say it.
    ///
    /// A mark says how long the exporter had been there when it was sent. How long it was on its way nobody knows, and
    /// so much later the exporter seems to have begun. So the first mark that says yes is not believed: the next one is
    /// asked for now, and was not on its way for as long.
    pub(in crate::link) fn began_after(
        &mut self,
        since: Option<Instant>,
        mark: &Mark,
        now: Instant,
    ) -> Option<bool> {
        let age = Duration::from_millis(mark.age);
        let (Some(since), Some(began)) = (since, now.checked_sub(age)) else {
            return Some(false);
        };
        let before = self.began_at.replace(began);
        let is_after = began.saturating_duration_since(since).as_millis() > 0;
        // Nothing was sent before the mark, so the importer begins with the first one in any case.
        let is_plain = self.start.is_some() || mark.last == 0;
        let is_confirmed = before.is_some_and(|before| began + UNEVEN >= before);
        if is_plain || !is_after || is_confirmed {
            return Some(is_after);
        }
        (self.heard_at, self.wants_mark) = (now, true);
        None
    }

    /// The start is known.
    pub(super) fn begin(&mut self, start: u64) {
        self.start = Some(start);
        self.next = start;
        self.stop_waiting();
        self.asking.note_gap(); // nothing was asked for yet
    }

    /// The first number that came, or else the first that is not known of.
    pub(super) fn first_known(&self) -> u64 {
        let held = self.first_held();
        self.first_put_off.map_or(held, |it| it.min(held))
    }
}
