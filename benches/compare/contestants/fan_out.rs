//! The bus that a user builds from plain channels: a list of senders, and an `Arc` sent through each.

use std::marker::PhantomData;
use std::sync::Arc;

use oxide_bus::Envelope;

use super::channel::{Channel, Named, receive_up_to};
use super::{Absence, Burst, CAPACITY, Contestant, Publish, Shared, Subscribe, Threads, read};
use crate::run::envelopes::Envelopes;

#[derive(Debug)]
pub(crate) struct FanOut<C>(PhantomData<C>);

impl<C> FanOut<C> {
    pub(super) const fn new() -> Self {
        FanOut(PhantomData)
    }
}

impl<C: Named + Channel<Shared>> Contestant for FanOut<C> {
    fn name(&self) -> &'static str {
        C::FAN_OUT
    }

    fn burst(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        let (senders, receivers) = channels::<C>(subscribers);
        Ok(Box::new(OneThread::<C> { senders, receivers }))
    }

    fn threads(&self, publishers: usize, subscribers: usize) -> Result<Threads, Absence> {
        let (senders, receivers) = channels::<C>(subscribers);
        Ok(Threads::new(
            (0..publishers).map(|_| Publisher::<C>(senders.clone())),
            receivers.into_iter().map(Subscriber::<C>),
        ))
    }
}

fn channels<C: Channel<Shared>>(subscribers: usize) -> (Vec<C::Sender>, Vec<C::Receiver>) {
    (0..subscribers).map(|_| C::bounded(CAPACITY)).unzip()
}

/// Hands the envelope to each sender. The last one gets the handle itself.
pub(super) fn send_to_all<S>(senders: &[S], envelope: Envelope, send: impl Fn(&S, Shared)) {
    let envelope = Arc::new(envelope);
    if let Some((last, others)) = senders.split_last() {
        for sender in others {
            send(sender, Arc::clone(&envelope));
        }
        send(last, envelope);
    }
}

struct OneThread<C: Channel<Shared>> {
    senders: Vec<C::Sender>,
    receivers: Vec<C::Receiver>,
}

impl<C: Channel<Shared>> Burst for OneThread<C> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            send_to_all(&self.senders, envelope, C::try_send);
        }
    }

    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize {
        let receiver = &mut self.receivers[subscriber];
        receive_up_to(at_most, || C::try_receive(receiver))
    }
}

struct Publisher<C: Channel<Shared>>(Vec<C::Sender>);

impl<C: Channel<Shared>> Publish for Publisher<C> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            send_to_all(&self.0, envelope, C::send);
        }
    }
}

struct Subscriber<C: Channel<Shared>>(C::Receiver);

impl<C: Channel<Shared>> Subscribe for Subscriber<C> {
    fn receive(&mut self, count: usize) {
        for _ in 0..count {
            read(&C::receive(&mut self.0).expect("connected"));
        }
    }
}
