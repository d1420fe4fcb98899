//! The channel that hands segments to one shared queue. Sending never blocks, and a segment may arrive twice.
//!
//! A publisher must not wait for a subscriber, so `send` cannot wait for a free slot in the channel. Two publishers
//! that hand over the same segment at the same moment both send it. If the subscriber receives nothing, such copies may
//! pile up until the channel has no slot for a new segment. So may segments of one envelope each, since the channel has
//! a slot for every eight envelopes and a few more. The new segment is then *spilled* into a second, unbounded channel,
//! and the receiver sorts it in. This is so rare that the second channel is created only on demand.
//!
//! In a queue that keeps the [newest], the channel is unbounded, and the publisher that opens a segment takes out the
//! segments that are too old.
//!
//! # Why it is right
//!
//! * **No segment is lost or late.** A segment is handed over before the next one is opened. So when the receiver takes
//!   a segment out of the channel, it has taken every earlier one, or finds it spilled.
//! * **A spilled segment is found.** A publisher that has spilled a segment tries the channel again. If the channel is
//!   still full, the receiver looks at the spilled ones once it has found the channel empty. If not, the channel takes
//!   the segment too.
//! * **It is bounded.** A publisher sends each segment at most once, and there are no more unread segments than the
//!   queue has places.
//!
//! The models are in `tests/segment_channel_loom_models.rs`.

mod newest;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::newest::Newest;
use crate::queue::segment::Segment;
use crate::support::failpoints::{self, Step};
use crate::support::sync::channel::{
    Receiver, Sender, TryRecvError, TrySendError, bounded, unbounded,
};
use crate::support::sync::{AtomicU64, OnceBox, Ordering};

/// How many segments fit in before one is spilled. Segments mostly have eight envelopes or more. In the models every
/// segment has one.
const fn slots(capacity: usize) -> usize {
    if cfg!(oxide_loom) {
        capacity
    } else {
        capacity.div_ceil(8) + 4
    }
}

/// Both ends of the second channel. A publisher that finds it missing makes one, and does not wait for others that do
/// the same.
type Spill<M> = OnceBox<(Sender<Arc<Segment<M>>>, Receiver<Arc<Segment<M>>>)>;

/// The publishers' end.
pub(crate) struct SegmentSender<M> {
    sender: Sender<Arc<Segment<M>>>,
    spill: Arc<Spill<M>>,
    newest: Option<Arc<Newest<M>>>,
    /// One after the base of the last segment that was handed over: the earliest place where that segment can end.
    handed: AtomicU64,
}

/// The subscriber's end.
pub(crate) struct SegmentReceiver<M> {
    receiver: Receiver<Arc<Segment<M>>>,
    spill: Arc<Spill<M>>,
    newest: Option<Arc<Newest<M>>>,
    /// Everything before this sequence number was cut off the segment that was taken last.
    cut: u64,
    /// Segments that were taken out of both channels and are not due yet, by their bases.
    ahead: BTreeMap<u64, Arc<Segment<M>>>,
}

pub(crate) fn channel<M>(
    capacity: usize,
    keeps_newest: bool,
) -> (SegmentSender<M>, SegmentReceiver<M>) {
    let (sender, receiver) = if keeps_newest {
        unbounded()
    } else {
        bounded(slots(capacity))
    };
    let newest = keeps_newest.then(|| Arc::new(Newest::new(capacity, receiver.clone())));
    let spill = Arc::new(Spill::new());
    let channel = SegmentSender {
        sender,
        spill: Arc::clone(&spill),
        newest: newest.clone(),
        handed: AtomicU64::new(0),
    };
    let end = SegmentReceiver {
        receiver,
        spill,
        newest,
        cut: 0,
        ahead: BTreeMap::new(),
    };
    (channel, end)
}

impl<M> SegmentSender<M> {
    /// Sends a segment, unless another publisher has sent it already. The caller wakes the reader.
    pub(crate) fn hand_over(&self, segment: &Arc<Segment<M>>) {
        let end = segment.base() + 1;
        // Acquire, against the release below: the send came before.
        if self.handed.load(Ordering::Acquire) >= end {
            return;
        }
        failpoints::at(Step::HandingOver);
        self.send(segment);
        self.handed.fetch_max(end, Ordering::Release);
    }

    /// Sends a segment. The caller wakes the reader.
    pub(crate) fn send(&self, segment: &Arc<Segment<M>>) {
        let send = || self.sender.try_send(Arc::clone(segment));
        if let Err(TrySendError::Full(spilled)) = send() {
            let (spill, receiver) = self.spill.get_or_init(|| Box::new(unbounded()));
            let _never_full = spill.try_send(spilled);
            // If it is full again, the receiver finds the spilled copy: see the module's head.
            if let Err(TrySendError::Disconnected(_)) = send() {
                // The subscriber has left meanwhile, and no longer looks at what was spilled.
                receiver.try_iter().for_each(drop);
            }
        }
    }

    /// The part that keeps the newest, if this queue does.
    pub(crate) fn newest(&self) -> Option<&Newest<M>> {
        self.newest.as_deref()
    }

    /// Returns how many envelopes were lost after they had been put into the queue.
    pub(crate) fn lost(&self) -> u64 {
        self.newest().map_or(0, Newest::lost)
    }
}

impl<M> SegmentReceiver<M> {
    /// Takes the next segment, or one that was taken before. `next` is the sequence number that is due, once it is
    /// known.
    pub(crate) fn try_recv(&mut self, next: Option<u64>) -> Result<Arc<Segment<M>>, TryRecvError> {
        if let Some(newest) = &self.newest {
            let mut gone = Vec::new();
            let taken = newest.take(next.unwrap_or(0), &mut gone);
            let (segment, cut) = taken.ok_or(TryRecvError::Empty)?;
            self.cut = cut;
            return Ok(segment);
        }
        let end = match self.receiver.try_recv() {
            Ok(segment) => return Ok(self.sort_in(segment, next)),
            Err(end) => end,
        };
        self.collect_spilled();
        if self.ahead.is_empty() {
            return Err(end);
        }
        // A segment that was sent into the channel meanwhile may come before the spilled ones.
        self.ahead
            .extend(self.receiver.try_recv().map(|it| (it.base(), it)));
        self.ahead.pop_first().map(|(_, first)| first).ok_or(end)
    }

    /// Returns the first of this segment and those that it has overtaken.
    fn sort_in(&mut self, segment: Arc<Segment<M>>, next: Option<u64>) -> Arc<Segment<M>> {
        let is_due = next.is_none_or(|next| segment.base() <= next);
        if is_due && self.ahead.is_empty() {
            return segment;
        }
        self.collect_spilled();
        self.ahead.insert(segment.base(), Arc::clone(&segment));
        self.ahead.pop_first().map_or(segment, |(_, first)| first)
    }

    /// Returns the first sequence number to read in a segment that was taken just now.
    pub(crate) fn first(&self, segment: &Segment<M>) -> u64 {
        segment.base().max(self.cut)
    }

    /// Returns how many envelopes were lost after they had been put into the queue.
    pub(crate) fn lost(&self) -> u64 {
        (self.newest.as_ref()).map_or(0, |newest| newest.lost())
    }

    fn collect_spilled(&mut self) {
        if let Some((_, spilled)) = self.spill.get() {
            let spilled = spilled.try_iter().map(|segment| (segment.base(), segment));
            self.ahead.extend(spilled);
        }
    }

    /// Frees the queued segments. The channels would keep them as long as a publisher still holds the other end.
    pub(crate) fn drain(&mut self) {
        self.ahead.clear();
        self.newest.iter().for_each(|newest| newest.clear());
        self.receiver.try_iter().for_each(drop);
        if let Some((_, spilled)) = self.spill.get() {
            spilled.try_iter().for_each(drop);
        }
    }
}

#[cfg(all(test, oxide_loom))]
#[path = "../tests/segment_channel_loom_models.rs"]
mod loom_models;
