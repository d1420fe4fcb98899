//! The frames that importers have asked for again. Importers are served in turns, so none can hold back the others.

use std::collections::{BTreeSet, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The most importers that are served at once, and the most frames of each. Importers repeat any request beyond that.
const MAX_ASKERS: usize = 64;
const MAX_ASKED: usize = 4096;

/// The numbers that each importer has asked for.
#[derive(Debug, Default)]
pub(in crate::link) struct ResendQueue {
    by_asker: VecDeque<(Arc<str>, BTreeSet<u64>)>,
}

impl ResendQueue {
    /// Notes that an importer asks for these numbers, as many of the first as there is room for.
    pub(in crate::link) fn want(&mut self, asker: &str, numbers: RangeInclusive<u64>) {
        let mut askers = self.by_asker.iter();
        let at = askers.position(|(name, _)| &**name == asker);
        let at = at.unwrap_or(self.by_asker.len());
        if at == MAX_ASKERS || numbers.is_empty() {
            return;
        }
        if at == self.by_asker.len() {
            self.by_asker.push_back((asker.into(), BTreeSet::new()));
        }
        let asked = &mut self.by_asker[at].1;
        let room = MAX_ASKED.saturating_sub(asked.len());
        asked.extend(numbers.take(room));
    }

    /// Returns the next number to send.
    pub(in crate::link) fn first(&self) -> Option<u64> {
        self.by_asker.front()?.1.first().copied()
    }

    /// Removes a number that nobody needs any more. Returns whether it was there. If it was the first, it is the next
    /// importer's turn.
    pub(in crate::link) fn remove(&mut self, number: u64) -> bool {
        if self.first() == Some(number) {
            self.by_asker.rotate_left(1);
        }
        let mut was_asked = false;
        self.by_asker.retain_mut(|(_, asked)| {
            was_asked |= asked.remove(&number);
            !asked.is_empty()
        });
        was_asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(asked: &mut ResendQueue) -> Vec<u64> {
        std::iter::from_fn(|| asked.first().inspect(|it| assert!(asked.remove(*it)))).collect()
    }

    #[test]
    fn importers_are_served_in_turns_and_what_two_have_asked_for_is_sent_once() {
        let mut asked = ResendQueue::default();
        asked.want("a", 1..=4);
        asked.want("b", 3..=3);
        asked.want("c", 9..=10);
        assert!(!asked.remove(7));
        assert_eq!(all(&mut asked), [1, 3, 9, 2, 10, 4]);
    }

    #[test]
    fn what_one_importer_can_ask_for_is_bounded_and_does_not_hinder_others() {
        let mut asked = ResendQueue::default();
        asked.want("greedy", 1..=u64::MAX);
        asked.want("greedy", 5..=u64::MAX);
        asked.want("modest", 1_000_000..=1_000_000);
        asked.remove(1);
        assert_eq!(asked.first(), Some(1_000_000));
        assert_eq!(all(&mut asked).len(), MAX_ASKED);
        for asker in 0..1_000 {
            asked.want(&asker.to_string(), 1..=u64::MAX);
        }
        assert_eq!(asked.by_asker.len(), MAX_ASKERS);
    }
}
