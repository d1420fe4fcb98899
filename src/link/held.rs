//! Frames of one life of an exporter that wait for earlier ones.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::link::arrival::Handed;
use crate::link::control::MAX_GAPS;

/// Frames and tombstones by number, with their sizes and when they came.
#[derive(Debug)]
pub(super) struct HeldFrames<T> {
    frames: BTreeMap<u64, (Handed<T>, usize, Instant)>,
    bytes: usize,
}

impl<T> HeldFrames<T> {
    pub(super) fn new() -> Self {
        HeldFrames {
            frames: BTreeMap::new(),
            bytes: 0,
        }
    }

    pub(super) fn insert(&mut self, sequence: u64, what: Handed<T>, size: usize, now: Instant) {
        self.bytes += size;
        self.frames.insert(sequence, (what, size, now));
    }

    /// Takes what has this number.
    pub(super) fn take(&mut self, sequence: u64) -> Option<Handed<T>> {
        let (what, size, _) = self.frames.remove(&sequence)?;
        self.bytes -= size;
        Some(what)
    }

    pub(super) fn contains(&self, sequence: u64) -> bool {
        self.frames.contains_key(&sequence)
    }

    pub(super) fn first(&self) -> Option<u64> {
        self.frames.keys().next().copied()
    }

    /// When the first of them came.
    pub(super) fn first_came_at(&self) -> Option<Instant> {
        let (_, (_, _, came_at)) = self.frames.first_key_value()?;
        Some(*came_at)
    }

    pub(super) fn last(&self) -> Option<u64> {
        self.frames.keys().next_back().copied()
    }

    /// Drops those with higher numbers. Returns how many there were.
    pub(super) fn drop_beyond(&mut self, number: u64) -> u64 {
        let dropped = self.frames.split_off(&number.saturating_add(1));
        self.bytes -= dropped.values().map(|(_, size, _)| size).sum::<usize>();
        dropped.len() as u64
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the first gaps between these numbers, with no more numbers in them than there is room for.
    pub(super) fn gaps(&self, mut from: u64, to: u64, mut room: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let held = self.frames.range(from..).map(|(sequence, _)| *sequence);
        for held in held.chain([to + 1]) {
            if room == 0 || gaps.len() == MAX_GAPS {
                break;
            }
            if held > from {
                let end = held.min(from.saturating_add(room));
                gaps.push((from, end - 1));
                room -= end - from;
            }
            from = held + 1;
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_those_between_what_is_held_as_far_as_there_is_room() {
        let mut held = HeldFrames::new();
        for sequence in [3, 4, 7] {
            held.insert(sequence, Handed::Frame(()), 1, Instant::now());
        }
        assert_eq!(held.gaps(1, 9, 100), [(1, 2), (5, 6), (8, 9)]);
        assert_eq!(held.gaps(1, 7, 100), [(1, 2), (5, 6)]);
        assert_eq!(held.gaps(5, 9, 3), [(5, 6), (8, 8)]);
        assert_eq!(held.gaps(1, 9, 1), [(1, 1)]);
        assert_eq!(held.gaps(1, 9, 0), []);
    }
}
