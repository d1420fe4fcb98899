//! The `async-channel` crate, used from plain threads: a channel for many senders and many receivers.

use async_channel::{Receiver, Sender, bounded};

use super::channel::{Channel, Named};

#[derive(Debug)]
pub(crate) struct AsyncChannel;

impl Named for AsyncChannel {
    const NAME: &'static str = "async-channel";
    const FAN_OUT: &'static str = "async-channel fan-out";
}

impl<T: Send + 'static> Channel<T> for AsyncChannel {
    type Sender = Sender<T>;
    type Receiver = Receiver<T>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        bounded(capacity)
    }

    fn send(sender: &Self::Sender, item: T) {
        assert!(sender.send_blocking(item).is_ok(), "disconnected");
    }

    fn try_send(sender: &Self::Sender, item: T) {
        let _full = sender.try_send(item);
    }

    fn receive(receiver: &mut Self::Receiver) -> Option<T> {
        receiver.recv_blocking().ok()
    }

    fn try_receive(receiver: &mut Self::Receiver) -> Option<T> {
        receiver.try_recv().ok()
    }
}
