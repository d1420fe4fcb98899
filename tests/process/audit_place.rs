//! Tests of where the files of an audit log are: in the folder where it began, whatever happens to the path that led
//! there, and never over a file of somebody else.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use oxide_bus::MessageBus;
use oxide_bus::audit::{self, AuditLog, Options};
use oxide_bus::kernel::Command;
use oxide_bus::limits::MAX_CAPACITY;

use crate::support::audited::place;

/// Publishes so much that the log is rotated a few times, then closes it.
fn fill(bus: &MessageBus, log: AuditLog) {
    for _ in 0..20 {
        bus.send_command("kernel", Command::Ping).unwrap();
    }
    log.close().unwrap();
}

fn rotated() -> Options {
    Options::new().sync(false).rotate_at(1_000)
}

/// Returns whether the whole log of 20 envelopes is in this folder.
fn is_whole_in(folder: &Path) -> bool {
    let mut paths: Vec<_> = (1..1_000)
        .map(|number| folder.join(format!("audit.jsonl.{number}")))
        .take_while(|path| path.exists())
        .collect();
    assert!(paths.len() > 2, "{paths:?}");
    paths.push(folder.join("audit.jsonl"));
    let report = audit::verify(&paths).unwrap();
    report.is_whole() && report.is_ended() && report.envelopes == 20
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

const FOLDER: &str = "OXIDE_BUS_AUDIT_FOLDER";

/// Begins a log in one folder, then changes to the other.
fn wander(folder: &Path) {
    let bus = MessageBus::new();
    env::set_current_dir(folder.join("one")).unwrap();
    let log = AuditLog::start(&bus, "audit.jsonl", rotated()).unwrap();
    env::set_current_dir(folder.join("other")).unwrap();
    fill(&bus, log);
}

/// The current folder belongs to the whole process, so this test runs itself again in a process of its own.
#[test]
fn a_log_that_was_begun_by_a_relative_path_stays_where_it_is_when_the_program_goes_elsewhere() {
    if let Some(folder) = env::var_os(FOLDER) {
        return wander(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
    fs::create_dir(&one).unwrap();
    fs::create_dir(&other).unwrap();
    fs::write(other.join("audit.jsonl"), "somebody else's").unwrap();
    let name = "audit_place::a_log_that_was_begun_by_a_relative_path_stays_where_it_is_when_the_program_goes_elsewhere";
    let wanderer = Process::new(env::current_exe().unwrap())
        .args(["--exact", name])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(wanderer.status.success(), "{wanderer:?}");
    assert!(is_whole_in(&one));
    assert_eq!(names(&other), [other.join("audit.jsonl")]);
    let text = fs::read_to_string(other.join("audit.jsonl")).unwrap();
    assert_eq!(text, "somebody else's");
}

#[cfg(unix)]
#[test]
fn a_log_that_was_begun_by_way_of_a_link_stays_where_it_is_when_the_link_leads_elsewhere() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let [one, other, link] = ["one", "other", "link"].map(|name| folder.path().join(name));
    fs::create_dir(&one).unwrap();
    fs::create_dir(&other).unwrap();
    fs::write(other.join("audit.jsonl"), "somebody else's").unwrap();
    symlink(&one, &link).unwrap();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, link.join("audit.jsonl"), rotated()).unwrap();
    fs::remove_file(&link).unwrap();
    symlink(&other, &link).unwrap();
    fill(&bus, log);
    assert!(is_whole_in(&one));
    assert_eq!(names(&other), [other.join("audit.jsonl")]);
}

#[cfg(unix)]
#[test]
fn a_log_whose_file_was_replaced_puts_nothing_aside_and_says_so() {
    let (folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, rotated()).unwrap();
    fs::rename(&path, folder.path().join("moved")).unwrap();
    fs::write(&path, "somebody else's").unwrap();
    for _ in 0..20 {
        bus.send_command("kernel", Command::Ping).unwrap();
    }
    let error = log.close().unwrap_err();
    assert!(
        error.io_error().to_string().contains("replaced"),
        "{error:?}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "somebody else's");
    assert_eq!(names(folder.path()).len(), 2);
    // The envelopes written before are there.
    let report = audit::verify([folder.path().join("moved")]).unwrap();
    assert!(report.is_whole() && report.envelopes > 0, "{report}");
}

#[test]
fn a_log_that_cannot_be_begun_leaves_no_file_behind() {
    let (folder, path) = place();
    let bus = MessageBus::new();
    let closed = MessageBus::new();
    closed.close();
    for capacity in [0, MAX_CAPACITY + 1] {
        let options = Options::new().capacity(capacity);
        assert!(AuditLog::start(&bus, &path, options).is_err());
    }
    assert!(AuditLog::start(&closed, &path, Options::new()).is_err());
    assert_eq!(names(folder.path()).len(), 0);
    // A file that existed before stays, and may be a log's.
    fs::write(&path, "").unwrap();
    assert!(AuditLog::start(&closed, &path, Options::new()).is_err());
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    assert!(AuditLog::start(&closed, &path, Options::new()).is_err());
    log.close().unwrap();
    assert!(audit::verify([&path]).unwrap().is_whole());
}
