//! Writing JSON, and no more of it than is wanted.

use std::io::{self, Write};

use serde::ser::Serialize;

/// Writes in one line and in no more bytes than that: one that would take more costs no more memory.
///
/// # Errors
///
/// What the value's own implementation says; an error of input and output where it would take more.
pub(super) fn write(value: &impl Serialize, limit: usize) -> serde_json::Result<String> {
    let mut output = Bounded {
        bytes: Vec::with_capacity(limit.min(256)),
        limit,
    };
    serde_json::to_writer(&mut output, value)?;
    let mut json = String::from_utf8(output.bytes).map_err(serde::ser::Error::custom)?;
    // Only a `RawValue` can have brought line breaks, and only between its tokens: within strings they
    // are escaped.
    if json.contains(LINE_BREAKS) {
        json = json.replace(LINE_BREAKS, " ");
    }
    Ok(json)
}

const LINE_BREAKS: [char; 2] = ['\n', '\r'];

struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.limit - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
