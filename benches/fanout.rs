//! Benchmark of publishing and receiving: one thread publishes a burst, then drains every subscription.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use oxide_bus::kernel::{Command, Message};
use oxide_bus::{Envelope, MessageBus, Source};

const BURST: u64 = 64;

fn fanout(c: &mut Criterion) {
    let source = Source::from("kernel");
    let mut group = c.benchmark_group("fanout");
    for subscribers in [1_u64, 4, 16, 64, 256] {
        let bus = MessageBus::new();
        let mut subscriptions: Vec<_> = (0..subscribers).map(|_| bus.subscribe()).collect();
        group.throughput(Throughput::Elements(BURST * subscribers));
        group.bench_function(BenchmarkId::new("deliveries", subscribers), |b| {
            b.iter(|| {
                for _ in 0..BURST {
                    let ping = Envelope::new(&source, Message::Command(Command::Ping));
                    bus.publish(ping).expect("open");
                }
                let received: usize = (subscriptions.iter_mut())
                    .map(|subscription| subscription.try_iter().count())
                    .sum();
                assert_eq!(received as u64, BURST * subscribers);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, fanout);
criterion_main!(benches);
