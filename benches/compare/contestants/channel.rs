//! Bounded channels of any item behind one trait, and one channel as a bus with one subscriber.

use std::borrow::Borrow;

use oxide_bus::Envelope;

use super::{Burst, CAPACITY, Publish, Subscribe, Threads, read};
use crate::run::envelopes::Envelopes;

/// What a channel is called in the tables.
pub(super) trait Named {
    /// As one channel.
    const NAME: &'static str;
    /// As one channel for each subscriber.
    const FAN_OUT: &'static str;
}

/// A bounded channel.
pub(super) trait Channel<T>: 'static {
    type Sender: Clone + Send + Sync + 'static;
    type Receiver: Send + 'static;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);
    /// Waits for room.
    fn send(sender: &Self::Sender, item: T);
    /// Drops the item if there is no room.
    fn try_send(sender: &Self::Sender, item: T);
    /// Waits for an item. Returns `None` when all senders are gone.
    fn receive(receiver: &mut Self::Receiver) -> Option<T>;
    fn try_receive(receiver: &mut Self::Receiver) -> Option<T>;
}

/// The sending end of a channel of envelopes, without an `Arc`.
pub(super) struct Sending<C: Channel<Envelope>>(pub(super) C::Sender);

/// The receiving end.
pub(super) struct Receiving<C: Channel<Envelope>>(pub(super) C::Receiver);

impl<C: Channel<Envelope>> Publish for Sending<C> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            C::send(&self.0, envelope);
        }
    }
}

impl<C: Channel<Envelope>> Subscribe for Receiving<C> {
    fn receive(&mut self, count: usize) {
        for _ in 0..count {
            read(&C::receive(&mut self.0).expect("connected"));
        }
    }
}

/// Makes one channel of envelopes between two threads: the least that they can do.
pub(super) fn between_threads<C: Channel<Envelope>>() -> Threads {
    let (sender, receiver) = C::bounded(CAPACITY);
    Threads::new([Sending::<C>(sender)], [Receiving::<C>(receiver)])
}

/// One channel of envelopes used by one thread.
pub(super) struct OneThread<C: Channel<Envelope>> {
    sender: C::Sender,
    receiver: C::Receiver,
}

impl<C: Channel<Envelope>> OneThread<C> {
    pub(super) fn new() -> Self {
        let (sender, receiver) = C::bounded(CAPACITY);
        OneThread { sender, receiver }
    }
}

impl<C: Channel<Envelope>> Burst for OneThread<C> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            C::try_send(&self.sender, envelope);
        }
    }

    fn receive(&mut self, _subscriber: usize, at_most: usize) -> usize {
        receive_up_to(at_most, || C::try_receive(&mut self.receiver))
    }
}

/// Receives and reads what is there. Returns how many envelopes there were.
pub(super) fn receive_up_to<E: Borrow<Envelope>>(
    at_most: usize,
    mut receive: impl FnMut() -> Option<E>,
) -> usize {
    let mut taken = 0;
    while taken < at_most
        && let Some(envelope) = receive()
    {
        read(envelope.borrow());
        taken += 1;
    }
    taken
}
