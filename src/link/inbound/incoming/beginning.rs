//! The number at which an importer begins with one life of an exporter. What was sent before the importer listened is
//! not missed.

use std::time::Duration;

use tokio::time::Instant;

use super::Incoming;
use crate::link::frames::control::Mark;

/// If neither of two marks was delayed, the exporter's beginning by the second is at most this much earlier.
const UNEVEN: Duration = Duration::from_millis(50);

impl<T> Incoming<T> {
    /// Whether the exporter began after this time, by its marks. `None` if another mark is needed to know.
    ///
    /// A mark says how long the exporter had existed when it was sent. Nobody knows how long the mark took. By that
    /// time the exporter seems younger than it is. So the first mark that says yes is not believed: the link asks for
    /// another one now, which cannot have taken as long.
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
        // Nothing was sent before the mark, so the importer begins with the first number in any case.
        let is_plain = self.start.is_some() || mark.last == 0;
        let is_confirmed = before.is_some_and(|before| began + UNEVEN >= before);
        if is_plain || !is_after || is_confirmed {
            return Some(is_after);
        }
        (self.heard_at, self.wants_mark) = (now, true);
        None
    }

    /// Notes the start, which is known now.
    pub(super) fn begin(&mut self, start: u64) {
        self.start = Some(start);
        self.next = start;
        self.stop_waiting();
        self.asking.note_gap(); // nothing was asked for yet
    }

    /// The first number that came. If none did, the first that the link does not know of.
    pub(super) fn first_known(&self) -> u64 {
        let held = self.first_held();
        self.first_put_off.map_or(held, |it| it.min(held))
    }
}
