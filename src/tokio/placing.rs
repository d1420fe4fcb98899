//! The wait of a publishing task for a subscriber that has no room and must not lose anything.
//!
//! A task must wait without blocking its thread. So it tries to publish, which places the envelope in all queues or
//! in none. If that fails it learns which queue is full, registers there, and tries again. Room that was made before
//! the registration is seen by the second attempt; a subscriber that makes room later wakes the task. The task sleeps
//! only if the last attempt failed at a queue where it had registered before. A registration at another queue would
//! not do: that one may make no more room, or have made it already.
//! `a_task_that_waits_for_room_sleeps_at_the_queue_that_was_in_its_way_last` and the models in `loom_models` show it.
//!
//! The task holds nothing of the bus but these registrations, so it leaves nothing behind when it is cancelled. Each
//! attempt checks the permission anew: a publish is not admitted while it waits.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::budget::{count_batch, give_way, spend_publish};
use crate::authority::scope::Cause;
use crate::bus::error::{BatchError, PublishError};
use crate::bus::handle::Bus;
use crate::engine::attempt::Limit;
use crate::engine::core::Batching;
use crate::engine::demands::Measured;
use crate::engine::pending::Pending;
use crate::engine::receipt::{BatchReceipt, Receipt};
use crate::engine::refusal::Refusal;
use crate::message::envelope::Envelope;
use crate::message::subject::Payload;
use crate::queue::terms::Terms;
use crate::queue::vacancy::Waits;
use crate::support::wait_list::Waiter;

/// Publishes one envelope, unguarded, as soon as every subscriber that must not lose it has room.
///
/// Nearly every publish of a task runs this. The envelope is moved from here right into its slot: to hand it from one
/// function to the next costs more than all the rest.
#[inline]
pub(super) fn publish_unguarded<M: Payload>(
    bus: &Bus<M>,
    envelope: Envelope<M>,
) -> impl Future<Output = Result<Receipt, PublishError<M>>> {
    let mut pending = Some(envelope);
    let mut measured = Measured::default();
    place(move || {
        attempt(
            &mut pending,
            Limit::Refuse,
            &mut |pending: &mut _, limit| {
                Ok(measure_and_place(bus, pending, limit, &mut measured)?)
            },
        )
    })
}

/// Measures an envelope, unless an earlier attempt has, and publishes it.
#[inline]
pub(super) fn measure_and_place<M: Payload>(
    bus: &Bus<M>,
    pending: &mut Option<Envelope<M>>,
    limit: Limit,
    measured: &mut Measured,
) -> Result<Receipt, Refusal> {
    measured.once(|| bus.core.measure(Pending::first(pending)))?;
    bus.core.publish(pending, limit)
}

/// Like [`publish_unguarded`], but each attempt is `publish`, which also checks whether the envelope may pass.
pub(super) fn publish<M: Payload>(
    envelope: Envelope<M>,
    mut publish: impl FnMut(&mut Option<Envelope<M>>, Limit) -> Result<Receipt, Cause>,
) -> impl Future<Output = Result<Receipt, PublishError<M>>> {
    let mut pending = Some(envelope);
    place(move || attempt(&mut pending, Limit::Refuse, &mut publish))
}

/// Like [`publish`], but up to `timeout`: a subscriber that has no room by then loses the envelope. For one that
/// overrides the limit it waits on.
pub(super) async fn publish_timeout<M: Payload>(
    envelope: Envelope<M>,
    timeout: Duration,
    mut publish: impl FnMut(&mut Option<Envelope<M>>, Limit) -> Result<Receipt, Cause>,
) -> Result<Receipt, PublishError<M>> {
    let mut pending = Some(envelope);
    let placed = place(|| attempt(&mut pending, Limit::Refuse, &mut publish));
    match tokio::time::timeout(timeout, placed).await {
        Ok(published) => published,
        Err(_late) => place(|| attempt(&mut pending, Limit::Late, &mut publish)).await,
    }
}

const HANDED_BACK: &str = "what is refused is left where it is";

#[inline]
fn attempt<M: Payload>(
    pending: &mut Option<Envelope<M>>,
    limit: Limit,
    publish: &mut impl FnMut(&mut Option<Envelope<M>>, Limit) -> Result<Receipt, Cause>,
) -> Result<Result<Receipt, PublishError<M>>, Arc<Terms>> {
    match publish(pending, limit) {
        Ok(receipt) => Ok(Ok(receipt)),
        Err(Cause::Refused(Refusal::Full(terms))) => Err(terms),
        Err(cause) => {
            let envelope = pending.take().expect(HANDED_BACK);
            Ok(Err(PublishError::caused(envelope, cause)))
        }
    }
}

/// Publishes many envelopes, in each step as many as find room. `publish` publishes what is left, up to where it is
/// refused.
pub(super) async fn publish_batch<M: Payload>(
    envelopes: Vec<Envelope<M>>,
    mut publish: impl FnMut(&mut Batching<M>) -> Result<(), Cause>,
) -> Result<BatchReceipt, BatchError<M>> {
    let count = envelopes.len();
    let mut batching = Batching::new(envelopes);
    let placed = place(|| match publish(&mut batching) {
        Err(Cause::Refused(Refusal::Full(terms))) => Err(terms),
        outcome => Ok(outcome),
    });
    let outcome = placed.await;
    count_batch(count);
    Ok(batching.into_result(outcome)?)
}

/// Repeats `attempt` until it succeeds. An attempt fails with the terms of the full queue.
#[inline]
pub(super) fn place<R, F: FnMut() -> Result<R, Arc<Terms>>>(attempt: F) -> Placing<F> {
    Placing {
        attempt,
        waits: Waits::default(),
        has_given_way: false,
    }
}

#[must_use = "futures do nothing unless they are awaited"]
pub(super) struct Placing<F> {
    attempt: F,
    waits: Waits,
    /// Others have had their turn before this publish, so it goes ahead without looking: other publishes on this thread
    /// may have used up the next share meanwhile.
    has_given_way: bool,
}

/// The attempt is only called, never pinned.
impl<F> Unpin for Placing<F> {}

impl<R, F: FnMut() -> Result<R, Arc<Terms>>> Future for Placing<F> {
    type Output = R;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let this = &mut *self;
        if !mem::take(&mut this.has_given_way) && !spend_publish(context) {
            this.has_given_way = true;
            return give_way(context);
        }
        this.waits.deregister();
        match (this.attempt)() {
            Ok(placed) => Poll::Ready(placed),
            Err(full) => this.wait(full, context),
        }
    }
}

impl<R, F: FnMut() -> Result<R, Arc<Terms>>> Placing<F> {
    /// Registers at the full queue and tries again, until the attempt succeeds or fails at a queue where it is
    /// registered already.
    #[cold]
    fn wait(&mut self, mut full: Arc<Terms>, context: &mut Context<'_>) -> Poll<R> {
        loop {
            let vacancy = full.vacancy.as_ref().expect("it is waited for");
            let waiter = Waiter::Task(context.waker().clone());
            if !self.waits.register(vacancy, false, waiter) {
                return Poll::Pending;
            }
            match (self.attempt)() {
                Ok(placed) => return Poll::Ready(placed),
                Err(another) => full = another,
            }
        }
    }
}
