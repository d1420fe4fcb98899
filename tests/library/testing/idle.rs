//! Waiting until a bus is idle, and what its error says.

use std::time::Duration;

use oxide_bus::testing::{ManualClock, wait_idle};
use oxide_bus::{Bus, Overflow, SubscribeOptions};

use crate::support::task::Task;

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn a_bus_is_idle_once_all_is_received_answered_and_published() {
    let bus = Bus::<u32>::new();
    wait_idle(&bus, Duration::ZERO).unwrap();
    let options = SubscribeOptions::new()
        .name("server")
        .capacity(1)
        .overflow(Overflow::Block);
    let mut server = bus.subscribe_with(options).unwrap();
    bus.grant("ask").unwrap();
    let client = bus.publisher("client", "ask");
    let asking = {
        let client = client.clone();
        Task::start(move || client.request(1).unwrap().message)
    };
    let asked = || bus.stats().pending_requests == 1 && bus.stats().subscriptions[0].queued == 1;
    while !asked() {
        std::thread::yield_now();
    }
    let blocked = Task::start(move || client.publish(2).map(drop));
    while bus.grants()[0].in_flight == 0 {
        std::thread::yield_now();
    }
    let error = wait_idle(&bus, Duration::from_millis(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the bus is not idle: 1 envelopes are left in 1 queue: server 1; 1 requests are pending; \
         1 publishes are in flight under `ask`"
    );
    assert_eq!(
        error.queued.as_ref().unwrap().left()[0].name.as_deref(),
        Some("server")
    );
    assert_eq!((error.pending_requests, error.in_flight.len()), (1, 1));

    let idle = {
        let bus = bus.clone();
        Task::start(move || wait_idle(&bus, PATIENCE))
    };
    let question = server.recv().unwrap();
    blocked.end().unwrap();
    server.recv().unwrap();
    idle.assert_waits();
    bus.trusted_publisher("server").reply(&question, 3).unwrap();
    assert_eq!(asking.end(), 3);
    server.recv().unwrap();
    assert_eq!(idle.end(), Ok(()));
}

#[test]
fn its_time_out_goes_by_the_systems_clock() {
    let _entered = ManualClock::new().enter();
    let bus = Bus::<u32>::new();
    let _numbers = bus.subscribe();
    bus.send("counter", 1).unwrap();
    let error = wait_idle(&bus, Duration::from_millis(1)).unwrap_err();
    assert_eq!(error.queued.unwrap().left().len(), 1);
}
