//! The numbers of one life of an exporter that have come. A stream may hold a frame twice; this finds the second one.

/// How far below the highest number a missing one may be. An exporter has fewer frames than this under way at once, and
/// only those may change their order.
const WINDOW: u64 = 64 * WORDS as u64;
const WORDS: usize = 64;

/// A bit for each of the last [`WINDOW`] numbers. Unlike a server, it does not forget with time.
#[derive(Debug)]
pub(super) struct SeenNumbers {
    highest: u64,
    bits: Box<[u64; WORDS]>,
}

impl SeenNumbers {
    pub(super) fn new() -> Self {
        SeenNumbers {
            highest: 0,
            bits: Box::new([0; WORDS]),
        }
    }

    /// Whether this number has come already, or is so low that it must have come.
    pub(super) fn has(&self, number: u64) -> bool {
        let (word, bit) = bit(number);
        number <= self.highest && (number + WINDOW <= self.highest || self.bits[word] & bit != 0)
    }

    /// Notes that this number has come.
    pub(super) fn note(&mut self, number: u64) {
        if number > self.highest {
            if number - self.highest >= WINDOW {
                self.bits.fill(0);
            } else {
                for passed in self.highest + 1..number {
                    let (word, bit) = bit(passed);
                    self.bits[word] &= !bit;
                }
            }
            self.highest = number;
        } else if number + WINDOW <= self.highest {
            return;
        }
        let (word, bit) = bit(number);
        self.bits[word] |= bit;
    }
}

/// Returns the word of a number, and its bit in that word.
fn bit(number: u64) -> (usize, u64) {
    let [at, ..] = (number / 64).to_le_bytes();
    (usize::from(at) % WORDS, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_number_is_new_once_in_any_order_within_the_window() {
        for seed in 0..100 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (mut seen, mut model) = (SeenNumbers::new(), BTreeSet::new());
            let mut around = 1;
            for _ in 0..2_000 {
                around += [0, 1, 7, 5_000][random.usize(..4)];
                let number = around + random.u64(..100);
                let highest = model.last().copied().unwrap_or(0);
                let is_known = model.contains(&number) || number + WINDOW <= highest;
                assert_eq!(seen.has(number), is_known, "seed {seed}, number {number}");
                seen.note(number);
                model.insert(number);
            }
        }
    }

    #[test]
    fn a_number_that_was_overtaken_is_new_and_one_of_long_ago_is_not() {
        let mut seen = SeenNumbers::new();
        seen.note(9_000);
        assert!(seen.has(9_000) && !seen.has(8_999) && !seen.has(9_001));
        assert!(!seen.has(9_001 - WINDOW) && seen.has(9_000 - WINDOW));
        seen.note(1);
        assert!(!seen.has(9_001 - WINDOW));
    }
}
