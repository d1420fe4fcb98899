//! Helpers of the command's tests.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::NamedTempFile;

/// No run may take longer to end, nor to come to what is waited for.
const DEADLINE: Duration = Duration::from_secs(20);

/// A log of some hundred lines with awkward names, times, numbers and forms.
pub(crate) const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/awkward.jsonl");

pub(crate) fn sample() -> String {
    fs::read_to_string(SAMPLE).expect("the sample is there")
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it is UTF-8")
}

/// Returns the result of `wait`. If that takes too long, kills the child and fails.
pub(crate) fn in_time<T: Send + 'static>(
    child: u32,
    wait: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (tell, end) = mpsc::channel();
    thread::spawn(move || tell.send(wait()));
    end.recv_timeout(DEADLINE).unwrap_or_else(|_| {
        signal("KILL", child);
        panic!("it has not come to that within {DEADLINE:?}")
    })
}

pub(crate) fn signal(name: &str, process: u32) {
    let status = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}

pub(crate) fn file(content: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("there is a place for files");
    file.write_all(content.as_bytes())
        .expect("it can be written");
    file
}

pub(crate) fn path(file: &NamedTempFile) -> &str {
    file.path().to_str().expect("it is UTF-8")
}
