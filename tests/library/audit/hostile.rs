//! Tests of hostile modules: no module can publish something that the log cannot show later.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use chrono::DateTime;
use oxide_bus::audit::{self, AuditLog, Flush, Options};
use oxide_bus::codec::{Codec, ErrorKind};
use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::{
    Bus, Draft, Envelope, Grant, MessageBus, Payload, PublishError, Subject, SubscribeOptions,
};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::audited::{place, records};

fn stop(module_id: String) -> Message {
    Command::Stop { module_id }.into()
}

fn custom(payload: Value) -> Message {
    let event = Event::Custom {
        module_id: "module".into(),
        kind: "report".into(),
        payload,
    };
    event.into()
}

/// Messages of moderate size that the codec cannot write.
fn unwritable() -> [Message; 4] {
    [
        stop("x".repeat(257)),
        custom(json!("x".repeat(256 * 1024 + 1))),
        custom(json!("\u{1}".repeat(200 * 1024))), // six bytes each
        custom(json!(vec![0; 65_536])),
    ]
}

#[test]
fn a_publisher_sends_nothing_that_no_codec_can_write() {
    let bus = MessageBus::new();
    let subscription = bus.subscribe();
    bus.grant(Grant::new("relay").forwards()).unwrap();
    let relay = bus.publisher("relay", "relay");
    let envelope = || Envelope::new("relay", Message::from(Command::Ping));
    let mut nil = envelope();
    nil.id = Uuid::nil();
    let mut late = envelope();
    late.timestamp = DateTime::from_timestamp(253_402_300_800, 0).unwrap();
    let mut leap = envelope();
    leap.timestamp = DateTime::from_timestamp(59, 1_500_000_000).unwrap();
    let bad = |refused: Result<_, PublishError>| {
        let error = refused.unwrap_err();
        assert_eq!(error.envelope().message, Command::Ping.into());
        match error {
            PublishError::Unwritable { cause, .. } => cause.kind().clone(),
            other => panic!("{other}"),
        }
    };
    assert_eq!(bad(relay.forward(nil)), ErrorKind::BadId("id"));
    assert_eq!(bad(relay.forward(late)), ErrorKind::BadTime);
    assert_eq!(bad(relay.forward(leap)), ErrorKind::BadTime);
    bus.grant("pong").unwrap();
    let pong = bus.publisher("relay", "pong");
    assert_eq!(
        bad(pong.publish(Draft::from(Command::Ping).with_correlation_id(Uuid::nil()))),
        ErrorKind::BadId("correlation_id")
    );
    assert!(subscription.is_empty());
    assert_eq!(bus.stats().denied, 0);
}

#[test]
fn a_bus_that_was_built_for_the_logs_codec_refuses_what_the_log_cannot_hold() {
    let (_folder, path) = place();
    let codec = Codec::new();
    let bus = MessageBus::builder().writable_by(codec).build();
    let log = AuditLog::start(&bus, &path, Options::new().codec(codec)).unwrap();
    bus.grant("module").unwrap();
    let module = bus.publisher("module", "module");
    for message in unwritable() {
        let error = module.publish(message.clone()).unwrap_err();
        assert!(matches!(error, PublishError::Unwritable { .. }), "{error}");
        assert_eq!(error.into_envelope().message, message);
        let error = module
            .publish_batch([Command::Ping.into(), message])
            .unwrap_err();
        assert!(
            matches!(error.cause(), PublishError::Unwritable { .. }),
            "{error}"
        );
        assert_eq!(error.into_envelopes().len(), 2);
    }
    module.publish(stop("x".repeat(256))).unwrap();
    log.close().unwrap();
    let report = audit::verify([&path]).unwrap();
    assert!(report.is_whole(), "{:?}", report.flaws);
    assert_eq!(report.envelopes, 1);
}

#[test]
fn an_envelope_that_cannot_be_written_is_recorded_with_its_source_and_subject() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    bus.grant("module").unwrap();
    let module = bus.publisher("module\u{7}", "module");
    for message in unwritable() {
        module.publish(message).unwrap();
    }
    let mut nil = Envelope::new("y".repeat(1_000), stop("\n".into()));
    nil.id = Uuid::nil();
    bus.publish(nil).unwrap();
    log.close().unwrap();
    let records = records(&path);
    let told = |key: &str| -> Vec<_> {
        (records.iter())
            .filter(|record| record["event"] == "unwritable")
            .map(|record| record[key].clone())
            .collect()
    };
    assert_eq!(told("sequence"), [0, 1, 2, 3, 4]);
    let long = "y".repeat(256) + "…";
    let module = "module\u{7}";
    assert_eq!(told("source"), [module, module, module, module, &long]);
    let cut = format!("command.stop.{}…", "x".repeat(256 - "command.stop.".len()));
    let custom = "event.custom.module.report";
    let newline = r"command.stop.\u{a}";
    assert_eq!(told("subject"), [&cut, custom, custom, custom, newline]);
    assert!(fs::metadata(&path).unwrap().len() < 10_000);
}

#[test]
fn no_more_memory_is_taken_to_write_an_envelope_than_a_line_may_have() {
    let huge = Envelope::new("module", custom(json!("x".repeat(20_000_000))));
    let taken = allocation_counter::measure(|| {
        Codec::new().encode(&huge).unwrap_err();
    });
    assert!(taken.bytes_max < 4 * 1024 * 1024, "{taken:?}");
}

/// A user-defined payload.
enum Own {
    Plain,
    PanicsWhenWritten,
    /// Panics when the log's thread drops it, and sets the flag.
    PanicsWhenDropped(Arc<AtomicBool>),
    Raw(Box<serde_json::value::RawValue>),
}

impl Payload for Own {
    fn subject(&self) -> Subject<'_> {
        match self {
            Own::PanicsWhenWritten => panic!("its subject"),
            _ => Subject::new(["own"]),
        }
    }
}

impl Serialize for Own {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Own::PanicsWhenWritten => panic!("its form"),
            Own::Raw(raw) => raw.serialize(serializer),
            _ => serializer.serialize_str("own"),
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Own::PanicsWhenDropped(gone) = self {
            gone.store(true, Ordering::Relaxed);
            assert!(thread::current().name() != Some("oxide-bus-audit"));
        }
    }
}

#[test]
fn a_payload_that_panics_while_it_is_written_ends_no_log() {
    let (_folder, path) = place();
    let bus = Bus::<Own>::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    for payload in [Own::Plain, Own::PanicsWhenWritten, Own::Plain] {
        bus.publish(Envelope::new("clown", payload)).unwrap();
    }
    log.close().unwrap();
    let records = records(&path);
    assert_eq!(records.len(), 5);
    assert_eq!(records[2]["event"], "unwritable");
    assert_eq!(records[2]["why"], "writing it panicked");
    assert_eq!(records[2]["source"], "clown");
    assert_eq!(records[4]["event"], "ended");
}

#[test]
fn a_log_that_is_ended_by_a_panic_says_so() {
    let (_folder, path) = place();
    let bus = Bus::<Own>::new();
    let (sender, told) = mpsc::channel();
    let options = Options::new().on_error(move |error| sender.send(error.clone()).unwrap());
    let log = AuditLog::start(&bus, &path, options.flush(Flush::EachLine)).unwrap();
    // Repeats until the log's thread drops the last handle. (With two such payloads in one segment, the second panic
    // would abort.)
    let deadline = Instant::now() + Duration::from_secs(20);
    let error = loop {
        assert!(Instant::now() < deadline, "it has not said so");
        let gone = Arc::new(AtomicBool::new(false));
        let payload = Own::PanicsWhenDropped(Arc::clone(&gone));
        bus.publish(Envelope::new("clown", payload)).unwrap();
        while !gone.load(Ordering::Relaxed) {
            assert!(Instant::now() < deadline, "it has not panicked");
            bus.publish(Envelope::new("clown", Own::Plain)).unwrap();
        }
        if let Ok(error) = told.recv_timeout(Duration::from_millis(100)) {
            break error;
        }
    };
    assert_eq!(error.io_error().to_string(), "the log's thread panicked");
    assert_eq!(bus.subscriber_count(), 0, "it has left the bus");
    assert!(log.flush().is_err());
    let error = log.close().unwrap_err();
    assert_eq!(error.io_error().to_string(), "the log's thread panicked");
}

#[test]
fn a_payload_of_raw_json_brings_no_line_breaks_into_the_log() {
    let (_folder, path) = place();
    let bus = Bus::<Own>::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let forged = "{\"a\":\n\"\\n\",\r\n\"b\":[1,\n2]}";
    let raw = serde_json::value::RawValue::from_string(forged.to_owned()).unwrap();
    bus.publish(Envelope::new("clown", Own::Raw(raw))).unwrap();
    log.close().unwrap();
    let records = records(&path);
    assert_eq!(records.len(), 3);
    let message = &records[1]["envelope"]["message"];
    assert_eq!(*message, json!({"a": "\n", "b": [1, 2]}));
}

#[test]
fn a_file_that_a_log_is_written_to_takes_no_other() {
    let (_folder, path) = place();
    let (bus, other) = (MessageBus::new(), MessageBus::new());
    let log = AuditLog::start(&bus, &path, Options::new().rotate_at(200)).unwrap();
    for _ in 0..2 {
        let error = AuditLog::start(&other, &path, Options::new()).unwrap_err();
        assert_eq!(error.io_error().kind(), std::io::ErrorKind::ResourceBusy);
        // The next file does so, too.
        bus.send_command("kernel", Command::Ping).unwrap();
        log.flush().unwrap();
    }
    assert_eq!(other.subscriber_count(), 0);
    log.close().unwrap();
    AuditLog::start(&other, &path, Options::new())
        .unwrap()
        .close()
        .unwrap();
}

#[test]
fn what_is_granted_or_revoked_makes_no_line_that_cannot_be_read_back() {
    let (_folder, path) = place();
    let bus = MessageBus::builder().max_name(1_000_000).build();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let sources = (0..20_000).map(|index| format!("{index:0>200}"));
    let long = "\u{1}".repeat(1_000_000); // six bytes each when written
    bus.grant(Grant::new(&*long).sources(sources)).unwrap();
    bus.revoke("x".repeat(5_000_000));
    let named = SubscribeOptions::new().name(&*long);
    drop(bus.subscribe_with(named).unwrap());
    log.close().unwrap();
    let report = audit::verify([&path]).unwrap();
    assert!(report.is_whole(), "{:?}", report.flaws);
    assert_eq!(report.records, 6);
    let why = records(&path)[1]["why"].as_str().unwrap().to_owned();
    assert!(
        why.starts_with("sources `0000") && why.ends_with('…'),
        "it tells so much"
    );
    assert!(why.len() > 60_000);
}

#[test]
fn the_callback_of_a_log_that_has_failed_may_drop_the_log() {
    let (folder, path) = place();
    let bus = MessageBus::new();
    let held = Arc::new(std::sync::Mutex::new(None::<AuditLog>));
    let (sender, told) = mpsc::channel();
    let options = Options::new().flush(Flush::EachLine).on_error({
        let held = Arc::clone(&held);
        move |error| {
            let log = held.lock().unwrap().take();
            let flushed = log.as_ref().map(|log| log.flush().is_err());
            let closed = log.map(|log| log.close().is_err());
            sender.send((error.to_string(), flushed, closed)).unwrap();
        }
    });
    // No number comes after this one.
    fs::write(folder.path().join(format!("audit.jsonl.{}", u64::MAX)), "").unwrap();
    let log = AuditLog::start(&bus, &path, options.rotate_at(200)).unwrap();
    *held.lock().unwrap() = Some(log);
    while bus.subscriber_count() > 0 {
        bus.send_command("kernel", Command::Ping).unwrap();
    }
    let (error, flushed, closed) = told.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(error.contains("audit.jsonl"), "{error}");
    assert_eq!((flushed, closed), (Some(true), Some(true)));
}

/// Counts how often the bus asks it for its subject.
struct Asked(Arc<std::sync::atomic::AtomicUsize>);

impl Serialize for Asked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl Payload for Asked {
    fn subject(&self) -> Subject<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Subject::new(["asked"])
    }
}

#[test]
fn a_log_that_has_failed_is_told_nothing_more() {
    let (folder, path) = place();
    let bus = Bus::<Asked>::new();
    // No number comes after this one.
    let last = folder.path().join(format!("audit.jsonl.{}", u64::MAX));
    fs::write(last, "").unwrap();
    let log = AuditLog::start(&bus, &path, Options::new().rotate_at(1)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while bus.subscriber_count() > 0 {
        assert!(Instant::now() < deadline, "it has not failed");
        thread::yield_now();
    }
    let asked = Arc::default();
    let clown = bus.publisher("clown", "nothing");
    assert!(clown.publish(Asked(Arc::clone(&asked))).is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert!(log.close().is_err());
}
