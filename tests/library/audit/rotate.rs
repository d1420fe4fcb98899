//! How an audit log that is rotated names its files: none is ever written over.
#![cfg(unix)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use oxide_bus::audit::{self, AuditLog, Options};
use oxide_bus::{Command, MessageBus};

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
