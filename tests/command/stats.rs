//! Tests of `oxide-bus audit stats`: counts, gaps, refusals, losses and times, as text, as JSON and as a page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output};

use oxide_bus::audit::{AuditLog, Options};
use oxide_bus::kernel::{Command, Event};
use oxide_bus::{Bus, Envelope, MessageBus, Overflow, SubscribeOptions};
use serde_json::{Value, json};

use crate::support::audited::place;
use crate::support::command::text;

fn stats(logs: &[&Path], options: &[&str]) -> Output {
    let mut command = Process::new(env!("CARGO_BIN_EXE_oxide-bus"));
    let command = command.args(["audit", "stats"]).args(options).args(logs);
    command.output().unwrap()
}

fn report(logs: &[&Path]) -> Value {
    let output = stats(logs, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn ping(time: &str) -> Envelope {
    let mut ping = Envelope::new("kernel", Command::Ping.into());
    ping.timestamp = time.parse().unwrap();
    ping
}

#[test]
fn it_says_who_said_what_how_often_and_when_the_most() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    for time in [
        "2026-11-24T06:00:01.25Z",
        "2026-11-24T06:00:07Z",
        "2026-11-24T06:00:07.5Z",
        "2001-01-01T00:00:00Z",
    ] {
        bus.publish(ping(time)).unwrap();
    }
    let pong = Event::Pong {
        from: "echo".into(),
    };
    bus.emit_event("echo", pong).unwrap();
    log.close().unwrap();
    let report = report(&[&path]);
    assert_eq!(
        report["said"],
        json!([
            {"source": "kernel", "kind": "command.ping", "envelopes": 4},
            {"source": "echo", "kind": "event.pong.echo", "envelopes": 1},
        ])
    );
    assert_eq!(
        (&report["records"], &report["envelopes"]),
        (&json!(7), &json!(5))
    );
    assert_eq!(report["first"], "2001-01-01T00:00:00Z");
    assert_eq!(report["busiest_second"], "2026-11-24T06:00:07Z");
    assert_eq!(report["in_busiest_second"], 2);
    assert_eq!(
        (&report["missing"], &report["gaps"]),
        (&json!(0), &json!([]))
    );

    let output = stats(&[&path], &[]);
    let told = text(&output.stdout);
    assert!(told.contains("envelopes     5\n"), "{told}");
    assert!(
        told.contains("busiest       2026-11-24T06:00:07Z (2 in this second)\n"),
        "{told}"
    );
    assert!(
        told.contains("           4  kernel  command.ping\n"),
        "{told}"
    );
}

#[test]
fn a_kind_is_what_the_tags_of_another_message_say() {
    let (_folder, path) = place();
    let bus = Bus::<Value>::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    for message in [
        json!({"type": "reading", "celsius": 21.5}),
        json!({"kind": "alarm", "type": "fire"}),
        json!({"Moved": {"x": 1}}),
        json!({"x": 1, "y": 2}),
        json!("text"),
    ] {
        bus.send("sensor", message).unwrap();
    }
    log.close().unwrap();
    let report = report(&[&path]);
    let said = report["said"].as_array().unwrap();
    let mut kinds: Vec<_> = said
        .iter()
        .map(|it| (it["kind"].as_str(), &it["envelopes"]))
        .collect();
    kinds.sort_by_key(|(kind, _)| *kind);
    let one = json!(1);
    assert_eq!(
        kinds,
        [
            (None, &json!(2)),
            (Some("Moved"), &one),
            (Some("alarm.fire"), &one),
            (Some("reading"), &one),
        ]
    );
}

#[test]
fn gaps_refusals_and_losses_are_told_with_their_places_and_reasons() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let slow = SubscribeOptions::new().name("slow").capacity(1);
    let hasty = SubscribeOptions::new().name("hasty").capacity(1);
    let slow = bus.subscribe_with(slow).unwrap();
    let hasty = bus.subscribe_with(hasty.overflow(Overflow::Evict)).unwrap();
    for _ in 0..4 {
        bus.send("kernel", Command::Ping).unwrap();
    }
    let web = bus.publisher("web", "log");
    for _ in 0..13 {
        assert!(web.publish(Command::Ping).is_err());
    }
    drop((slow, hasty));
    log.close().unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    let report = report(&[&path]);
    let denied = report["denied"].as_array().unwrap();
    let times: u64 = denied.iter().map(|it| it["times"].as_u64().unwrap()).sum();
    assert_eq!(times, 13, "{denied:?}");
    assert_eq!(denied[0]["source"], "web");
    assert_eq!(denied[0]["why"], "is not granted");
    assert_eq!(
        denied[1]["source"],
        Value::Null,
        "the others are only counted"
    );
    assert_eq!(report["lost"][0]["name"], "slow");
    assert_eq!(
        report["lost"][0]["envelopes"], 1,
        "the log tells no more within a second"
    );
    assert_eq!(report["lost"][1]["name"], "hasty");
    assert_eq!(report["lost"][1]["evicted"], "Overflow");

    // Somebody has taken out two envelopes.
    let kept = |line: &&str| !line.contains("\"sequence\":1,") && !line.contains("\"sequence\":2,");
    let kept: String = whole.split_inclusive('\n').filter(kept).collect();
    fs::write(&path, kept).unwrap();
    let report = self::report(&[&path]);
    assert_eq!(report["missing"], 2);
    let gap = &report["gaps"][0];
    assert_eq!((&gap["expected"], &gap["found"]), (&json!(1), &json!(3)));
    let output = stats(&[&path], &[]);
    let told = text(&output.stdout);
    assert!(told.contains(": envelope 3 instead of 1\n"), "{told}");
}

#[test]
fn files_of_one_log_go_on_and_logs_of_several_programs_begin_anew() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let options = Options::new()
        .rotate_at(300)
        .flush(oxide_bus::audit::Flush::EachLine);
    let log = AuditLog::start(&bus, &path, options).unwrap();
    for _ in 0..5 {
        bus.send("kernel", Command::Ping).unwrap();
    }
    log.close().unwrap();
    let numbered = |number: usize| path.with_extension(format!("jsonl.{number}"));
    let files: Vec<_> = (1..100)
        .map(numbered)
        .take_while(|file| file.exists())
        .collect();
    assert!(files.len() >= 2);
    let (_other_folder, other) = place();
    let bus = MessageBus::new();
    bus.send("kernel", Command::Ping).unwrap();
    let log = AuditLog::start(&bus, &other, Options::new()).unwrap();
    bus.send("kernel", Command::Ping).unwrap();
    log.close().unwrap();

    let mut logs: Vec<_> = files.iter().map(PathBuf::as_path).collect();
    logs.extend([&*path, &*other]);
    let both = report(&logs);
    assert_eq!((&both["runs"], &both["gaps"]), (&json!(2), &json!([])));
    // Before a file that does not begin a log nothing is known, so no gap is told.
    logs.remove(0);
    let without = report(&logs);
    assert_eq!(
        (&without["runs"], &without["gaps"]),
        (&json!(1), &json!([]))
    );
}

#[test]
fn a_page_shows_the_same_and_nothing_of_a_stranger_acts_in_it() {
    let hostile = "<script>alert('x')</script>\u{202e}&\"";
    let (folder, path) = place();
    let bus = Bus::<Value>::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    bus.send(hostile, json!({"kind": hostile})).unwrap();
    assert!(
        bus.publisher(hostile, hostile)
            .publish(Value::Null)
            .is_err()
    );
    log.close().unwrap();
    let page = folder.path().join("audit.html");
    let output = stats(&[&path], &["--report", page.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
    let page = fs::read_to_string(page).unwrap();
    assert!(
        !page.contains("<script") && !page.contains('\u{202e}'),
        "{page}"
    );
    assert!(
        page.contains(r"&lt;script&gt;alert('x')&lt;/script&gt;\u{202e}&amp;&quot;"),
        "{page}"
    );
    for part in [
        "Who says what",
        "Gaps in the sequence",
        "Denied",
        "Lost",
        "prefers-color-scheme",
        "viewport",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for elsewhere in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    // On a terminal it is shown, and not obeyed.
    let output = stats(&[&path], &[]);
    assert!(text(&output.stdout).contains(r"</script>\u{202e}&"));
    assert!(!text(&stats(&[&path], &["--json"]).stdout).contains('\u{202e}'));
}

#[test]
fn a_report_replaces_no_log_and_what_is_no_log_is_named_in_one_line() {
    let (folder, path) = place();
    let bus = MessageBus::new();
    AuditLog::start(&bus, &path, Options::new())
        .and_then(AuditLog::close)
        .unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    let link = folder.path().join("link");
    fs::hard_link(&path, &link).unwrap();
    for report in [&path, &link] {
        let output = stats(&[&path], &["--report", report.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).ends_with(": the report would replace a log\n"));
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    }
    let output = stats(&[&path], &["--report", "/nowhere/audit.html"]);
    assert_eq!(output.status.code(), Some(1));
    let other = folder.path().join("other");
    fs::write(&other, "no log\nat all\n").unwrap();
    let output = stats(&[&other], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).ends_with(": not an audit log: no line is a record\n"));

    fs::write(&path, format!("{whole}oops\n{{\"record\":")).unwrap();
    let output = stats(&[&path], &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(
        told.contains(": lines that are no records: 1, the first is line 3\n"),
        "{told}"
    );
    assert!(told.ends_with(": the last line is cut\n"), "{told}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["bad_lines"], 1);
}
