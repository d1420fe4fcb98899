//! Envelopes on their way into a parcel, and back if another publisher's comes first.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::envelope::Envelope;
use crate::parcel::{Claim, Parcel};
use crate::pause::{self, Step};

/// Envelopes that a publisher still has: one, or a batch.
pub(crate) trait Pending<M> {
    fn count(&self) -> usize;
    /// The next one; there is one.
    fn first(&mut self) -> &Envelope<M>;
    fn take(&mut self) -> Envelope<M>;
    /// Takes back what was taken last, in order.
    fn put_back(&mut self, envelopes: impl Iterator<Item = Envelope<M>>);
}

const PENDING: &str = "the caller has seen that one is pending";

impl<M> Pending<M> for Option<Envelope<M>> {
    fn count(&self) -> usize {
        usize::from(self.is_some())
    }

    fn first(&mut self) -> &Envelope<M> {
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

/// Envelopes that are published together.
pub(crate) struct Batch<M, I> {
    /// Those that were looked at or put back, last one first.
    ready: Vec<Envelope<M>>,
    /// Those that come after.
    rest: I,
}

impl<M, I: ExactSizeIterator<Item = Envelope<M>>> Batch<M, I> {
    pub(crate) fn new(envelopes: I) -> Self {
        Batch {
            ready: Vec::new(),
            rest: envelopes,
        }
    }

    /// All that are left, in order.
    pub(crate) fn into_envelopes(self) -> Vec<Envelope<M>> {
        (self.ready.into_iter().rev()).chain(self.rest).collect()
    }
}

#[cfg(feature = "tokio")]
impl<M> Batch<M, std::vec::IntoIter<Envelope<M>>> {
    /// All that are left, in order.
    pub(crate) fn left(&self) -> impl ExactSizeIterator<Item = &Envelope<M>> + Clone {
        let (ready, rest) = (&self.ready, self.rest.as_slice());
        (0..ready.len() + rest.len()).map(move |place| {
            let from_the_end = ready.len().checked_sub(place + 1);
            from_the_end.map_or_else(|| &rest[place - ready.len()], |place| &ready[place])
        })
    }
}

impl<M, I: ExactSizeIterator<Item = Envelope<M>>> Pending<M> for Batch<M, I> {
    fn count(&self) -> usize {
        self.ready.len() + self.rest.len()
    }

    fn first(&mut self) -> &Envelope<M> {
        if self.ready.is_empty() {
            self.ready.extend(self.rest.next());
        }
        self.ready.last().expect(PENDING)
    }

    #[inline]
    fn take(&mut self) -> Envelope<M> {
        if self.ready.is_empty() {
            self.rest.next().expect(PENDING)
        } else {
            self.ready.pop().expect(PENDING)
        }
    }

    fn put_back(&mut self, envelopes: impl Iterator<Item = Envelope<M>>) {
        let end = self.ready.len();
        self.ready.extend(envelopes);
        self.ready[end..].reverse();
    }
}

/// Appends up to so many pending envelopes to a parcel. What that does not keep goes to `unkept`,
/// with its sequence number.
pub(crate) fn append<M>(
    parcel: &Parcel<M>,
    pending: &mut impl Pending<M>,
    wanted: usize,
    unkept: impl FnMut(u64, Envelope<M>),
) -> Option<Claim> {
    let claim = parcel.claim(wanted)?;
    let slots = &claim.slots;
    pause::at(Step::Claimed);
    if parcel.is_blind() {
        let sequence = parcel.base() + slots.start as u64;
        discard(pending, slots.len(), sequence, unkept);
    } else {
        for slot in slots.clone() {
            parcel.write(slot, || pending.take());
        }
    }
    Some(claim)
}

/// Lets go of so many pending envelopes that were counted and are kept by nobody, the first of which
/// has this sequence number. If one panics when it is dropped, the others go all the same.
pub(crate) fn discard<M>(
    pending: &mut impl Pending<M>,
    count: usize,
    sequence: u64,
    mut unkept: impl FnMut(u64, Envelope<M>),
) {
    let mut panic = None;
    for sequence in (sequence..).take(count) {
        let envelope = pending.take();
        let dropped = catch_unwind(AssertUnwindSafe(|| unkept(sequence, envelope)));
        panic = panic.or(dropped.err());
    }
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}
