//! Pending envelopes: those that a publisher moves into a segment, and gets back if another publisher's head comes
//! first.
//!
//! A publisher that loses the race must not lose its envelope, nor clone it to be safe. The models are in
//! `engine/tests/core_loom_models.rs`.

use std::mem;
use std::vec;

use crate::message::envelope::Envelope;

/// Envelopes that a publisher still has: one, or a batch.
pub(crate) trait Pending<M> {
    fn remaining(&self) -> usize;
    /// The next one. There must be one.
    fn first(&mut self) -> &Envelope<M>;
    fn take(&mut self) -> Envelope<M>;
    /// Takes this many. There must be as many.
    fn take_many(&mut self, count: usize) -> Vec<Envelope<M>>;
    /// Takes back what was taken last.
    fn put_back(&mut self, envelopes: Vec<Envelope<M>>);
}

const PENDING: &str = "the caller has seen that one is pending";

impl<M> Pending<M> for Option<Envelope<M>> {
    fn remaining(&self) -> usize {
        usize::from(self.is_some())
    }

    fn first(&mut self) -> &Envelope<M> {
        self.as_ref().expect(PENDING)
    }

    #[inline]
    fn take(&mut self) -> Envelope<M> {
        Option::take(self).expect(PENDING)
    }

    fn take_many(&mut self, _one: usize) -> Vec<Envelope<M>> {
        vec![Pending::take(self)]
    }

    fn put_back(&mut self, envelopes: Vec<Envelope<M>>) {
        *self = envelopes.into_iter().next().or(Option::take(self));
    }
}

/// Envelopes that are published together.
pub(crate) struct Batch<M>(vec::IntoIter<Envelope<M>>);

impl<M> Batch<M> {
    pub(crate) fn new(envelopes: Vec<Envelope<M>>) -> Self {
        Batch(envelopes.into_iter())
    }

    /// The envelopes that are left, in order.
    pub(crate) fn left(&self) -> &[Envelope<M>] {
        self.0.as_slice()
    }

    /// Takes out the envelopes that are left.
    pub(crate) fn into_envelopes(self) -> Vec<Envelope<M>> {
        self.0.collect()
    }
}

impl<M> Pending<M> for Batch<M> {
    fn remaining(&self) -> usize {
        self.0.len()
    }

    fn first(&mut self) -> &Envelope<M> {
        self.0.as_slice().first().expect(PENDING)
    }

    #[inline]
    fn take(&mut self) -> Envelope<M> {
        self.0.next().expect(PENDING)
    }

    fn take_many(&mut self, count: usize) -> Vec<Envelope<M>> {
        if count == self.0.len() {
            // The vector itself: no envelope is moved.
            mem::take(&mut self.0).collect()
        } else {
            self.0.by_ref().take(count).collect()
        }
    }

    fn put_back(&mut self, mut envelopes: Vec<Envelope<M>>) {
        envelopes.extend(&mut self.0);
        self.0 = envelopes.into_iter();
    }
}

/// Hands `count` pending envelopes to `unkept`, with sequence numbers that start at `sequence`. They were counted, and
/// no segment keeps them.
pub(crate) fn discard<M>(
    pending: &mut impl Pending<M>,
    count: usize,
    sequence: u64,
    mut unkept: impl FnMut(u64, Envelope<M>),
) {
    for sequence in (sequence..).take(count) {
        unkept(sequence, pending.take());
    }
}
