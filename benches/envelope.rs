//! Benchmark of making an envelope, beside making one as the seed does.

use std::hint::black_box;

use chrono::{DateTime, Utc};
use criterion::{Criterion, criterion_group, criterion_main};
use oxide_bus::kernel::{Command, Message};
use oxide_bus::{Envelope, Source};
use uuid::Uuid;

/// The seed's envelope: a random id from the system's generator, and an owned source.
struct SeedEnvelope {
    id: Uuid,
    source: String,
    correlation_id: Option<Uuid>,
    timestamp: DateTime<Utc>,
    message: Message,
}

fn seed_envelope(source: &str) -> SeedEnvelope {
    SeedEnvelope {
        id: Uuid::new_v4(),
        source: source.to_owned(),
        correlation_id: None,
        timestamp: Utc::now(),
        message: Message::Command(Command::Ping),
    }
}

fn envelope(c: &mut Criterion) {
    let mut group = c.benchmark_group("envelope");
    let source = Source::from("thermometer");
    group.bench_function("reused source", |b| {
        b.iter(|| Envelope::new(black_box(&source), Message::Command(Command::Ping)));
    });
    group.bench_function("source from text", |b| {
        b.iter(|| Envelope::new(black_box("thermometer"), Message::Command(Command::Ping)));
    });
    group.bench_function("as the seed", |b| {
        b.iter(|| {
            let made = seed_envelope(black_box("thermometer"));
            black_box((made.id, made.correlation_id, made.timestamp));
            (made.source, made.message)
        });
    });
    group.finish();
}

criterion_group!(benches, envelope);
criterion_main!(benches);
