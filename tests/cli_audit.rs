//! `oxide-bus audit verify`, as its users meet it.
#![cfg(feature = "cli")]

#[path = "support/command.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command as Process, Output};

use oxide_bus::audit::{AuditLog, Options};
use oxide_bus::{Command, MessageBus};

use support::text;

fn verify(paths: &[&Path]) -> Output {
    Process::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .args(["audit", "verify"])
        .args(paths)
        .output()
        .unwrap()
}

#[test]
fn a_whole_log_a_torn_one_one_with_a_gap_and_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    for _ in 0..3 {
        bus.send_command("kernel", Command::Ping).unwrap();
    }
    log.close().unwrap();

    let output = verify(&[&path]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
    let summary = "records    5\nenvelopes  3\nlost       0\nruns       1\nended      1\nunended    0\ntorn       0\nflaws      0\n";
    assert_eq!(text(&output.stdout), summary);

    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let output = verify(&[&path]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stdout).contains("\nunended    1\ntorn       1\n"));
    assert!(text(&output.stderr).contains("1 ends without a closing record"));

    let mut lines: Vec<_> = whole.lines().collect();
    lines.remove(2);
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let output = verify(&[&path]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("line 3: record 3 instead of 2"), "{told}");
    assert!(told.contains("line 3: envelope 2 instead of 1"), "{told}");

    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let output = verify(&[&empty]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("line 1: no opening record"));

    let rest = whole.split_once('\n').unwrap().1;
    fs::write(&path, rest).unwrap();
    assert_eq!(verify(&[&path]).status.code(), Some(1));
    let continued = verify(&[Path::new("--continued"), &path]);
    assert_eq!(continued.status.code(), Some(0));

    let missing = folder.path().join("missing");
    let output = verify(&[&missing]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("missing"));
    assert_eq!(verify(&[]).status.code(), Some(2));
}
