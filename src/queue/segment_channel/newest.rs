//! The segments of a queue that keeps the newest, of which publishers take out the oldest.
//!
//! It implements `DropOldest` for shared queues. Such a queue always has room, so every segment is put into it. Before
//! a publisher opens the next segment, it *cuts off* everything before the last `capacity` envelopes. Segments that end
//! before the cut are taken out. In a segment that goes on after it, the subscriber begins at the cut. So the queue
//! holds the last `capacity` envelopes, the segment that is appended to, and the rest of the segment in the
//! subscriber's hand: fewer than two segments more than the capacity.
//!
//! # Why it is right
//!
//! * **The newest stay.** A cut lies `capacity` before the end of a segment that is closed and was put here.
//! * **A loss is counted once, and told where it lies.** The queue holds a range of sequence numbers: from the base of
//!   the first segment, or the last cut, to the end. Two things happen under the lock: a segment is taken, together
//!   with the cut at which the subscriber begins; or a cut is made, and what it passes over is counted. The segment
//!   that is taken next shows the gap by its place in the sequence.
//! * **No publisher waits for a subscriber.** A publisher that finds the lock taken leaves its cut to the thread that
//!   holds it. The lock is held for some instructions, and no user code runs under it.
//! * **It is bounded.** If the system preempts a thread that holds the lock, publishers wait for it once 16,384
//!   envelopes are overdue. Otherwise the queue would grow without bound.
//!
//! The models are in `tests/segment_channel_newest_loom_models.rs`.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::queue::segment::Segment;
use crate::support::sync::channel::Receiver;
use crate::support::sync::{AtomicU64, Mutex, Ordering, fence};

/// How many envelopes may be due to be cut off while the lock is taken, before publishers wait for it.
const MOST_DUE: u64 = 1 << 14;

pub(crate) struct Newest<M> {
    capacity: u64,
    kept: Mutex<Kept<M>>,
    /// Everything before this sequence number is to be cut off.
    due: AtomicU64,
    /// Everything before this sequence number was cut off. Written under the lock.
    cut: AtomicU64,
    /// How many envelopes were cut off before the subscriber took them. Written under the lock.
    lost: AtomicU64,
}

struct Kept<M> {
    sent: Receiver<Arc<Segment<M>>>,
    /// Segments that were taken out of the channel, in order.
    segments: VecDeque<Arc<Segment<M>>>,
    /// Segments with a lower base were collected before.
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

    /// Takes the first segment, and returns with it the sequence number before which it was cut off. The subscriber has
    /// received everything before `next`.
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

    /// Keeps the last `capacity` envelopes before `end`, the end of a segment that was put here and is closed. The
    /// subscriber began at `start`. The segments that are taken out go to `gone`, to be dropped once the publish is
    /// over, because that is user code.
    pub(crate) fn keep_up_to(&self, end: u64, start: u64, gone: &mut Vec<Arc<Segment<M>>>) {
        let due = end.saturating_sub(self.capacity);
        // Release, against the acquire in `cut_off`: it is known there how far the earlier segments are filled.
        self.due.fetch_max(due, Ordering::Release);
        self.cut_off(start, gone);
    }

    fn cut_off(&self, start: u64, gone: &mut Vec<Arc<Segment<M>>>) {
        loop {
            // Pairs with the same fence in the thread that holds the lock. Either this thread finds the lock free, or
            // that thread sees the new `due` after it has released the lock.
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

    /// Returns how many envelopes were cut off so far.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn clear(&self) {
        let mut kept = self.kept.lock();
        let mut gone = Vec::new();
        kept.collect(&mut gone);
        gone.extend(kept.segments.drain(..));
        drop(kept); // before the segments are dropped, which is user code
    }
}

impl<M> Kept<M> {
    /// Takes everything out of the channel. A segment is handed over before the next one is opened, so the first copies
    /// arrive in order.
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

    /// Takes out the segments that are wholly cut off. A segment that may still be appended to begins after every cut.
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
