//! Tests of the audit log: it is complete, in order and on disk, and it delays nobody.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use oxide_bus::audit::{self, AuditLog, Finding, Flush, Options, Report, Verifier};
use oxide_bus::codec::{Codec, LinesReader};
use oxide_bus::kernel::{Command, Event};
use oxide_bus::{Capability, Envelope, Grant, MessageBus, Publisher, SubscribeOptions};

use crate::support::audited::{place, records};
use crate::support::task::Task;

fn custom(bytes: usize) -> Event {
    Event::Custom {
        module_id: "filler".into(),
        kind: "fill".into(),
        payload: serde_json::json!("x".repeat(bytes)),
    }
}

fn whole(paths: &[PathBuf]) -> Report {
    let report = audit::verify(paths).unwrap();
    assert!(report.is_whole(), "{report}\n{:?}", report.flaws);
    report
}

/// Returns the `event` of each line, or `envelope` where there is none.
fn kinds(path: &Path) -> Vec<String> {
    fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["event"].as_str().unwrap_or("envelope").to_owned()
        })
        .collect()
}

/// Returns how many refusals are recorded, each by itself or within a count.
fn denied(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .map(|line: serde_json::Value| {
            let count = line["count"].as_u64().unwrap_or(0);
            match line["event"].as_str() {
                Some("denied") => 1 + count,
                Some("suppressed") => count,
                _ => 0,
            }
        })
        .sum()
}

#[test]
fn a_log_that_is_to_record_each_refusal_does_and_others_have_as_many_as_they_had() {
    let (folder, path) = place();
    let thorough = folder.path().join("thorough.jsonl");
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let options = Options::new().capacity(16).each_denial(true);
    let thorough_log = AuditLog::start(&bus, &thorough, options).unwrap();
    let told = bus.advisories();
    let module = bus.publisher("module", "log:write");
    for _ in 0..1_000 {
        assert!(module.publish(Command::Ping).is_err());
    }
    log.close().unwrap();
    thorough_log.close().unwrap();

    let of = |path, kind| kinds(path).into_iter().filter(|it| it == kind).count();
    assert_eq!(of(&thorough, "denied"), 1_000);
    assert_eq!(of(&thorough, "suppressed"), 0);
    assert_eq!(denied(&thorough), 1_000, "each stands for itself");
    assert_eq!(denied(&path), 1_000);
    assert!(of(&path, "denied") < 500);
    assert!(told.len() < 500, "{}", told.len());
    whole(&[path, thorough]);
}

#[test]
fn what_is_refused_without_end_does_not_fill_the_disk_and_is_counted_to_the_last() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let started = Instant::now();
    let [gone, stays] = ["gone", "stays"].map(|name| bus.publisher("module", name));
    let refuse = |module: &Publisher| assert!(module.publish(Command::Ping).is_err());
    let unknown = || Envelope::new("module", Command::Ping.into());
    for _ in 0..5_000 {
        refuse(&gone);
        refuse(&stays);
        let by_name = bus.publish_with_capability(unknown(), &"nobody's".into());
        assert!(by_name.is_err());
    }
    drop(gone);
    log.flush().unwrap();
    assert_eq!(denied(&path), 15_000);
    for _ in 0..1_000 {
        refuse(&stays);
    }
    bus.grant("stays").unwrap();
    log.close().unwrap();
    assert_eq!(denied(&path), 16_000);
    let lines = kinds(&path).len() as u64;
    let most = 3 * (10 + 10 * (started.elapsed().as_secs() + 1)) + 10;
    assert!(lines <= most, "{lines} lines, not {most}");
    whole(&[path]);
}

#[test]
fn refusals_that_are_only_counted_are_told_before_a_grant_and_after_a_revoke() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let capability = Capability::new("log:write");
    let logger = bus.publisher("logger", &capability);
    let refuse = |times| (0..times).for_each(|_| drop(logger.publish(Command::Ping)));
    refuse(500);
    bus.grant(Grant::new(&capability).patterns([""; 0]))
        .unwrap();
    refuse(500);
    bus.revoke(&capability);
    bus.grant("another").unwrap();
    log.close().unwrap();
    let kinds = kinds(&path);
    let others: Vec<_> = kinds.iter().filter(|kind| *kind != "denied").collect();
    assert_eq!(
        others,
        [
            "opened",
            "suppressed",
            "granted",
            "revoked",
            "suppressed",
            "granted",
            "ended"
        ]
    );
    assert_eq!(denied(&path), 1_000);
}

#[test]
fn what_is_refused_to_a_publisher_with_too_long_a_name_is_counted_to_the_last() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let long = bus.publisher("x".repeat(257), "log:write");
    for _ in 0..500 {
        assert!(long.publish(Command::Ping).is_err());
    }
    drop(long);
    log.close().unwrap();
    assert_eq!(denied(&path), 500);
}

#[test]
fn a_subscription_that_loses_is_in_the_log_though_nobody_listens_to_advisories() {
    for slow in [
        SubscribeOptions::new(),
        SubscribeOptions::new().pattern(">"),
    ] {
        let (_folder, path) = place();
        let bus = MessageBus::new();
        let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
        let slow = bus.subscribe_with(slow.name("slow").capacity(1)).unwrap();
        for _ in 0..3 {
            bus.send_command("kernel", Command::Ping).unwrap();
        }
        assert_eq!(slow.dropped(), 2);
        log.close().unwrap();
        let lagging: Vec<_> = (records(&path).into_iter())
            .filter(|record| record["event"] == "lagging")
            .collect();
        assert_eq!(lagging.len(), 1, "there is one a second at most");
        assert_eq!(lagging[0]["name"], "slow");
        assert_eq!(lagging[0]["count"], 1);
        whole(&[path]);
    }
}

#[test]
fn a_log_that_is_not_synced_knows_of_nothing_on_disk() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new().sync(false)).unwrap();
    bus.send_command("kernel", Command::Ping).unwrap();
    assert_eq!(log.flush().unwrap(), 1);
    assert_eq!(log.synced(), None);
    log.close().unwrap();
}

#[test]
fn what_had_been_admitted_stands_before_the_record_that_a_capability_is_drained() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let capability = Capability::new("log:write");
    let logger = bus.publisher("logger", &capability);
    for _ in 0..50 {
        bus.grant(&capability).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| while logger.publish(Command::Ping).is_ok() {});
            bus.revoke_and_drain(&capability, Duration::from_secs(20))
                .unwrap();
        });
    }
    log.close().unwrap();
    let mut is_drained = true;
    for kind in kinds(&path) {
        match kind.as_str() {
            "granted" => is_drained = false,
            "drained" => is_drained = true,
            "envelope" => assert!(!is_drained),
            _ => {}
        }
    }
    assert!(is_drained);
    whole(&[path]);
}

#[test]
fn what_one_thread_does_stands_in_the_order_in_which_it_did_it() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let capability = Capability::new("log:write");
    let logger = bus.publisher("logger", &capability);
    assert!(logger.publish(Command::Ping).is_err());
    let subscription = bus
        .subscribe_with(SubscribeOptions::new().name("plotter"))
        .unwrap();
    bus.grant(Grant::new(&capability).patterns(["command.ping"]))
        .unwrap();
    logger.publish(Command::Ping).unwrap();
    logger.publish(Command::Ping).unwrap();
    bus.revoke(&capability);
    assert!(logger.publish(Command::Ping).is_err());
    drop(subscription);
    log.close().unwrap();
    assert_eq!(
        kinds(&path),
        [
            "opened",
            "denied",
            "subscribed",
            "granted",
            "envelope",
            "envelope",
            "revoked",
            "denied",
            "unsubscribed",
            "ended"
        ]
    );
    let text = fs::read_to_string(&path).unwrap();
    for told in [
        r#""name":"plotter""#,
        r#""why":"is not granted""#,
        r#""why":"is revoked""#,
        r#""why":"subjects `command.ping`""#,
        r#""source":"logger","claimed":"logger","subject":"command.ping","capability":"log:write""#,
    ] {
        assert!(text.contains(told), "{told} in {text}");
    }
    let report = whole(&[path]);
    assert_eq!((report.records, report.envelopes), (10, 2));
    assert_eq!((report.runs, report.ended, report.torn), (1, 1, 0));
    assert_eq!(report.last_record, Some(9));
}

#[test]
fn nothing_is_lost_of_what_many_threads_do_at_once_with_a_small_queue() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let options = Options::new().capacity(2).sync(false);
    let log = AuditLog::start(&bus, &path, options).unwrap();
    thread::scope(|scope| {
        for index in 0..3 {
            let bus = &bus;
            scope.spawn(move || {
                let capability = Capability::new(format!("module:{index}"));
                let module = bus.publisher("module", &capability);
                for _ in 0..50 {
                    bus.grant(&capability).unwrap();
                    for _ in 0..10 {
                        module.publish(Command::Ping).unwrap();
                    }
                    bus.revoke(&capability);
                    assert!(module.publish(Command::Ping).is_err());
                }
            });
        }
    });
    log.close().unwrap();
    let report = whole(std::slice::from_ref(&path));
    assert_eq!(report.envelopes, 3 * 50 * 10);
    let kinds = kinds(&path);
    for kind in ["granted", "revoked"] {
        let count = kinds.iter().filter(|known| *known == kind).count();
        assert_eq!(count, 3 * 50, "{kind}");
    }
    assert_eq!(denied(&path), 3 * 50);
}

#[test]
fn a_publisher_in_a_hurry_keeps_nothing_out_of_the_log() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    bus.grant("module:report").unwrap();
    let module = bus.publisher("module", "module:report");
    let options = Options::new().capacity(1).flush(Flush::EachLine);
    let log = AuditLog::start(&bus, &path, options).unwrap();
    let mut published = 0;
    for _ in 0..200 {
        let receipt = module.publish_timeout(Command::Ping, Duration::ZERO);
        published += u64::from(receipt.unwrap().delivered() == 1);
        published += u64::from(module.try_publish(Command::Ping).is_ok());
    }
    log.close().unwrap();
    let report = whole(&[path]);
    assert!(published >= 200);
    assert_eq!((report.envelopes, report.lost), (published, 0));
}

#[test]
fn a_log_ends_with_its_bus() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    bus.send_command("kernel", Command::Ping).unwrap();
    drop(bus);
    log.close().unwrap();
    assert_eq!(kinds(&path), ["opened", "envelope", "closed", "ended"]);
    whole(&[path]);
}

#[test]
fn after_a_flush_all_before_it_is_on_disk_and_known_to_be() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let never = Options::new().flush(Flush::Interval(Duration::MAX));
    let log = AuditLog::start(&bus, &path, never).unwrap();
    assert_eq!(log.synced(), None);
    for _ in 0..100 {
        bus.send_command("kernel", Command::Ping).unwrap();
    }
    assert_eq!(log.flush().unwrap(), 100);
    assert_eq!(log.synced(), Some(100));
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 101);
    bus.close();
    while log.flush().is_ok() {}
    assert_eq!(log.flush().unwrap_err().to_string(), "audit log");
    assert!(log.error().is_none(), "it ended well");
}

#[test]
fn each_flush_option_gets_everything_to_disk_by_itself() {
    for flush in [
        Flush::EachLine,
        Flush::Lines(7),
        Flush::Interval(Duration::from_millis(1)),
    ] {
        let (_folder, path) = place();
        let bus = MessageBus::new();
        let log = AuditLog::start(&bus, &path, Options::new().flush(flush)).unwrap();
        for _ in 0..10 {
            bus.send_command("kernel", Command::Ping).unwrap();
        }
        while log.synced() != Some(10) {
            thread::yield_now();
        }
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 11);
    }
}

#[test]
fn a_file_that_is_full_is_put_aside_and_numbers_go_on() {
    let (folder, path) = place();
    fs::write(folder.path().join("audit.jsonl.6"), "").unwrap();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new().rotate_at(4_000)).unwrap();
    for _ in 0..20 {
        bus.emit_event("filler", custom(900)).unwrap();
    }
    log.close().unwrap();
    let mut paths: Vec<_> = (7..1_000)
        .map(|number| folder.path().join(format!("audit.jsonl.{number}")))
        .take_while(|path| path.exists())
        .collect();
    assert!(paths.len() >= 4, "{paths:?}");
    paths.push(path);
    let report = whole(&paths);
    assert_eq!((report.envelopes, report.runs), (20, 1));
    for path in &paths {
        assert!(fs::metadata(path).unwrap().len() < 4_000 + 1_500);
    }
    // One of the files is gone.
    assert_eq!(
        audit::verify(&paths[1..]).unwrap().flaws[0].finding,
        Finding::NoBeginning
    );
    let continued = Verifier::new().continued(true).files(&paths[1..]).unwrap();
    assert!(continued.is_whole() && continued.is_ended(), "{continued}");
    paths.remove(1);
    let report = audit::verify(&paths).unwrap();
    assert!(!report.is_whole());
    let found = &report.flaws[0].finding;
    assert!(matches!(found, Finding::Record { .. }), "{found}");
}

#[test]
fn a_file_that_is_there_is_appended_to_and_a_torn_line_in_it_is_told() {
    let (_folder, path) = place();
    for _ in 0..2 {
        let bus = MessageBus::new();
        let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
        bus.send_command("kernel", Command::Ping).unwrap();
        log.close().unwrap();
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"record\":3,\"seq");
        fs::write(&path, text).unwrap();
    }
    let report = whole(std::slice::from_ref(&path));
    assert_eq!((report.runs, report.ended, report.torn), (2, 2, 2));
    assert_eq!(report.records, 6);
    // Within a run the same is a flaw.
    let text = fs::read_to_string(&path).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    fs::write(&path, format!("{first}\n{{\"rec\n{rest}")).unwrap();
    let report = audit::verify([&path]).unwrap();
    assert_eq!(report.flaws[0].finding, Finding::NotARecord);
    assert_eq!((report.flaws[0].file, report.flaws[0].line), (0, 2));
}

#[test]
fn what_is_missing_or_out_of_order_shows() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    for _ in 0..3 {
        bus.send_command("kernel", Command::Ping).unwrap();
    }
    bus.grant("log:write").unwrap();
    log.close().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let flaws = |lines: &[&str]| -> Vec<_> {
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        let report = audit::verify([&path]).unwrap();
        (report.flaws.iter())
            .map(|flaw| flaw.finding.to_string())
            .collect()
    };
    assert_eq!(flaws(&lines), [""; 0]);
    let without = |index| {
        let mut lines = lines.clone();
        lines.remove(index);
        lines
    };
    assert_eq!(
        flaws(&without(2)),
        ["record 3 instead of 2", "envelope 2 instead of 1"]
    );
    assert_eq!(flaws(&without(4)), ["record 5 instead of 4"]);
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    let told = flaws(&swapped);
    let early = "`granted` stands before envelopes that it came after".to_owned();
    assert!(told.contains(&early), "{told:?}");
    let bad = lines[1].replace(r#""source":"kernel""#, r#""source":7"#);
    let mut changed = lines.clone();
    changed[1] = &bad;
    assert!(flaws(&changed)[0].starts_with("envelope: "));
}

#[test]
fn an_envelope_that_cannot_be_written_has_its_place_and_is_told() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let small = Codec::new().max_bytes(1_000);
    let log = AuditLog::start(&bus, &path, Options::new().codec(small)).unwrap();
    for bytes in [10, 2_000, 10] {
        bus.emit_event("filler", custom(bytes)).unwrap();
    }
    log.close().unwrap();
    assert_eq!(
        kinds(&path),
        ["opened", "envelope", "unwritable", "envelope", "ended"]
    );
    let report = audit::verify([&path]).unwrap();
    let found: Vec<_> = report.flaws.into_iter().map(|flaw| flaw.finding).collect();
    assert_eq!(found, [Finding::Unwritable]);
}

#[test]
fn a_log_cannot_be_begun_where_there_is_no_place_for_it_or_no_bus() {
    let (folder, path) = place();
    let bus = MessageBus::new();
    let missing = folder.path().join("missing/audit.jsonl");
    let error = AuditLog::start(&bus, &missing, Options::new()).unwrap_err();
    assert_eq!(error.io_error().kind(), std::io::ErrorKind::NotFound);
    assert!(error.to_string().contains("missing"));
    assert_eq!(error.path(), Some(&*missing));
    assert!(AuditLog::start(&bus, &path, Options::new().capacity(0)).is_err());
    bus.close();
    assert!(AuditLog::start(&bus, &path, Options::new()).is_err());
    assert_eq!(bus.subscriber_count(), 0);
}

#[test]
fn a_log_that_has_ended_with_its_bus_says_so_of_no_file() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    bus.close();
    let error = loop {
        if let Err(error) = log.flush() {
            break error;
        }
    };
    assert_eq!(error.path(), None);
    assert_eq!(error.io_error().to_string(), "the log has ended");
}

/// A flush does not look now and then whether the log has ended. It is woken, or it would wait for ever.
#[test]
fn a_flush_ends_with_the_log_whenever_that_comes() {
    for _ in 0..100 {
        let (_folder, path) = place();
        let bus = MessageBus::new();
        let log = AuditLog::start(&bus, &path, Options::new().sync(false)).unwrap();
        let flushing = Task::start(move || while log.flush().is_ok() {});
        bus.close();
        flushing.end();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_write_says_so_and_the_bus_goes_on() {
    let bus = MessageBus::new();
    let (sender, told) = mpsc::channel();
    let log = crate::support::audited::on_a_full_disk(&bus, || {
        let sender = sender.clone();
        Options::new()
            .capacity(1)
            .sync(false)
            .flush(Flush::EachLine)
            .on_error(move |error| sender.send(error.clone()).unwrap())
    });
    for _ in 0..10 {
        bus.send_command("kernel", Command::Ping).unwrap();
        bus.grant("log:write").unwrap();
    }
    let error = told.recv().unwrap();
    assert_eq!(error.io_error().kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(bus.subscriber_count(), 0);
    assert_eq!(
        log.close().unwrap_err().io_error().kind(),
        std::io::ErrorKind::StorageFull
    );
}

#[test]
fn a_record_whose_envelope_is_bad_is_told_with_its_line_and_the_others_are_read() {
    let good = Envelope::new("counter", 7_u32).to_json().unwrap();
    let log = format!(
        "{}\n{}\n{}\noops\n{}\n",
        r#"{"record":0,"at":0,"time":"2026-11-24T06:07:20Z","event":"opened"}"#,
        r#"{"record":1,"sequence":0,"envelope":{"id":7}}"#,
        format_args!(r#"{{"record":2,"sequence":1,"envelope":{good}}}"#),
        format_args!(r#"{{"record":3,"sequence":2,"envelope":{good}}}"#),
    );
    let read = LinesReader::<_, u32>::new(log.as_bytes()).of_audit_log();
    let read: Vec<_> = read
        .map(|it| it.map(|it| it.message).map_err(|it| it.line()))
        .collect();
    assert_eq!(read, [Err(2), Ok(7), Err(4), Ok(7)]);

    let codec = Codec::new().max_bytes(good.len());
    let longer = good.replace("\"counter\"", "\"counters\"");
    let log = format!(
        "{{\"record\":0,\"sequence\":0,\"envelope\":{good}}}\n{{\"record\":1,\"sequence\":1,\"envelope\":{longer}}}\n"
    );
    let read = LinesReader::<_, u32>::new(log.as_bytes())
        .codec(codec)
        .of_audit_log();
    let is_read: Vec<_> = read.map(|it| it.is_ok()).collect();
    assert_eq!(is_read, [true, false], "the limit is that of an envelope");
}
