//! Publishing without blocking the thread, where somebody must be waited for.
//!
//! A task tries to publish, which places the envelope in all queues or in none. Where that fails it learns
//! whose queue is in its way, registers there, and tries again: what has made room before is seen by
//! then, and whoever makes room later wakes it. It sleeps only if the last attempt has failed at a queue where it had
//! registered before. Another's would not do: that queue may make no room any more, or have made it.
//!
//! It holds nothing of the bus's but these wait lists, so that it leaves nothing behind when it is given up. Whether it
//! may publish at all is asked at each attempt: nobody is admitted while he waits.

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

/// Publishes one envelope, unguarded, as soon as everybody who must not lose it has room.
///
/// What nearly every publish of a task runs. The envelope goes from here into its slot: to hand it from one
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

/// Publishes an envelope that is measured before, unless it was when this was tried first.
#[inline]
pub(super) fn measure_and_place<M: Payload>(
    bus: &Bus<M>,
    pending: &mut Option<Envelope<M>>,
    limit: Limit,
    measured: &mut Measured,
) -> Result<Receipt, Refusal> {
    measured.once(|| bus.core.measure(Pending::first(pending)))?;
    bus.place_pending(pending, limit)
}

/// The same, where `publish` says whether it may pass, each time that it is tried.
pub(super) fn publish<M: Payload>(
    envelope: Envelope<M>,
    mut publish: impl FnMut(&mut Option<Envelope<M>>, Limit) -> Result<Receipt, Cause>,
) -> impl Future<Output = Result<Receipt, PublishError<M>>> {
    let mut pending = Some(envelope);
    place(move || attempt(&mut pending, Limit::Refuse, &mut publish))
}

/// The same, but not later than this: who has no room by then loses it, unless he insists. For him it
/// waits on.
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

/// Publishes many, in one step as many as find room. `publish` publishes what is left, up to where it is refused.
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
    Ok(batching.end(outcome)?)
}

/// Tries until it is placed. An attempt fails with the queue that is in its way.
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
    /// Others have had their turn before this one. Who else publishes on this thread may have used up the next meanwhile.
    has_given_way: bool,
}

/// The attempt is called, and never pinned.
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
        this.waits.leave();
        match (this.attempt)() {
            Ok(placed) => Poll::Ready(placed),
            Err(full) => this.wait(full, context),
        }
    }
}

impl<R, F: FnMut() -> Result<R, Arc<Terms>>> Placing<F> {
    /// Registers at the queue that is in its way, and tries again, until it is placed or the one that is in its
    /// way was known to be.
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
