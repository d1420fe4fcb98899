//! An importer's patience with one life of an exporter: how long it waits for a missing frame, and when it asks again.
//! Promise 2 of `docs::links`; tests: `tests/incoming.rs` of this layer.

use tokio::time::Instant;

use super::{Incoming, MAX_JUMP};
use crate::link::inbound::arrival::Handed;

impl<T> Incoming<T> {
    /// Gives up on what has been waited for too long.
    pub(in crate::link) fn tick(&mut self, now: Instant, out: &mut impl FnMut(Handed<T>)) {
        let Some(since) = self.waits_since else {
            return;
        };
        let silence = now.saturating_duration_since(self.heard_at);
        if silence >= self.patience.seems_away() && !self.is_retired {
            self.away_until = now; // the patience begins anew when it is there again
        }
        if now >= self.give_up_at(since) {
            self.give_up(now, out);
        }
    }

    /// When to give up on a gap that opened then.
    fn give_up_at(&self, since: Instant) -> Instant {
        let patient_until = since.max(self.away_until) + self.patience.give_up;
        patient_until.min(since + self.patience.give_up_away())
    }

    /// Gives up on the first gap. If the start is not known, gives up on gaps until a mark says what they mean.
    pub(in crate::link) fn give_up(&mut self, now: Instant, out: &mut impl FnMut(Handed<T>)) {
        if self.start.is_some() {
            self.skip_to(self.first_held(), out);
            // The next gap has been open since the frame behind it came.
            let came_at = self.held.first_came_at();
            self.waits_since = came_at.map(|at| self.waits_since.map_or(at, |it| it.max(at)));
            self.settle(now, out);
        } else {
            self.drop_far(out);
            self.begin(self.first_known());
            self.wants_mark = true;
            self.release(out);
        }
    }

    /// Notes a number that cannot be taken before the start is known. The next mark tells the start.
    pub(super) fn put_off_before_start(&mut self, sequence: u64, now: Instant) {
        if self.start.is_none() && sequence <= self.limit {
            let lowest = self.first_put_off.map_or(sequence, |it| it.min(sequence));
            self.first_put_off = Some(lowest);
            self.waits_since.get_or_insert(now);
        }
    }

    /// Drops frames whose number is too far ahead to be true. They no longer wait for the others.
    pub(super) fn drop_far(&mut self, out: &mut impl FnMut(Handed<T>)) {
        let dropped = self.held.drop_beyond(self.highest.saturating_add(MAX_JUMP));
        self.highest = self.highest.max(self.held.last().unwrap_or(0));
        self.missed += dropped;
        if dropped > 0 {
            out(Handed::Missed(dropped));
        }
    }

    pub(super) fn stop_waiting(&mut self) {
        self.waits_since = None;
        self.asking.stop();
    }

    /// Missing frames cannot come at the moment, so the time until a gap is given up begins anew.
    pub(in crate::link) fn hold_on(&mut self, now: Instant) {
        self.waits_since = self.waits_since.map(|_| now);
        self.heard_at = now;
    }

    /// Any number of frames may have been lost. The next mark says how far the exporter is.
    pub(in crate::link) fn doubt(&mut self) {
        self.is_in_doubt = true;
    }

    /// The exporter has begun another life, so it will say nothing more in this one.
    pub(in crate::link) fn retire(&mut self) {
        self.is_retired = true;
    }

    /// Returns the gaps to ask for now, with no more numbers in them than there is room for. An empty list asks for a
    /// mark.
    pub(in crate::link) fn ask(&mut self, now: Instant, room: usize) -> Option<Vec<(u64, u64)>> {
        if std::mem::take(&mut self.wants_mark) {
            return Some(Vec::new());
        }
        self.waits_since?;
        if self.start.is_none() {
            return self.asking.is_due_again(now).then(Vec::new);
        }
        let beyond = self.asking.due(now)?;
        let from = self.next.max(beyond + 1);
        let gaps = self.held.gaps(from, self.highest, room as u64);
        (self.asking).asked(gaps.last().map_or(self.highest, |gap| gap.1));
        (!gaps.is_empty()).then_some(gaps)
    }

    /// Asks again for all gaps as soon as possible, since there is room for them now.
    pub(in crate::link) fn ask_anew(&mut self, now: Instant) {
        if self.waits_since.is_some() {
            self.asking.hurry(now);
        }
    }

    /// When [`tick`](Self::tick) is due.
    pub(in crate::link) fn deadline(&self) -> Option<Instant> {
        let give_up = self.waits_since.map(|since| self.give_up_at(since));
        give_up.into_iter().chain(self.asking.again_at()).min()
    }
}
