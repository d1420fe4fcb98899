//! Untracked numbers: those of an exporter of which this link imports only a part. A gap means nothing then, because
//! the missing frames may be for others. So each frame is passed on as it comes, and only its number is remembered.
//! Tests: `tests/link/crossing.rs`.

use super::{Coverage, Incoming};
use crate::link::inbound::arrival::Handed;

/// How many numbers are remembered while gaps mean nothing.
const MAX_RECENT: usize = 8192;

impl<T> Incoming<T> {
    /// Whether frames are passed on as they come.
    pub(super) fn ignores_gaps(&self) -> bool {
        self.start.is_some() && self.coverage != Coverage::Whole
    }

    /// Notes a number that came while gaps mean nothing.
    pub(super) fn remember(&mut self, sequence: u64) {
        self.settled += 1;
        self.recent.insert(sequence);
        if self.recent.len() > MAX_RECENT
            && let Some(oldest) = self.recent.pop_first()
        {
            self.next = self.next.max(oldest + 1);
        }
    }

    /// Passes on all held frames, because gaps mean nothing.
    pub(super) fn release(&mut self, out: &mut impl FnMut(Handed<T>)) {
        self.stop_waiting();
        while let Some(sequence) = self.held.first() {
            if let Some(frame @ Handed::Frame(_)) = self.held.take_first(sequence) {
                self.remember(sequence);
                out(frame);
            }
        }
    }

    /// Tells gaps that meant nothing until now, and mean losses after all. Frames behind them are passed on already.
    pub(super) fn tell_gaps_below(&mut self, end: u64, out: &mut impl FnMut(Handed<T>)) {
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

    /// How many numbers mean nothing, because this link does not import everything that the exporter exports.
    pub(in crate::link) fn untracked(&self) -> u64 {
        match self.start {
            Some(start) if self.ignores_gaps() => (self.highest + 1)
                .saturating_sub(start)
                .saturating_sub(self.settled),
            _ => 0,
        }
    }
}
