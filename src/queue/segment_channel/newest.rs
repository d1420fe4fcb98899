//! What a lane keeps for a subscriber that wants the newest: segments, of which openers take out the oldest.
//!
//! Such a queue always has room, so every segment is put into it. Before a publisher opens the next segment, it *cuts
//! off* what comes before the last `capacity` envelopes: segments that end there are taken out, and in one that goes on
//! the subscriber begins at the cut. So the queue holds the last `capacity`, the segment that is appended to, and what is
//! left of the one in the subscriber's hand: fewer than two segments more than the capacity.
//!
//! # Why it is right
//!
//! * **The newest stay.** A cut is `capacity` before the end of a segment that is closed and was put here.
//! * **What is lost is counted once, and told where it lies.** What is queued here is the range of sequence numbers from
//!   the base of the first segment, or the last cut, to the end. Under the lock a segment is taken, with the cut that its
//!   subscriber begins at, or a cut is made, and what it passes over is counted. The segment that is taken next shows the
//!   gap, by its place in the sequence.
//! * **No publisher waits for a subscriber.** One that finds the lock taken leaves its cut to whoever holds it: it is held
//!   for some instructions, and user code never runs under it.
//! * **It is bounded.** Should the system stop a thread that holds the lock, publishers wait for it once so many envelopes
//!   have come that the queue would grow without end.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::queue::segment::Segment;
use crate::support::sync::channel::Receiver;
use crate::support::sync::{AtomicU64, Mutex, Ordering, fence};

/// How many envelopes may be due while the lock is taken, until publishers wait for it.
const MOST_DUE: u64 = 1 << 14;

pub(crate) struct Newest<M> {
    capacity: u64,
    kept: Mutex<Kept<M>>,
    /// What comes before this sequence number is to go.
    due: AtomicU64,
    /// What comes before this one was cut off. Written under the lock.
    cut: AtomicU64,
    /// How many envelopes were cut off that the subscriber had not taken. Written under the lock.
    lost: AtomicU64,
}

struct Kept<M> {
    sent: Receiver<Arc<Segment<M>>>,
    /// Those that are out of the channel, in order.
    segments: VecDeque<Arc<Segment<M>>>,
    /// Segments with a lower base came before.
    seen: u64,
}

impl<M> Newest<M> {
    pub(super) fn new(capacity: usize, sent: Receiver<Arc<Segment<M>>>) -> Self {
        Newest {
            capacity: capacity as u64,
            kept: Mutex::new(Kept {
                sent,
                segments: VecDeque::new(),
                seen: 0,
            }),
            due: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    /// Takes the first segment, and the sequence number before which it was cut off. The subscriber has all that comes
    /// before `next`.
    pub(super) fn take(
        &self,
        next: u64,
        gone: &mut Vec<Arc<Segment<M>>>,
    ) -> Option<(Arc<Segment<M>>, u64)> {
        let mut kept = self.kept.lock();
        let cut = self.cut.load(Ordering::Relaxed); // written under the lock
        kept.collect(gone);
        let first = kept.segments.pop_front();
        drop(kept);
        self.cut_off(next, gone);
        Some((first?, cut))
    }

    /// Lets the last `capacity` before `end` stay, which is that of a segment that was put here and is closed. What is
    /// taken out may be dropped when the publish is over: that is user code. The subscriber began at `start`.
    pub(crate) fn keep_up_to(&self, end: u64, start: u64, gone: &mut Vec<Arc<Segment<M>>>) {
        let due = end.saturating_sub(self.capacity);
        // Release, against the acquire in `cut_off`: how far the segments before that are filled is known there.
        self.due.fetch_max(due, Ordering::Release);
        self.cut_off(start, gone);
    }

    fn cut_off(&self, start: u64, gone: &mut Vec<Arc<Segment<M>>>) {
        loop {
            // Against itself, in whoever holds the lock: either the lock is found free here, or what is due is seen there,
            // after the lock was given back.
            fence(Ordering::SeqCst);
            let due = self.due.load(Ordering::Acquire); // against the release in `keep_up_to`
            let cut = self.cut.load(Ordering::Relaxed);
            if cut >= due {
                return;
            }
            let kept = if due - cut > MOST_DUE {
                Some(self.kept.lock())
            } else {
                self.kept.try_lock()
            };
            let Some(mut kept) = kept else { return };
            let cut = self.cut.load(Ordering::Relaxed);
            kept.collect(gone);
            if let Some(first) = kept.segments.front() {
                let lost = due.saturating_sub(first.base().max(cut).max(start));
                self.lost.store(self.lost() + lost, Ordering::Relaxed); // a figure, no more
            }
            kept.shed(due, gone);
            self.cut.store(due.max(cut), Ordering::Relaxed);
        }
    }

    /// How many envelopes were cut off so far.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn clear(&self) {
        let mut kept = self.kept.lock();
        let mut gone = Vec::new();
        kept.collect(&mut gone);
        gone.extend(kept.segments.drain(..));
        drop(kept); // what is gone is dropped after that, which is user code
    }
}

impl<M> Kept<M> {
    /// Takes all out of the channel. A segment is handed over before the next one is opened, so each comes in order the
    /// first time.
    fn collect(&mut self, gone: &mut Vec<Arc<Segment<M>>>) {
        for segment in self.sent.try_iter() {
            if segment.base() < self.seen {
                gone.push(segment);
            } else {
                self.seen = segment.base() + 1;
                self.segments.push_back(segment);
            }
        }
    }

    /// Takes out what is wholly cut off. A segment that more may be appended to begins after all cuts.
    fn shed(&mut self, cut: u64, gone: &mut Vec<Arc<Segment<M>>>) {
        let is_over = |it: &mut Arc<Segment<M>>| {
            it.base() < cut && it.base() + it.filled().claimed as u64 <= cut
        };
        gone.extend(std::iter::from_fn(|| self.segments.pop_front_if(is_over)));
    }
}

#[cfg(all(test, oxide_loom))]
#[path = "../tests/segment_channel_newest_loom_models.rs"]
mod loom_models;
