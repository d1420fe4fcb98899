//! A log that was tampered with: each thing that is missing from it or added to it is found.

use std::fs;

use oxide_bus::audit::{self, AuditLog, Finding, Options, Report};
use oxide_bus::{Command, MessageBus};

const OPENED: &str = r#"{"record":0,"at":0,"time":"2026-11-24T06:07:20Z","event":"opened"}"#;

/// The lines of a log with three envelopes, that was closed.
fn lines() -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    for _ in 0..3 {
        bus.send_command("kernel", Command::Ping).unwrap();
    }
    log.close().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn verified<S: AsRef<str>>(files: &[&[S]]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (files.iter().enumerate())
        .map(|(index, lines)| {
            let path = folder.path().join(index.to_string());
            let lines = lines.iter().map(|line| format!("{}\n", line.as_ref()));
            fs::write(&path, lines.collect::<String>()).unwrap();
            path
        })
        .collect();
    audit::verify(&paths).unwrap()
}

fn found(report: &Report) -> Vec<&Finding> {
    report.flaws.iter().map(|flaw| &flaw.what).collect()
}

#[test]
fn a_log_without_its_beginning_says_so() {
    let lines = lines();
    for missing in 1..lines.len() {
        let report = verified(&[&lines[missing..]]);
        assert_eq!(found(&report), [&Finding::NoBeginning]);
        assert!(!report.is_whole() && report.is_ended());
        assert_eq!((report.flaws[0].file, report.flaws[0].line), (0, 1));
    }
    assert_eq!(found(&verified::<&str>(&[&[]])), [&Finding::NoBeginning]);
    assert_eq!(found(&verified::<&str>(&[])), [&Finding::NoBeginning]);
}

#[test]
fn a_log_without_its_end_says_so_and_is_whole_as_far_as_it_goes() {
    let lines = lines();
    for kept in 1..lines.len() {
        let report = verified(&[&lines[..kept]]);
        assert!(report.is_whole() && !report.is_ended());
        assert_eq!((report.unended, report.records), (1, kept as u64));
    }
    // One that crashed, before one that did not; and what crashed just after it was rotated.
    let report = verified(&[&lines[..2], &lines[..]]);
    assert_eq!((report.runs, report.ended, report.unended), (2, 1, 1));
    let report = verified(&[&lines[..2], &[]]);
    assert!(report.is_whole());
    assert_eq!(report.unended, 1);
}

#[test]
fn a_record_after_the_end_is_found() {
    let lines = lines();
    let more = r#"{"record":5,"at":3,"time":"2026-11-24T06:07:20Z","event":"revoked"}"#;
    let report = verified(&[&lines[..], &[more.to_owned()]]);
    assert_eq!(found(&report), [&Finding::AfterTheEnd]);
}

#[test]
fn numbers_at_the_end_of_their_range_are_found_and_nothing_overflows() {
    let most = u64::MAX;
    let lost = format!(r#""at":1,"time":"","event":"lost","count":{most}"#);
    for (line, expected) in [
        (
            format!(r#"{{"record":{most},"at":0,"event":"revoked"}}"#),
            2,
        ),
        (
            format!(r#"{{"record":1,"at":0,"event":"unwritable","sequence":{most}}}"#),
            2,
        ),
        (format!(r#"{{"record":1,{lost}}}"#), 1),
    ] {
        let report = verified(&[&[OPENED, &line]]);
        assert_eq!(report.flaws.len(), expected, "{line}: {:?}", report.flaws);
        assert!(found(&report).contains(&&Finding::OutOfRange), "{line}");
    }
    let twice = [
        OPENED.to_owned(),
        format!(r#"{{"record":1,{lost}}}"#),
        format!(r#"{{"record":2,{lost}}}"#),
    ];
    assert_eq!(verified(&[&twice]).lost, most);
}

#[test]
fn what_is_quoted_is_escaped_and_cut() {
    let lines = lines();
    let event = r"\u001b[2J\n".to_owned() + &"x".repeat(10_000);
    let mut early = lines.clone();
    early[2] = format!(r#"{{"record":2,"at":3,"time":"","event":"{event}"}}"#);
    let report = verified(&[&early[..]]);
    let told = report.flaws[0].what.to_string();
    assert!(told.starts_with(r"`\u{1b}[2J\nxxx"), "{told}");
    assert!(told.len() < 400 && !told.contains(char::is_control));
}

#[test]
fn a_line_that_a_crash_has_torn_may_be_the_last_of_a_file_that_was_put_aside() {
    let lines = lines();
    let torn = [&lines[..3], &["{\"record\":3,\"seq".to_owned()]].concat();
    let report = verified(&[&torn[..], &lines[..]]);
    assert!(report.is_whole(), "{:?}", report.flaws);
    assert_eq!((report.torn, report.runs, report.unended), (1, 2, 1));
    // Of the same run nothing is torn.
    let report = verified(&[&torn[..], &lines[3..]]);
    assert_eq!(found(&report), [&Finding::NotARecord]);
    assert_eq!((report.flaws[0].file, report.flaws[0].line), (0, 4));
}
