//! The broadcast channel of tokio with `Arc`s, used from plain threads.

use std::sync::Arc;

use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::broadcast::{Receiver, Sender};

use super::{Absence, Burst, CAPACITY, Contestant, Publish, Shared, Subscribe, Threads, read};
use crate::run::envelopes::Envelopes;

pub(crate) const NAME: &str = "tokio-broadcast";

#[derive(Debug)]
pub(crate) struct TokioBroadcast;

impl Contestant for TokioBroadcast {
    fn name(&self) -> &'static str {
        NAME
    }

    fn burst(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        let sender = Sender::new(CAPACITY);
        Ok(Box::new(OneThread {
            receivers: (0..subscribers).map(|_| sender.subscribe()).collect(),
            sender,
        }))
    }

    fn threads(&self, _publishers: usize, _subscribers: usize) -> Result<Threads, Absence> {
        Err("its publisher waits for nobody, so it loses envelopes")
    }

    fn at_rest(&self, subscribers: usize) -> Result<Threads, Absence> {
        let sender = Sender::new(CAPACITY);
        let receivers: Vec<_> = (0..subscribers).map(|_| sender.subscribe()).collect();
        Ok(Threads::new([sender], receivers))
    }
}

impl Publish for Sender<Shared> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            self.send(Arc::new(envelope)).expect("subscribed");
        }
    }
}

impl Subscribe for Receiver<Shared> {
    fn receive(&mut self, count: usize) {
        for _ in 0..count {
            read(&self.blocking_recv().expect("not behind"));
        }
    }
}

struct OneThread {
    sender: Sender<Shared>,
    receivers: Vec<Receiver<Shared>>,
}

impl Burst for OneThread {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        Publish::publish(&mut self.sender, envelopes, count);
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
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        taken
    }
}
