//! Held frames: those of one life of an exporter that wait for earlier ones.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::link::frames::control::MAX_GAPS;
use crate::link::inbound::arrival::Handed;

/// Frames and tombstones by number, each with its size and its time of arrival.
#[derive(Debug)]
pub(in crate::link) struct HeldFrames<T> {
    frames: BTreeMap<u64, (Handed<T>, usize, Instant)>,
    /// The numbers of the frames as runs without a gap: the first and the last of each. So gaps are found without a
    /// look at each frame. The first run may begin with numbers that were taken.
    runs: BTreeMap<u64, u64>,
    bytes: usize,
}

impl<T> HeldFrames<T> {
    pub(in crate::link) fn new() -> Self {
        HeldFrames {
            frames: BTreeMap::new(),
            runs: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Holds the frame or tombstone with this number. The number must be new, and not below one that was taken.
    pub(in crate::link) fn insert(
        &mut self,
        sequence: u64,
        what: Handed<T>,
        size: usize,
        now: Instant,
    ) {
        self.bytes += size;
        self.frames.insert(sequence, (what, size, now));
        let last = self.runs.remove(&(sequence + 1)).unwrap_or(sequence);
        let before = self.runs.range_mut(..sequence).next_back();
        match before.filter(|(_, end)| **end + 1 == sequence) {
            Some((_, end)) => *end = last,
            None => {
                self.runs.insert(sequence, last);
            }
        }
    }

    /// Takes the frame or tombstone with this number, if it is the first one.
    pub(in crate::link) fn take_first(&mut self, sequence: u64) -> Option<Handed<T>> {
        let first = self
            .frames
            .first_entry()
            .filter(|it| *it.key() == sequence)?;
        let (what, size, _) = first.remove();
        self.bytes -= size;
        if let Some(run) = self.runs.first_entry().filter(|run| *run.get() == sequence) {
            run.remove();
        }
        Some(what)
    }

    pub(in crate::link) fn contains(&self, sequence: u64) -> bool {
        self.frames.contains_key(&sequence)
    }

    pub(in crate::link) fn first(&self) -> Option<u64> {
        self.frames.keys().next().copied()
    }

    /// When the first held frame came.
    pub(in crate::link) fn first_came_at(&self) -> Option<Instant> {
        let (_, (_, _, came_at)) = self.frames.first_key_value()?;
        Some(*came_at)
    }

    pub(in crate::link) fn last(&self) -> Option<u64> {
        self.frames.keys().next_back().copied()
    }

    /// Drops the frames with higher numbers. Returns how many there were.
    pub(in crate::link) fn drop_beyond(&mut self, number: u64) -> u64 {
        let dropped = self.frames.split_off(&number.saturating_add(1));
        self.runs.split_off(&number.saturating_add(1));
        if let Some(mut run) = self.runs.last_entry() {
            *run.get_mut() = number.min(*run.get());
        }
        self.bytes -= dropped.values().map(|(_, size, _)| size).sum::<usize>();
        dropped.len() as u64
    }

    pub(in crate::link) fn len(&self) -> usize {
        self.frames.len()
    }

    pub(in crate::link) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the first gaps between these numbers, with no more numbers in them than there is room for.
    pub(in crate::link) fn gaps(&self, mut from: u64, to: u64, mut room: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let before = self.runs.range(..from).next_back();
        let runs = before.into_iter().chain(self.runs.range(from..));
        let runs = runs.map(|(first, last)| (*first, *last));
        for (first, last) in runs.chain([(to + 1, to + 1)]) {
            if room == 0 || gaps.len() == MAX_GAPS {
                break;
            }
            if first > from {
                let end = first.min(from.saturating_add(room));
                gaps.push((from, end - 1));
                room -= end - from;
            }
            from = from.max(last + 1);
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

    #[test]
    fn whatever_is_held_and_taken_the_gaps_are_those_between_and_cost_no_look_at_each_frame() {
        for seed in 0..200 {
            println!("seed {seed}");
            let mut random = fastrand::Rng::with_seed(seed);
            let (mut held, now) = (HeldFrames::new(), Instant::now());
            let mut next = 1;
            for _ in 0..200 {
                match random.u64(..10) {
                    0 => {
                        let end = next + random.u64(..40);
                        held.drop_beyond(end);
                    }
                    1..5 => {
                        next = held.first().unwrap_or(next);
                        while held.take_first(next).is_some() {
                            next += 1;
                        }
                    }
                    _ => {
                        let sequence = next + random.u64(..50);
                        if !held.contains(sequence) {
                            held.insert(sequence, Handed::Frame(()), 1, now);
                        }
                    }
                }
                let (from, to) = (next + random.u64(..20), next + 60);
                let missing = (from..=to).filter(|it| !held.contains(*it));
                let told = held.gaps(from, to, u64::MAX);
                let told: Vec<_> = told.into_iter().flat_map(|(from, to)| from..=to).collect();
                assert!(missing.eq(told), "{held:?}");
                let numbers: Vec<_> = held.frames.keys().copied().collect();
                let runs = numbers.chunk_by(|one, other| one + 1 == *other).count();
                assert_eq!((held.runs.len(), held.bytes), (runs, numbers.len()));
            }
        }
    }
}
