//! Tests of order in an audit log that many threads write to: no publish stands outside the grant that allowed it.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use oxide_bus::audit::{self, AuditLog, Options};
use oxide_bus::kernel::Command;
use oxide_bus::{Capability, MessageBus, SubscribeOptions};
use serde_json::Value;

#[test]
fn what_a_subscriber_listens_to_is_recorded_from_the_beginning_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let options = SubscribeOptions::new().pattern("command.ping");
    let subscription = bus.subscribe_with(options).unwrap();
    let long = (0..25).map(|number| format!("{}{number}", "x".repeat(4_000)));
    let wider = [">".to_owned()].into_iter().chain(long);
    subscription.set_patterns(wider).unwrap();
    drop(subscription);
    drop(bus.subscribe());
    log.close().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let told: Vec<_> = (text.lines())
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|it| (it["event"].clone(), it["why"].as_str().map(str::to_owned)))
        .collect();
    let why = |index: usize| told[index].1.as_deref();
    assert_eq!(
        (&told[1].0, why(1)),
        (&"subscribed".into(), Some("subjects `command.ping`"))
    );
    assert_eq!(told[2].0, "listening");
    assert!(why(2).unwrap().starts_with("subjects `>`, `xxx") && why(2).unwrap().len() < 70_000);
    assert_eq!((&told[4].0, why(4)), (&"subscribed".into(), None));
    let report = audit::verify([&path]).unwrap();
    assert!(report.is_whole() && report.is_ended(), "{:?}", report.flaws);
}

#[test]
fn whatever_is_published_under_a_grant_stands_between_it_and_the_record_that_it_is_drained() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new().sync(false)).unwrap();
    let write = Capability::new("log:write");
    let ends = AtomicBool::new(false);
    thread::scope(|scope| {
        for source in ["one", "other"] {
            let logger = bus.publisher(source, &write);
            let ends = &ends;
            scope.spawn(move || {
                while !ends.load(Ordering::Relaxed) {
                    drop(logger.publish(Command::Ping));
                }
            });
        }
        for _ in 0..200 {
            bus.grant(&write).unwrap();
            thread::yield_now();
            bus.revoke_and_drain(&write, Duration::from_secs(20))
                .unwrap();
        }
        ends.store(true, Ordering::Relaxed);
    });
    log.close().unwrap();
    let (mut granted, mut envelopes) = (None, 0);
    for line in fs::read_to_string(&path).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        match record["event"].as_str() {
            Some("granted") => granted = record["at"].as_u64(),
            Some("drained") => granted = None,
            None => {
                let at = granted.unwrap_or_else(|| panic!("nothing allows {record}"));
                assert!(record["sequence"].as_u64().unwrap() >= at, "{record}");
                envelopes += 1;
            }
            _ => {}
        }
    }
    assert!(envelopes > 0);
    let report = audit::verify([&path]).unwrap();
    assert!(report.is_whole() && report.is_ended(), "{:?}", report.flaws);
}
