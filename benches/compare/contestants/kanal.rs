//! The `kanal` crate: a fan-out.

use kanal::{Receiver, Sender, bounded};

use super::channel::{Channel, Named};
use super::fan_out::FanOut;

pub(crate) const FAN_OUT: FanOut<Kanal> = FanOut::new();

#[derive(Debug)]
pub(crate) struct Kanal;

impl Named for Kanal {
    const NAME: &'static str = "kanal";
    const FAN_OUT: &'static str = "kanal fan-out";
}

impl<T: Send + 'static> Channel<T> for Kanal {
    type Sender = Sender<T>;
    type Receiver = Receiver<T>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        bounded(capacity)
    }

    fn send(sender: &Self::Sender, item: T) {
        assert!(sender.send(item).is_ok(), "disconnected");
    }

    fn try_send(sender: &Self::Sender, item: T) {
        let _full = sender.try_send(item);
    }

    fn receive(receiver: &mut Self::Receiver) -> Option<T> {
        receiver.recv().ok()
    }

    fn try_receive(receiver: &mut Self::Receiver) -> Option<T> {
        receiver.try_recv().ok().flatten()
    }
}
