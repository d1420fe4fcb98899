//! Tests of `oxide-bus audit verify`, as its users see it.

use std::fs;
use std::path::Path;
use std::process::{Command as Process, Output};

use oxide_bus::audit::{AuditLog, Options};
use oxide_bus::codec::Codec;
use oxide_bus::kernel::{Command, Event};
use oxide_bus::{Bus, Envelope, MessageBus};

use crate::support::command::text;

fn verify(paths: &[&Path]) -> Output {
    Process::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .args(["audit", "verify"])
        .args(paths)
        .output()
        .unwrap()
}

#[test]
fn a_log_whose_tail_was_cut_off_does_not_have_the_head_that_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new().hash_chain(true)).unwrap();
    bus.send_command("kernel", Command::Ping).unwrap();
    let record = log.flush().unwrap();
    let head = log.head().unwrap().to_string();
    log.close().unwrap();
    let verify_head = |head: &str| {
        let mut verify = Process::new(env!("CARGO_BIN_EXE_oxide-bus"));
        verify.args(["audit", "verify", "--head", head]).arg(&path);
        verify.output().unwrap()
    };
    let output = verify_head(&head);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("\nheads      2\n"));

    let whole = fs::read_to_string(&path).unwrap();
    let kept: Vec<_> = whole.split_inclusive('\n').take(2).collect();
    fs::write(&path, kept.concat()).unwrap();
    let output = verify_head(&head);
    assert_eq!(output.status.code(), Some(1));
    let told = format!("record {record} does not have the head that was kept");
    assert!(text(&output.stderr).contains(&told));

    let output = verify_head("7:abc");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("64 lowercase hexadecimal digits"));
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
    assert!(text(&output.stderr).contains("runs without a closing record: 1;"));

    fs::write(&path, format!("{whole}garbage")).unwrap();
    let output = verify(&[&path]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("runs without a closing record: 1;"));

    fs::write(
        &path,
        whole.replace(r#""event":"ended""#, r#""event":"granted""#),
    )
    .unwrap();
    let output = verify(&[&path]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(
        told.contains("line 5: `granted` is not as a log writes it"),
        "{told}"
    );

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

#[test]
fn a_log_that_was_written_with_larger_limits_is_read_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let large = Codec::new()
        .max_bytes(3_000_000)
        .max_depth(100)
        .max_nodes(200_000)
        .max_string(2_000_000)
        .max_name(1_000);
    let bus = MessageBus::new();
    let options = Options::new().codec(large);
    let log = AuditLog::start(&bus, &path, options).unwrap();
    let nested = (0..90).fold(serde_json::Value::Null, |inner, _| {
        serde_json::json!([inner])
    });
    for payload in [
        serde_json::json!("x".repeat(2_000_000)),
        serde_json::json!(vec![0; 100_000]),
        nested,
        serde_json::Value::Null,
    ] {
        let event = Event::Custom {
            module_id: "filler".into(),
            kind: "fill".into(),
            payload,
        };
        bus.emit_event("x".repeat(1_000), event).unwrap();
    }
    log.close().unwrap();
    let options = [
        ("--max-bytes", "3000000"),
        ("--max-depth", "100"),
        ("--max-nodes", "200000"),
        ("--max-string", "2000000"),
        ("--max-name", "1000"),
    ];
    let with = |options: &[(&str, &str)]| {
        let arguments = options
            .iter()
            .flat_map(|(name, value)| [Path::new(name), Path::new(value)]);
        verify(&arguments.chain([path.as_path()]).collect::<Vec<_>>())
    };
    let output = with(&options);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("envelopes  4\n"));
    // Each of the options is needed.
    for index in 0..options.len() {
        let mut fewer = options.to_vec();
        fewer.remove(index);
        assert_eq!(with(&fewer).status.code(), Some(1), "{:?}", options[index]);
    }
    for wrong in [
        ("--max-depth", "128"),
        ("--max-depth", "0"),
        ("--max-bytes", "0"),
        ("--max-name", "-1"),
    ] {
        assert_eq!(with(&[wrong]).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn a_healthy_log_of_other_messages_is_whole_and_with_a_flag_they_are_of_another_vocabulary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let bus = Bus::<String>::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    for _ in 0..3 {
        bus.publish(Envelope::new("poet", "verse".to_owned()))
            .unwrap();
    }
    log.close().unwrap();
    let output = verify(&[&path]);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));

    let insist = Path::new("--messages");
    let output = verify(&[insist, &path]);
    assert_eq!(output.status.code(), Some(4));
    let told = text(&output.stderr);
    assert!(told.contains("line 2: a message of another vocabulary: "));
    assert!(told.contains("whole envelopes with messages of another vocabulary: 3"));

    // Damage gets another answer.
    let whole = fs::read_to_string(&path).unwrap();
    let damaged = whole.replacen(r#""source":"poet""#, r#""source":7"#, 1);
    fs::write(&path, damaged).unwrap();
    let output = verify(&[insist, &path]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("line 2: envelope: "), "{told}");
    assert!(told.contains("of another vocabulary: 2"), "{told}");
}

#[test]
fn a_file_that_is_no_log_is_named_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl.1.gz");
    fs::write(&path, [&b"\x1f\x8b\x08\0"[..], &[b'\n'; 1_000]].concat()).unwrap();
    let output = verify(&[&path]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("line 1: not an audit log, but a gzip file"));
}

#[cfg(unix)]
#[test]
fn a_log_to_which_the_summary_would_go_is_refused_under_any_name_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let [path, link, other] = ["audit.jsonl", "link", "other"].map(|name| folder.path().join(name));
    let bus = MessageBus::new();
    for path in [&path, &other] {
        AuditLog::start(&bus, path, Options::new())
            .and_then(AuditLog::close)
            .unwrap();
    }
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    for paths in [&[&path][..], &[&link], &[&other, &path]] {
        let output = Process::new(env!("CARGO_BIN_EXE_oxide-bus"))
            .args(["audit", "verify"])
            .args(paths)
            .stdout(fs::File::options().append(true).open(&path).unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let name = paths[paths.len() - 1].display();
        let told = format!("oxide-bus: {name}: the input is also the output\n");
        assert_eq!(text(&output.stderr), told);
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    }
}
