//! What a bus allocates.
//!
//! A test binary with one test: its allocator counts what all threads do.

use std::alloc::System;
use std::hint::black_box;

use oxide_bus::{Command, Envelope, Message, MessageBus, Source, Subscription};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SUBSCRIBERS: usize = 16;
const BURST: usize = 64;

#[test]
fn a_subscriber_takes_up_to_4_kib_and_64_envelopes_4_allocations_and_a_delivery_none() {
    let bus = MessageBus::new();
    let mut subscriptions: Vec<_> = (0..SUBSCRIBERS).map(|_| bus.subscribe()).collect();
    subscriptions.reserve(1);

    let region = Region::new(COUNTING);
    subscriptions.push(bus.subscribe());
    let idle = region.change();
    let bytes = idle.bytes_allocated - idle.bytes_deallocated;
    assert!(bytes <= 4096, "an idle subscriber takes {bytes} bytes");

    let source = Source::from("kernel");
    let publish = || {
        for _ in 0..BURST {
            let ping = Message::from(Command::Ping);
            bus.publish(Envelope::new(&source, ping)).unwrap();
        }
    };
    // The first bursts lie in smaller parcels.
    for _ in 0..8 {
        publish();
        subscriptions.iter_mut().for_each(receive_all);
    }
    for _ in 0..32 {
        let region = Region::new(COUNTING);
        publish();
        let published = region.change();
        assert!(published.allocations <= BURST / 16, "{published:?}");

        let region = Region::new(COUNTING);
        subscriptions.iter_mut().for_each(receive_all);
        assert_eq!(region.change().allocations, 0, "to receive");
    }
}

fn receive_all(subscription: &mut Subscription) {
    while let Ok(delivery) = subscription.try_recv() {
        black_box(delivery.id);
    }
}
