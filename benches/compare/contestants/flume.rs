//! flume: a fan-out.

use std::sync::Arc;

use flume::{Receiver, Sender, bounded};
use oxide_bus::Envelope;

use super::fan_out::{Channel, FanOut};

pub(crate) const FAN_OUT: FanOut<Flume> = FanOut::new();

#[derive(Debug)]
pub(crate) struct Flume;

impl Channel for Flume {
    const NAME: &'static str = "flume fan-out";
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
