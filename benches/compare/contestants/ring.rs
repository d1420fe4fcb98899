//! A shared ring with one publisher, which waits for the slowest subscriber.

use std::marker::PhantomData;

use super::channel::receive_up_to;
use super::{Absence, Burst, Contestant, Publish, Shared, Subscribe, Threads, read};
use crate::run::envelopes::Envelopes;

/// A ring of `Arc`s.
pub(super) trait Ring: 'static {
    const NAME: &'static str;
    type Sender: Send + 'static;
    type Receiver: Send + 'static;

    fn new(subscribers: usize) -> (Self::Sender, Vec<Self::Receiver>);
    /// Waits for room.
    fn send(sender: &mut Self::Sender, envelope: Shared);
    /// Waits for an envelope.
    fn receive(receiver: &mut Self::Receiver) -> Shared;
    fn try_receive(receiver: &mut Self::Receiver) -> Option<Shared>;
}

#[derive(Debug)]
pub(crate) struct OnePublisher<R>(PhantomData<R>);

impl<R> OnePublisher<R> {
    pub(super) const fn new() -> Self {
        OnePublisher(PhantomData)
    }
}

impl<R: Ring> Contestant for OnePublisher<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn burst(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        let (sender, receivers) = R::new(subscribers);
        Ok(Box::new(OneThread::<R> {
            sender: Publisher(sender),
            receivers,
        }))
    }

    fn lossy(&self, _subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        Err("a full subscriber stops the publisher, for all")
    }

    fn threads(&self, publishers: usize, subscribers: usize) -> Result<Threads, Absence> {
        if publishers > 1 {
            return Err("it has one publisher");
        }
        let (sender, receivers) = R::new(subscribers);
        Ok(Threads::new(
            [Publisher::<R>(sender)],
            receivers.into_iter().map(Subscriber::<R>),
        ))
    }
}

struct Publisher<R: Ring>(R::Sender);

impl<R: Ring> Publish for Publisher<R> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            R::send(&mut self.0, Shared::new(envelope));
        }
    }
}

struct Subscriber<R: Ring>(R::Receiver);

impl<R: Ring> Subscribe for Subscriber<R> {
    fn receive(&mut self, count: usize) {
        for _ in 0..count {
            read(&R::receive(&mut self.0));
        }
    }
}

struct OneThread<R: Ring> {
    sender: Publisher<R>,
    receivers: Vec<R::Receiver>,
}

impl<R: Ring> Burst for OneThread<R> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        self.sender.publish(envelopes, count);
    }

    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize {
        let receiver = &mut self.receivers[subscriber];
        receive_up_to(at_most, || R::try_receive(receiver))
    }
}
