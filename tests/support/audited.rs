//! Helpers of the audit log's tests.

use std::fs;
use std::path::{Path, PathBuf};

use oxide_bus::MessageBus;
use oxide_bus::audit::{AuditLog, Options};
use serde_json::Value;
use tempfile::TempDir;

/// Returns a path for a log, and the folder that holds it until it is dropped.
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

/// Starts a log on a full disk. The call may wait while another test uses that disk.
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
