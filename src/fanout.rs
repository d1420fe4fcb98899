//! One envelope into many queues.
//!
//! Each publish is a parcel of its own, sent by `try_send` into the bounded channel of each
//! subscriber that listens. Whoever has no room is dealt with after all the others have the
//! envelope.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::Guard;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use smallvec::SmallVec;
use uuid::Uuid;

use crate::delivery::Delivery;
use crate::envelope::Envelope;
use crate::options::SubscribeOptions;
use crate::overflow::Overflow;
use crate::receipt::Receipt;
use crate::room::{NoPlace, Room};
use crate::route::{Filter, Route};
use crate::stamp::stamp;
use crate::subject::{Payload, Subject};

/// What the channels carry.
pub(crate) struct Parcel<M> {
    pub(crate) delivery: Delivery<M>,
    /// How many envelopes the subscriber had lost when this one found its place: the gap lies
    /// before it.
    pub(crate) lost_before: u64,
}

/// What a subscriber and its publishers both know of the subscription.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) id: Uuid,
    pub(crate) name: Option<Box<str>>,
    pub(crate) overflow: Overflow,
    pub(crate) room: Room,
}

/// The publishers' end of one subscriber's queue.
pub(crate) struct Queue<M> {
    sender: Sender<Parcel<M>>,
    filter: Filter,
    terms: Arc<Terms>,
}

impl<M> Queue<M> {
    /// Both ends of a new queue.
    pub(crate) fn new(options: SubscribeOptions) -> (Self, Receiver<Parcel<M>>) {
        let (sender, receiver) = bounded(options.capacity);
        let queue = Queue {
            sender,
            filter: Filter::new(options.patterns, options.sources),
            terms: Arc::new(Terms {
                id: stamp().0,
                name: options.name.map(Into::into),
                overflow: options.overflow,
                room: Room::new(options.capacity),
            }),
        };
        (queue, receiver)
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    pub(crate) fn terms(&self) -> &Arc<Terms> {
        &self.terms
    }

    /// Enqueues the envelope if there is room.
    fn offer(&self, delivery: &Delivery<M>) -> Result<(), NoPlace> {
        self.terms.room.reserve()?;
        self.send(delivery)
    }

    /// Enqueues the envelope, and waits for room until the deadline if it must.
    fn offer_by(&self, delivery: &Delivery<M>, deadline: Option<Instant>) -> Result<(), NoPlace> {
        self.terms.room.reserve_by(deadline)?;
        self.send(delivery)
    }

    /// Sends into a place that was reserved.
    fn send(&self, delivery: &Delivery<M>) -> Result<(), NoPlace> {
        let parcel = Parcel {
            delivery: delivery.clone(),
            lost_before: self.terms.room.lost(),
        };
        match self.sender.try_send(parcel) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(NoPlace::Gone),
            Err(TrySendError::Full(_)) => unreachable!("a reserved place is free"),
        }
    }
}

/// Publishes one envelope along a route.
pub(crate) fn fan_out<M: Payload>(route: Guard<Arc<Route<M>>>, envelope: Envelope<M>) -> Receipt {
    let mut receipt = Receipt::new(envelope.id);
    if route.queues.is_empty() {
        return receipt;
    }
    let delivery = Delivery::new(envelope);
    // User code, so before anybody was offered anything: if it panics, nothing has happened.
    let subject = if route.by_subject {
        delivery.message.subject()
    } else {
        Subject::none()
    };

    let mut waited_for = SmallVec::<[_; 4]>::new();
    for queue in &route.queues {
        if !queue.filter.accepts(&delivery, &subject) {
            continue;
        }
        match (queue.offer(&delivery), queue.terms.overflow) {
            (Ok(()), _) => receipt.count_delivered(),
            (Err(NoPlace::Gone), _) => {}
            (Err(NoPlace::Full), Overflow::DropNewest) => {
                queue.terms.room.lose();
                receipt.count_dropped();
            }
            (Err(NoPlace::Full), Overflow::Block { timeout }) => {
                waited_for.push((Arc::clone(queue), timeout));
            }
        }
    }
    if waited_for.is_empty() {
        return receipt;
    }

    // Who waits holds only what it waits for: the route would keep other queues connected.
    drop(route);
    let started = Instant::now();
    for (queue, timeout) in waited_for {
        // A time-out beyond the clock's end is none.
        let deadline = timeout.and_then(|timeout| started.checked_add(timeout));
        match queue.offer_by(&delivery, deadline) {
            Ok(()) => receipt.count_delivered(),
            Err(NoPlace::Gone) => {}
            Err(NoPlace::Full) => {
                queue.terms.room.lose();
                receipt.count_dropped();
            }
        }
    }
    receipt
}
