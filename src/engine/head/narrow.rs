//! Narrow queues: those in reach that have less room than the segment has slots.
//!
//! A subscriber may make room while a segment fills. So a segment may be longer than the room of some queues in its
//! reach. Each publish looks how much room these have by then, and claims no slot beyond that. Where the next slot
//! finds no room, the segment is closed, and the next one leaves that queue out.
//!
//! * **A capacity is exact.** Only publishers fill a queue, and all of them claim by the segment's one word. So between
//!   a look and the claim that it is for, room only grows.
//! * **A queue is left out only if it is full.** The publisher that opens the next segment looks again.
//!
//! A publish pays for each narrow queue, and the publisher that opens a segment pays for each queue. The
//! [length](Shortage::length) of a segment weighs the two. A queue that publishers wait for is never narrow: they wait
//! until it has room for a batch.
//!
//! The models are in `engine/tests/core_loom_narrow.rs`.

use std::ops::Range;

use super::Head;
use super::accounts::WatchedQueue;
use crate::queue::entry::Entry;
use crate::queue::segment::MAX_SLOTS;
use crate::queue::shared::SharedQueue;

/// What opening a segment costs for each queue, in looks at a narrow queue.
const OPEN_COST: usize = 3;

/// The fixed cost of opening a segment, as a number of queues.
const FIXED: usize = 4;

/// The queues that have less room than the longest segment has slots.
pub(super) struct Shortage<'a, M>(Vec<(usize, &'a SharedQueue<M>, u64)>);

impl<'a, M> Shortage<'a, M> {
    pub(super) fn new() -> Self {
        Shortage(Vec::new())
    }

    pub(super) fn add(&mut self, queue: &'a SharedQueue<M>, entry: &Entry, room: usize) {
        self.0.push((room, queue, entry.enqueued));
    }

    /// Returns for how many envelopes every queue has room now.
    pub(super) fn least_room(&self) -> usize {
        let rooms = self.0.iter().map(|(room, ..)| *room);
        rooms.min().unwrap_or(usize::MAX)
    }

    /// Returns how many slots a segment should have, up to `most`, if it reaches this many queues.
    pub(super) fn length(&self, most: usize, in_reach: usize) -> usize {
        if self.0.is_empty() {
            return most;
        }
        let mut with_room = [0; MAX_SLOTS];
        for (room, ..) in &self.0 {
            with_room[*room] += 1;
        }
        let open_cost = OPEN_COST * (in_reach + FIXED) * MAX_SLOTS;
        let mut narrow = 0;
        let cost = |slots: &usize| {
            narrow += with_room[slots - 1];
            narrow * MAX_SLOTS + open_cost / slots
        };
        (1..=most).min_by_key(cost).unwrap_or(most)
    }

    /// Returns the queues that are narrow if the segment has this many slots.
    pub(super) fn narrow(&self, slots: usize) -> Box<[WatchedQueue]> {
        let narrow = self.0.iter().filter(|(room, ..)| *room < slots);
        let narrow = narrow.map(|&(_, queue, enqueued)| WatchedQueue::new(queue, enqueued));
        narrow.collect()
    }
}

impl<M> Head<M> {
    /// Claims up to `wanted` consecutive slots, for which every queue in reach has room. The caller writes each of them
    /// once, and then wakes the readers.
    #[inline]
    pub(crate) fn claim(&self, wanted: usize) -> Option<Range<usize>> {
        self.segment.claim(self.epoch, wanted, self.places())
    }

    /// Whether a slot that keeps its envelope could be claimed at this moment. A hint: `claim` looks again.
    #[inline]
    pub(crate) fn has_place(&self) -> bool {
        self.segment.has_slot(self.places())
    }

    /// Returns how many slots of the segment every narrow queue has room for by now.
    #[inline]
    pub(super) fn places(&self) -> usize {
        let places = self.narrow.iter().map(WatchedQueue::places).min();
        places.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX))
    }
}
