//! The envelopes of a log over time: the busiest second, and the whole time in some pieces.
//!
//! Both take little memory, however long the log is.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;

/// How many pieces there are at most.
const MAX_PIECES: usize = 120;

/// How many seconds are counted at a time. An envelope that comes later than that is counted as if its second began
/// anew.
const MAX_SECONDS: usize = 4_096;

#[derive(Default)]
pub(super) struct AuditTimeline {
    /// The seconds that were counted last, and the order in which they came: another log may begin anew.
    seconds: HashMap<i64, u64>,
    in_order: VecDeque<i64>,
    busiest: Option<BusySecond>,
    /// The second with which the first piece begins.
    start: i64,
    /// How many seconds a piece has; 0 before the first envelope.
    width: i64,
    pieces: Vec<u64>,
}

/// A second, as seconds since 1970, and how many envelopes were made in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct BusySecond {
    pub(super) second: i64,
    pub(super) envelopes: u64,
}

impl AuditTimeline {
    pub(super) fn add(&mut self, second: i64) {
        let envelopes = self.seconds.entry(second).or_insert_with(|| {
            self.in_order.push_back(second);
            0
        });
        *envelopes += 1;
        let envelopes = *envelopes;
        if self
            .busiest
            .is_none_or(|busiest| envelopes > busiest.envelopes)
        {
            self.busiest = Some(BusySecond { second, envelopes });
        }
        if self.in_order.len() > MAX_SECONDS
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.seconds.remove(&oldest);
        }
        *self.piece(second) += 1;
    }

    /// Returns the second in which the most envelopes were made. If there are several, returns the one that reached
    /// that number first.
    pub(super) fn busiest(&self) -> Option<BusySecond> {
        self.busiest
    }

    /// Returns the pieces in the order of time: the second with which each begins, and its envelopes.
    pub(super) fn pieces(&self) -> impl Iterator<Item = BusySecond> {
        (0..)
            .zip(&self.pieces)
            .map(|(piece, envelopes)| BusySecond {
                second: self.start + piece * self.width,
                envelopes: *envelopes,
            })
    }

    /// Returns how many seconds a piece has.
    pub(super) fn width(&self) -> i64 {
        self.width
    }

    /// Returns the piece that a second belongs to. Makes the pieces wider if there would be too many.
    fn piece(&mut self, second: i64) -> &mut u64 {
        if self.width == 0 {
            (self.start, self.width, self.pieces) = (second, 1, vec![0]);
        }
        loop {
            // Times have four digits for the year, so nothing overflows.
            let before = (self.start - second + self.width - 1)
                .div_euclid(self.width)
                .max(0);
            let from = self.start - before * self.width;
            let place = usize::try_from((second - from) / self.width).unwrap_or(usize::MAX);
            let count = usize::try_from(before)
                .unwrap_or(usize::MAX)
                .saturating_add(self.pieces.len());
            if place.max(count - 1) < MAX_PIECES {
                self.start = from;
                self.pieces.splice(0..0, (0..before).map(|_| 0));
                let count = self.pieces.len().max(place + 1);
                self.pieces.resize(count, 0);
                return &mut self.pieces[place];
            }
            self.pieces = (self.pieces.chunks(2))
                .map(|pair| pair.iter().sum())
                .collect();
            self.width *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_all_envelopes_in_their_time_whatever_order_they_come_in() {
        for seed in 0..50 {
            let mut random = fastrand::Rng::with_seed(seed);
            let span = 1 << random.u32(1..38);
            let seconds: Vec<i64> = (0..500).map(|_| random.i64(0..span)).collect();
            let mut timeline = AuditTimeline::default();
            for second in &seconds {
                timeline.add(*second);
            }
            let pieces: Vec<_> = timeline.pieces().collect();
            assert!(pieces.len() <= MAX_PIECES, "seed {seed}");
            for piece in &pieces {
                let time = piece.second..piece.second + timeline.width();
                let count = seconds
                    .iter()
                    .filter(|second| time.contains(second))
                    .count();
                assert_eq!(piece.envelopes, count as u64, "seed {seed}");
            }
            let total: u64 = pieces.iter().map(|piece| piece.envelopes).sum();
            assert_eq!(total, 500, "seed {seed}");
        }
    }

    #[test]
    fn the_busiest_second_is_found_in_more_seconds_than_are_counted_at_a_time() {
        let mut timeline = AuditTimeline::default();
        for second in 0..20_000 {
            for _ in 0..=(second % 7) + 3 * i64::from(second == 9_000) {
                timeline.add(second);
            }
        }
        let busiest = BusySecond {
            second: 9_000,
            envelopes: 9_000 % 7 + 4,
        };
        assert_eq!(timeline.busiest(), Some(busiest));
        assert_eq!(timeline.seconds.len(), MAX_SECONDS);
    }

    #[test]
    fn a_log_that_begins_anew_after_a_long_one_is_counted_as_well() {
        let mut timeline = AuditTimeline::default();
        (0..7_200).for_each(|second| timeline.add(second));
        (0..1_000).for_each(|_| timeline.add(10));
        let busiest = timeline.busiest().expect("there are envelopes");
        assert_eq!((busiest.second, busiest.envelopes), (10, 1_000));
    }
}
