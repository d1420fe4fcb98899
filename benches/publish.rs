//! What one publish costs its publisher, by what the subscribers are like.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use oxide_bus::{Command, Envelope, Message, MessageBus, Source, SubscribeOptions};

fn ping(source: &Source) -> Envelope {
    Envelope::new(source, Message::Command(Command::Ping))
}

fn publish(c: &mut Criterion) {
    let source = Source::from("kernel");
    let mut group = c.benchmark_group("publish");
    group.throughput(Throughput::Elements(1));

    let bus = MessageBus::new();
    group.bench_function("nobody listens", |b| {
        b.iter(|| bus.publish(ping(&source)).expect("open"));
    });

    for subscribers in [1, 4, 16] {
        let bus = MessageBus::new();
        let full: Vec<_> = (0..subscribers)
            .map(|_| bus.subscribe_with(SubscribeOptions::new().capacity(1)))
            .collect();
        bus.publish(ping(&source)).expect("open");
        group.bench_function(BenchmarkId::new("all queues full", subscribers), |b| {
            b.iter(|| bus.publish(ping(&source)).expect("open"));
        });
        drop(full);
    }

    let bus = MessageBus::new();
    let others: Vec<_> = (0..16)
        .map(|module| {
            let pattern = format!("command.*.module-{module}").parse();
            bus.subscribe_with(SubscribeOptions::new().pattern(pattern.expect("a pattern")))
        })
        .collect();
    group.bench_function("sixteen listen to something else", |b| {
        b.iter(|| bus.publish(ping(&source)).expect("open"));
    });
    drop(others);
    group.finish();
}

criterion_group!(benches, publish);
criterion_main!(benches);
