//! The `bus` crate: a ring with one publisher.

use bus::{Bus, BusReader};

use super::ring::{OnePublisher, Ring};
use super::{CAPACITY, Shared};

pub(crate) const RING: OnePublisher<BusCrate> = OnePublisher::new();

#[derive(Debug)]
pub(crate) struct BusCrate;

impl Ring for BusCrate {
    const NAME: &'static str = "bus";
    type Sender = Bus<Shared>;
    type Receiver = BusReader<Shared>;

    fn new(subscribers: usize) -> (Self::Sender, Vec<Self::Receiver>) {
        let mut bus = Bus::new(CAPACITY);
        let readers = (0..subscribers).map(|_| bus.add_rx()).collect();
        (bus, readers)
    }

    fn send(bus: &mut Self::Sender, envelope: Shared) {
        bus.broadcast(envelope);
    }

    fn receive(reader: &mut Self::Receiver) -> Shared {
        reader.recv().expect("connected")
    }

    fn try_receive(reader: &mut Self::Receiver) -> Option<Shared> {
        reader.try_recv().ok()
    }
}
