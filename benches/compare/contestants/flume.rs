//! The `flume` crate: a fan-out.

use flume::{Receiver, Sender, bounded};

use super::channel::{Channel, Named};
use super::fan_out::FanOut;

pub(crate) const FAN_OUT: FanOut<Flume> = FanOut::new();

#[derive(Debug)]
pub(crate) struct Flume;

impl Named for Flume {
    const NAME: &'static str = "flume";
    const FAN_OUT: &'static str = "flume fan-out";
}

impl<T: Send + 'static> Channel<T> for Flume {
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
        receiver.try_recv().ok()
    }
}
