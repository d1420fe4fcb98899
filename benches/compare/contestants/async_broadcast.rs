//! The `async-broadcast` crate: a channel of `Arc`s, used from plain threads.

use std::sync::Arc;

use async_broadcast::{Receiver, Sender, TryRecvError, broadcast};

use super::{Absence, Burst, CAPACITY, Contestant, Publish, Shared, Subscribe, Threads, read};
use crate::run::envelopes::Envelopes;

pub(super) const NAME: &str = "async-broadcast";

#[derive(Debug)]
pub(crate) struct AsyncBroadcast;

impl Contestant for AsyncBroadcast {
    fn name(&self) -> &'static str {
        NAME
    }

    fn burst(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        let (mut sender, receivers) = channel(subscribers);
        // Otherwise a full subscriber stops the publisher.
        sender.set_overflow(true);
        Ok(Box::new(OneThread { sender, receivers }))
    }

    fn threads(&self, publishers: usize, subscribers: usize) -> Result<Threads, Absence> {
        let (sender, receivers) = channel(subscribers);
        Ok(Threads::new(vec![sender; publishers], receivers))
    }
}

fn channel(subscribers: usize) -> (Sender<Shared>, Vec<Receiver<Shared>>) {
    let (sender, first) = broadcast(CAPACITY);
    (sender, vec![first; subscribers])
}

impl Publish for Sender<Shared> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            self.broadcast_blocking(Arc::new(envelope))
                .expect("subscribed");
        }
    }
}

impl Subscribe for Receiver<Shared> {
    fn receive(&mut self, count: usize) {
        for _ in 0..count {
            read(&self.recv_blocking().expect("open"));
        }
    }
}

struct OneThread {
    sender: Sender<Shared>,
    receivers: Vec<Receiver<Shared>>,
}

impl Burst for OneThread {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            self.sender
                .try_broadcast(Arc::new(envelope))
                .expect("it overflows");
        }
    }

    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize {
        let receiver = &mut self.receivers[subscriber];
        let mut taken = 0;
        while taken < at_most {
            match receiver.try_recv() {
                Ok(envelope) => {
                    read(&envelope);
                    taken += 1;
                }
                Err(TryRecvError::Overflowed(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        taken
    }
}
