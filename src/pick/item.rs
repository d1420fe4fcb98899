//! What the channel of a queue with a filter carries.

use std::sync::Arc;

use crate::delivery::Delivery;
use crate::parcel::Parcel;

/// One envelope: where it lies, and what was lost before it. Two words, which go through registers.
pub(crate) struct Item<M> {
    parcel: Arc<Parcel<M>>,
    /// The slot; above it, how many envelopes the subscriber had lost when this one was sent: the gap lies before it.
    word: u64,
}

impl<M> Item<M> {
    #[inline]
    pub(super) fn new(parcel: &Arc<Parcel<M>>, slot: usize, lost_before: u32) -> Self {
        Item {
            parcel: Arc::clone(parcel),
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
        Delivery::written(self.parcel, self.word as u32 as usize)
    }
}
