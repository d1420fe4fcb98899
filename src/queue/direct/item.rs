//! What the channel of a queue with a filter carries.

use std::sync::Arc;

use crate::queue::delivery::Delivery;
use crate::queue::segment::Segment;

/// One envelope: where it lies, and what was lost before it. Two words, which go through registers.
pub(crate) struct Item<M> {
    segment: Arc<Segment<M>>,
    /// The slot; above it, how many envelopes the subscriber had lost when this one was sent: the gap lies before it.
    word: u64,
}

impl<M> Item<M> {
    #[inline]
    pub(super) fn new(segment: &Arc<Segment<M>>, slot: usize, lost_before: u32) -> Self {
        Item {
            segment: Arc::clone(segment),
            word: u64::from(lost_before) << 32 | slot as u64,
        }
    }

    /// Counted modulo 2³².
    #[inline]
    pub(super) fn lost_before(&self) -> u32 {
        (self.word >> 32) as u32
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    pub(super) fn into_delivery(self) -> Delivery<M> {
        Delivery::written(self.segment, self.word as u32 as usize)
    }
}
