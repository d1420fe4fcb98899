//! An item: what the channel of a direct queue carries.
//!
//! It names an envelope by segment and slot, so nothing is copied for delivery. It also says how many envelopes the
//! subscriber had lost before it, so that a gap is told where it lies.
//!
//! The tests are in `tests/library/accounts.rs`.

use std::sync::Arc;

use crate::queue::delivery::Delivery;
use crate::queue::segment::Segment;

/// One envelope: where it lies, and what was lost before it. Two words, which fit into registers.
pub(crate) struct Item<M> {
    segment: Arc<Segment<M>>,
    /// The slot in the lower half. The upper half holds how many envelopes the subscriber had lost when this one was
    /// sent: the gap lies before it.
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

    /// Returns how many envelopes were lost before this one, modulo 2³².
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
