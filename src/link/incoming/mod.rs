//! What comes from one life of one exporter: a state machine without I/O.
//!
//! It puts frames into their order, passes over those that came before, asks for those that are missing, and gives up
//! on what will not come. Each number is delivered, passed over as a duplicate, or told as missed, once.

mod beginning;
mod patience;

use std::collections::BTreeSet;

use tokio::time::Instant;

use crate::link::arrival::{Arrival, Handed};
use crate::link::control::{MAX_SEQUENCE, Mark};
use crate::link::gap_patience::GapPatience;
use crate::link::held::HeldFrames;
use crate::link::want_times::WantTimes;

/// How far beyond all that is known a number may be. A frame that is farther is refused, for it would make the importer
/// wait for what does not exist.
const MAX_JUMP: u64 = 1 << 20;

/// How many numbers are remembered where gaps say nothing.
const MAX_RECENT: usize = 8192;

/// Roughly what a tombstone takes in memory while it waits: as much as a frame without a content.
const TOMBSTONE: usize = 256;

/// Whether the importer imports all that the exporter exports. Only then does a gap mean a loss. Marks say it; until one
/// has come, nothing is told as missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    Unknown,
    Whole,
    Partly,
}

/// The frames of one life of one exporter.
#[derive(Debug)]
pub(super) struct Incoming<T> {
    patience: GapPatience,
    coverage: Coverage,
    /// When the exporter began, at the latest, as the marks so far say. It is of use until the start is known.
    began_at: Option<Instant>,
    /// The first number that is ours, once it is known.
    start: Option<u64>,
    /// What has a lower number has come, or will not be taken any more.
    next: u64,
    /// The highest number that came or that a mark has told.
    highest: u64,
    /// What has a higher number is not taken.
    limit: u64,
    held: HeldFrames<T>,
    /// Numbers that came, where gaps say nothing.
    recent: BTreeSet<u64>,
    /// The lowest number that came before the start was known, and could not be taken. It is asked for later.
    first_put_off: Option<u64>,
    /// How many numbers from the start on were handed on or told as missed.
    settled: u64,
    /// Frames that could not be taken, where gaps say nothing. They are told as missed before the next frame.
    passed_over: u64,
    /// Since when the first gap, or the start, is waited for.
    waits_since: Option<Instant>,
    /// When anything came from the exporter last.
    heard_at: Instant,
    /// When it seemed to be away last.
    away_until: Instant,
    /// The exporter has begun another life.
    is_superseded: bool,
    /// Since a cut no mark has said how far the exporter is.
    is_in_doubt: bool,
    asking: WantTimes,
    /// A mark is needed.
    wants_mark: bool,
    pub(super) duplicates: u64,
    pub(super) early: u64,
    pub(super) missed: u64,
}

impl<T> Incoming<T> {
    pub(super) fn new(patience: GapPatience, now: Instant) -> Self {
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
            is_superseded: false,
            is_in_doubt: false,
            asking: WantTimes::new(patience.ask_again),
            wants_mark: false,
            duplicates: 0,
            early: 0,
            missed: 0,
        }
    }

    /// Takes a frame.
    pub(super) fn arrive(
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
        // Before the start is known, it is not known either how far the exporter is.
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
            // Most frames come in order: these need not be held.
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

    /// Takes a tombstone: what has this number will not come. Where gaps say nothing it may be none of ours.
    pub(super) fn bury(&mut self, sequence: u64, now: Instant, out: &mut impl FnMut(Handed<T>)) {
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

    /// Frames are handed on as they come.
    fn ignores_gaps(&self) -> bool {
        self.start.is_some() && self.coverage != Coverage::Whole
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

    /// Notes a number that came where gaps say nothing.
    fn remember(&mut self, sequence: u64) {
        self.settled += 1;
        self.recent.insert(sequence);
        if self.recent.len() > MAX_RECENT
            && let Some(oldest) = self.recent.pop_first()
        {
            self.next = self.next.max(oldest + 1);
        }
    }

    /// Takes a mark. `covers` says whether all that the exporter exports is imported here, and `began_while_listening`
    /// whether this link listened before the exporter began.
    pub(super) fn mark(
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

    /// Gaps say nothing: nothing waits for them.
    fn release(&mut self, out: &mut impl FnMut(Handed<T>)) {
        self.stop_waiting();
        while let Some(sequence) = self.held.first() {
            if let Some(frame @ Handed::Frame(_)) = self.held.take_first(sequence) {
                self.remember(sequence);
                out(frame);
            }
        }
    }

    /// Gaps that said nothing mean losses after all. What was sent after them is handed on already.
    fn tell_gaps_below(&mut self, end: u64, out: &mut impl FnMut(Handed<T>)) {
        let numbers = end.saturating_sub(self.start.unwrap_or(end));
        let gaps = numbers.saturating_sub(self.settled);
        self.missed += gaps;
        self.settled += gaps;
        let missed = gaps + std::mem::take(&mut self.passed_over);
        if missed > 0 {
            out(Handed::Missed(missed));
        }
        self.recent.clear();
        self.next = end;
    }

    /// A frame cannot be taken now. Where gaps say nothing it is missed, and told before the next frame. Elsewhere it
    /// is asked for later.
    pub(super) fn pass_over(&mut self, sequence: u64, now: Instant) {
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

    /// From now on nothing is taken that is not known of yet.
    pub(super) fn close(&mut self) {
        self.limit = self.highest;
    }

    fn is_closed(&self) -> bool {
        self.limit < MAX_SEQUENCE
    }

    /// Whether a gap, or the start, is waited for.
    pub(super) fn waits(&self) -> bool {
        self.waits_since.is_some()
    }

    /// How many numbers are waited for, with those that wait behind them.
    pub(super) fn awaited(&self) -> u64 {
        if !self.waits() {
            return 0;
        }
        let from = self.start.map_or(self.first_known(), |_| self.next);
        (self.highest + 1).saturating_sub(from).max(1)
    }

    pub(super) fn heard_at(&self) -> Instant {
        self.heard_at
    }

    pub(super) fn held(&self) -> &HeldFrames<T> {
        &self.held
    }

    /// How many numbers say nothing, since not all is imported that the exporter exports.
    pub(super) fn untracked(&self) -> u64 {
        match self.start {
            Some(start) if self.ignores_gaps() => (self.highest + 1)
                .saturating_sub(start)
                .saturating_sub(self.settled),
            _ => 0,
        }
    }

    /// Hands on what is in order, and notes what is waited for.
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

    /// The first number that is held, or else the first that is not known of.
    fn first_held(&self) -> u64 {
        self.held.first().unwrap_or(self.highest + 1)
    }

    /// Gives up on what has not come below this number.
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
#[path = "../tests/incoming.rs"]
mod tests;
