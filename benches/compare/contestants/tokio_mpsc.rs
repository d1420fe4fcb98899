//! tokio's mpsc channel: a fan-out, used from plain threads.

use std::sync::Arc;

use oxide_bus::Envelope;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::fan_out::{Channel, FanOut};

pub(crate) const FAN_OUT: FanOut<TokioMpsc> = FanOut::new();

#[derive(Debug)]
pub(crate) struct TokioMpsc;

impl Channel for TokioMpsc {
    const NAME: &'static str = "tokio mpsc fan-out";
    type Sender = Sender<Arc<Envelope>>;
    type Receiver = Receiver<Arc<Envelope>>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        channel(capacity)
    }

    fn send(sender: &Self::Sender, envelope: Arc<Envelope>) {
        sender.blocking_send(envelope).expect("connected");
    }

    fn try_send(sender: &Self::Sender, envelope: Arc<Envelope>) {
        let _full = sender.try_send(envelope);
    }

    fn receive(receiver: &mut Self::Receiver) -> Arc<Envelope> {
        receiver.blocking_recv().expect("connected")
    }

    fn try_receive(receiver: &mut Self::Receiver) -> Option<Arc<Envelope>> {
        receiver.try_recv().ok()
    }
}
