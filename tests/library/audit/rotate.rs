//! Tests of file names under rotation: the log never writes over a file.
#![cfg(unix)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use oxide_bus::MessageBus;
use oxide_bus::audit::{self, AuditLog, Options};
use oxide_bus::kernel::Command;

#[test]
fn files_whose_name_is_no_text_are_put_aside_under_a_number_each() {
    let folder = tempfile::tempdir().unwrap();
    let name = |end: &str| -> PathBuf {
        let name = [b"audit\xff.jsonl", end.as_bytes()].concat();
        folder.path().join(OsString::from_vec(name))
    };
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, name(""), Options::new().rotate_at(500)).unwrap();
    for _ in 0..50 {
        bus.send_command("kernel", Command::Ping).unwrap();
    }
    log.close().unwrap();
    let mut paths: Vec<_> = (1..1_000)
        .map(|number| name(&format!(".{number}")))
        .take_while(|path| path.exists())
        .collect();
    assert!(paths.len() > 10, "{paths:?}");
    paths.push(name(""));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), paths.len());
    let report = audit::verify(&paths).unwrap();
    assert!(report.is_whole() && report.is_ended(), "{:?}", report.flaws);
    assert_eq!(report.envelopes, 50);
}

#[test]
fn the_newest_file_of_a_log_is_there_after_its_end_though_the_last_record_filled_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new().rotate_at(1)).unwrap();
    bus.send_command("kernel", Command::Ping).unwrap();
    log.close().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 0); // each record has filled a file
    let paths = [
        "audit.jsonl.1",
        "audit.jsonl.2",
        "audit.jsonl.3",
        "audit.jsonl",
    ];
    let report = audit::verify(paths.map(|name| folder.path().join(name))).unwrap();
    assert!(report.is_whole() && report.is_ended(), "{report:?}");
}
