//! What comes from one life of one exporter: a state machine without I/O.
//!
//! It puts frames into their order, passes over those that came before, asks for those that are missing, and gives up
//! on what will not come. Each number is delivered, passed over as a duplicate, or told as missed, once.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use crate::link::arrival::{Arrival, Handed};
use crate::link::asking::AskingTimes;
use crate::link::control::{MAX_GAPS, MAX_SEQUENCE, Mark};
use crate::link::gap_patience::GapPatience;

/// How far beyond all that is known a number may be. A frame that is farther is refused, for it would make the importer
/// wait for what does not exist.
const MAX_JUMP: u64 = 1 << 20;

/// How many numbers are remembered where gaps say nothing.
const MAX_RECENT: usize = 8192;

/// Whether the importer imports all that the exporter exports. Only then does a gap mean a loss.
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
    /// The first number that is ours, once it is known.
    start: Option<u64>,
    /// The next number to hand on.
    next: u64,
    /// The highest number that came or that a mark has told.
    highest: u64,
    /// Frames, with their sizes, and tombstones that wait for earlier ones.
    held: BTreeMap<u64, Option<(T, usize)>>,
    pub(super) held_bytes: usize,
    /// How many bytes wait in other lives.
    pub(super) held_elsewhere: usize,
    /// Numbers that came, where gaps say nothing.
    recent: BTreeSet<u64>,
    arrived: u64,
    /// Frames that could not be taken, where gaps say nothing. They are told as missed before the next frame.
    passed_over: u64,
    /// Since when the first gap, or the start, is waited for.
    waits_since: Option<Instant>,
    asking: AskingTimes,
    /// A mark is needed.
    wants_mark: bool,
    pub(super) duplicates: u64,
    pub(super) early: u64,
    pub(super) missed: u64,
}

impl<T> Incoming<T> {
    pub(super) fn new(patience: GapPatience) -> Self {
        Incoming {
            patience,
            coverage: Coverage::Unknown,
            start: None,
            next: 1,
            highest: 0,
            held: BTreeMap::new(),
            held_bytes: 0,
            held_elsewhere: 0,
            recent: BTreeSet::new(),
            arrived: 0,
            passed_over: 0,
            waits_since: None,
            asking: AskingTimes::new(patience.ask_again),
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
        if self.is_far(sequence) {
            self.wants_mark = true;
            return Arrival::TooFar;
        }
        if self.start.is_some_and(|start| sequence < start) {
            self.early += 1;
            return Arrival::Early;
        }
        if self.has_come(sequence) {
            self.duplicates += 1;
            return Arrival::Duplicate;
        }
        self.arrived += 1;
        self.raise_highest(sequence, sequence);
        if self.coverage == Coverage::Partly {
            self.remember(sequence);
            if self.passed_over > 0 {
                out(Handed::Missed(std::mem::take(&mut self.passed_over)));
            }
            out(Handed::Frame(frame));
            return Arrival::Taken;
        }
        self.held.insert(sequence, Some((frame, size)));
        self.held_bytes += size;
        self.settle(now, out);
        Arrival::Taken
    }

    /// Takes a tombstone: what has this number will not come. Where gaps say nothing it may be none of ours.
    pub(super) fn bury(&mut self, sequence: u64, now: Instant, out: &mut impl FnMut(Handed<T>)) {
        if !self.is_new(sequence) {
            return;
        }
        self.raise_highest(sequence, sequence);
        if self.coverage != Coverage::Partly {
            self.held.insert(sequence, None);
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
        sequence > self.highest.saturating_add(MAX_JUMP) || sequence > MAX_SEQUENCE
    }

    fn has_come(&self, sequence: u64) -> bool {
        if self.held.contains_key(&sequence) {
            return true;
        }
        match self.coverage {
            Coverage::Unknown => false,
            Coverage::Whole => sequence < self.next,
            Coverage::Partly => {
                let forgotten = self.recent.len() >= MAX_RECENT;
                self.recent.contains(&sequence)
                    || forgotten && self.recent.first().is_some_and(|first| sequence < *first)
            }
        }
    }

    fn remember(&mut self, sequence: u64) {
        self.recent.insert(sequence);
        if self.recent.len() > MAX_RECENT {
            self.recent.pop_first();
        }
        self.next = self.next.max(sequence + 1);
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
        self.raise_highest(mark.last, mark.last + 1);
        if self.start.is_none() {
            let start = if began_while_listening {
                1
            } else {
                self.first_held().min(mark.last + 1)
            };
            self.begin(start, covers, out);
        }
        if self.coverage == Coverage::Whole {
            if self.next < mark.first {
                self.skip_to(mark.first, out);
            }
            self.settle(now, out);
        }
    }

    fn begin(&mut self, start: u64, covers: bool, out: &mut impl FnMut(Handed<T>)) {
        self.start = Some(start);
        self.next = start;
        self.waits_since = None;
        self.asking.stop();
        self.asking.note_gap(); // nothing was asked for yet
        if covers {
            self.coverage = Coverage::Whole;
            return;
        }
        self.coverage = Coverage::Partly;
        self.held_bytes = 0;
        for (sequence, held) in std::mem::take(&mut self.held) {
            if let Some((frame, _)) = held {
                self.remember(sequence);
                out(Handed::Frame(frame));
            }
        }
    }

    /// Gives up on what has been waited for too long. `covers` as for [`mark`](Self::mark).
    pub(super) fn tick(&mut self, now: Instant, covers: bool, out: &mut impl FnMut(Handed<T>)) {
        let is_over = |since: Instant| now >= since + self.patience.give_up;
        if !self.waits_since.is_some_and(is_over) {
            return;
        }
        if self.start.is_none() {
            self.begin(self.first_held(), covers, out);
        } else {
            self.skip_gap(out);
        }
        self.settle(now, out);
    }

    /// The bus has no room at the moment: the time until a gap is given up begins anew.
    pub(super) fn hold_on(&mut self, now: Instant) {
        self.waits_since = self.waits_since.map(|_| now);
    }

    /// A frame cannot be taken now. Where gaps say nothing it is missed, and told before the next frame. Elsewhere it
    /// is asked for later.
    pub(super) fn pass_over(&mut self, sequence: u64, now: Instant) {
        if !self.is_new(sequence) {
            return;
        }
        self.highest = self.highest.max(sequence);
        if self.coverage == Coverage::Partly {
            self.remember(sequence);
            self.arrived += 1;
            self.missed += 1;
            self.passed_over += 1;
        } else {
            self.waits_since = Some(now);
            self.asking.put_off(sequence, now);
        }
    }

    /// Returns which gaps to ask for now: `Some` with none asks for a mark.
    pub(super) fn ask(&mut self, now: Instant) -> Option<Vec<(u64, u64)>> {
        if std::mem::take(&mut self.wants_mark) {
            return Some(Vec::new());
        }
        self.waits_since?;
        let beyond = self.asking.due(now)?;
        if self.start.is_none() {
            return (beyond == 0).then(Vec::new);
        }
        let gaps = self.gaps(beyond);
        (self.asking).asked(gaps.last().map_or(self.highest, |gap| gap.1));
        (!gaps.is_empty()).then_some(gaps)
    }

    /// Asks again for all gaps as soon as possible, since there is room for them now.
    pub(super) fn ask_anew(&mut self, now: Instant) {
        if self.waits_since.is_some() {
            self.asking.hurry(now);
        }
    }

    /// When [`tick`](Self::tick) is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let give_up = self.waits_since.map(|since| since + self.patience.give_up);
        give_up.into_iter().chain(self.asking.again_at()).min()
    }

    /// How many frames wait for earlier ones.
    pub(super) fn held(&self) -> u64 {
        self.held.len() as u64
    }

    /// How many numbers say nothing, since not all is imported that the exporter exports.
    pub(super) fn untracked(&self) -> u64 {
        match (self.coverage, self.start) {
            (Coverage::Partly, Some(start)) => (self.highest + 1)
                .saturating_sub(start)
                .saturating_sub(self.arrived),
            _ => 0,
        }
    }

    /// Returns the gaps beyond a number, the first of them.
    fn gaps(&self, beyond: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut from = self.next.max(beyond + 1);
        for &sequence in self.held.range(from..).map(|(sequence, _)| sequence) {
            if sequence > from {
                gaps.push((from, sequence - 1));
            }
            from = sequence + 1;
            if gaps.len() == MAX_GAPS {
                return gaps;
            }
        }
        if from <= self.highest {
            gaps.push((from, self.highest));
        }
        gaps
    }

    /// Hands on what is in order, and notes what is waited for.
    fn settle(&mut self, now: Instant, out: &mut impl FnMut(Handed<T>)) {
        if self.start.is_none() {
            if self.is_full() {
                self.begin(self.first_held(), true, out);
            } else {
                self.waits_since.get_or_insert(now);
                return;
            }
        }
        let before = self.next;
        self.hand_on(out);
        while self.is_full() {
            self.skip_gap(out);
        }
        if self.next > self.highest {
            self.waits_since = None;
            self.asking.stop();
            return;
        }
        if self.next > before {
            self.waits_since = None; // another gap than before
        }
        self.waits_since.get_or_insert(now);
    }

    fn is_full(&self) -> bool {
        let bytes = self.held_bytes + self.held_elsewhere;
        self.held.len() > self.patience.held
            || bytes > self.patience.held_bytes && !self.held.is_empty()
    }

    fn hand_on(&mut self, out: &mut impl FnMut(Handed<T>)) {
        while let Some(held) = self.held.remove(&self.next) {
            self.next += 1;
            if let Some((frame, size)) = held {
                self.held_bytes -= size;
                out(Handed::Frame(frame));
            } else {
                self.missed += 1;
                out(Handed::Missed(1));
            }
        }
    }

    /// Gives up on the first gap.
    fn skip_gap(&mut self, out: &mut impl FnMut(Handed<T>)) {
        self.skip_to(self.first_held(), out);
    }

    /// The first number that is held, or else the first that is not known of.
    fn first_held(&self) -> u64 {
        (self.held.keys().next().copied()).unwrap_or(self.highest + 1)
    }

    /// Gives up on what has not come below this number.
    fn skip_to(&mut self, to: u64, out: &mut impl FnMut(Handed<T>)) {
        while self.next < to {
            let held = self.held.keys().next().copied();
            let end = held.unwrap_or(to).min(to);
            if end > self.next {
                self.missed += end - self.next;
                out(Handed::Missed(end - self.next));
                self.next = end;
            }
            self.hand_on(out);
        }
        self.hand_on(out);
    }
}
