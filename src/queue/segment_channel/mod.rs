//! A follower's channel of segments. Sending never waits, though a segment may come twice.
//!
//! Two publishers that hand over the same segment at the same moment both send it. Where nobody
//! receives, such copies pile up, until the channel has no place for a segment that is due. It is
//! spilled then, into a second channel without a limit, and the receiver sorts it in. That is so rare
//! that the second channel is made only when it is needed.
//!
//! Where the [newest] are kept, the channel has no limit, and whoever opens a segment takes out what is too old.
//!
//! # Why it is right
//!
//! * **No segment is lost or comes late.** A segment is handed over before the next one is opened. So
//!   whoever takes a segment out of the channel finds all that came before it: taken already, or
//!   spilled.
//! * **What was spilled is found.** Whoever has spilled a segment tries the channel again: either it is full
//!   still, and the receiver looks at what was spilled once it has found the channel empty, or it
//!   takes the segment too.
//! * **It is bounded.** A publisher sends each segment once at most, and there are no more unread
//!   segments than the queue has places.

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

/// How many segments more than envelopes fit in, before one is spilled.
const SLACK: usize = if cfg!(oxide_loom) { 0 } else { 8 };

/// Both ends of the second channel. Who finds it missing makes one and does not wait for others who
/// do the same.
type Spill<M> = OnceBox<(Sender<Arc<Segment<M>>>, Receiver<Arc<Segment<M>>>)>;

/// The publishers' end.
pub(crate) struct SegmentSender<M> {
    sender: Sender<Arc<Segment<M>>>,
    spill: Arc<Spill<M>>,
    newest: Option<Arc<Newest<M>>>,
    /// Where the last segment that was handed over ends at the earliest: one after its base.
    handed: AtomicU64,
}

/// The subscriber's end.
pub(crate) struct SegmentReceiver<M> {
    receiver: Receiver<Arc<Segment<M>>>,
    spill: Arc<Spill<M>>,
    newest: Option<Arc<Newest<M>>>,
    /// What comes before this sequence number was cut off from the segment that was taken last.
    cut: u64,
    /// Those that are out of both channels, by their bases.
    ahead: BTreeMap<u64, Arc<Segment<M>>>,
}

pub(crate) fn channel<M>(
    capacity: usize,
    keeps_newest: bool,
) -> (SegmentSender<M>, SegmentReceiver<M>) {
    let (sender, receiver) = if keeps_newest {
        unbounded()
    } else {
        bounded(capacity + SLACK)
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
    /// Sends a segment, unless somebody has already. The reader is yet to be woken.
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

    /// Sends a segment. The reader is yet to be woken.
    pub(crate) fn send(&self, segment: &Arc<Segment<M>>) {
        let send = || self.sender.try_send(Arc::clone(segment));
        if let Err(TrySendError::Full(spilled)) = send() {
            let (spill, receiver) = self.spill.get_or_init(|| Box::new(unbounded()));
            let _never_full = spill.try_send(spilled);
            // Full again: see above.
            if let Err(TrySendError::Disconnected(_)) = send() {
                // The subscriber has left meanwhile, and looks no more at what was spilled.
                receiver.try_iter().for_each(drop);
            }
        }
    }

    /// What it keeps if it keeps the newest.
    pub(crate) fn newest(&self) -> Option<&Newest<M>> {
        self.newest.as_deref()
    }

    /// How many envelopes were lost though they had been put into it.
    pub(crate) fn lost(&self) -> u64 {
        self.newest().map_or(0, Newest::lost)
    }
}

impl<M> SegmentReceiver<M> {
    /// Takes the next segment, or one that was taken before. `next` is the sequence number that is
    /// due, once it is known.
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
        // What was sent into the channel meanwhile may come before what was spilled.
        self.ahead
            .extend(self.receiver.try_recv().map(|it| (it.base(), it)));
        self.ahead.pop_first().map(|(_, first)| first).ok_or(end)
    }

    /// The first of this segment and those that it has overtaken.
    fn sort_in(&mut self, segment: Arc<Segment<M>>, next: Option<u64>) -> Arc<Segment<M>> {
        let is_due = next.is_none_or(|next| segment.base() <= next);
        if is_due && self.ahead.is_empty() {
            return segment;
        }
        self.collect_spilled();
        self.ahead.insert(segment.base(), Arc::clone(&segment));
        self.ahead.pop_first().map_or(segment, |(_, first)| first)
    }

    /// The first sequence number in a segment that was taken just now.
    pub(crate) fn first(&self, segment: &Segment<M>) -> u64 {
        segment.base().max(self.cut)
    }

    /// How many envelopes were lost though they had been put into it.
    pub(crate) fn lost(&self) -> u64 {
        (self.newest.as_ref()).map_or(0, |newest| newest.lost())
    }

    fn collect_spilled(&mut self) {
        if let Some((_, spilled)) = self.spill.get() {
            let spilled = spilled.try_iter().map(|segment| (segment.base(), segment));
            self.ahead.extend(spilled);
        }
    }

    /// Frees what is queued: the channels would keep it for as long as a publisher is still at it.
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
