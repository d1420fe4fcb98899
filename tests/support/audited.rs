//! What the tests of the audit log have at hand.

use std::fs;
use std::path::{Path, PathBuf};

use oxide_bus::MessageBus;
use oxide_bus::audit::{AuditLog, Options};
use serde_json::Value;
use tempfile::TempDir;

/// Where a log may be, until the folder is dropped.
pub(crate) fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    (folder, path)
}

pub(crate) fn records(path: &Path) -> Vec<Value> {
    (fs::read_to_string(path).unwrap().lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A log on a disk that is full, for which a test may have to wait while another has it.
#[cfg(target_os = "linux")]
pub(crate) fn on_a_full_disk(bus: &MessageBus, options: impl Fn() -> Options) -> AuditLog {
    loop {
        match AuditLog::start(bus, "/dev/full", options()) {
            Err(error) if error.io_error().kind() == std::io::ErrorKind::ResourceBusy => {
                std::thread::yield_now();
            }
            log => return log.unwrap(),
        }
    }
}
