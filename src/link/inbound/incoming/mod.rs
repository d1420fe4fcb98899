//! The incoming frames of one life of one exporter: a state machine without I/O.
//!
//! A server may lose, repeat and reorder frames. This puts them in order, passes over duplicates, asks for missing
//! frames, and gives up on those that will not come. Each number is delivered or told as missed, once. That is promise
//! 2 of `docs::links`. Tests: `tests/incoming.rs` of this layer and `tests/link/faults.rs`.

mod beginning;
mod patience;
mod untracked;

use std::collections::BTreeSet;

use tokio::time::Instant;

use crate::link::frames::control::{MAX_SEQUENCE, Mark};
use crate::link::inbound::arrival::{Arrival, Handed};
use crate::link::inbound::gap_patience::GapPatience;
use crate::link::inbound::held::HeldFrames;
use crate::link::inbound::want_times::WantTimes;

/// How far beyond the highest known number a number may be. A frame beyond that is refused: it would make the importer
/// wait for frames that do not exist.
const MAX_JUMP: u64 = 1 << 20;

/// Roughly the memory of a waiting tombstone: as much as an empty frame.
const TOMBSTONE: usize = 256;

/// Whether the importer imports all that the exporter exports. Only then does a gap mean a loss. Marks say it; until
/// one has come, nothing is told as missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    Unknown,
    Whole,
    Partly,
}

/// The frames of one life of one exporter.
#[derive(Debug)]
pub(in crate::link) struct Incoming<T> {
    patience: GapPatience,
    coverage: Coverage,
    /// The latest time at which the exporter can have begun, by its marks. It is used until the start is known.
    began_at: Option<Instant>,
    /// The first number that this importer is to receive, once it is known.
    start: Option<u64>,
    /// The next number to pass on. Lower ones have come, or are no longer taken.
    next: u64,
    /// The highest number that came, or that a mark has named.
    highest: u64,
    /// Frames with a higher number are not taken.
    limit: u64,
    held: HeldFrames<T>,
    /// Numbers that came while gaps mean nothing.
    recent: BTreeSet<u64>,
    /// The lowest number that came before the start was known and could not be taken. It is asked for later.
    first_put_off: Option<u64>,
    /// How many numbers since the start were passed on or told as missed.
    settled: u64,
    /// Frames that could not be taken while gaps mean nothing. They are told as missed before the next frame.
    passed_over: u64,
    /// Since when the importer waits for the first gap, or for the start.
    waits_since: Option<Instant>,
    /// When anything came from the exporter last.
    heard_at: Instant,
    /// When the exporter last seemed to be away.
    away_until: Instant,
    /// The exporter has begun another life.
    is_retired: bool,
    /// Whether no mark has said how far the exporter is since the last cut.
    is_in_doubt: bool,
    asking: WantTimes,
    /// Whether a mark is needed.
    wants_mark: bool,
    pub(in crate::link) duplicates: u64,
    pub(in crate::link) early: u64,
    pub(in crate::link) missed: u64,
}

impl<T> Incoming<T> {
    pub(in crate::link) fn new(patience: GapPatience, now: Instant) -> Self {
        Incoming {
            patience,
            coverage: Coverage::Unknown,
            began_at: None,
            start: None,
            next: 1,
            highest: 0,
            limit: MAX_SEQUENCE,
            held: HeldFrames::new(),
            recent: BTreeSet::new(),
            first_put_off: None,
            settled: 0,
            passed_over: 0,
            waits_since: None,
            heard_at: now,
            away_until: now,
            is_retired: false,
            is_in_doubt: false,
            asking: WantTimes::new(patience.ask_again),
            wants_mark: false,
            duplicates: 0,
            early: 0,
            missed: 0,
        }
    }

    /// Takes a frame.
    pub(in crate::link) fn arrive(
        &mut self,
        sequence: u64,
        frame: T,
        size: usize,
        now: Instant,
        out: &mut impl FnMut(Handed<T>),
    ) -> Arrival {
        self.heard_at = now;
        if self.is_closed() && sequence > self.limit {
            return Arrival::Late;
        }
        // Before the start is known, it is also unknown how far the exporter is.
        let is_far = self.is_far(sequence);
        if is_far && (self.start.is_some() || sequence > self.limit) {
            self.wants_mark = true;
            if !self.is_in_doubt || sequence > self.limit {
                return Arrival::TooFar;
            }
            if !self.ignores_gaps() {
                return Arrival::PutOff;
            }
        }
        if self.start.is_some_and(|start| sequence < start) {
            self.early += 1;
            return Arrival::Early;
        }
        if self.has_come(sequence) {
            self.duplicates += 1;
            return Arrival::Duplicate;
        }
        if !is_far {
            self.raise_highest(sequence, sequence);
        }
        if self.ignores_gaps() {
            if self.passed_over > 0 {
                out(Handed::Missed(std::mem::take(&mut self.passed_over)));
            }
            self.remember(sequence);
            out(Handed::Frame(frame));
            return Arrival::Taken;
        }
        if self.start.is_some() && sequence == self.next {
            // Most frames come in order and need not be held.
            self.next += 1;
            self.settled += 1;
            self.waits_since = None; // another gap than before
            out(Handed::Frame(frame));
        } else {
            self.held.insert(sequence, Handed::Frame(frame), size, now);
        }
        self.settle(now, out);
        Arrival::Taken
    }

    /// Takes a tombstone: the frame with this number will not come. While gaps mean nothing, it may not be for this
    /// importer.
    pub(in crate::link) fn bury(
        &mut self,
        sequence: u64,
        now: Instant,
        out: &mut impl FnMut(Handed<T>),
    ) {
        self.heard_at = now;
        if !self.is_new(sequence) {
            return;
        }
        self.raise_highest(sequence, sequence);
        if !self.ignores_gaps() {
            self.held
                .insert(sequence, Handed::Missed(1), TOMBSTONE, now);
            self.settle(now, out);
        }
    }

    /// Notes that the exporter has sent up to this number. A gap is new if it begins below `gap_end`.
    fn raise_highest(&mut self, highest: u64, gap_end: u64) {
        if gap_end > self.highest + 1 {
            self.asking.note_gap();
        }
        self.highest = self.highest.max(highest);
    }

    fn is_new(&self, sequence: u64) -> bool {
        let is_early = self.start.is_some_and(|start| sequence < start);
        !is_early && !self.is_far(sequence) && !self.has_come(sequence)
    }

    fn is_far(&self, sequence: u64) -> bool {
        sequence > self.highest.saturating_add(MAX_JUMP) || sequence > self.limit
    }

    fn has_come(&self, sequence: u64) -> bool {
        sequence < self.next || self.held.contains(sequence) || self.recent.contains(&sequence)
    }

    /// Takes a mark. `covers` says whether all that the exporter exports is imported here, and `began_while_listening`
    /// whether this link listened before the exporter began.
    pub(in crate::link) fn mark(
        &mut self,
        mark: &Mark,
        covers: bool,
        began_while_listening: bool,
        now: Instant,
        out: &mut impl FnMut(Handed<T>),
    ) {
        self.heard_at = now;
        self.is_in_doubt = false;
        let known = self.highest;
        let (first, last) = (mark.first.min(self.limit + 1), mark.last.min(self.limit));
        self.raise_highest(last, last + 1);
        if self.start.is_none() {
            self.drop_far(out);
            let start = if began_while_listening {
                1
            } else {
                self.first_known().min(last + 1)
            };
            self.begin(start);
        } else if covers && self.ignores_gaps() {
            self.tell_gaps_below(known + 1, out);
        }
        if !covers {
            self.coverage = Coverage::Partly;
            self.release(out);
            return;
        }
        self.coverage = Coverage::Whole;
        if self.next < first {
            self.skip_to(first, out);
        }
        self.settle(now, out);
    }

    /// A frame cannot be taken now. If gaps mean nothing, it counts as missed, which is told before the next frame.
    /// Otherwise it is asked for later.
    pub(in crate::link) fn pass_over(&mut self, sequence: u64, now: Instant) {
        self.heard_at = now;
        self.put_off_before_start(sequence, now);
        if !self.is_new(sequence) {
            return;
        }
        self.highest = self.highest.max(sequence);
        if self.ignores_gaps() {
            self.remember(sequence);
            self.missed += 1;
            self.passed_over += 1;
        } else {
            self.waits_since = Some(now);
            self.asking.put_off(sequence, now);
        }
    }

    /// Takes no frames from now on, except those that the link already knows of.
    pub(in crate::link) fn close(&mut self) {
        self.limit = self.highest;
    }

    fn is_closed(&self) -> bool {
        self.limit < MAX_SEQUENCE
    }

    /// Whether the importer waits for a gap, or for the start.
    pub(in crate::link) fn waits(&self) -> bool {
        self.waits_since.is_some()
    }

    /// How many numbers the importer waits for, with those that wait behind them.
    pub(in crate::link) fn awaited(&self) -> u64 {
        if !self.waits() {
            return 0;
        }
        let from = self.start.map_or(self.first_known(), |_| self.next);
        (self.highest + 1).saturating_sub(from).max(1)
    }

    pub(in crate::link) fn heard_at(&self) -> Instant {
        self.heard_at
    }

    pub(in crate::link) fn held(&self) -> &HeldFrames<T> {
        &self.held
    }

    /// Passes on the frames that are in order, and notes what the importer waits for now.
    fn settle(&mut self, now: Instant, out: &mut impl FnMut(Handed<T>)) {
        let before = self.next;
        if self.start.is_some() {
            self.hand_on(out);
            while self.held.len() > self.patience.held {
                self.skip_to(self.first_held(), out);
            }
            if self.next > self.highest {
                self.stop_waiting();
                return;
            }
        } else if self.held.len() > self.patience.held {
            self.give_up(now, out);
            return;
        }
        if self.next > before {
            self.waits_since = None; // another gap than before
        }
        self.waits_since.get_or_insert(now);
        self.asking.came_up_to(self.next - 1);
    }

    fn hand_on(&mut self, out: &mut impl FnMut(Handed<T>)) {
        while let Some(held) = self.held.take_first(self.next) {
            self.next += 1;
            self.settled += 1;
            self.missed += u64::from(matches!(held, Handed::Missed(_)));
            out(held);
        }
    }

    /// The first number that is held. If none is, the first that the link does not know of.
    fn first_held(&self) -> u64 {
        self.held.first().unwrap_or(self.highest + 1)
    }

    /// Gives up on the missing numbers below this one.
    fn skip_to(&mut self, to: u64, out: &mut impl FnMut(Handed<T>)) {
        while self.next < to {
            let end = self.held.first().unwrap_or(to).min(to);
            if end > self.next {
                self.missed += end - self.next;
                self.settled += end - self.next;
                out(Handed::Missed(end - self.next));
                self.next = end;
            }
            self.hand_on(out);
        }
        self.hand_on(out);
    }
}

#[cfg(all(test, not(oxide_loom)))]
#[path = "../../tests/incoming.rs"]
mod tests;
