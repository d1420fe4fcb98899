//! Ages: how long the oldest envelope of each queue has waited, estimated from the looks at the bus.
//!
//! A queue does not know when its oldest envelope came, because keeping that would cost each publish something. But it
//! knows how many envelopes went in and out so far. If more had gone in at some earlier look than have gone out by now,
//! the oldest one was already queued then.

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

use crate::bus::subscription_stats::SubscriptionStats;
use crate::message::overflow::Overflow;

/// The most marks that are kept of a queue. When there are more, every second one is dropped.
const MARKS: usize = 32;

/// What earlier looks have seen of each queue.
#[derive(Debug, Default)]
pub(super) struct QueueAges(HashMap<Uuid, VecDeque<LookMark>>);

/// One look at a queue.
#[derive(Debug, Clone, Copy)]
struct LookMark {
    /// How many envelopes had gone in.
    went_in: u64,
    /// The time of the look, in milliseconds.
    at: u64,
}

impl QueueAges {
    /// Notes a look at all queues of a bus. Returns for each queue how long its oldest envelope has waited at least, in
    /// milliseconds. Queues that are gone are forgotten.
    pub(super) fn look(&mut self, queues: &[SubscriptionStats], now: u64) -> Vec<Option<u64>> {
        let mut before = std::mem::take(&mut self.0);
        let waited = queues.iter().map(|queue| {
            let mut marks = before.remove(&queue.id).unwrap_or_default();
            let waited = look(&mut marks, queue, now);
            self.0.insert(queue.id, marks);
            waited
        });
        waited.collect()
    }
}

fn look(marks: &mut VecDeque<LookMark>, queue: &SubscriptionStats, now: u64) -> Option<u64> {
    let displaced = match queue.overflow {
        Overflow::DropOldest => queue.dropped, // these were queued, and went out
        _ => 0,
    };
    let went_out = queue.received + displaced;
    while marks
        .pop_front_if(|mark| mark.went_in <= went_out)
        .is_some()
    {}
    let oldest = marks.front().map(|mark| now.saturating_sub(mark.at));
    let went_in = went_out + queue.queued;
    if marks.back().map_or(went_out, |mark| mark.went_in) < went_in {
        marks.push_back(LookMark { went_in, at: now });
    }
    if marks.len() > MARKS {
        let mut is_kept = false;
        marks.retain(|_| {
            is_kept = !is_kept;
            is_kept
        });
    }
    oldest.filter(|_| queue.queued > 0)
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use crate::{Bus, SubscribeOptions};

    use super::*;

    /// Looks at a bus with one subscription.
    fn waited(ages: &mut QueueAges, bus: &Bus<u32>, now: u64) -> Option<u64> {
        ages.look(&bus.stats().subscriptions, now)[0]
    }

    #[test]
    fn the_oldest_envelope_has_waited_since_the_first_look_that_saw_it() {
        let (bus, mut ages) = (Bus::<u32>::new(), QueueAges::default());
        let mut subscription = bus.subscribe();
        assert_eq!(waited(&mut ages, &bus, 0), None, "nothing is queued");
        bus.send("counter", 1).unwrap();
        assert_eq!(waited(&mut ages, &bus, 10), None, "it came since");
        bus.send("counter", 2).unwrap();
        assert_eq!(waited(&mut ages, &bus, 20), Some(10));
        subscription.recv().unwrap();
        assert_eq!(waited(&mut ages, &bus, 50), Some(30), "the second");
        subscription.recv().unwrap();
        assert_eq!(waited(&mut ages, &bus, 60), None);
    }

    #[test]
    fn an_envelope_that_was_displaced_has_waited_no_more() {
        let (bus, mut ages) = (Bus::<u32>::new(), QueueAges::default());
        let newest =
            (SubscribeOptions::new().capacity(1).source("counter")).overflow(Overflow::DropOldest);
        let _subscription = bus.subscribe_with(newest).unwrap();
        for now in 0..3 {
            bus.send("counter", 0).unwrap();
            assert_eq!(waited(&mut ages, &bus, now), None);
        }
        assert_eq!(waited(&mut ages, &bus, 9), Some(7));
    }

    #[test]
    fn many_looks_keep_few_marks_and_the_first_of_them() {
        let (bus, mut ages) = (Bus::<u32>::new(), QueueAges::default());
        let subscription = bus.subscribe_with(SubscribeOptions::new().capacity(1_000));
        for now in 0..1_000 {
            bus.send("counter", 0).unwrap();
            waited(&mut ages, &bus, now);
        }
        assert_eq!(waited(&mut ages, &bus, 1_000), Some(1_000));
        assert!(ages.0.values().all(|marks| marks.len() <= MARKS));
        drop(subscription);
        ages.look(&bus.stats().subscriptions, 2_000);
        assert!(ages.0.is_empty(), "it is forgotten");
    }
}
