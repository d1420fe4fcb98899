//! Tests with logs that were tampered with: the verifier finds everything that was removed or added.

use std::fs;

use oxide_bus::audit::{self, AuditLog, Finding, Options, Report, Verifier};
use oxide_bus::codec::{Codec, ErrorKind, FileKind};
use oxide_bus::kernel::{Command, Message};
use oxide_bus::{Bus, Envelope, MessageBus};

const OPENED: &str = r#"{"record":0,"at":0,"time":"2026-11-24T06:07:20Z","event":"opened"}"#;

/// The fields of a `revoked` record after `record` and `at`.
const REVOKED: &str = r#""time":"2026-11-24T06:07:20Z","event":"revoked","capability":"log:write""#;

/// The fields of a `granted` record after `record` and `at`, up to `why`.
const GRANTED: &str = r#""time":"2026-11-24T06:07:20Z","event":"granted","capability":"c","#;

/// Returns the lines of a closed log with three envelopes.
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
    report.flaws.iter().map(|flaw| &flaw.finding).collect()
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
    // A run that crashed, followed by one that did not; then a run that crashed just after a rotation.
    let report = verified(&[&lines[..2], &lines[..]]);
    assert_eq!((report.runs, report.ended, report.unended), (2, 1, 1));
    let report = verified(&[&lines[..2], &[]]);
    assert!(report.is_whole());
    assert_eq!(report.unended, 1);
}

#[test]
fn a_record_after_the_end_is_found() {
    let lines = lines();
    let more = format!(r#"{{"record":5,"at":3,{REVOKED}}}"#);
    let report = verified(&[&lines[..], &[more]]);
    assert_eq!(found(&report), [&Finding::AfterTheEnd]);
}

#[test]
fn numbers_at_the_end_of_their_range_are_found_and_nothing_overflows() {
    let most = u64::MAX;
    let time = r#""time":"2026-11-24T06:07:20Z""#;
    let lost = format!(r#"{time},"event":"lost","count":{most}"#);
    let unwritable = format!(
        r#"{time},"event":"unwritable","id":"00000000-0000-0000-0000-000000000000","source":"","why":"""#
    );
    for (line, expected) in [
        // The number is not the next one.
        (format!(r#"{{"record":{most},"at":0,{REVOKED}}}"#), 2),
        // Early, with another number, and unwritable.
        (
            format!(r#"{{"record":1,"at":{most},"sequence":{most},{unwritable}}}"#),
            4,
        ),
        // Early.
        (format!(r#"{{"record":1,"at":1,{lost}}}"#), 2),
    ] {
        let report = verified(&[&[OPENED, &line]]);
        assert_eq!(report.flaws.len(), expected, "{line}: {:?}", report.flaws);
        assert!(found(&report).contains(&&Finding::OutOfRange), "{line}");
    }
    let twice = [
        OPENED.to_owned(),
        format!(r#"{{"record":1,"at":0,{lost}}}"#),
        format!(r#"{{"record":2,"at":{most},{lost}}}"#),
    ];
    assert_eq!(verified(&[&twice]).lost, most);
}

#[test]
fn what_is_quoted_is_escaped_and_cut() {
    let lines = lines();
    let event = r"\u001b[2J\nx\ufe0f".to_owned() + &"x".repeat(10_000);
    let mut early = lines.clone();
    early[2] = format!(r#"{{"record":2,"at":3,"time":"","event":"{event}"}}"#);
    let report = verified(&[&early[..]]);
    let told = report.flaws[0].finding.to_string();
    assert!(told.starts_with(r"`\u{1b}[2J\nx\u{fe0f}xxx"), "{told}");
    assert!(told.len() < 400 && !told.contains(char::is_control));
}

#[test]
fn a_line_that_a_crash_has_torn_may_be_the_last_of_a_file_that_was_put_aside() {
    let lines = lines();
    let torn = [&lines[..3], &["{\"record\":3,\"seq".to_owned()]].concat();
    let report = verified(&[&torn[..], &lines[..]]);
    assert!(report.is_whole(), "{:?}", report.flaws);
    assert_eq!((report.torn, report.runs, report.unended), (1, 2, 1));
    // Where the same run goes on in the next file, such a line is not a torn one but a flaw.
    let report = verified(&[&torn[..], &lines[3..]]);
    assert_eq!(found(&report), [&Finding::NotARecord]);
    assert_eq!((report.flaws[0].file, report.flaws[0].line), (0, 4));
}

#[test]
fn a_log_that_was_written_with_larger_limits_is_read_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let large = Codec::new().max_bytes(4_000_000).max_string(3_000_000);
    let bus = Bus::<String>::new();
    let log = AuditLog::start(&bus, &path, Options::new().codec(large)).unwrap();
    for bytes in [1, 300_000, 3_000_000] {
        bus.publish(Envelope::new("poet", "x".repeat(bytes)))
            .unwrap();
    }
    log.close().unwrap();

    let report = Verifier::new()
        .codec(large)
        .messages::<String>()
        .files([&path])
        .unwrap();
    assert!(report.is_whole() && report.is_ended(), "{:?}", report.flaws);
    assert_eq!((report.records, report.envelopes), (5, 3));

    // The second envelope is over a limit, and the line of the third is too long to be a record.
    let report = Verifier::new().messages::<String>().files([&path]).unwrap();
    let string = ErrorKind::StringTooLong(256 * 1024);
    assert_eq!(
        found(&report)[..2],
        [&Finding::Envelope(string), &Finding::NotARecord]
    );
    assert_eq!(report.flaws[1].line, 4);

    // No envelope holds a `Message`.
    let verifier = Verifier::new().codec(large);
    let report = verifier.messages::<Message>().files([&path]).unwrap();
    assert_eq!((report.flaws.len(), report.foreign), (3, 3));
    assert!(
        found(&report)
            .iter()
            .all(|it| matches!(it, Finding::Message(_)))
    );
}

#[test]
fn a_log_of_any_messages_is_whole_and_with_a_vocabulary_the_others_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let bus = Bus::<Vec<u32>>::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    for _ in 0..3 {
        bus.publish(Envelope::new("counter", vec![1, 2])).unwrap();
    }
    log.close().unwrap();
    let report = audit::verify([&path]).unwrap();
    assert!(report.is_whole() && report.is_ended(), "{:?}", report.flaws);

    // A damaged envelope is not reported as one of another vocabulary.
    let text = fs::read_to_string(&path).unwrap();
    let damaged = text.replacen(r#""source":"counter""#, r#""source":"""#, 1);
    fs::write(&path, &damaged).unwrap();
    let no_source = Finding::Envelope(ErrorKind::BadName("source"));
    assert_eq!(found(&audit::verify([&path]).unwrap()), [&no_source]);
    let insisting = Verifier::new().messages::<Message>();
    let report = insisting.files([&path]).unwrap();
    assert_eq!(found(&report)[0], &no_source);
    for other in &found(&report)[1..] {
        assert!(other.to_string().contains("another vocabulary"), "{other}");
    }
    assert_eq!((report.flaws.len(), report.foreign), (3, 2));
}

#[test]
fn the_names_in_a_message_are_held_to_the_limits_only_with_the_vocabulary() {
    let lines = lines();
    let ping = r#"{"kind":"command","type":"ping"}"#;
    let long = format!(
        r#"{{"kind":"event","type":"pong","from":"{}"}}"#,
        "x".repeat(257)
    );
    let text = (lines.join("\n") + "\n").replace(ping, &long);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    fs::write(&path, text).unwrap();
    assert!(audit::verify([&path]).unwrap().is_whole());
    let insisting = Verifier::new().messages::<Message>();
    assert_eq!(insisting.files([&path]).unwrap().foreign, 3);
}

/// Returns what the verifier finds in files with these bytes.
fn found_in(files: &[&[u8]]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let paths = (files.iter().enumerate()).map(|(index, bytes)| {
        let path = folder.path().join(index.to_string());
        fs::write(&path, bytes).unwrap();
        path
    });
    audit::verify(paths.collect::<Vec<_>>()).unwrap()
}

#[test]
fn a_byte_order_mark_at_the_start_of_a_file_is_passed_over_and_elsewhere_it_is_not() {
    let text = lines().join("\n") + "\n";
    let marked = format!("\u{feff}{text}");
    let report = found_in(&[marked.as_bytes(), marked.as_bytes()]);
    assert!(report.is_whole() && report.is_ended(), "{:?}", report.flaws);
    assert_eq!((report.runs, report.records), (2, 10));
    let twice = format!("\u{feff}{marked}");
    assert!(!found_in(&[twice.as_bytes()]).is_whole());
    let within = text.replacen('\n', "\n\u{feff}", 1);
    let report = found_in(&[within.as_bytes()]);
    assert_eq!(found(&report)[0], &Finding::NotARecord);
}

#[test]
fn a_file_that_is_no_log_is_named_once_and_the_next_is_read() {
    let lines = lines();
    let (first, rest) = lines.split_at(2);
    let [first, rest, text] = [first, rest, &lines].map(|lines| lines.join("\n") + "\n");
    let utf16: Vec<u8> = (format!("\u{feff}{text}").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let gzip = [&b"\x1f\x8b\x08\0"[..], "\nnoise".repeat(1_000).as_bytes()].concat();
    let prose = "It is no log at all.\n".repeat(10_000);
    let envelopes = "{\"id\":7}\n".repeat(20);
    for (bytes, looks_like) in [
        (&*utf16, Some(FileKind::Utf16)),
        (&gzip, Some(FileKind::Gzip)),
        (prose.as_bytes(), None),
        (envelopes.as_bytes(), None),
        (b"One line.\nAnd one without an end.", None),
        (b"One line.\n", None),
        (b"One line without an end.", None),
    ] {
        let named = Finding::NotALog { looks_like };
        let alone = found_in(&[bytes]);
        assert_eq!(found(&alone), [&named]);
        assert_eq!((alone.records, alone.torn, alone.unended), (0, 0, 0));
        let before = found_in(&[bytes, text.as_bytes()]);
        assert_eq!(found(&before), [&named]);
        assert!(before.is_ended());
        // Such bytes may be what one run should have ended with, and what the next should have begun with.
        let between = found_in(&[first.as_bytes(), bytes, rest.as_bytes()]);
        assert_eq!(found(&between), [&named]);
        assert_eq!((between.flaws[0].file, between.flaws[0].line), (1, 1));
        assert_eq!((between.records, between.ended, between.unended), (5, 1, 1));
    }
}

#[test]
fn a_file_of_one_torn_record_is_a_log() {
    for torn in [&b"{\"record\":0,\"at\""[..], &[0; 100]] {
        let report = found_in(&[torn]);
        assert_eq!(found(&report), [&Finding::NoBeginning]);
        assert_eq!((report.torn, report.unended), (1, 1));
    }
}

#[test]
fn a_run_that_ends_in_a_torn_line_before_a_file_that_is_no_log_is_one_without_an_end() {
    let torn = format!("{}\n{{\"record\":1,", lines()[0]);
    let report = found_in(&[torn.as_bytes(), b"\x1f\x8b\x08"]);
    assert_eq!((report.runs, report.torn, report.unended), (1, 1, 1));
}

#[test]
fn a_log_whose_first_lines_are_damaged_is_still_a_log() {
    let text = format!("garbage\n{{\"id\":7}}\n{}\n", lines().join("\n"));
    let report = found_in(&[text.as_bytes()]);
    assert_eq!(found(&report), [&Finding::NotARecord; 2]);
    assert_eq!((report.flaws[1].line, report.records), (2, 5));
}

#[test]
fn a_line_as_long_as_one_may_be_is_read_and_a_longer_one_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let tiny = Verifier::new().codec(Codec::new().max_bytes(1_000));
    let longest = 1024 * 1024 + 1_000;
    let verified = |bytes: usize, end: &str| {
        let why = "x".repeat(
            bytes - format!(r#"{{"record":1,"at":0,{GRANTED}"why":""}}"#).len() - end.len(),
        );
        let line = format!(r#"{{"record":1,"at":0,{GRANTED}"why":"{why}"}}{end}"#);
        assert_eq!(line.len(), bytes);
        fs::write(&path, format!("{OPENED}\n{line}")).unwrap();
        let mut report = None;
        let taken = allocation_counter::measure(|| report = Some(tiny.files([&path]).unwrap()));
        assert!(taken.bytes_max < 6 * 1024 * 1024, "{taken:?}");
        let report = report.unwrap();
        (report.records, report.torn)
    };
    assert_eq!(verified(longest, "\n"), (2, 0));
    assert_eq!(verified(longest + 1, "\n"), (1, 1));
    assert_eq!(verified(longest, ""), (1, 1));
    assert_eq!(verified(50_000_000, "\n"), (1, 1));
}
