//! Tests of when envelopes are published: at their own pace, step by step, from a time to another; and of audit logs.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use oxide_bus::audit::{AuditLog, Options};
use oxide_bus::kernel::{Command as Order, Message, MessageBus};
use oxide_bus::{Capability, Envelope};

use super::replay;
use crate::support::command::{file, path, text};

/// A log with an envelope in each of the first seconds of a day.
fn log(envelopes: u32) -> String {
    let line = |second| {
        let mut envelope = Envelope::new("clock", Message::Command(Order::Ping));
        let time = format!("2026-11-24T00:00:0{second}Z");
        envelope.timestamp = time.parse().expect("it is a time");
        envelope.to_json().expect("it can be written") + "\n"
    };
    (0..envelopes).map(line).collect()
}

#[test]
fn the_pace_is_that_of_the_envelopes_so_many_times_as_fast() {
    let log = file(&log(5));
    let began = Instant::now();
    let output = replay(&[path(&log), "--pace", "x20"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 5);
    assert!(
        began.elapsed().as_millis() >= 200,
        "four seconds, 20 times as fast"
    );
}

#[test]
fn what_is_not_within_the_times_is_passed_over() {
    let log = file(&log(6));
    let (from, until) = ("2026-11-24T00:00:02Z", "2026-11-24T00:00:04Z");
    let output = replay(&[path(&log), "--from", from, "--until", until, "--stats"]);
    let printed = text(&output.stdout);
    assert_eq!(printed.lines().count(), 2, "{printed}");
    assert!(printed.contains(from) && !printed.contains(until));
    let output = replay(&[path(&log), "--from", "yesterday"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn one_envelope_is_published_for_each_line_that_is_entered() {
    let log = file(&log(5));
    let mut child = Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .args(["replay", "--pace", "step", path(&log)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut keys = child.stdin.take().expect("piped");
    keys.write_all(b"\n\n\n").expect("it reads");
    drop(keys);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(text(&output.stdout).lines().count(), 3);
    let output = replay(&["--pace", "step"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("the log must be a file"));
}

#[test]
fn a_pace_that_is_none_is_refused_and_so_is_one_beside_a_rate() {
    let log = file(&log(1));
    for pace in ["", "2", "x", "x0", "x-1", "xinf", "xnan", "fast"] {
        let output = replay(&[path(&log), "--pace", pace]);
        assert_eq!(output.status.code(), Some(2), "{pace}");
        assert_eq!(text(&output.stderr).lines().count(), 1);
    }
    let output = replay(&[path(&log), "--pace", "original", "--rate", "7"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_envelopes_of_an_audit_log_are_replayed_and_its_other_records_passed_over() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("audit.jsonl");
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).expect("it starts");
    let first = bus.send_command("kernel", Order::Ping).expect("open");
    bus.revoke(Capability::new("log:write"));
    let second = bus.send_command("kernel", Order::Ping).expect("open");
    log.close().expect("it was written");
    let log = path.to_str().expect("a text");
    let output = replay(&[log, "--audit", "--stats"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed: Vec<_> = text(&output.stdout).lines().collect();
    assert_eq!(printed.len(), 2);
    assert!(printed[0].contains(&first.to_string()) && printed[1].contains(&second.to_string()));
    let output = replay(&[log, "--audit", "--check"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = replay(&[log]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "no line is an envelope alone"
    );
}
