//! Helpers of the command's tests.

use std::fs;
use std::io::Write;

use tempfile::NamedTempFile;

/// A log of some hundred lines with awkward names, times, numbers and forms.
pub(crate) const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/awkward.jsonl");

pub(crate) fn sample() -> String {
    fs::read_to_string(SAMPLE).expect("the sample is there")
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it is UTF-8")
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
