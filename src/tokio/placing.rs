//! Publishing without blocking the thread, where somebody must be waited for.
//!
//! A task tries to publish, which places the envelope in all queues or in none. Where that fails it sets
//! the alarms of the queues that are full, and tries again: what has made room before is seen by then, and
//! who makes room later rings. It holds nothing of the bus's but these alarms, so that it leaves nothing
//! behind when it is given up. Whether it may publish at all is asked at each attempt: nobody is admitted
//! while he waits.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use smallvec::SmallVec;
use tokio::task::coop::poll_proceed;

use super::budget::publish_counts;
use crate::alarm::{Alarm, Sleeper};
use crate::bus::Bus;
use crate::envelope::Envelope;
use crate::error::{BatchError, Cause, PublishError};
use crate::fanout::Refusal;
use crate::limit::Limit;
use crate::pending::{Batch, Pending};
use crate::receipt::{BatchReceipt, Receipt};
use crate::subject::Payload;

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
    place(bus, move || {
        match bus.publish_pending(&mut pending, Limit::Refuse) {
            Ok(receipt) => Poll::Ready(Ok(receipt)),
            Err(Refusal::Full) => Poll::Pending,
            Err(refusal) => {
                let envelope = pending.take().expect(HANDED_BACK);
                Poll::Ready(Err(PublishError::refused(envelope, refusal)))
            }
        }
    })
}

/// The same, where `publish` says whether it may pass, each time that it is tried.
pub(super) fn publish<M: Payload>(
    bus: &Bus<M>,
    envelope: Envelope<M>,
    mut publish: impl FnMut(Envelope<M>, Limit) -> Result<Receipt, PublishError<M>>,
) -> impl Future<Output = Result<Receipt, PublishError<M>>> {
    let mut pending = Some(envelope);
    place(bus, move || {
        attempt(&mut pending, Limit::Refuse, &mut publish)
    })
}

/// The same, but not later than this: who has no room by then loses it, unless he insists. For him it
/// waits on.
pub(super) async fn publish_timeout<M: Payload>(
    bus: &Bus<M>,
    envelope: Envelope<M>,
    timeout: Duration,
    mut publish: impl FnMut(Envelope<M>, Limit) -> Result<Receipt, PublishError<M>>,
) -> Result<Receipt, PublishError<M>> {
    let mut pending = Some(envelope);
    let placed = place(bus, || attempt(&mut pending, Limit::Refuse, &mut publish));
    match tokio::time::timeout(timeout, placed).await {
        Ok(published) => published,
        Err(_late) => {
            let late = Limit::Late(Instant::now());
            place(bus, || attempt(&mut pending, late, &mut publish)).await
        }
    }
}

const HANDED_BACK: &str = "who has no room hands it back";

#[inline]
fn attempt<M: Payload>(
    pending: &mut Option<Envelope<M>>,
    limit: Limit,
    publish: &mut impl FnMut(Envelope<M>, Limit) -> Result<Receipt, PublishError<M>>,
) -> Poll<Result<Receipt, PublishError<M>>> {
    let envelope = pending.take().expect(HANDED_BACK);
    match publish(envelope, limit) {
        Err(PublishError::Full(envelope)) => {
            *pending = Some(*envelope);
            Poll::Pending
        }
        published => Poll::Ready(published),
    }
}

/// Publishes many, in one step as many as find room. `enter` says whether those that are left may pass, each
/// time that it is tried, and counts them in for as long as that takes.
pub(super) async fn publish_batch<M: Payload, I>(
    bus: &Bus<M>,
    envelopes: Vec<Envelope<M>>,
    mut enter: impl FnMut(&Batch<M>) -> Result<I, Cause>,
) -> Result<BatchReceipt, BatchError<M>> {
    let mut batch = Batch::new(envelopes);
    let mut receipt = BatchReceipt::default();
    let placed = place(bus, || {
        let _inside = match enter(&batch) {
            Ok(inside) => inside,
            Err(cause) => return Poll::Ready(Err(cause)),
        };
        loop {
            let before = batch.count();
            if before == 0 {
                return Poll::Ready(Ok(()));
            }
            match bus.core.place(&mut batch, Limit::Refuse) {
                Ok(outcome) => receipt.add(before - batch.count(), outcome),
                Err(Refusal::Full) => return Poll::Pending,
                Err(refusal) => return Poll::Ready(Err(refusal.into())),
            }
        }
    });
    match placed.await {
        Ok(()) => Ok(receipt),
        Err(cause) => Err(BatchError::new(receipt, batch.into_envelopes(), cause)),
    }
}

/// Tries until it is placed. An attempt is pending where some queue has no room.
#[inline]
fn place<M, R, F: FnMut() -> Poll<R>>(bus: &Bus<M>, attempt: F) -> Placing<'_, M, F> {
    Placing {
        bus,
        attempt,
        doors: Vec::new(),
    }
}

#[must_use = "futures do nothing unless they are awaited"]
struct Placing<'a, M, F> {
    bus: &'a Bus<M>,
    attempt: F,
    /// Where it waits.
    doors: Vec<Sleeper>,
}

/// The attempt is called, and never pinned.
impl<M, F> Unpin for Placing<'_, M, F> {}

impl<M, R, F: FnMut() -> Poll<R>> Future for Placing<'_, M, F> {
    type Output = R;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        // By tokio's account others may be due; elsewhere there is none.
        let turn = if publish_counts() {
            Some(ready!(poll_proceed(context)))
        } else {
            None
        };
        let this = &mut *self;
        if !this.doors.is_empty() {
            this.doors.clear();
        }
        let placed = match (this.attempt)() {
            Poll::Ready(placed) => placed,
            Poll::Pending => ready!(this.knock(context)),
        };
        if let Some(turn) = turn {
            turn.made_progress();
        }
        Poll::Ready(placed)
    }
}

impl<M, R, F: FnMut() -> Poll<R>> Placing<'_, M, F> {
    /// Sets the alarms of all queues that are full, and tries once more.
    #[cold]
    fn knock(&mut self, context: &mut Context<'_>) -> Poll<R> {
        loop {
            let known = self.doors.len();
            for vacancy in vacancies(self.bus) {
                if !self.doors.iter().any(|door| door.is_at(&vacancy)) {
                    let mut door = Sleeper::new(&vacancy);
                    door.set(context.waker());
                    self.doors.push(door);
                }
            }
            if let Poll::Ready(placed) = (self.attempt)() {
                return Poll::Ready(placed);
            }
            if self.doors.is_empty() {
                // Some queue was full, and is not any more: others first, then again.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.doors.len() == known {
                return Poll::Pending;
            }
        }
    }
}

/// What rings when those who are full now have room.
fn vacancies<M>(bus: &Bus<M>) -> SmallVec<[Arc<Alarm>; 1]> {
    let current = bus.core.current();
    let follow = current
        .standings()
        .filter_map(|(queue, entry)| queue.vacancy(&entry));
    let pick = (current.route.pick.iter()).filter_map(|listener| listener.queue.vacancy());
    follow.chain(pick).collect()
}
