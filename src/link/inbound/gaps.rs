//! The gaps in what a link brings, for subscribers that want to know where they lie.
//!
//! An advisory tells of each gap too, but it comes in another queue than the envelopes. Here a gap has a place in the
//! bus's one order: before the next envelope that the link publishes. The queues carry nothing more for that.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::queue::delivery::Delivery;

/// How many places are kept. A gap whose place is forgotten is told with the next one.
const MAX_PLACES: usize = 1024;

/// Tells where the gaps of one link lie; made by [`Link::gaps`](crate::link::Link::gaps). Each subscriber needs one of
/// its own.
///
/// # Examples
///
/// ```
/// use oxide_bus::Bus;
/// use oxide_bus::link::Link;
/// use oxide_bus::link::memory::MemoryServer;
///
/// let bus = Bus::<u32>::new();
/// let link = Link::over(MemoryServer::new().engine())
///     .name("south")
///     .import_everything(bus.trusted_publisher("link"))
///     .spawn(&bus)?;
/// let (mut numbers, mut gaps) = (bus.subscribe(), link.gaps());
/// # drop(bus);
/// for number in numbers.iter() {
///     let number = number?;
///     if let Some(missed) = gaps.before(&number) {
///         println!("{missed} are missing before {}", number.message);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "it says where the gaps lie when it is asked"]
pub struct LinkGaps {
    record: Arc<GapRecord>,
    /// How many missing envelopes were told so far.
    told: u64,
}

impl LinkGaps {
    /// Returns how many envelopes are missing between the previous delivery that was asked about and this one, as far
    /// as the link knows. Each gap is told once. The subscriber may not listen to the missing envelopes; the link
    /// cannot know.
    ///
    /// Ask for each delivery, in the order in which they come. Losses of the subscriber's own queue are not counted
    /// here: a receive returns them as `Lagged`.
    ///
    /// # Cost
    ///
    /// An atomic load while nothing more is missing. Otherwise a lock, which the link takes once for each gap.
    pub fn before<M>(&mut self, delivery: &Delivery<M>) -> Option<u64> {
        // Relaxed: the link notes a gap before it publishes the next envelope, and that one was received.
        if self.record.missed.load(Ordering::Relaxed) == self.told {
            return None;
        }
        let missed = self.record.missed_before(delivery.sequence());
        let untold = missed.checked_sub(self.told)?;
        self.told = missed;
        (untold > 0).then_some(untold)
    }
}

/// The link's record of its gaps.
#[derive(Debug, Default)]
pub(in crate::link) struct GapRecord {
    /// How many envelopes are missing in all.
    missed: AtomicU64,
    /// Sequence numbers of the bus. Each has the number of envelopes that are missing in all before that envelope.
    places: Mutex<VecDeque<(u64, u64)>>,
}

impl GapRecord {
    /// Makes an observer of the gaps that are noted from now on.
    pub(in crate::link) fn watch(self: &Arc<Self>) -> LinkGaps {
        LinkGaps {
            record: Arc::clone(self),
            told: self.missed.load(Ordering::Relaxed), // see `LinkGaps::before`
        }
    }

    /// Notes that this many are missing before the envelope with this sequence number.
    pub(in crate::link) fn note(&self, sequence: u64, missed: u64) {
        let mut places = self.places.lock();
        let missed = self.missed.load(Ordering::Relaxed).saturating_add(missed); // changed under the lock only
        places.push_back((sequence, missed));
        if places.len() > MAX_PLACES {
            places.pop_front();
        }
        self.missed.store(missed, Ordering::Relaxed); // see `LinkGaps::before`
    }

    fn missed_before(&self, sequence: u64) -> u64 {
        let places = self.places.lock();
        let after = places.partition_point(|(place, _)| *place <= sequence);
        after.checked_sub(1).map_or(0, |last| places[last].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::envelope::Envelope;

    #[test]
    fn each_gap_is_told_once_and_none_is_forgotten_though_its_place_is() {
        let record = Arc::<GapRecord>::default();
        let delivery = |sequence| Delivery::alone(sequence, Envelope::new("link", sequence));
        record.note(0, 7);
        let (mut gaps, mut asks_at_the_end) = (record.watch(), record.watch());
        assert_eq!(gaps.before(&delivery(0)), None, "it was noted before");
        record.note(3, 1);
        record.note(3, 2);
        record.note(5, 4);
        assert_eq!(gaps.before(&delivery(2)), None);
        assert_eq!(gaps.before(&delivery(3)), Some(3));
        assert_eq!(gaps.before(&delivery(4)), None);
        assert_eq!(gaps.before(&delivery(9)), Some(4));
        for place in 10..2 * MAX_PLACES as u64 {
            record.note(place, 1);
        }
        assert_eq!(record.places.lock().len(), MAX_PLACES);
        let all = 7 + 2 * MAX_PLACES as u64 - 10;
        assert_eq!(asks_at_the_end.before(&delivery(1 << 20)), Some(all));
    }
}
