//! Subscribers that lose the oldest envelopes when they are full.

use oxide_bus::{Overflow, SubscribeOptions};

use super::async_broadcast::AsyncBroadcast;
use super::tokio_broadcast::TokioBroadcast;
use super::{Burst, CAPACITY, Contestant, Entrant, Role, oxide};

pub(crate) fn newest(subscribers: usize) -> Vec<Entrant<Box<dyn Burst>>> {
    let options = SubscribeOptions::new()
        .capacity(CAPACITY)
        .overflow(Overflow::DropOldest);
    let mut entrants = oxide::both_ways(|| (0..subscribers).map(|_| options.clone()));
    // Each is a ring that is overwritten.
    let rings: [&dyn Contestant; 2] = [&TokioBroadcast, &AsyncBroadcast];
    entrants.extend(rings.map(|ring| Entrant {
        name: ring.name(),
        role: Role::Peer,
        brings: ring.burst(subscribers).expect("it has a ring"),
    }));
    entrants
}
