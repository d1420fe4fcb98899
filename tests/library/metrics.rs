//! Tests of the metrics, as a recorder of the `metrics` facade gets them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::numbers::publish_all;
use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};
use oxide_bus::{Bus, Envelope, Metrics, SubscribeOptions};

/// A recorder that keeps each metric by name and labels.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Kept {
    fn at(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<_> = (key.labels())
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let name = format!("{} {}", key.name(), labels.join(","));
        Arc::clone(self.0.lock().unwrap().entry(name).or_default())
    }

    fn all(&self) -> Vec<String> {
        (self.0.lock().unwrap().iter())
            .map(|(name, value)| {
                let value = value.load(Ordering::Relaxed);
                if name.contains("_total") {
                    format!("{name} {value}")
                } else {
                    format!("{name} {}", f64::from_bits(value))
                }
            })
            .collect()
    }
}

impl Recorder for Kept {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.at(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.at(key))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn what_has_happened_is_exported_by_name_and_goes_on_when_subscribers_change() {
    let kept = Kept::default();
    let bus = Bus::<u64>::new();
    let mut metrics = Metrics::new("kernel");
    let log = || SubscribeOptions::new().name("log").capacity(2);
    let mut first = bus.subscribe_with(log()).unwrap();
    let nameless = bus.subscribe();
    let panics =
        SubscribeOptions::new().predicate(|_: &Envelope<u64>| panic!("the test's own panic"));
    let _evicted = bus.subscribe_with(panics).unwrap();
    with_local_recorder(&kept, || {
        publish_all(&bus, 0..3);
        first.recv().unwrap();
        assert!(bus.publisher("me", "none").publish(1).is_err());
        metrics.export(&bus.stats());
        metrics.export(&bus.stats());
    });
    let expected = [
        "oxide_bus_denied_total bus=kernel 1",
        "oxide_bus_dropped_total bus=kernel,subscription= 0",
        "oxide_bus_dropped_total bus=kernel,subscription=log 1",
        "oxide_bus_matched_total bus=kernel,subscription= 3",
        "oxide_bus_matched_total bus=kernel,subscription=log 3",
        "oxide_bus_pending_requests bus=kernel 0",
        "oxide_bus_predicate_panics_total bus=kernel 1",
        "oxide_bus_published_total bus=kernel 3",
        "oxide_bus_queued bus=kernel,subscription= 3",
        "oxide_bus_queued bus=kernel,subscription=log 1",
        "oxide_bus_received_total bus=kernel,subscription= 0",
        "oxide_bus_received_total bus=kernel,subscription=log 1",
        "oxide_bus_subscribers bus=kernel 2",
    ];
    assert_eq!(kept.all(), expected);

    drop((first, nameless));
    let _second = bus.subscribe_with(log()).unwrap();
    with_local_recorder(&kept, || {
        publish_all(&bus, 0..1);
        metrics.export(&bus.stats());
    });
    let all = kept.all();
    for expected in [
        "oxide_bus_matched_total bus=kernel,subscription=log 4",
        "oxide_bus_published_total bus=kernel 4",
        "oxide_bus_queued bus=kernel,subscription= 0",
        "oxide_bus_queued bus=kernel,subscription=log 1",
        "oxide_bus_subscribers bus=kernel 1",
    ] {
        assert!(
            all.iter().any(|line| line == expected),
            "{expected}: {all:#?}"
        );
    }
}
