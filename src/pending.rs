//! Envelopes on their way into a parcel, and back if another publisher's comes first.

use std::ops::Range;

use crate::envelope::Envelope;
use crate::parcel::Parcel;
use crate::pause::{self, Step};

/// Envelopes that a publisher still has: one, or a batch.
pub(crate) trait Pending<M> {
    fn count(&self) -> usize;
    /// The next one; there is one.
    fn first(&self) -> &Envelope<M>;
    fn take(&mut self) -> Envelope<M>;
    /// Takes back what was taken last, in order.
    fn put_back(&mut self, envelopes: impl Iterator<Item = Envelope<M>>);
}

const PENDING: &str = "the caller has seen that one is pending";

impl<M> Pending<M> for Option<Envelope<M>> {
    fn count(&self) -> usize {
        usize::from(self.is_some())
    }

    fn first(&self) -> &Envelope<M> {
        self.as_ref().expect(PENDING)
    }

    fn take(&mut self) -> Envelope<M> {
        Option::take(self).expect(PENDING)
    }

    fn put_back(&mut self, mut envelopes: impl Iterator<Item = Envelope<M>>) {
        if let Some(envelope) = envelopes.next() {
            *self = Some(envelope);
        }
    }
}

/// A batch, last envelope first.
impl<M> Pending<M> for Vec<Envelope<M>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn first(&self) -> &Envelope<M> {
        self.last().expect(PENDING)
    }

    fn take(&mut self) -> Envelope<M> {
        self.pop().expect(PENDING)
    }

    fn put_back(&mut self, envelopes: impl Iterator<Item = Envelope<M>>) {
        let end = self.len();
        self.extend(envelopes);
        self[end..].reverse();
    }
}

/// Appends up to so many pending envelopes to a parcel.
pub(crate) fn append<M>(
    parcel: &Parcel<M>,
    pending: &mut impl Pending<M>,
    wanted: usize,
) -> Option<Range<usize>> {
    let slots = parcel.claim(wanted)?;
    pause::at(Step::Claimed);
    for slot in slots.clone() {
        parcel.write(slot, || pending.take());
    }
    Some(slots)
}

/// Puts as many pending envelopes as it takes into a new parcel. A blind one only counts them, so
/// that they are still there if another publisher's comes first.
pub(crate) fn fill<M>(parcel: &mut Parcel<M>, pending: &mut impl Pending<M>, wanted: usize) {
    if parcel.is_blind() {
        parcel.skip(wanted);
        return;
    }
    for _ in 0..wanted.min(parcel.slots()) {
        let filled = parcel.push(pending.take());
        debug_assert!(filled.is_ok(), "a slot for each");
    }
}
