//! crossbeam-channel: a fan-out, and one bare channel.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use oxide_bus::Envelope;

use super::fan_out::{Channel, FanOut};
use super::{Absence, Burst, CAPACITY, Contestant, Publish, Subscribe, Threads, read};
use crate::run::envelopes::Envelopes;

pub(crate) const FAN_OUT: FanOut<Crossbeam> = FanOut::new();

#[derive(Debug)]
pub(crate) struct Crossbeam;

impl Channel for Crossbeam {
    const NAME: &'static str = "crossbeam fan-out";
    type Sender = Sender<Arc<Envelope>>;
    type Receiver = Receiver<Arc<Envelope>>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        bounded(capacity)
    }

    fn send(sender: &Self::Sender, envelope: Arc<Envelope>) {
        sender.send(envelope).expect("connected");
    }

    fn try_send(sender: &Self::Sender, envelope: Arc<Envelope>) {
        let _full = sender.try_send(envelope);
    }

    fn receive(receiver: &mut Self::Receiver) -> Arc<Envelope> {
        receiver.recv().expect("connected")
    }

    fn try_receive(receiver: &mut Self::Receiver) -> Option<Arc<Envelope>> {
        receiver.try_recv().ok()
    }
}

/// One channel of envelopes, without an `Arc`: the least that two threads can do.
#[derive(Debug)]
pub(crate) struct Bare;

impl Contestant for Bare {
    fn name(&self) -> &'static str {
        "crossbeam bare"
    }

    fn burst(&self, _subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        Err("one channel has one subscriber; it takes part in the latency cell")
    }

    fn threads(&self, _publishers: usize, _subscribers: usize) -> Result<Threads, Absence> {
        Err("one channel has one subscriber; it takes part in the latency cell")
    }

    fn latency(&self) -> Result<Threads, Absence> {
        let (sender, receiver) = bounded::<Envelope>(CAPACITY);
        Ok(Threads::new([sender], [receiver]))
    }
}

impl Publish for Sender<Envelope> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            self.send(envelope).expect("connected");
        }
    }
}

impl Subscribe for Receiver<Envelope> {
    fn receive(&mut self, count: usize) {
        for _ in 0..count {
            read(&self.recv().expect("connected"));
        }
    }
}
