//! Many envelopes, one step after the other.

use super::{Core, Refusal};
use crate::envelope::Envelope;
use crate::error::{BatchError, Cause};
use crate::limit::Limit;
use crate::pending::{Batch, Pending};
use crate::receipt::BatchReceipt;
use crate::subject::Payload;

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

    /// Those that are not published, in order.
    pub(crate) fn left(&self) -> &[Envelope<M>] {
        self.left.left()
    }

    /// What has come of it, in the end.
    pub(crate) fn end(
        self,
        outcome: Result<(), impl Into<Cause>>,
    ) -> Result<BatchReceipt, BatchError<M>> {
        match outcome {
            Ok(()) => Ok(self.receipt),
            Err(cause) => Err(BatchError::new(
                self.receipt,
                self.left.into_envelopes(),
                cause,
            )),
        }
    }
}

impl<M: Payload> Core<M> {
    /// Publishes envelopes, in one step as many as find room in one parcel, or gives back those that
    /// are left.
    pub(crate) fn publish_batch(
        &self,
        envelopes: Vec<Envelope<M>>,
    ) -> Result<BatchReceipt, BatchError<M>> {
        let mut batching = Batching::new(envelopes);
        let outcome = self.place_all(&mut batching, Limit::Theirs, || Ok::<_, Refusal>(()));
        batching.end(outcome)
    }

    /// Publishes what is left of a batch, up to where it is refused. Before each step it is asked whether it may go on.
    pub(crate) fn place_all<E: From<Refusal>>(
        &self,
        batching: &mut Batching<M>,
        limit: Limit,
        mut goes_on: impl FnMut() -> Result<(), E>,
    ) -> Result<(), E> {
        let Batching { left, receipt } = batching;
        loop {
            let before = left.count();
            if before == 0 {
                return Ok(());
            }
            goes_on()?;
            let outcome = self.place(None, left, limit)?;
            receipt.add(before - left.count(), outcome);
        }
    }
}
