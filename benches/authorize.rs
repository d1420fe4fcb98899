//! What it costs to be allowed: unguarded, by capability, and through a publisher.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oxide_bus::{Capability, Command, Envelope, Message, MessageBus, Source, Subscription};

const BURST: u64 = 64;

/// Publishes a burst to one subscriber and drains it, so that no queue overflows.
fn burst(subscription: &mut Subscription, mut publish: impl FnMut()) {
    for _ in 0..BURST {
        publish();
    }
    assert_eq!(subscription.try_iter().count() as u64, BURST);
}

fn authorize(c: &mut Criterion) {
    let bus = MessageBus::new();
    let mut subscription = bus.subscribe();
    let source = Source::from("logger");
    let capability = Capability::new("log:write");
    bus.grant_capability(capability.clone());
    for index in 0..100 {
        bus.grant_capability(Capability::new(format!("other:{index}")));
    }
    let publisher = bus.publisher(&source, &capability);
    let ping = || Message::Command(Command::Ping);

    let mut group = c.benchmark_group("authorize");
    group.throughput(Throughput::Elements(BURST));
    group.bench_function("unguarded", |b| {
        b.iter(|| {
            burst(&mut subscription, || {
                bus.publish(Envelope::new(&source, ping())).expect("open");
            });
        });
    });
    group.bench_function("by capability", |b| {
        b.iter(|| {
            burst(&mut subscription, || {
                bus.publish_with_capability(Envelope::new(&source, ping()), &capability)
                    .expect("granted");
            });
        });
    });
    group.bench_function("by publisher", |b| {
        b.iter(|| {
            burst(&mut subscription, || {
                publisher.publish(ping()).expect("granted");
            });
        });
    });
    group.finish();
}

criterion_group!(benches, authorize);
criterion_main!(benches);
