//! The channel for one publisher of the `fibre` crate: a ring, from which each subscriber takes a clone.

use fibre::spmc::{BoundedSyncReceiver, BoundedSyncSender, bounded};

use super::ring::{OnePublisher, Ring};
use super::{CAPACITY, Shared};

pub(crate) const RING: OnePublisher<Fibre> = OnePublisher::new();

#[derive(Debug)]
pub(crate) struct Fibre;

impl Ring for Fibre {
    const NAME: &'static str = "fibre spmc";
    type Sender = BoundedSyncSender<Shared>;
    type Receiver = BoundedSyncReceiver<Shared>;

    fn new(subscribers: usize) -> (Self::Sender, Vec<Self::Receiver>) {
        let (sender, first) = bounded(CAPACITY);
        (sender, vec![first; subscribers])
    }

    fn send(sender: &mut Self::Sender, envelope: Shared) {
        sender.send(envelope).expect("connected");
    }

    fn receive(receiver: &mut Self::Receiver) -> Shared {
        receiver.recv().expect("connected")
    }

    fn try_receive(receiver: &mut Self::Receiver) -> Option<Shared> {
        receiver.try_recv().ok()
    }
}
