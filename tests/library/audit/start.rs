//! Tests of where an audit log begins: with the first publish after its start, whatever the state of the bus.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use oxide_bus::MessageBus;
use oxide_bus::audit::{self, AuditLog, Options};
use oxide_bus::kernel::{Command, Event};
use oxide_bus::limits::MAX_CAPACITY;

use crate::support::audited::{place, records};

#[test]
fn what_was_retained_is_not_in_a_log_that_begins_later_and_it_goes_on_well() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    bus.retain("event.started.>", 3).unwrap();
    let mut other = bus.subscribe();
    let publish = || {
        let module_id = "echo".into();
        (bus.emit_event("kernel", Event::ModuleStarted { module_id })).unwrap();
        bus.send_command("kernel", Command::Ping).unwrap();
    };
    (0..4).for_each(|_| publish());
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let (sender, told) = mpsc::channel();
    // A call in here may never return. Then the test fails by its time-out.
    let closing = thread::spawn({
        let bus = bus.clone();
        move || {
            let flushed = log.flush();
            bus.grant("log:write").unwrap();
            bus.send_command("kernel", Command::Ping).unwrap();
            sender.send((flushed, log.close())).unwrap();
        }
    });
    let (flushed, closed) = told.recv_timeout(Duration::from_secs(20)).unwrap();
    closing.join().unwrap();
    assert_eq!(flushed.unwrap(), 0);
    closed.unwrap();

    let report = audit::verify([&path]).unwrap();
    assert!(report.is_whole() && report.is_ended(), "{:?}", report.flaws);
    let records = records(&path);
    assert_eq!(records.len(), 4);
    assert_eq!(records[0]["at"], 8);
    assert_eq!(records[2]["sequence"], 8);
    // A subscriber that comes later receives what is retained, too.
    assert_eq!(bus.subscribe().len(), 3);
    assert!(other.recv().is_ok());
}

#[test]
fn the_opening_record_says_with_which_envelope_a_log_begins_while_others_publish() {
    let bus = MessageBus::new();
    let ends = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ends.load(Ordering::Relaxed) {
                    bus.send_command("kernel", Command::Ping).unwrap();
                }
            });
        }
        for _ in 0..100 {
            let (_folder, path) = place();
            let options = Options::new().sync(false).capacity(8);
            let log = AuditLog::start(&bus, &path, options).unwrap();
            while log.flush().unwrap() < 3 {}
            log.close().unwrap();
            let records = records(&path);
            let first = records
                .iter()
                .find(|record| record.get("sequence").is_some());
            if records[0]["at"] != first.unwrap()["sequence"] {
                ends.store(true, Ordering::Relaxed);
                panic!("{} and {}", records[0], first.unwrap());
            }
        }
        ends.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_capacity_that_cannot_be_had_is_an_error() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    for capacity in [0, MAX_CAPACITY + 1, 1 << 60, usize::MAX] {
        let options = Options::new().capacity(capacity);
        let error = AuditLog::start(&bus, &path, options).unwrap_err();
        assert!(
            error.io_error().to_string().contains("capacity"),
            "{error:?}"
        );
    }
    assert_eq!(bus.subscriber_count(), 0);
}

#[test]
fn a_log_begins_on_a_bus_whose_names_are_short() {
    let (_folder, path) = place();
    let bus = MessageBus::builder().max_name(0).build();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    bus.send_command("kernel", Command::Ping).unwrap();
    log.close().unwrap();
    let report = audit::verify([&path]).unwrap();
    assert!(report.is_whole() && report.is_ended(), "{:?}", report.flaws);
    assert_eq!(report.envelopes, 1);
}
