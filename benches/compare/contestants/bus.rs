//! The `bus` crate, of `Arc`s: a ring with one publisher.

use std::sync::Arc;

use bus::{Bus, BusReader};
use oxide_bus::Envelope;

use super::{Absence, Burst, CAPACITY, Contestant, Publish, Subscribe, Threads, read};
use crate::run::envelopes::Envelopes;

#[derive(Debug)]
pub(crate) struct BusCrate;

impl Contestant for BusCrate {
    fn name(&self) -> &'static str {
        "bus"
    }

    fn burst(&self, subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        let mut bus = Bus::new(CAPACITY);
        Ok(Box::new(OneThread {
            readers: (0..subscribers).map(|_| bus.add_rx()).collect(),
            bus,
        }))
    }

    fn lossy(&self, _subscribers: usize) -> Result<Box<dyn Burst>, Absence> {
        Err("a full subscriber stops the publisher, for all")
    }

    fn threads(&self, publishers: usize, subscribers: usize) -> Result<Threads, Absence> {
        if publishers > 1 {
            return Err("it has one publisher");
        }
        let mut bus = Bus::new(CAPACITY);
        let readers: Vec<_> = (0..subscribers).map(|_| bus.add_rx()).collect();
        Ok(Threads::new([bus], readers))
    }
}

type Shared = Arc<Envelope>;

impl Publish for Bus<Shared> {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            self.broadcast(Arc::new(envelope));
        }
    }
}

impl Subscribe for BusReader<Shared> {
    fn receive(&mut self, count: usize) {
        for _ in 0..count {
            read(&self.recv().expect("connected"));
        }
    }
}

struct OneThread {
    bus: Bus<Shared>,
    readers: Vec<BusReader<Shared>>,
}

impl Burst for OneThread {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        Publish::publish(&mut self.bus, envelopes, count);
    }

    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize {
        let reader = &mut self.readers[subscriber];
        let mut taken = 0;
        while taken < at_most
            && let Ok(envelope) = reader.try_recv()
        {
            read(&envelope);
            taken += 1;
        }
        taken
    }
}
