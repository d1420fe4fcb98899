//! Publishing a batch: each step publishes as many envelopes as one segment takes.
//!
//! A batch may be refused between two steps, so it keeps the envelopes that are left and the receipt of the others.
//!
//! The tests are in `tests/library/batches.rs`.

use super::Core;
use crate::engine::attempt::Limit;
use crate::engine::pending::{Batch, Pending};
use crate::engine::receipt::BatchReceipt;
use crate::engine::refusal::Refusal;
use crate::message::envelope::Envelope;
use crate::message::subject::Payload;

/// How far a batch has come.
pub(crate) struct Batching<M> {
    left: Batch<M>,
    receipt: BatchReceipt,
}

impl<M> Batching<M> {
    pub(crate) fn new(envelopes: Vec<Envelope<M>>) -> Self {
        Batching {
            left: Batch::new(envelopes),
            receipt: BatchReceipt::default(),
        }
    }

    /// The envelopes that are not published yet, in order.
    pub(crate) fn left(&self) -> &[Envelope<M>] {
        self.left.left()
    }

    /// Returns the receipt, or what is left of a batch that was refused.
    pub(crate) fn into_result<E>(
        self,
        outcome: Result<(), E>,
    ) -> Result<BatchReceipt, Unfinished<M, E>> {
        match outcome {
            Ok(()) => Ok(self.receipt),
            Err(cause) => Err(Unfinished {
                receipt: self.receipt,
                left: self.left.into_envelopes(),
                cause,
            }),
        }
    }
}

/// A batch that was refused on its way.
pub(crate) struct Unfinished<M, E> {
    pub(crate) receipt: BatchReceipt,
    /// The envelopes that are not published, in order; at least one.
    pub(crate) left: Vec<Envelope<M>>,
    /// Why the first of them is not published.
    pub(crate) cause: E,
}

impl<M: Payload> Core<M> {
    /// Publishes envelopes, in each step as many as find room in one segment. Gives back those that are left if it is
    /// refused.
    pub(crate) fn publish_batch(
        &self,
        envelopes: Vec<Envelope<M>>,
    ) -> Result<BatchReceipt, Unfinished<M, Refusal>> {
        let mut batching = Batching::new(envelopes);
        let outcome = self.place_all(&mut batching, Limit::Theirs, || Ok(()));
        batching.into_result(outcome)
    }

    /// Publishes what is left of a batch, up to where it is refused. Asks `goes_on` before each step.
    pub(crate) fn place_all<E: From<Refusal>>(
        &self,
        batching: &mut Batching<M>,
        limit: Limit,
        mut goes_on: impl FnMut() -> Result<(), E>,
    ) -> Result<(), E> {
        let Batching { left, receipt } = batching;
        loop {
            let before = left.remaining();
            if before == 0 {
                return Ok(());
            }
            goes_on()?;
            let outcome = self.place(None, left, limit)?;
            receipt.add(before - left.remaining(), outcome);
        }
    }
}
