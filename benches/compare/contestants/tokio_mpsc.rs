//! The mpsc channel of tokio: a fan-out, used from plain threads.

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::channel::{Channel, Named};
use super::fan_out::FanOut;

pub(crate) const FAN_OUT: FanOut<TokioMpsc> = FanOut::new();

#[derive(Debug)]
pub(crate) struct TokioMpsc;

impl Named for TokioMpsc {
    const NAME: &'static str = "tokio mpsc";
    const FAN_OUT: &'static str = "tokio mpsc fan-out";
}

impl<T: Send + 'static> Channel<T> for TokioMpsc {
    type Sender = Sender<T>;
    type Receiver = Receiver<T>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        channel(capacity)
    }

    fn send(sender: &Self::Sender, item: T) {
        assert!(sender.blocking_send(item).is_ok(), "disconnected");
    }

    fn try_send(sender: &Self::Sender, item: T) {
        let _full = sender.try_send(item);
    }

    fn receive(receiver: &mut Self::Receiver) -> Option<T> {
        receiver.blocking_recv()
    }

    fn try_receive(receiver: &mut Self::Receiver) -> Option<T> {
        receiver.try_recv().ok()
    }
}
