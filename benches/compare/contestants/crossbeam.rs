//! The `crossbeam-channel` crate: a fan-out, and one bare channel.

use crossbeam_channel::{Receiver, Sender, bounded};

use super::channel::{self, Channel, Named};
use super::fan_out::FanOut;
use super::{Absence, Burst, Contestant, Threads};

pub(crate) const FAN_OUT: FanOut<Crossbeam> = FanOut::new();

#[derive(Debug)]
pub(crate) struct Crossbeam;

impl Named for Crossbeam {
    const NAME: &'static str = "crossbeam";
    const FAN_OUT: &'static str = "crossbeam fan-out";
}

impl<T: Send + 'static> Channel<T> for Crossbeam {
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

/// One channel of envelopes, without an `Arc`: the least that two threads can do.
#[derive(Debug)]
pub(crate) struct Bare;

const ONE_SUBSCRIBER: Absence = "one channel has one subscriber; it takes part in the latency cell";

impl Contestant for Bare {
    fn name(&self) -> &'static str {
        "crossbeam bare"
    }

    fn burst(&self, _subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        Err(ONE_SUBSCRIBER)
    }

    fn threads(&self, _publishers: usize, _subscribers: usize) -> Result<Threads, Absence> {
        Err(ONE_SUBSCRIBER)
    }

    fn latency(&self) -> Result<Threads, Absence> {
        Ok(channel::between_threads::<Crossbeam>())
    }
}
