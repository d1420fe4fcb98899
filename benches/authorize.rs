//! Benchmark of authorization: publishing unguarded, by capability, and through a publisher, with and without a scope.
//! At the end it measures the differences again side by side, and compares them with their budgets.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oxide_bus::kernel::{Command, Message};
use oxide_bus::{Capability, Envelope, Grant, MessageBus, Source, Subscription};

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
    bus.grant(&capability).expect("granted");
    for index in 0..100 {
        bus.grant(Capability::new(format!("other:{index}")))
            .unwrap();
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
    bus.grant(Grant::new("scoped").patterns(eight_patterns()))
        .expect("well formed");
    let scoped = bus.publisher(&source, "scoped");
    group.bench_function("by publisher, 8 patterns", |b| {
        b.iter(|| {
            burst(&mut subscription, || {
                scoped.publish(ping()).expect("granted");
            });
        });
    });
    group.finish();
}

/// Returns eight patterns, of which the last matches.
fn eight_patterns() -> Vec<String> {
    (0..7)
        .map(|index| format!("event.custom.module{index}.*"))
        .chain(["command.ping".to_owned()])
        .collect()
}

/// Returns the nanoseconds of one publish for each contestant. The contestants alternate for many rounds, and the
/// fastest tenth of the rounds counts: other work on the machine only adds time.
fn side_by_side(contestants: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    const ROUNDS: usize = 401;
    const BURSTS: u32 = 50;
    let mut times = vec![Vec::with_capacity(ROUNDS); contestants.len()];
    for _ in 0..ROUNDS {
        for (contestant, times) in contestants.iter_mut().zip(&mut times) {
            let started = Instant::now();
            for _ in 0..BURSTS {
                contestant();
            }
            let each = started.elapsed().as_secs_f64() * 1e9 / f64::from(BURSTS) / 64.0;
            times.push(each);
        }
    }
    (times.iter_mut())
        .map(|times| {
            times.sort_by(f64::total_cmp);
            times[ROUNDS / 10]
        })
        .collect()
}

fn budgets(_: &mut Criterion) {
    let bus = MessageBus::new();
    let source = Source::from("logger");
    bus.grant("plain").expect("granted");
    bus.grant(Grant::new("scoped").patterns(eight_patterns()))
        .expect("well formed");
    let forever = Grant::new("expires").expires_in(Duration::from_hours(24));
    bus.grant(forever).expect("well formed");
    let often = Grant::new("rate").rate(1_000_000_000, u32::MAX);
    bus.grant(often).expect("well formed");
    let [plain, scoped, expires, rate] =
        ["plain", "scoped", "expires", "rate"].map(|name| bus.publisher(&source, name));
    let ping = || Message::Command(Command::Ping);
    let subscription = std::cell::RefCell::new(bus.subscribe());
    let run = |publish: &dyn Fn()| burst(&mut subscription.borrow_mut(), publish);
    let times = side_by_side(&mut [
        &mut || run(&|| _ = bus.publish(Envelope::new(&source, ping())).expect("open")),
        &mut || run(&|| _ = plain.publish(ping()).expect("granted")),
        &mut || run(&|| _ = scoped.publish(ping()).expect("granted")),
        &mut || run(&|| _ = expires.publish(ping()).expect("granted")),
        &mut || run(&|| _ = rate.publish(ping()).expect("granted")),
    ]);
    let [unguarded, plain, scoped, expires, rate] = times[..] else {
        unreachable!("five were measured");
    };
    println!("nanoseconds a publish, side by side:");
    println!("  unguarded {unguarded:.1}, by publisher {plain:.1}, with 8 patterns {scoped:.1}");
    println!(
        "  one that expires: {:.1} more than a plain one; one with a rate: {:.1}",
        expires - plain,
        rate - plain
    );
    println!(
        "  a grant that can be revoked and drained: {:.1} of 8; 8 patterns: {:.1} of 60 more",
        plain - unguarded,
        scoped - plain
    );
}

criterion_group!(benches, authorize, budgets);
criterion_main!(benches);
