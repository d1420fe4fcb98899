//! The `crossfire` crate: a fan-out.

use crossfire::mpmc::{Array, bounded_blocking};
use crossfire::{MRx, MTx};

use super::channel::{Channel, Named};
use super::fan_out::FanOut;

pub(crate) const FAN_OUT: FanOut<Crossfire> = FanOut::new();

#[derive(Debug)]
pub(crate) struct Crossfire;

impl Named for Crossfire {
    const NAME: &'static str = "crossfire";
    const FAN_OUT: &'static str = "crossfire fan-out";
}

impl<T: Send + 'static> Channel<T> for Crossfire {
    type Sender = MTx<Array<T>>;
    type Receiver = MRx<Array<T>>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        bounded_blocking(capacity)
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
